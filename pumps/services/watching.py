"""The auditor's round: what forecasts call for and nobody was told of; with what it finds of alerts and messages."""

from datetime import datetime, timedelta

from django.db.models import Count, Exists, OuterRef, Q

from alerts.models import Alert, Heartbeat
from alerts.services import auditing, engine
from alerts.services.alone import alone
from alerts.services.auditing import Finding
from clinical.saying import say
from pumps.models import Forecast
from pumps.queries import ForecastQuerySet

FULLY = "audit fully"
# Everything is gone through once a day, from this hour UTC on.
NIGHT_HOUR = 3
# A round looks at pumps that have passed their date since so long ago; the night at all.
LATELY = timedelta(hours=1)


def look(now: datetime) -> bool:
    """What a few ranges of indexes tell, whatever the size of the fleet; False if another is looking just now."""
    with alone("audit") as is_alone:
        if is_alone:
            # Just past its date: the unknown, which sort first, are not among them.
            lately = Forecast.objects.on_worklist().filter(worklist_at__lte=now, worklist_at__gt=now - LATELY)
            findings = [*_not_opened(now), *_unwatched(lately, now), *auditing.look(now)]
            auditing.settle(findings, now)
    return is_alone


def look_fully_if_due(now: datetime) -> bool:
    """Once a night: every pump in use and every open alert. Whether it was done now."""
    tonight = now.replace(hour=NIGHT_HOUR, minute=0, second=0, microsecond=0)
    since = tonight if tonight <= now else tonight - timedelta(days=1)
    if Heartbeat.objects.filter(name=FULLY, at__gte=since, at__lte=now).exists():
        return False
    return look_fully(now)


def look_fully(now: datetime) -> bool:
    """Every pump in use and every open alert; False if another is looking just now."""
    with alone("audit") as is_alone:
        if is_alone:
            findings = [*_not_opened(now), *_unwatched(Forecast.objects.all(), now), *auditing.look_fully(now)]
            auditing.settle(findings, now)
            engine.beat(FULLY, now=now)
    return is_alone


def _not_opened(now: datetime) -> list[Finding]:
    """Forecasts that call for an alert which no round has opened."""
    return _counted(say("forecasts due without an alert"), Forecast.objects.due(now - engine.patience()))


def _unwatched(rows: "ForecastQuerySet[Forecast]", now: datetime) -> list[Finding]:
    """Pumps in use that nobody will look at in time: made due now.

    Each has an open refill alert, or is looked at by its date at the latest; an unknown one has an alert open, or is
    looked at some time.
    """
    alerts = Alert.objects.open().filter(pump=OuterRef("pump"))
    known = Q(refill_by__isnull=False) & ~Exists(alerts.filter(kind=Alert.Kind.REFILL_DUE))
    unseen = known & (Q(next_alert_at=None) | Q(refill_by__lt=now, next_alert_at__gt=now))
    has_reason = ~Q(unknown_reason__in=("", "stopped", "stall"))
    unknown = Q(refill_by=None, next_alert_at=None) & has_reason & ~Exists(alerts)
    found = rows.filter(unseen | unknown, in_use=True)
    findings = _counted(say("pumps that nobody was looking at"), found)
    if findings:
        found.order_by().update(next_alert_at=now)
    return findings


def _counted(what: str, rows: "ForecastQuerySet[Forecast]") -> list[Finding]:
    found = rows.order_by("clinic").values("clinic").annotate(count=Count("pump"))
    return [Finding(row["clinic"], what, row["count"]) for row in found]

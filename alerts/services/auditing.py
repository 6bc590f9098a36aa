"""Nothing due is forgotten: what ought to be done by now and is not is found, told, and put right where that is safe.

Safe is what makes something due again: a telling too many is harmless, one too few is not. Each round looks at ranges
of indexes only (`look`); once a night every open alert is gone through (`look_fully`). What is found opens one alert a
clinic, to its administrators, and stays in its log.
"""

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, QuerySet

from alerts.models import Alert, AlertStep, Notification
from alerts.services import engine
from alerts.services.lifecycle import Opening, close, log, open_all
from clinical.escalation import LONGEST_REPEAT, Anchor, Deadlines, Tier
from clinical.saying import say
from clinics.roles import Role

logger = logging.getLogger(__name__)

LADDER = (Tier("urgent", Anchor.OPENED, 0, (Role.ADMINISTRATOR,), False, 12, False),)
# No telling follows another after longer than this; what is due later has been lost sight of.
LONGEST_SLEEP = timedelta(hours=LONGEST_REPEAT, days=1)
# The alert stands for so long at least, so that administrators hear of what was put right within a moment.
LASTING = timedelta(minutes=15)
FOUND, FORGOTTEN = say("found"), say("forgotten")
# So many rows are put right in one transaction.
BATCH = 500


@dataclass(frozen=True)
class Finding:
    """So many things of a clinic that were due and not done; `what` in words, for several."""

    clinic_id: int
    what: str
    count: int


def look(now: datetime) -> list[Finding]:
    """What the indexes of due times tell about alerts and messages."""
    since = now - engine.patience()
    tellings = Alert.objects.open().exclude(tier="")
    return [
        *count(say("alerts not told in time"), Alert.objects.due(since)),
        *count(say("messages not sent in time"), Notification.objects.late(since)),
        *_let_go(now),
        *_woken(say("alerts without a next time to tell"), Alert.objects.open().filter(next_due_at=None), now),
        *_woken(say("alerts asleep for too long"), tellings.filter(next_due_at__gt=now + LONGEST_SLEEP), now),
    ]


def look_fully(now: datetime) -> list[Finding]:
    """What only going through all open alerts tells: those that have begun and of which nobody was ever told.

    A visit that quiets an alert, or somebody who has acknowledged it, is reason enough for silence.
    """
    rows = Notification.objects.filter(alert=OuterRef("pk"))
    begun = Alert.objects.open().filter(opened_at__lte=now - engine.patience(), next_due_at__gt=now).exclude(tier="")
    unheard = begun.filter(~Exists(rows), booked_at=None).exclude(acknowledged_until__gt=now)
    return [*look(now), *_woken(say("alerts of which nobody was told"), unheard, now)]


def count(what: str, rows: "QuerySet[Alert] | QuerySet[Notification]") -> list[Finding]:
    """How many rows each clinic has."""
    found = rows.order_by("clinic").values("clinic").annotate(count=Count("pk"))
    return [Finding(row["clinic"], what, row["count"]) for row in found]


def _let_go(now: datetime) -> list[Finding]:
    """Messages in nobody's hands: marked as being sent, without a lease that would lapse."""
    held = Notification.objects.filter(state=Notification.State.SENDING, lease_until=None)
    found = count(say("messages held by nobody"), held)
    held.update(lease_until=now)
    return found


def _woken(what: str, alerts: "QuerySet[Alert]", now: datetime) -> list[Finding]:
    """Make alerts due now that would not be told otherwise."""
    clinics: dict[int, int] = defaultdict(int)
    while True:
        with transaction.atomic():
            batch = list(alerts.select_for_update(skip_locked=True, of=("self",))[:BATCH])
            Alert.objects.filter(pk__in=[alert.pk for alert in batch]).update(next_due_at=now)
            log(_newly(batch), FORGOTTEN, now, detail=say("%(what)s: due now", what=what))
        for alert in batch:
            clinics[alert.clinic_id] += 1
        if len(batch) < BATCH:
            return [Finding(clinic_id, what, number) for clinic_id, number in clinics.items()]


def _newly(alerts: Sequence[Alert]) -> list[Alert]:
    """Those whose log does not end with having been forgotten already."""
    later = AlertStep.objects.filter(alert=OuterRef("alert"), pk__gt=OuterRef("pk"))
    last = AlertStep.objects.filter(~Exists(later), alert__in=alerts, what=FORGOTTEN)
    known = set(last.values_list("alert_id", flat=True))
    return [alert for alert in alerts if alert.pk not in known]


def settle(findings: Iterable[Finding], now: datetime) -> None:
    """Open an alert at each clinic of which something was found, and close those of clinics where all is well again.

    One caller at a time.
    """
    words: dict[int, list[str]] = defaultdict(list)
    for finding in findings:
        words[finding.clinic_id].append(f"{finding.count} {finding.what}")
    with transaction.atomic():
        standing = Alert.objects.open().filter(kind=Alert.Kind.ENGINE_LATE, pump=None).select_for_update()
        for alert in standing.order_by("pk"):
            _keep(alert, words.pop(alert.clinic_id, []), now)
        openings = [
            Opening(clinic_id, None, None, Alert.Kind.ENGINE_LATE, Deadlines(opened_at=now), LADDER)
            for clinic_id in words
        ]
        open_all(openings, now=now)
        for alert in Alert.objects.open().filter(kind=Alert.Kind.ENGINE_LATE, pump=None, clinic__in=words):
            _say(alert, words[alert.clinic_id], now)


def _keep(alert: Alert, words: Sequence[str], now: datetime) -> None:
    if words:
        _say(alert, words, now)
    elif not alert.opened_at <= now < alert.opened_at + LASTING:
        close(alert, reason=say("nothing is late any more"), event_id=None, now=now)


def _say(alert: Alert, words: Sequence[str], now: datetime) -> None:
    """What was found last is on the alert; what was found first of each sort is in its log."""
    detail = "; ".join(words)[:500]
    is_news = _sorts(detail) != _sorts(alert.detail)
    if alert.detail != detail:
        alert.detail = detail
        alert.save(update_fields=["detail"])
    if is_news:
        logger.error("clinic %s: %s", alert.clinic_id, detail)
        log([alert], FOUND, now, detail=detail)


def _sorts(detail: str) -> set[str]:
    return {part.partition(" ")[2] for part in detail.split("; ")}

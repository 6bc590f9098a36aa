"""Alerts of what people report: when the ledger ends one, and when it is reported once more."""

from datetime import datetime, timedelta

from alerts.models import Alert, Report
from alerts.services import acknowledging, lifecycle
from clinical.saying import say
from pumps.models import Event, Forecast

Kind = Alert.Kind
ALARMS = acknowledging.ALARMS
# Opened by a report, an alarm also by an entry in the ledger. No forecast closes them by being quiet about them.
BY_PEOPLE = ALARMS | {Kind.WITHDRAWAL, Kind.OVERDOSE, Kind.CALL_BACK}
# After one of these somebody has looked at the pump (`clinical.watching`).
HEARD = frozenset({"alarm_one_tone", "alarm_two_tones"})
# An entry may be this far ahead of our clock (design, section 1).
CLOCKS_APART = timedelta(minutes=5)
LOOKED_AT = (Event.Kind.INTERROGATION, Event.Kind.REFILL, Event.Kind.STALL_RECOVERY)


def settle(row: Forecast, alert: Alert, *, calls: bool, event_id: int | None, now: datetime) -> bool:
    """Close an alarm's alert once somebody has looked at the pump; whether it was closed.

    `calls` says that an alarm in the ledger is still unsettled; one that was then heard the other way settles neither.
    `event_id` is the entry just recorded, if it closes what the ledger opened. Symptoms and the wish to be called end
    by hand alone.
    """
    if alert.kind not in ALARMS or calls or HEARD & {finding["code"] for finding in row.findings}:
        return False
    if alert.reports == 0:
        lifecycle.close(alert, reason=say("put right"), event_id=event_id, now=now)
        return True
    last = Report.objects.filter(alert=alert).latest("reported_at").reported_at
    event_id = _looked_at(alert, last, now)
    if event_id is None:
        return False
    lifecycle.close(alert, reason=say("the pump was looked at"), event_id=event_id, now=now)
    return True


def _looked_at(alert: Alert, since: datetime, now: datetime) -> int | None:
    """The entry by which somebody looked at the pump last after `since`."""
    events = Event.objects.standing().filter(pump=alert.pump_id, kind__in=LOOKED_AT)
    after = events.filter(occurred_at__gt=since, occurred_at__lte=now + CLOCKS_APART)
    return after.order_by("-occurred_at", "-pk").values_list("pk", flat=True).first()


def heard_again(event: Event, *, now: datetime) -> None:
    """An alarm was entered in the ledger: one whose alert stood open already is told again, acknowledged or not."""
    kind = Kind.PUMP_ALARM if event.tones == 1 else Kind.PUMP_ALARM_TWO_TONES
    alert = Alert.objects.open().select_for_update().filter(pump=event.pump_id, kind=kind, opened_at__lt=now).first()
    if alert is not None:
        lifecycle.tell_again(alert, now=now, why=say("an alarm was entered in the ledger"))


def is_decided(row: Forecast, kind: str) -> bool:
    """Whether somebody has settled by hand what the same fill would open again."""
    if kind != Kind.DISCREPANCY:
        return False
    decided = Alert.objects.filter(pump=row.pump_id, kind=kind, filled_at=row.filled_at, closed_at__isnull=False)
    return decided.filter(steps__what=acknowledging.RESOLVED).exists()

"""What a person decides about an open alert: that it is in hand for now, or that it is settled."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext, gettext_lazy

from alerts.models import Alert
from alerts.services import lifecycle
from clinical.escalation import Acknowledging, Deadlines, Tier, acknowledged_until, tier_at
from clinical.saying import say
from clinics.errors import Conflict, Impossible
from clinics.models import User

Kind = Alert.Kind
# What people report, or what ends by a decision. Everything else ends by what is recorded, and only so.
BY_HAND = frozenset(
    {
        Kind.WITHDRAWAL,
        Kind.OVERDOSE,
        Kind.PUMP_ALARM,
        Kind.PUMP_ALARM_TWO_TONES,
        Kind.CALL_BACK,
        Kind.DISCREPANCY,
        Kind.DELIVERY_FAILED,
        Kind.ENGINE_LATE,
    }
)
ALARMS = frozenset({Kind.PUMP_ALARM, Kind.PUMP_ALARM_TWO_TONES})
_LOOKED_AT = gettext_lazy("Record the interrogation or the refill: this ends it.")
# How each other kind ends, said to somebody who tries to close it.
ENDS_BY = {
    Kind.REFILL_DUE: gettext_lazy("Record the refill: this ends it."),
    Kind.PUMP_STOPPED: gettext_lazy("Record the restart, or the end of therapy: this ends it."),
    Kind.PUMP_STALLED: gettext_lazy("Record the recovery from the stall: this ends it."),
    Kind.APPOINTMENT_LATE: gettext_lazy("Book a visit in time, or record the refill: this ends it."),
    Kind.NO_SHOW: gettext_lazy("Book another visit, or record the refill: this ends it."),
    Kind.PUMP_ALARM: _LOOKED_AT,
    Kind.PUMP_ALARM_TWO_TONES: _LOOKED_AT,
    Kind.NOBODY_ON_CALL: gettext_lazy("It ends as soon as somebody is on call."),
}
RESOLVED = say("resolved")
LONGEST_NOTE, LONGEST_NAME = 350, 100


@transaction.atomic
def acknowledge(
    *, alert_id: int, until: datetime | None, note: str, spoken_with: str, by: User, now: datetime
) -> Alert:
    """Quiet an open alert: nobody is told before `until`, or before the longest its tier allows, if that is sooner.

    None for as long as it may. It never closes an alert, and one that is acknowledged already can be cut short but not
    prolonged: 72 hours and never beyond `refill_by`; past it 4 hours; low or empty 1 hour. Source: design, section 3.

    Raises:
        Alert.DoesNotExist: no such alert.
        Conflict: it is closed.
        Impossible: `until` has passed, or what the tier asks for is missing; messages per field.
    """
    alert = _locked(alert_id)
    tier, deadlines = _now(alert, now)
    _check(tier, until, note, spoken_with, now)
    running = alert.acknowledged_until
    alert.acknowledged_until = acknowledged_until(tier, deadlines, now, wanted=until, running=running)
    alert.acknowledged_by, alert.acknowledged_note = by, _said(note, spoken_with)
    alert.next_due_at = alert.acknowledged_until
    alert.save()
    local = alert.acknowledged_until.astimezone(alert.clinic.zone)
    values = {"by": by, "time": f"{local:%Y-%m-%d %H:%M}", "timezone": alert.clinic.timezone}
    if alert.acknowledged_note:
        told = say("by %(by)s, until %(time)s (%(timezone)s): %(note)s", note=alert.acknowledged_note, **values)
    else:
        told = say("by %(by)s, until %(time)s (%(timezone)s)", **values)
    lifecycle.log([alert], say("acknowledged"), now, detail=told[:500])
    return alert


def longest(alert: Alert, now: datetime) -> datetime:
    """Until when the alert can be acknowledged now."""
    tier, deadlines = _now(alert, now)
    return acknowledged_until(tier, deadlines, now, wanted=None, running=alert.acknowledged_until)


def asks_for(alert: Alert, now: datetime) -> tuple[str, ...]:
    """What an acknowledgement has to hold in the tier the alert is in now."""
    tier, _ = _now(alert, now)
    return tier.acknowledging if tier is not None else ()


def may_resolve(alert: Alert) -> bool:
    """Whether the alert is closed by hand. An alarm that nobody but the ledger knows of ends by the ledger."""
    return alert.kind in BY_HAND and (alert.kind not in ALARMS or alert.reports > 0)


@transaction.atomic
def resolve(*, alert_id: int, note: str, by: User, now: datetime) -> Alert:
    """Close an alert of what people report, or of what ends by a decision, saying what was done.

    Raises:
        Alert.DoesNotExist: no such alert.
        Conflict: it is closed already, or ends by what is recorded.
        Impossible: no note.
    """
    alert = _locked(alert_id)
    if not may_resolve(alert):
        raise Conflict(ENDS_BY.get(Kind(alert.kind), gettext("Record what was done: this ends it.")))
    if not note.strip():
        raise Impossible({"note": [gettext("Say what was found and done: it closes the alert.")]})
    if len(note) > LONGEST_NOTE:
        raise Impossible(
            {"note": [gettext("Write at most %(longest_note)s characters.") % {"longest_note": LONGEST_NOTE}]}
        )
    lifecycle.log([alert], RESOLVED, now, detail=say("by %(by)s: %(note)s", by=by, note=note.strip()))
    lifecycle.close(alert, reason=say("resolved by %(by)s", by=by)[:200], event_id=None, now=now)
    return alert


def _locked(alert_id: int) -> Alert:
    """
    Raises:
        Conflict: it is closed.
    """
    alert = Alert.objects.select_for_update(of=("self",)).select_related("clinic").get(pk=alert_id)
    if alert.closed_at is not None:
        raise Conflict(gettext("This alert is closed: %(closed_reason)s.") % {"closed_reason": alert.closed_reason})
    return alert


def _now(alert: Alert, now: datetime) -> tuple[Tier | None, Deadlines]:
    deadlines = lifecycle.deadlines_of(alert)
    return tier_at(lifecycle.ladder_of(alert), deadlines, now), deadlines


def _check(tier: Tier | None, until: datetime | None, note: str, spoken_with: str, now: datetime) -> None:
    asked = tier.acknowledging if tier is not None else ()
    errors: dict[str, list[str]] = {}
    if until is not None and until <= now:
        errors["until"] = [gettext("This has passed: write when to tell again.")]
    if Acknowledging.NOTE in asked and not note.strip():
        errors["note"] = [gettext("Say what is being done meanwhile.")]
    if Acknowledging.SPOKEN_WITH in asked and not spoken_with.strip():
        errors["spoken_with"] = [gettext("Say with whom you have spoken: the patient, a caregiver, the ward.")]
    if len(note) > LONGEST_NOTE:
        errors["note"] = [gettext("Write at most %(longest_note)s characters.") % {"longest_note": LONGEST_NOTE}]
    if len(spoken_with) > LONGEST_NAME:
        errors["spoken_with"] = [gettext("Write at most %(longest_name)s characters.") % {"longest_name": LONGEST_NAME}]
    if errors:
        raise Impossible(errors)


def _said(note: str, spoken_with: str) -> str:
    """The note, and with whom somebody has spoken, as one text."""
    spoken = say("spoken with %(person)s", person=spoken_with.strip()) if spoken_with.strip() else ""
    return "; ".join(part for part in (spoken, note.strip()) if part)

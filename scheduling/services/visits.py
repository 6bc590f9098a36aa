"""A visit booked, moved, confirmed, ended: each change by compare-and-set, with its step, in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from alerts.models import Notification
from clinical.saying import say
from clinics.errors import Conflict, Overtaken
from clinics.models import Clinic, User
from clinics.words import in_english, moment_words
from scheduling.models import Appointment, AppointmentStep, VisitRules
from scheduling.states import STANDING, STATE_NAMES, State, may_follow
from scheduling.times import GRACE_OF_ARRIVED, nearest, next_reminder, overdue_at, reminder_tier

STANDS = gettext_lazy("A visit is booked for this pump already: move it, or cancel it first.")
CHANGED = gettext_lazy("Somebody has changed this visit meanwhile. Look at it again.")
# What a calendar or a patient has to know of.
TOLD = {State.CANCELLED}


@dataclass(frozen=True)
class Author:
    """Who makes a change, and when. `user` is None for a patient, a contact (`who`, in words) and Brim itself."""

    user: User | None
    at: datetime
    who: str = ""


def book(
    *, clinic: Clinic, patient_id: int, pump_id: int, starts_at: datetime, minutes: int, late_reason: str, by: Author
) -> Appointment:
    """
    Raises:
        Conflict: the pump has a visit that is still to come; of two at once the database lets one through.
    """
    visit = Appointment(
        clinic=clinic,
        patient_id=patient_id,
        pump_id=pump_id,
        starts_at=starts_at,
        minutes=minutes,
        late_reason=late_reason,
        booked_by=by.user,
        booked_at=by.at,
        changed_at=by.at,
    )
    for field, value in _due(visit, VisitRules.objects.of([clinic.pk])[clinic.pk], clinic, by.at).items():
        setattr(visit, field, value)
    try:
        with transaction.atomic():
            visit.save(force_insert=True)
    except IntegrityError as error:
        raise Conflict(STANDS) from error
    step(visit, State.BOOKED, "; ".join(part for part in (_on(visit, clinic), _late(late_reason)) if part), by)
    return visit


def move(visit: Appointment, *, starts_at: datetime, minutes: int, late_reason: str, reason: str, by: Author) -> None:
    """Another time; one that was confirmed has to be confirmed again.

    Raises:
        Conflict: the patient has come, or the visit has ended.
        Overtaken: somebody changed it meanwhile.
    """
    if not visit.can_be_moved:
        raise Conflict(
            _("This visit is %(state)s: it cannot be moved. Book a new one.") % {"state": _words(visit.state)}
        )
    was = {
        "was_at": visit.starts_at,
        "was_minutes": visit.minutes,
        "was_state": visit.state,
        "was_late_reason": visit.late_reason,
    }
    changes = {"starts_at": starts_at, "minutes": minutes, "late_reason": late_reason, "state": State.BOOKED.value}
    _set_moved(visit, changes, [reason, _late(late_reason)], by, was)


def move_back(visit: Appointment, *, moved: AppointmentStep, late_reason: str, by: Author) -> None:
    """A move is taken back: time, length and state are again as they were before it.

    A reminder of this time that was due and has not left is due again, since the move ended it.

    Raises:
        Overtaken: somebody changed the visit meanwhile.
    """
    changes = {
        "starts_at": moved.was_at,
        "minutes": moved.was_minutes,
        "late_reason": late_reason,
        "state": moved.was_state,
    }
    before = visit.sequence - 1
    _set_moved(visit, changes, [say("undone at once by who moved it")], by, {})
    rules, zone = VisitRules.objects.of([visit.clinic_id])[visit.clinic_id], visit.clinic.zone
    which = nearest(visit.starts_at, rules.reminder_days, zone, rules.allowed, by.at)
    sent = Notification.objects.filter(appointment=visit, repeat_number=before, state=Notification.State.SENT)
    if which is not None and not sent.filter(tier=reminder_tier(which)).exists():
        visit.remind_at = by.at
        visit.save(update_fields=["remind_at"])


def _set_moved(
    visit: Appointment, changes: Mapping[str, Any], told: Sequence[str], by: Author, was: Mapping[str, Any]
) -> None:
    before = _on(visit, visit.clinic)
    _set(visit, by.at, sequence=visit.sequence + 1, **changes)
    detail = say("from %(before)s to %(after)s", before=before, after=_on(visit, visit.clinic))
    step(visit, say("moved"), "; ".join(part for part in (detail, *told) if part), by, **was)


def follow(visit: Appointment, state: State, *, by: Author, reason: str = "", refill_id: int | None = None) -> None:
    """The next state. `refill_id` is the refill that ended it, which a void of that refill takes back.

    Raises:
        Conflict: it cannot follow on the present state, or the pump has another visit that stands.
        Overtaken: somebody changed it meanwhile.
    """
    if not may_follow(State(visit.state), state):
        raise Conflict(
            _("This visit is %(before)s: it cannot become %(after)s.")
            % {"before": _words(visit.state), "after": _words(state)}
        )
    changes: dict[str, Any] = {"state": state.value}
    if state in TOLD:
        changes["sequence"] = visit.sequence + 1
    if state is State.CANCELLED:
        changes["ended_reason"] = reason[:500]
    if refill_id is not None:
        changes |= {"refill_id": refill_id, "state_before_refill": visit.state}
    _set(visit, by.at, **changes)
    step(visit, state.value, reason, by)


def undo(visit: Appointment, *, by: Author) -> None:
    """The refill that ended a visit was entered in error: the visit is again as it was.

    Where another has been booked meanwhile, that one counts, and this one is cancelled.
    """
    before = visit.state_before_refill
    if before in STANDING and other_than(visit) is not None:
        changes: dict[str, Any] = {
            "state": State.CANCELLED.value,
            "ended_reason": say("its refill was entered in error, and another visit is booked"),
        }
    else:
        changes = {"state": before, "ended_reason": ""}
    if changes["state"] != visit.state:
        changes["sequence"] = visit.sequence + 1
    _set(visit, by.at, refill_id=None, state_before_refill="", **changes)
    step(
        visit,
        say("undone"),
        say("the refill was entered in error; again %(state)s", state=visit.state.replace("_", " ")),
        by,
    )


def other_than(visit: Appointment) -> Appointment | None:
    """Another visit of the pump that stands."""
    return Appointment.objects.standing().filter(pump=visit.pump_id).exclude(pk=visit.pk).first()


def _set(visit: Appointment, now: datetime, **changes: Any) -> None:
    """Compare-and-set on state and sequence; what follows from them is stored with them."""
    before = {"state": visit.state, "sequence": visit.sequence}
    for field, value in changes.items():
        setattr(visit, field, value)
    rules = VisitRules.objects.of([visit.clinic_id])[visit.clinic_id]
    changes |= {"changed_at": now, **_due(visit, rules, visit.clinic, now)}
    try:
        with transaction.atomic():
            is_set = Appointment.objects.filter(pk=visit.pk, **before).update(**changes)
    except IntegrityError as error:
        raise Conflict(STANDS) from error
    if not is_set:
        raise Overtaken(CHANGED)
    for field, value in changes.items():
        setattr(visit, field, value)


def _due(visit: Appointment, rules: VisitRules, clinic: Clinic, now: datetime) -> dict[str, datetime | None]:
    """When to remind of it next, and when it counts as missed; never, once it has ended."""
    if not visit.is_standing:
        return {"remind_at": None, "overdue_at": None}
    over = overdue_at(visit.starts_at, clinic.zone, rules.missed_after_hours)
    if visit.state == State.ARRIVED:
        return {"remind_at": None, "overdue_at": over + GRACE_OF_ARRIVED}
    following = next_reminder(visit.starts_at, rules.reminder_days, clinic.zone, rules.allowed, now)
    return {"remind_at": following, "overdue_at": over}


def recompute_due(clinic: Clinic, *, now: datetime) -> None:
    """After the clinic's rules or its timezone changed: when its standing visits are due."""
    rules = VisitRules.objects.of([clinic.pk])[clinic.pk]
    rows = list(Appointment.objects.standing().filter(clinic=clinic).order_by("pk").select_for_update(of=("self",)))
    for visit in rows:
        for field, value in _due(visit, rules, clinic, now).items():
            setattr(visit, field, value)
    Appointment.objects.bulk_update(rows, ["remind_at", "overdue_at"], batch_size=1000)


def step(visit: Appointment, what: str, detail: str, by: Author, **was: Any) -> None:
    said = f"{by.who}: {detail}" if by.who and detail else by.who or detail
    AppointmentStep.objects.create(appointment=visit, at=by.at, what=what, detail=said[:500], by=by.user, **was)


def _on(visit: Appointment, clinic: Clinic) -> str:
    return in_english(moment_words, visit.starts_at, clinic.zone)


def _late(reason: str) -> str:
    return say("late because %(reason)s", reason=reason) if reason else ""


def _words(state: str) -> str:
    return str(STATE_NAMES[State(state)]).lower()

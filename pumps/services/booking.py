"""Refill visits of pumps: booked, moved, confirmed, ended. Each with its alerts in one transaction.

`by` is None where a patient or a contact does it, or Brim itself; `who` then says who, in words. They can only take
times that are free and not later than the day the refill is due by, or, where it is too late for that, one of the
earliest there are; staff can book any, and one after it with a reason unless it is one of those.
"""

import logging
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinical.saying import say
from clinics.errors import Conflict, Impossible, Overtaken
from clinics.models import User
from clinics.words import moment_words
from patients.models import Patient
from pumps import forecasting
from pumps.alerting import reconcile
from pumps.models import Forecast, Pump
from pumps.services import free
from pumps.services.free import free_times
from scheduling.models import Appointment, AppointmentStep, VisitRules
from scheduling.services import visits
from scheduling.services.rules import MINUTES
from scheduling.services.visits import Author
from scheduling.states import State
from scheduling.times import GRACE_OF_ARRIVED

__all__ = ["arrive", "book", "can_undo", "cancel", "confirm", "free_times", "mark_missed", "move", "no_show", "undo"]

logger = logging.getLogger(__name__)

# Somebody who stands at the desk is booked for now, a few minutes after.
JUST_NOW = timedelta(minutes=5)
FARTHEST = timedelta(days=2 * 365)
UNDO_WITHIN = timedelta(hours=1)
NOT_FREE = gettext_lazy("This time is not free any more. Choose another one.")


@transaction.atomic
def book(
    *,
    pump_id: int,
    starts_at: datetime,
    minutes: int | None = None,
    late_reason: str = "",
    by: User | None,
    now: datetime,
    who: str = "",
    must_be_free: bool = False,
) -> Appointment:
    """Book a visit; without `minutes` it lasts as long as the clinic's visits do.

    `must_be_free` is for a time that was offered: staff who write a time of their own may book one that is taken.

    Raises:
        Impossible: a time that has passed or is too far, or one after `refill_by` without a reason, where it is not
            among the earliest; by field.
        Conflict: the pump has a visit already, or is not in use; or the time is not free: without `by`,
            or where it must be.
    """
    pump, row = _locked(pump_id)
    if not row.in_use:
        raise Conflict(_not_in_use(pump))
    if Appointment.objects.standing().filter(pump=pump).exists():
        raise Conflict(visits.STANDS)
    length = minutes if minutes is not None else VisitRules.objects.of([pump.clinic_id])[pump.clinic_id].minutes
    reason = _checked(pump, row, starts_at, length, late_reason, by=by, now=now)
    _insist(pump, starts_at, must_be_free)
    visit = visits.book(
        clinic=pump.clinic,
        patient_id=pump.patient_id,
        pump_id=pump.pk,
        starts_at=starts_at,
        minutes=length,
        late_reason=reason,
        by=Author(by, now, who),
    )
    reconcile([row], now=now)
    return visit


@transaction.atomic
def move(
    *,
    appointment_id: int,
    starts_at: datetime,
    minutes: int | None = None,
    late_reason: str = "",
    reason: str = "",
    by: User | None,
    now: datetime,
    who: str = "",
    seen: int | None = None,
    must_be_free: bool = False,
) -> Appointment:
    """Another time for a visit that is still to come. `seen` is the sequence the caller has looked at; `must_be_free`
    as in `book`.

    Raises:
        Impossible, Conflict: as `book`; or the patient has come, or the visit has ended.
        Overtaken: somebody has changed the visit since it was looked at.
    """
    visit, row = _visit(appointment_id, seen)
    if not visit.can_be_moved:
        raise Conflict(
            _("This visit is %(state)s: it cannot be moved. Book a new one.")
            % {"state": visit.get_state_display().lower()}
        )
    length = minutes if minutes is not None else visit.minutes
    # A visit that stays too late stays so for the reason it was given, unless there is a new one.
    is_kept = by is not None and (visit.late_reason != free.NONE_LEFT or starts_at == visit.starts_at)
    before = visit.late_reason if is_kept else ""
    given = late_reason.strip() or before
    late = _checked(row.pump, row, starts_at, length, given, by=by, now=now)
    _insist(row.pump, starts_at, must_be_free)
    visits.move(
        visit,
        starts_at=starts_at,
        minutes=length,
        late_reason=late,
        reason=reason.strip(),
        by=Author(by, now, who),
    )
    reconcile([row], now=now)
    return visit


@transaction.atomic
def confirm(
    *, appointment_id: int, by: User | None, now: datetime, who: str = "", seen: int | None = None
) -> Appointment:
    """The patient says they will come. Saying so twice is saying so once.

    Raises:
        Conflict: the visit has ended, or they have come.
        Overtaken: as `move`.
    """
    return _follow(appointment_id, State.CONFIRMED, Author(by, now, who), seen=seen)


@transaction.atomic
def cancel(
    *, appointment_id: int, reason: str, by: User | None, now: datetime, who: str = "", seen: int | None = None
) -> Appointment:
    """
    Raises:
        Impossible: no reason.
        Conflict: the visit has ended otherwise.
        Overtaken: as `move`.
    """
    if not reason.strip():
        raise Impossible({"reason": [_("Say why it is cancelled.")]})
    return _follow(appointment_id, State.CANCELLED, Author(by, now, who), seen=seen, reason=reason.strip())


@transaction.atomic
def undo(*, appointment_id: int, by: User, now: datetime) -> Appointment:
    """Take back at once what the same person has just done, and nobody has touched since: a visit that was booked is
    cancelled, one that was moved is again where it was.

    Raises:
        Conflict: it is not as they left it any more; or the former time has passed, has no place, or is too late.
    """
    visit, row = _visit(appointment_id, None)
    if _is_just_booked(visit, by, now):
        return _follow(appointment_id, State.CANCELLED, Author(by, now), reason=say("undone at once by who booked it"))
    moved = _just_moved(visit, by, now)
    if moved is None:
        raise Conflict(_("This visit is not as you left it any more. Move or cancel it on its own page."))
    free.take_turns(visit.clinic_id)
    against = _against_moving_back(visit, row, moved, now)
    if against:
        raise Conflict(against)
    is_late = row.refill_by is not None and moved.was_at is not None and moved.was_at > row.refill_by
    late_reason = moved.was_late_reason if is_late else ""
    visits.move_back(visit, moved=moved, late_reason=late_reason, by=Author(by, now))
    reconcile([row], now=now)
    return visit


def can_undo(visit: Appointment, by: User, now: datetime) -> bool:
    """Whether `undo` has something to take back. One query, of a visit that was just moved."""
    return _is_just_booked(visit, by, now) or _just_moved(visit, by, now) is not None


def _is_just_booked(visit: Appointment, by: User, now: datetime) -> bool:
    is_untouched = visit.state == State.BOOKED and visit.sequence == 0
    return is_untouched and visit.booked_by_id == by.pk and visit.booked_at >= now - UNDO_WITHIN


def _just_moved(visit: Appointment, by: User, now: datetime) -> AppointmentStep | None:
    """The move that was the last thing that happened to a visit, where the person made it a short time ago."""
    if visit.state != State.BOOKED or visit.sequence == 0 or visit.changed_at < now - UNDO_WITHIN:
        return None
    last = visit.steps.order_by("-pk").first()
    is_own_move = last is not None and last.was_at is not None and last.by_id == by.pk
    return last if is_own_move and last is not None and last.at >= now - UNDO_WITHIN else None


def _against_moving_back(visit: Appointment, row: Forecast, moved: AppointmentStep, now: datetime) -> str:
    """Why a visit cannot go back to where it was; empty if it can."""
    at = moved.was_at or visit.starts_at
    when = {"when": moment_words(at, visit.clinic.zone)}
    if at < now - JUST_NOW:
        return _("The former time, %(when)s, has passed: the visit stays where it is.") % when
    minutes = moved.was_minutes or visit.minutes
    if not free.is_any_place(row.pump, at, minutes) and free.is_taken_since(visit, at, minutes, since=moved.at):
        return _("At the former time, %(when)s, no place is free: the visit stays where it is.") % when
    if row.refill_by is not None and at > row.refill_by and not moved.was_late_reason:
        return _("The former time, %(when)s, is after refill-by by now: the visit stays where it is.") % when
    return ""


@transaction.atomic
def arrive(*, appointment_id: int, by: User | None, now: datetime, who: str = "") -> Appointment:
    """The patient is here; also one who was taken for absent. The recorded refill makes the visit done.

    Raises:
        Conflict: the visit is of a later day, has ended, or another one is booked.
    """
    visit, _row = _visit(appointment_id, None)
    zone = visit.clinic.zone
    if visit.starts_at.astimezone(zone).date() > now.astimezone(zone).date():
        raise Conflict(_("This visit is of a later day: move it to now first."))
    return _follow(appointment_id, State.ARRIVED, Author(by, now, who))


@transaction.atomic
def no_show(*, appointment_id: int, by: User | None, now: datetime, who: str = "") -> Appointment:
    """The patient did not come, which is an alert until a visit is booked or the pump is refilled.

    Raises:
        Conflict: the visit has not begun, or has ended.
    """
    visit, _row = _visit(appointment_id, None)
    if visit.starts_at > now:
        raise Conflict(_("This visit has not begun yet: cancel it, or move it."))
    return _follow(appointment_id, State.NO_SHOW, Author(by, now, who))


def mark_missed(now: datetime) -> int:
    """End every visit that is overdue; returns how many. Each in a transaction of its own, so that it can be run again.

    One that nobody came to is missed. For one whose patient came no refill was recorded: it is cancelled, so that it
    quiets nobody any more.
    """
    ended = 0
    for pk in list(Appointment.objects.overdue(now).values_list("pk", flat=True)):
        try:
            ended += _end_overdue(pk, now)
        except Exception:  # the tick's edge: whatever it is, the other visits go on
            logger.exception("visit %s could not be ended", pk)
    return ended


@transaction.atomic
def _end_overdue(appointment_id: int, now: datetime) -> bool:
    visit, row = _visit(appointment_id, None)
    if visit.overdue_at is None or visit.overdue_at > now:
        return False
    if visit.state == State.ARRIVED:
        hours = round(GRACE_OF_ARRIVED.total_seconds() / 3600)
        reason = say("came, but no refill was recorded within %(hours)s hours of that day", hours=hours)
        visits.follow(visit, State.CANCELLED, by=Author(None, now), reason=reason)
    else:
        visits.follow(visit, State.NO_SHOW, by=Author(None, now), reason=say("nobody said that the patient came"))
    reconcile([row], now=now)
    return True


def _follow(appointment_id: int, state: State, by: Author, *, seen: int | None = None, reason: str = "") -> Appointment:
    visit, row = _visit(appointment_id, seen)
    if visit.state == state:
        return visit
    visits.follow(visit, state, by=by, reason=reason)
    reconcile([row], now=by.at)
    return visit


def _locked(pump_id: int) -> tuple[Pump, Forecast]:
    """A pump and its forecast, locked in this order, as the ledger does."""
    pumps = forecasting.held([pump_id])
    if not pumps:
        raise Pump.DoesNotExist
    row = Forecast.objects.get(pump=pump_id)
    row.pump, row.clinic = pumps[0], pumps[0].clinic
    return pumps[0], row


def _visit(appointment_id: int, seen: int | None) -> tuple[Appointment, Forecast]:
    """A visit, locked after its pump and forecast.

    Raises:
        Appointment.DoesNotExist: there is none.
        Overtaken: it has another sequence than `seen`.
    """
    _pump, row = _locked(Appointment.objects.values_list("pump_id", flat=True).get(pk=appointment_id))
    visit = (
        Appointment.objects.select_for_update(of=("self",)).select_related("clinic", "patient").get(pk=appointment_id)
    )
    if seen is not None and seen != visit.sequence:
        raise Overtaken(visits.CHANGED)
    return visit, row


def _checked(
    pump: Pump, row: Forecast, starts_at: datetime, minutes: int, late_reason: str, *, by: User | None, now: datetime
) -> str:
    """The reason to store: none, for a visit that is in time; a fixed one, where none could be and it is among the
    earliest.

    Raises:
        Impossible, Conflict: as `book`.
    """
    shortest, longest = MINUTES
    errors: dict[str, list[str]] = {}
    if starts_at < now - JUST_NOW:
        errors["starts_at"] = [_("This time has passed. Choose one that is still to come.")]
    elif starts_at > now + FARTHEST:
        errors["starts_at"] = [_("This is more than two years from now. Choose an earlier time.")]
    if not shortest <= minutes <= longest:
        errors["minutes"] = [
            _("From %(shortest)s to %(longest)s minutes.") % {"shortest": shortest, "longest": longest}
        ]
    if errors:
        raise Impossible(errors)
    free.take_turns(pump.clinic_id)
    if by is None and not free.is_free(pump, row, starts_at, now=now):
        raise Conflict(NOT_FREE)
    if row.refill_by is None or starts_at <= row.refill_by:
        return ""
    if late_reason.strip():
        return late_reason.strip()
    if free.is_among_earliest(pump, row, starts_at, now=now):
        return free.NONE_LEFT
    raise Impossible({"late_reason": [free.late_words(row)]})


def _insist(pump: Pump, starts_at: datetime, must_be_free: bool) -> None:
    """
    Raises:
        Conflict: the time must be free, and somebody has taken it.
    """
    if must_be_free and not free.has_place(pump, starts_at):
        raise Conflict(NOT_FREE)


def _not_in_use(pump: Pump) -> str:
    if pump.status == Pump.Status.EXPLANTED:
        return _("This pump is out: it needs no visit.")
    why = Patient.Status(pump.patient.status).label.lower()
    return _("The patient's care here has ended (%(why)s): nothing can be booked.") % {"why": why}

"""What ends a visit beside those who book: the refill it was for, and a pump that goes out of use."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Min, Q, QuerySet

from clinical.saying import say
from clinics.words import day, in_english
from patients.models import Patient
from pumps.models import Event, Forecast, Pump
from scheduling.models import Appointment
from scheduling.services import visits
from scheduling.services.visits import Author
from scheduling.states import STANDING, State

# A refill from longer before a visit was booked is part of the pump's history; the visit was booked with it in mind.
KNOWN_BEFORE = timedelta(days=7)


@dataclass(frozen=True)
class Ended:
    """What a refill ends: the visit it was given at, and visits that it makes needless."""

    given_at: Appointment | None
    needless: Sequence[Appointment]


def after_refill(*, row: Forecast, refill: Event, now: datetime) -> None:
    """A refill on the day of a visit was given at it; the newest refill on another day makes a visit needless.

    The caller holds the lock on the pump and its forecast.
    """
    zone, by = row.clinic.zone, Author(refill.recorded_by, now)
    rows = Appointment.objects.filter(pump=row.pump_id).select_for_update(of=("self",))
    ended = _ended(rows, refill, zone, is_newest=row.filled_at == refill.occurred_at)
    if ended.given_at is not None:
        visits.follow(ended.given_at, State.DONE, by=by, refill_id=refill.pk)
    for visit in ended.needless:
        reason = say("refilled on %(occurred_at)s", occurred_at=in_english(day, refill.occurred_at, zone))
        visits.follow(visit, State.CANCELLED, by=by, reason=reason, refill_id=refill.pk)


def would_end(pump: Pump, refill: Event, *, instead_of: Event | None) -> Ended:
    """What a refill that is not stored yet will end. One that corrects another of the same day ends nothing more."""
    zone = pump.clinic.zone
    if instead_of is not None and _is_same_day(refill, instead_of, zone):
        return Ended(None, [])
    later = pump.events.standing().filter(kind=Event.Kind.REFILL, occurred_at__gt=refill.occurred_at)
    if instead_of is not None:
        later = later.exclude(pk=instead_of.pk)
    return _ended(Appointment.objects.filter(pump=pump), refill, zone, is_newest=not later.exists())


def _ended(rows: QuerySet[Appointment], refill: Event, zone: ZoneInfo, *, is_newest: bool) -> Ended:
    on = refill.occurred_at.astimezone(zone).date()
    may_end = [State.BOOKED, State.CONFIRMED, State.ARRIVED, State.NO_SHOW]
    open_ones = list(rows.filter(state__in=may_end).select_related("clinic").order_by("pk"))
    todays = [visit for visit in open_ones if visit.starts_at.astimezone(zone).date() == on]
    given_at = max(todays, key=lambda visit: (visit.is_standing, visit.pk), default=None)
    others = [visit for visit in open_ones if visit != given_at and visit.is_standing]
    if not is_newest or not others:
        return Ended(given_at, [])
    known_at = _known_at(refill)
    return Ended(given_at, [visit for visit in others if visit.booked_at < known_at])


def _known_at(refill: Event) -> datetime:
    """From when on visits were booked with this refill in mind: a week after it; or once a refill of about that day was
    recorded, if this one corrects it, or is that one again."""
    near = Q(occurred_at__range=(refill.occurred_at - KNOWN_BEFORE, refill.occurred_at + KNOWN_BEFORE))
    recorded = Event.objects.filter(pump=refill.pump_id, kind=Event.Kind.REFILL).exclude(pk=refill.pk)
    recorded = recorded.filter(near | Q(voided_by__replacement=refill.pk)) if refill.pk else recorded.filter(near)
    first = recorded.aggregate(first=Min("recorded_at"))["first"]
    at = refill.occurred_at + KNOWN_BEFORE
    return at if first is None else min(at, first)


def _is_same_day(one: Event, other: Event, zone: ZoneInfo) -> bool:
    return one.occurred_at.astimezone(zone).date() == other.occurred_at.astimezone(zone).date()


def after_void(event: Event, *, by: Author) -> None:
    """What a refill ended that was entered in error is again as it was."""
    ended = Appointment.objects.filter(refill=event).select_related("clinic").order_by("pk")
    for visit in ended.select_for_update(of=("self",)):
        visits.undo(visit, by=by)


def after_correction(event: Event, *, instead: Event, by: Author) -> None:
    """What a refill ended stays ended by the one that stands in its place; of another day it is judged anew."""
    if instead.kind == Event.Kind.REFILL and _is_same_day(event, instead, event.pump.clinic.zone):
        Appointment.objects.filter(refill=event).update(refill=instead)
    else:
        after_void(event, by=by)


@dataclass(frozen=True)
class Return:
    """What becomes of a visit that a refill ended, once the refill is marked as entered in error: it is `state` again;
    or `other` stands, and it does not come back."""

    visit: Appointment
    state: State
    other: Appointment | None = None


def returns(events: Sequence[Event]) -> list[Return]:
    """What `after_void` will do to visits, for those who are about to void refills. At most a query a visit."""
    found: list[Return] = []
    ended = Appointment.objects.filter(refill__in=events).select_related("clinic").order_by("refill", "pk")
    for visit in ended:
        before = State(visit.state_before_refill)
        first = next((each.visit for each in found if each.other is None and each.state in STANDING), None)
        other = (visits.other_than(visit) or first) if before in STANDING else None
        found.append(Return(visit, before, other))
    return found


def out_of_use(rows: Sequence[Forecast], *, now: datetime) -> None:
    """Nobody is expected any more for a pump that is out, or whose patient's care has ended here."""
    gone = {row.pump_id: row for row in rows if not row.in_use}
    standing = Appointment.objects.standing().filter(pump__in=gone).select_related("clinic", "pump__patient")
    for visit in standing.order_by("pk").select_for_update(of=("self",)):
        visits.follow(visit, State.CANCELLED, by=Author(None, now), reason=_why_gone(gone[visit.pump_id].pump))


def _why_gone(pump: Pump) -> str:
    if pump.status == Pump.Status.EXPLANTED:
        return (
            say("the pump is out: %(explant_reason)s", explant_reason=pump.explant_reason)
            if pump.explant_reason
            else say("the pump is out")
        )
    return in_english(str, Patient.Status(pump.patient.status).label).lower()

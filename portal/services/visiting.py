"""A patient or contact confirms, moves or books the visit, by the same services as staff."""

from collections.abc import Sequence
from datetime import datetime

from clinics.errors import DomainError
from portal.visitor import Visitor, may_book, next_visit
from pumps.models import Forecast
from pumps.services import booking
from scheduling.models import Appointment
from scheduling.states import State

SHOWN = 6


def offers(visitor: Visitor, now: datetime) -> Sequence[datetime]:
    """Free times, none that is the visit's own, and none later than the pump can wait; or the earliest there are."""
    return booking.free_times(pump=visitor.pump, now=now, most=SHOWN)


def are_late(visitor: Visitor, times: Sequence[datetime]) -> bool:
    """Whether offered times are the earliest since it is too late for others."""
    refill_by = Forecast.objects.values_list("refill_by", flat=True).get(pump=visitor.pump)
    return bool(times) and refill_by is not None and times[0] > refill_by


def confirm(*, visitor: Visitor, seen: str, now: datetime) -> Appointment | None:
    """Say that they will come. None if the time they saw (`seen_as`) is not the visit's any more."""
    visit = next_visit(visitor, now)
    if visit is None or seen_as(visit) != seen:
        return None
    if visit.state == State.CONFIRMED:
        return visit
    try:
        booking.confirm(appointment_id=visit.pk, by=None, now=now, who=visitor.words)
    except DomainError:
        return None
    return next_visit(visitor, now)


def take(*, visitor: Visitor, starts_at: datetime, now: datetime) -> Appointment | None:
    """Move the visit to a free time, or book one where none is booked. None if that time is not free (any more)."""
    visit = next_visit(visitor, now)
    if visit is not None and visit.starts_at == starts_at:
        return visit  # the second press
    try:
        if visit is not None:
            booking.move(appointment_id=visit.pk, starts_at=starts_at, by=None, now=now, who=visitor.words)
        elif may_book(visitor):
            booking.book(pump_id=visitor.pump.pk, starts_at=starts_at, by=None, now=now, who=visitor.words)
    except DomainError:
        return None
    return next_visit(visitor, now)


def seen_as(visit: Appointment) -> str:
    """A visit as a page showed it: at another time it is another one."""
    return f"{visit.pk}.{int(visit.starts_at.timestamp())}"

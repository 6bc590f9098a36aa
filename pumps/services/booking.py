"""Refill visits: booked, moved and confirmed."""

from datetime import datetime, time, timedelta

from django.db import transaction

from clinics.errors import Conflict
from clinics.models import User
from pumps.models import Forecast, Pump
from scheduling.models import Appointment, AppointmentStep
from scheduling.states import STANDING, State, may_follow

HOURS = range(9, 16)
NOT_FREE = "This time is not free any more. Choose another one."


def free_times(*, pump: Pump, now: datetime, most: int = 6) -> list[datetime]:
    """Free times in the clinic's hours, soonest first, none later than `refill_by`."""
    bound, zone = Forecast.objects.get(pump=pump).refill_by, pump.clinic.zone
    taken = set(Appointment.objects.standing().filter(clinic=pump.clinic).values_list("starts_at", flat=True))
    closed = set(pump.clinic.closed_days.values_list("day", flat=True))
    found: list[datetime] = []
    day = now.astimezone(zone).date() + timedelta(days=1)
    while bound is not None and len(found) < most and day <= bound.astimezone(zone).date():
        if day.weekday() in pump.clinic.opening_days and day not in closed:
            times = [datetime.combine(day, time(hour), tzinfo=zone) for hour in HOURS]
            found += [moment for moment in times if moment <= bound and moment not in taken]
        day += timedelta(days=1)
    return found[:most]


@transaction.atomic
def book(
    *,
    pump_id: int,
    starts_at: datetime,
    minutes: int = 30,
    late_reason: str = "",
    by: User | None,
    now: datetime,
    who: str = "",
) -> Appointment:
    pump = Pump.objects.select_for_update(of=("self",)).select_related("clinic", "patient").get(pk=pump_id)
    if Appointment.objects.standing().filter(pump=pump).exists():
        raise Conflict("A visit is booked already.")
    if by is None and starts_at not in free_times(pump=pump, now=now, most=10_000):
        raise Conflict(NOT_FREE)
    visit = Appointment.objects.create(
        clinic=pump.clinic,
        patient=pump.patient,
        pump=pump,
        starts_at=starts_at,
        minutes=minutes,
        late_reason=late_reason,
        booked_by=by,
        booked_at=now,
    )
    AppointmentStep.objects.create(appointment=visit, at=now, what=State.BOOKED, detail=who, by=by)
    return visit


@transaction.atomic
def move(
    *,
    appointment_id: int,
    starts_at: datetime,
    late_reason: str = "",
    reason: str = "",
    by: User | None,
    now: datetime,
    who: str = "",
) -> Appointment:
    visit = Appointment.objects.select_for_update().get(pk=appointment_id)
    if visit.state not in STANDING:
        raise Conflict("The visit has ended.")
    if by is None and starts_at not in free_times(pump=visit.pump, now=now, most=10_000):
        raise Conflict(NOT_FREE)
    visit.starts_at, visit.state, visit.late_reason = starts_at, State.BOOKED, late_reason
    visit.sequence += 1
    visit.save()
    AppointmentStep.objects.create(appointment=visit, at=now, what="moved", detail=who or reason, by=by)
    return visit


@transaction.atomic
def confirm(*, appointment_id: int, by: User | None, now: datetime, who: str = "") -> Appointment:
    visit = Appointment.objects.select_for_update().get(pk=appointment_id)
    if not may_follow(State(visit.state), State.CONFIRMED):
        raise Conflict("The visit cannot be confirmed any more.")
    visit.state = State.CONFIRMED
    visit.save()
    AppointmentStep.objects.create(appointment=visit, at=now, what=State.CONFIRMED, detail=who, by=by)
    return visit

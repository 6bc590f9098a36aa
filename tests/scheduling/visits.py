"""Builders of visits, for tests."""

from datetime import datetime, timedelta
from typing import Any

from alerts.models import Alert
from clinics.models import User
from pumps.models import Pump
from pumps.services import booking
from scheduling.models import Appointment
from tests.builders import NOW, a_user

DAY = timedelta(days=1)


def a_visit(
    pump: Pump, starts_at: datetime = NOW + 3 * DAY, *, by: User | None = None, now: datetime = NOW, **fields: Any
) -> Appointment:
    """Booked by a member of staff; pumps of `a_running_pump` are due 58 days from NOW unless said otherwise."""
    return booking.book(pump_id=pump.pk, starts_at=starts_at, by=by or a_user(), now=now, **fields)


def state_of(visit: Appointment) -> str:
    return Appointment.objects.get(pk=visit.pk).state


def steps_of(visit: Appointment) -> list[str]:
    return list(visit.steps.order_by("pk").values_list("what", flat=True))


def open_kinds(pump: Pump) -> set[str]:
    return set(Alert.objects.open().filter(pump=pump).values_list("kind", flat=True))

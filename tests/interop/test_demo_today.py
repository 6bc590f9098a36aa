"""The demo's day is never empty, at whatever hour it starts, and starting it again adds nothing."""

from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from alerts.models import Alert
from clinics.models import Clinic, User
from interop import demo, demo_today
from pumps.models import Forecast
from scheduling.models import Appointment

pytestmark = pytest.mark.django_db
# A Wednesday: morning at all three clinics; noon in London only; night in America and evening in London.
HOURS = (datetime(2027, 3, 3, 17, 15, tzinfo=UTC), datetime(2027, 3, 3, 12, 5, tzinfo=UTC), datetime(2027, 3, 3, 22, 0, tzinfo=UTC), datetime(2027, 3, 7, 4, 0, tzinfo=UTC))  # fmt: skip  # noqa: E501


@pytest.fixture(autouse=True)
def _demo(settings: Any) -> None:
    settings.DEMO = True


def todays(clinic: Clinic, now: datetime) -> list[Appointment]:
    local = now.astimezone(clinic.zone)
    rows = Appointment.objects.filter(clinic=clinic).order_by("starts_at")
    return [visit for visit in rows if visit.starts_at.astimezone(clinic.zone).date() == local.date()]


@pytest.mark.parametrize("now", HOURS)
def test_every_clinic_has_visits_today_at_any_hour(now: datetime) -> None:
    demo.load(now=now)
    before = story()
    urgent = Forecast.objects.filter(refill_by__lte=now + timedelta(days=7)).count()
    booked = demo_today.book(now)
    assert booked >= 9
    for clinic in Clinic.objects.all():
        visits = [visit for visit in todays(clinic, now) if visit.booked_by == scheduler()]
        assert len(visits) >= 3, clinic
        begun = [visit.state for visit in visits if visit.starts_at <= now]
        assert begun == ["done"] * (len(begun) - 1) + ["arrived"] * bool(begun)
        assert {visit.state for visit in visits if visit.starts_at > now} <= {"booked", "confirmed"}
    assert story() == before
    assert Forecast.objects.filter(refill_by__lte=now + timedelta(days=7)).count() == urgent
    assert demo_today.book(now + timedelta(minutes=5)) == 0


def story() -> set[tuple[int | None, str]]:
    """What the worklist tells beside refills that will be due, which the engine tells of by itself."""
    return set(Alert.objects.open().exclude(kind="refill_due").values_list("pump", "kind"))


def scheduler() -> User:
    return User.objects.get(email="scheduler@demo.example")


def test_the_next_day_has_visits_of_its_own() -> None:
    now = HOURS[0]
    demo.load(now=now)
    demo_today.book(now)
    booking_ends = now + timedelta(days=1)
    assert demo_today.book(booking_ends) >= 6


def test_the_nurses_day_is_not_empty() -> None:
    call_command("load_demo", stdout=StringIO())
    client = Client()
    client.force_login(User.objects.get(email="nurse@demo.example"), backend="clinics.backends.EmailBackend")
    assert len(client.get(reverse("today")).context["lines"]) >= 9


def test_a_database_that_is_no_demo_is_left_alone() -> None:
    assert demo_today.book(HOURS[0]) == 0

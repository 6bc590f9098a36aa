"""Choosing a time: only free ones, none later than can be waited for, booked by one press."""

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from clinics.errors import Conflict
from portal.services import visiting
from pumps.models import Forecast, Pump
from pumps.services import booking
from scheduling.models import Appointment
from tests.builders import a_running_pump
from tests.portal.links import FORBIDDEN, a_caregiver, a_message, a_patients_pump, a_visit, path_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def pump() -> Pump:
    return a_patients_pump()


def offered(client: Client, path: str) -> list[datetime]:
    page = client.get(path + "times/").text
    return [datetime.fromisoformat(value) for value in re.findall(r'name="time" value="([^"]+)"', page)]


def test_a_first_time_is_chosen_and_booked_once(client: Client, pump: Pump) -> None:
    path = path_of(a_message(pump, contact=a_caregiver(pump.patient)))
    times = offered(client, path)
    refill_by = Forecast.objects.get(pump=pump).refill_by
    assert refill_by is not None
    assert 1 <= len(times) <= visiting.SHOWN
    assert all(timezone.now() < time <= refill_by for time in times)
    for _ in range(2):
        page = client.post(path + "times/", {"time": times[0].isoformat()}).text
        assert "Thank you" in page
        assert not [word for word in FORBIDDEN if word in page.lower()]
    visit = Appointment.objects.get()
    assert (visit.pump, visit.starts_at, visit.state, visit.booked_by) == (pump, times[0], "booked", None)


def test_another_time_moves_the_visit(client: Client, pump: Pump) -> None:
    visit = a_visit(pump)
    path = path_of(a_message(pump, visit=visit))
    times = offered(client, path)
    assert visit.starts_at not in times
    page = client.get(path + "times/").text
    assert "Until you choose, the visit stays on:" in page
    assert page.count("(earlier)") == sum(time < visit.starts_at for time in times)
    assert not [word for word in FORBIDDEN if word in page.lower()]
    moved = client.post(path + "times/", {"time": times[1].isoformat()}).text
    assert "The visit has been moved" in moved
    assert f'href="{path}times/"' in moved  # and if that was a slip, another one
    visit.refresh_from_db()
    assert visit.starts_at == times[1]
    assert Appointment.objects.count() == 1


@pytest.mark.parametrize("days", [-1, 0.1, 300])
def test_a_time_that_was_not_offered_is_refused(client: Client, pump: Pump, days: float) -> None:
    visit = a_visit(pump)
    path, before = path_of(a_message(pump, visit=visit)), visit.starts_at
    wrong = (timezone.now() + timedelta(days=days)).isoformat()
    assert "not free any more" in client.post(path + "times/", {"time": wrong}).text
    visit.refresh_from_db()
    assert visit.starts_at == before


def test_a_time_that_somebody_else_took_meanwhile_is_refused(client: Client, pump: Pump) -> None:
    path = path_of(a_message(pump))
    [first, *_] = offered(client, path)
    other = a_running_pump(pump.clinic, filled_days_ago=60, now=timezone.now())
    a_visit(other, first)
    assert "not free any more" in client.post(path + "times/", {"time": first.isoformat()}).text
    assert not Appointment.objects.filter(pump=pump).exists()


def test_a_service_that_refuses_is_said_kindly(client: Client, pump: Pump, monkeypatch: Any) -> None:
    path = path_of(a_message(pump))
    [first, *_] = offered(client, path)

    def refuse(**_: object) -> None:
        raise Conflict("A visit is booked already.")

    monkeypatch.setattr(booking, "book", refuse)
    assert "not free any more" in client.post(path + "times/", {"time": first.isoformat()}).text


def test_where_no_time_is_left_a_call_is_offered(client: Client) -> None:
    pump = a_patients_pump()
    for days in range(40):
        pump.clinic.closed_days.create(day=(timezone.now() + timedelta(days=days)).date())
    path = path_of(a_message(pump))
    assert offered(client, path) == []
    page = client.get(path + "times/").text
    assert "There is no free time to choose here" in page
    assert "Please call me back" in page


def test_who_is_late_chooses_one_of_the_earliest(client: Client, pump: Pump) -> None:
    Forecast.objects.filter(pump=pump).update(refill_by=timezone.now() - timedelta(days=9))
    path = path_of(a_message(pump))
    times = offered(client, path)
    page = client.get(path + "times/").text
    assert "These are the earliest free times" in page
    assert not [word for word in FORBIDDEN if word in page.lower()]
    assert "Thank you" in client.post(path + "times/", {"time": times[0].isoformat()}).text
    assert Appointment.objects.get().starts_at == times[0]


def test_a_visit_that_is_not_due_cannot_be_booked(client: Client, pump: Pump) -> None:
    row = a_message(pump)
    assert row.alert is not None
    row.alert.closed_at, row.alert.closed_reason = timezone.now(), "refilled"
    row.alert.save()
    [first, *_] = booking.free_times(pump=pump, now=timezone.now())
    client.post(path_of(row) + "times/", {"time": first.isoformat()})
    assert offered(client, path_of(row)) == []
    assert not Appointment.objects.exists()

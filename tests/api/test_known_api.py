"""`known_at`: a past forecast as it stood, over the API."""

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from clinics.roles import Role
from pumps.models import Pump
from tests.api.clients import client_of
from tests.builders import a_clinic, a_refill, a_running_pump, a_user

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def pump() -> Pump:
    return a_running_pump(now=timezone.now() - 10 * DAY)


@pytest.fixture
def nurse(pump: Pump) -> APIClient:
    return client_of(a_user(Role.NURSE, pump.clinic))


def url(pump: Pump) -> str:
    return f"/api/v1/pumps/{pump.pk}/forecast/"


def test_a_late_entry_is_in_hindsight_and_not_in_what_was_known(nurse: APIClient, pump: Pump) -> None:
    now = timezone.now()
    then = (now - 5 * DAY).isoformat()
    before = nurse.get(url(pump), {"known_at": then}).json()
    assert before["at"] == before["known_at"] == then.replace("+00:00", "Z")
    a_refill(pump, now - 20 * DAY, aspirated_ml=D("32"), now=now)
    assert nurse.get(url(pump), {"known_at": then}).json() == before
    hindsight = nurse.get(url(pump), {"at": then}).json()
    assert hindsight["known_at"] is None
    assert hindsight["refill_by"] > before["refill_by"]
    later = nurse.get(url(pump), {"known_at": then, "at": (now + 5 * DAY).isoformat()}).json()
    assert later["refill_by"] == before["refill_by"]
    assert float(later["volume_ml"]["programmed"]) == pytest.approx(
        float(before["volume_ml"]["programmed"]) - 10 * 0.4, abs=0.001
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("yesterday", "ISO 8601"),
        ("2026-01-01T00:00:00", "Add the UTC offset"),
        ("", "ISO 8601"),
        ("0001-01-01T00:00:00Z", ""),
    ],
)
def test_what_is_no_moment_is_refused_by_name(nurse: APIClient, pump: Pump, text: str, told: str) -> None:
    response = nurse.get(url(pump), {"known_at": text})
    assert response.status_code == 400
    assert "known_at" in response.json()
    assert told in response.json()["known_at"][0]


def test_nobody_knew_anything_in_the_future(nurse: APIClient, pump: Pump) -> None:
    response = nurse.get(url(pump), {"known_at": (timezone.now() + DAY).isoformat()})
    assert response.status_code == 400
    assert "lies in the future" in response.json()["known_at"][0]


def test_another_clinics_pump_is_not_there(pump: Pump) -> None:
    stranger = client_of(a_user(Role.NURSE, a_clinic()))
    assert stranger.get(url(pump), {"known_at": timezone.now().isoformat()}).status_code == 404


def test_a_scheduler_sees_the_dates_of_then_alone(pump: Pump) -> None:
    scheduler = client_of(a_user(Role.SCHEDULER, pump.clinic))
    body = scheduler.get(url(pump), {"known_at": timezone.now().isoformat()}).json()
    assert body["refill_by"] is not None
    assert not {"flow_ratio", "rate_ml_per_day", "volume_ml", "findings"} & body.keys()

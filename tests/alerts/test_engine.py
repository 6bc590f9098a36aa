from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from alerts.models import Notification
from alerts.services import engine
from clinics.roles import Role
from pumps.models import Forecast
from pumps.services import fleet
from tests.alerts.test_telling import REFILL_BY_DAYS
from tests.builders import a_clinic, a_running_pump, a_user

pytestmark = pytest.mark.django_db


def ask(client: Client) -> tuple[int, dict[str, object]]:
    response = client.get("/health/engine")
    return response.status_code, response.json()


def test_without_a_tick_the_engine_is_not_well(client: Client) -> None:
    status, body = ask(client)
    assert (status, body["last_tick_at"]) == (503, None)


def test_after_a_tick_it_is_well_and_after_silence_it_is_not(client: Client) -> None:
    fleet.tick(timezone.now())
    assert ask(client)[0] == 200
    engine.beat(engine.TICK, now=timezone.now() - engine.patience() - timedelta(seconds=1))
    assert ask(client)[0] == 503


def test_something_due_and_not_done_shows(client: Client) -> None:
    now = timezone.now()
    a_running_pump(now=now)
    fleet.tick(now)
    long_ago = now - timedelta(hours=1)
    Forecast.objects.update(next_alert_at=long_ago)
    status, body = ask(client)
    assert (status, body["late_pumps"]) == (503, 1)


def test_a_message_that_does_not_leave_shows(client: Client) -> None:
    now, clinic = timezone.now(), a_clinic()
    a_user(Role.SCHEDULER, clinic)
    a_running_pump(clinic, filled_days_ago=REFILL_BY_DAYS + 1, now=now)
    fleet.tick(now)
    assert ask(client)[0] == 200
    Notification.objects.filter(channel="email").update(attempts=3)
    status, body = ask(client)
    assert (status, body["late_notifications"]) == (503, 1)


def test_live_and_ready(client: Client) -> None:
    assert client.get("/health/live").status_code == 200
    response = client.get("/health/ready")
    assert response.json() == {"status": "ok", "database": "ok", "redis": "ok", "migrations": "ok"}


def test_ready_says_what_does_not_answer(client: Client, settings: object) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"  # type: ignore[attr-defined]  # pytest-django's settings wrapper
    response = client.get("/health/ready")
    assert (response.status_code, response.json()["redis"]) == (503, "no answer")

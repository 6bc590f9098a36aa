from contextlib import nullcontext
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from alerts.models import Heartbeat, Notification
from alerts.services import delivery, digests, engine
from alerts.services.engine import Part
from alerts.tasks import deliver
from clinics.roles import Role
from pumps.models import Forecast
from pumps.services import fleet
from tests.alerts.test_telling import REFILL_BY_DAYS
from tests.builders import NOW, a_clinic, a_running_pump, a_user

pytestmark = pytest.mark.django_db


def ask(client: Client) -> tuple[int, dict[str, Any]]:
    response = client.get("/health/engine")
    return response.status_code, response.json()


def test_without_a_tick_the_engine_is_not_well(client: Client) -> None:
    status, body = ask(client)
    assert (status, body["last_tick_at"]) == (503, None)


def a_round() -> None:
    fleet.tick(timezone.now())
    deliver()


@pytest.mark.parametrize("part", [*Part, engine.TICK])
@pytest.mark.parametrize("seconds", [-1, 1], ids=["long ago", "of a clock that is ahead"])
def test_after_a_round_it_is_well_and_a_part_that_falls_silent_is_named(
    client: Client, part: str, seconds: int
) -> None:
    a_round()
    assert ask(client)[0] == 200
    engine.beat(part, now=timezone.now() + seconds * (engine.patience() + timedelta(seconds=1)))
    status, body = ask(client)
    assert (status, [(each["part"], each["words"]) for each in body["silent"]]) == (503, [(part, engine.WORDS[part])])


def test_when_nothing_is_heard_the_whole_engine_is_silent(client: Client) -> None:
    assert [silence.since for silence in engine.silences(now=NOW)] == [None]
    for part in Part:
        engine.beat(part, now=NOW - timedelta(hours=2))
    engine.beat(Part.DELIVER, now=NOW - timedelta(hours=1))
    assert engine.silences(now=NOW) == [engine.Silence("all", "the whole engine", NOW - timedelta(hours=1))]


def test_a_step_that_breaks_stops_no_other_and_falls_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digests, "write_due", _broken)
    clinic = a_clinic()
    a_user(Role.SCHEDULER, clinic)
    a_running_pump(clinic, filled_days_ago=REFILL_BY_DAYS + 1, now=NOW)
    fleet.tick(NOW)
    assert Notification.objects.filter(channel="email").exists()
    heard = set(Heartbeat.objects.values_list("name", flat=True))
    assert heard == {Part.OPEN, Part.VISITS, Part.TELL, Part.AUDIT}


def _broken(now: object) -> None:
    raise ValueError("this one")


def test_a_mail_server_that_hangs_silences_delivery_though_rounds_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    # As the run that hangs holds it, from a session of its own.
    monkeypatch.setattr("alerts.tasks.alone", lambda _: nullcontext(False))
    a_round()
    assert [silence.part for silence in engine.silences(now=timezone.now())] == [Part.DELIVER]


def test_a_lease_of_a_clock_that_was_ahead_is_taken_over() -> None:
    clinic = a_clinic()
    a_user(Role.SCHEDULER, clinic)
    a_running_pump(clinic, filled_days_ago=REFILL_BY_DAYS + 1, now=NOW)
    fleet.tick(NOW)
    [taken] = delivery.claim(NOW + timedelta(hours=1))
    assert delivery.claim(NOW) == [taken]
    assert delivery.claim(NOW) == []


def test_something_due_and_not_done_shows(client: Client) -> None:
    now = timezone.now()
    a_running_pump(now=now)
    fleet.tick(now)
    deliver()
    long_ago = now - timedelta(hours=1)
    Forecast.objects.update(next_alert_at=long_ago)
    status, body = ask(client)
    assert (status, body["late_pumps"]) == (503, 1)


def test_a_message_that_does_not_leave_shows(client: Client) -> None:
    now, clinic = timezone.now(), a_clinic()
    a_user(Role.SCHEDULER, clinic)
    a_running_pump(clinic, filled_days_ago=REFILL_BY_DAYS + 1, now=now)
    fleet.tick(now)
    deliver()
    assert ask(client)[0] == 200
    Notification.objects.filter(channel="email").update(attempts=3, state="queued", due_at=now + timedelta(hours=1))
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

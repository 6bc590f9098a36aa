from datetime import timedelta

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from alerts.models import Alert, AlertStep, Notification
from alerts.services import auditing, delivery, engine, telling
from clinics.models import Clinic
from clinics.roles import Role
from pumps.models import Forecast, Pump
from pumps.services import fleet, watching
from tests.alerts.test_telling import a_due_pump
from tests.builders import NOW, a_clinic, a_running_pump, a_user

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture
def clinic() -> Clinic:
    clinic = a_clinic()
    a_user(Role.SCHEDULER, clinic, email="book@example.org")
    a_user(Role.ADMINISTRATOR, clinic, email="run@example.org")
    return clinic


@pytest.fixture
def told(clinic: Clinic) -> Pump:
    """A pump past its date, of which the scheduler has been told."""
    pump = a_due_pump(clinic, -1)
    fleet.tick(NOW)
    assert send(NOW) == 1
    return pump


def send(now: object) -> int:
    ids = delivery.claim(now)  # type: ignore[arg-type]  # a moment
    for pk in ids:
        delivery.deliver(pk, now=now)  # type: ignore[arg-type]  # a moment
    return len(ids)


def late() -> Alert | None:
    return Alert.objects.open().filter(kind="engine_late").first()


def test_when_all_is_well_nothing_is_found(told: Pump) -> None:
    a_running_pump(told.clinic)
    assert watching.look(NOW)
    assert watching.look_fully(NOW)
    assert late() is None


def test_what_could_not_be_told_in_time_is_told_to_administrators_until_it_is(
    told: Pump, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = NOW + timedelta(hours=12)
    with monkeypatch.context() as broken:
        broken.setattr(telling, "_tell_all", _breaks)
        fleet.tick(later)
        assert late() is None
    with monkeypatch.context() as broken:
        broken.setattr(telling, "_tell_all", _breaks)
        fleet.tick(later + engine.patience())
    found = late()
    assert found is not None
    assert (found.pump, found.clinic, found.detail) == (None, told.clinic, "1 alerts not told in time")
    now = later + engine.patience() + MINUTE
    fleet.tick(now)
    send(now)
    assert "run@example.org" in {message.to[0] for message in mail.outbox}
    fleet.tick(now + auditing.LASTING)
    found.refresh_from_db()
    assert found.closed_reason == "nothing is late any more"


def _breaks(*_: object) -> None:
    raise ValueError("this one")


def test_an_alert_without_a_next_time_is_told_all_the_same(told: Pump) -> None:
    Alert.objects.update(next_due_at=None)
    fleet.tick(NOW + timedelta(hours=1))
    assert AlertStep.objects.filter(what="forgotten").count() == 1
    fleet.tick(NOW + timedelta(hours=1, minutes=1))
    assert Notification.objects.filter(alert__pump=told, channel="email").count() == 2


def test_an_alert_that_sleeps_too_long_is_woken(told: Pump) -> None:
    Alert.objects.update(next_due_at=NOW + timedelta(days=400))
    watching.look(NOW)
    assert Alert.objects.get(pump=told).next_due_at == NOW


def test_a_message_in_nobodys_hands_is_sent(told: Pump) -> None:
    Notification.objects.filter(channel="email").update(state="sending", lease_until=None)
    assert send(NOW) == 0
    watching.look(NOW)
    assert send(NOW) == 1


def test_a_message_left_behind_is_reported(told: Pump) -> None:
    Notification.objects.filter(channel="email").update(state="queued", due_at=NOW)
    watching.look(NOW + engine.patience())
    found = late()
    assert found is not None
    assert found.detail == "1 messages not sent in time"


def test_at_night_an_alert_without_any_row_is_found(told: Pump) -> None:
    Notification.objects.all().delete()
    later = NOW + timedelta(hours=1)
    watching.look(later)
    assert late() is None
    watching.look_fully(later)
    assert late() is not None
    assert Alert.objects.get(pump=told).next_due_at == later


@pytest.mark.parametrize("lost", ["alert", "look", "both"])
def test_at_night_a_pump_nobody_looks_at_is_found(told: Pump, lost: str) -> None:
    quiet = a_running_pump(told.clinic, filled_days_ago=1)
    if lost in ("alert", "both"):
        Notification.objects.all().delete()
        AlertStep.objects.all().delete()
        Alert.objects.all().delete()
    if lost in ("look", "both"):
        Forecast.objects.filter(pump=quiet).update(next_alert_at=None)
    watching.look_fully(NOW)
    fleet.tick(NOW)
    assert Alert.objects.open().filter(pump=told, kind="refill_due").exists()
    assert Forecast.objects.get(pump=quiet).next_alert_at is not None
    found = late()
    assert found is not None
    assert found.detail == f"{2 if lost == 'both' else 1} pumps that nobody was looking at"


def test_a_pump_that_has_just_passed_its_date_unseen_is_found_by_the_next_round(clinic: Clinic) -> None:
    pump = a_due_pump(clinic, 0)
    Alert.objects.all().delete()
    Forecast.objects.update(next_alert_at=None)
    fleet.tick(NOW + MINUTE)
    fleet.tick(NOW + 2 * MINUTE)
    assert Alert.objects.open().filter(pump=pump, kind="refill_due").exists()


def test_the_full_look_is_once_a_night() -> None:
    assert watching.look_fully_if_due(NOW)
    assert not watching.look_fully_if_due(NOW + timedelta(hours=1))
    assert watching.look_fully_if_due(NOW + timedelta(hours=24))
    # A clock that was ahead for a while does not put it off.
    assert watching.look_fully_if_due(NOW)


def test_what_is_late_is_on_every_page_of_that_clinic_alone(told: Pump) -> None:
    now = timezone.now()
    auditing.settle([auditing.Finding(told.clinic_id, "messages not sent in time", 3)], now)
    client, stranger = Client(), Client()
    for someone, where in ((client, told.clinic), (stranger, a_clinic())):
        someone.force_login(a_user(Role.NURSE, where), backend="clinics.backends.EmailBackend")
    words = f"Reminders are late at {told.clinic.name}."
    assert words in client.get(reverse("worklist")).text
    assert words not in stranger.get(reverse("worklist")).text


def test_the_number_of_queries_does_not_grow_with_what_is_found(clinic: Clinic) -> None:
    for _ in range(3):
        a_due_pump(clinic, -1)
    fleet.tick(NOW)
    with CaptureQueriesContext(connection) as few:
        watching.look(NOW)
    Alert.objects.update(next_due_at=None)
    with CaptureQueriesContext(connection) as more:
        watching.look(NOW)
    assert len(more) - len(few) <= 8

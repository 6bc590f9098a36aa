"""Mail through a real connection to a server that refuses, stalls, drops, or takes a message and dies."""

import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from alerts.models import Alert, Notification
from alerts.services import delivery
from clinics.roles import Role
from clinics.services.tenants import go_live
from pumps.services import fleet
from tests.alerts.servers import MailServer, mail_server
from tests.alerts.test_telling import a_due_pump, consenting
from tests.builders import NOW, a_clinic, a_user

pytestmark = pytest.mark.django_db
RETRY = NOW + timedelta(minutes=20)


@pytest.fixture
def server(settings: Any) -> Iterator[MailServer]:
    with mail_server() as told:
        settings.EMAIL_BACKEND = "alerts.channels.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", told.port, 0.3
        yield told


def queued(count: int = 1) -> list[Notification]:
    clinic = a_clinic()
    a_user(Role.SCHEDULER, clinic)
    for _ in range(count):
        a_due_pump(clinic, -1)
    fleet.tick(NOW)
    return list(Notification.objects.filter(channel="email"))


def to_a_patient() -> Notification:
    clinic = a_clinic()
    go_live(clinic=clinic, now=NOW)
    a_due_pump(clinic, -1, patient=consenting(clinic))
    fleet.tick(NOW)
    return Notification.objects.get(channel="email", patient__isnull=False)


def send(now: Any = NOW) -> None:
    delivery.deliver_all(delivery.claim(now), clock=lambda: now)


def states() -> list[str]:
    return sorted(Notification.objects.filter(channel="email").values_list("state", flat=True))


def test_a_batch_leaves_by_one_connection(server: MailServer) -> None:
    queued(3)
    send()
    assert states() == ["sent"] * 3
    assert (server.connections, len(server.taken)) == (1, 3)


def test_a_server_that_hangs_up_after_each_message_delays_none(server: MailServer) -> None:
    server.fault = "once"
    queued(3)
    send()
    assert states() == ["sent"] * 3
    assert (server.connections, len(server.taken)) == (3, 3)


@pytest.mark.parametrize("fault", ["drop", "die", "stall", "later"])
def test_a_server_in_trouble_loses_nothing(server: MailServer, fault: str) -> None:
    server.fault = fault
    queued(2)
    send()
    assert states() == ["queued"] * 2
    server.fault = ""
    send(RETRY)
    assert states() == ["sent"] * 2
    names = {line for text in server.taken for line in text.splitlines() if line.startswith("Message-ID")}
    assert len(names) == 2


def test_a_server_that_is_not_there_is_asked_once_a_batch(server: MailServer, settings: Any) -> None:
    rows = queued(3)
    settings.EMAIL_PORT = 1
    send()
    assert states() == ["queued"] * 3
    assert {row.attempts for row in Notification.objects.filter(pk__in=[row.pk for row in rows])} == {1}
    assert server.connections == 0


def test_a_patients_address_that_does_not_exist_is_given_up(server: MailServer) -> None:
    server.fault = "refuse"
    row = to_a_patient()
    send()
    row.refresh_from_db()
    assert row.state == "failed"
    assert row.patient is not None
    assert row.patient.email_undeliverable_since == NOW
    assert Alert.objects.open().filter(kind="delivery_failed", patient=row.patient).count() == 1


def test_nothing_more_is_sent_to_an_address_that_was_given_up(server: MailServer) -> None:
    row = to_a_patient()
    assert row.patient is not None
    type(row.patient).objects.update(email_undeliverable_since=NOW)
    send()
    row.refresh_from_db()
    assert (row.state, row.error) == ("cancelled", "patient has no consent or address any more")
    assert server.connections == 0


def test_a_batch_that_takes_long_is_given_back(server: MailServer) -> None:
    rows = queued(3)
    ids = delivery.claim(NOW)
    moments = iter([NOW, NOW, NOW, NOW + delivery.LEASE])
    assert delivery.deliver_all(ids, clock=lambda: next(moments, NOW + delivery.LEASE)) == 1
    assert states() == ["queued", "queued", "sent"]
    assert Notification.objects.filter(pk__in=[row.pk for row in rows], lease_until=None).count() == 3


def test_rows_that_somebody_took_over_are_left_to_them(server: MailServer) -> None:
    queued()
    ids = delivery.claim(NOW)
    assert delivery.claim(NOW + delivery.LEASE) == ids
    assert delivery.deliver_all(ids, clock=lambda: NOW, claimed_at=NOW) == 0
    assert server.taken == []


def test_deciding_takes_as_many_queries_for_many_rows_as_for_one(server: MailServer) -> None:
    counts = []
    for count in (1, 6):
        queued(count)
        ids = delivery.claim(timezone.now() + timedelta(days=900))
        with CaptureQueriesContext(
            connection,
        ) as captured:
            delivery.deliver_all(ids, clock=lambda: NOW)
        counts.append(len(captured) - len(ids))  # one store a message
    assert counts[0] == counts[1]


def test_no_text_of_a_message_lands_in_logs_or_errors(
    server: MailServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    [row] = queued()

    def broken(_: Notification) -> None:
        raise RuntimeError("Patient M0001 needs a refill")

    monkeypatch.setattr("alerts.messages.compose", broken)
    with caplog.at_level(logging.DEBUG):
        send()
    row.refresh_from_db()
    assert row.error == "could not be made or sent: RuntimeError"
    assert "M0001" not in caplog.text

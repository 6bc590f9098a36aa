"""What mail providers say of bounces and complaints, and that strangers cannot."""

import hashlib
import hmac
import json
import logging
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from alerts.models import Alert, Notification
from alerts.services import delivery
from tests.alerts.servers import HttpServer, http_server
from tests.alerts.test_email import send, to_a_patient
from tests.builders import NOW

pytestmark = pytest.mark.django_db
SECRET = "brim:sixteen-random-signs"
KEY = "a-signing-key"


@pytest.fixture
def mailgun(settings: Any) -> Iterator[HttpServer]:
    with http_server() as told:
        told.body = json.dumps({"id": "<abc@mg>", "message": "Queued"}).encode()
        settings.EMAIL_PROVIDER = "mailgun"
        settings.EMAIL_BACKEND = "anymail.backends.mailgun.EmailBackend"
        settings.ANYMAIL = {
            "MAILGUN_API_KEY": "key-nobody-may-see",
            "MAILGUN_SENDER_DOMAIN": "mg.example.org",
            "MAILGUN_API_URL": told.address + "/v3",
            "MAILGUN_WEBHOOK_SIGNING_KEY": KEY,
            "WEBHOOK_SECRET": SECRET,
        }
        yield told


def report(row: Notification, event: dict[str, Any], *, secret: str = SECRET, key: str = KEY) -> int:
    """A call as Mailgun makes it."""
    mark = hmac.new(key.encode(), b"1732449600" + b"token", hashlib.sha256).hexdigest()
    body = {
        "signature": {"timestamp": "1732449600", "token": "token", "signature": mark},
        "event-data": {
            "timestamp": 1732449600.0,
            "id": "x",
            "user-variables": {"notification": str(row.pk)},
            "message": {"headers": {"message-id": "abc@mg"}},
            **event,
        },
    }
    headers = {"Authorization": "Basic " + b64encode(secret.encode()).decode()} if secret else {}
    client = Client(headers=headers)
    return int(client.post("/callbacks/mail/", json.dumps(body), content_type="application/json").status_code)


def bounce(row: Notification) -> dict[str, Any]:
    recipient = row.patient.email if row.patient is not None else ""
    return {"event": "failed", "severity": "permanent", "reason": "bounce", "recipient": recipient}


def test_a_message_leaves_through_the_provider(mailgun: HttpServer) -> None:
    row = to_a_patient()
    send()
    row.refresh_from_db()
    assert (row.state, row.provider_id) == ("sent", "<abc@mg>")
    [asked] = mailgun.asked
    assert asked.path == "/v3/mg.example.org/messages"
    assert delivery.message_id(row) in asked.form.values()


@pytest.mark.parametrize(("status", "state"), [(401, "queued"), (429, "queued"), (500, "queued"), (400, "failed")])
def test_what_a_provider_refuses(
    mailgun: HttpServer, status: int, state: str, caplog: pytest.LogCaptureFixture
) -> None:
    row = to_a_patient()
    mailgun.status, mailgun.body = status, b'{"message": "Hello Ada, it is time"}'
    with caplog.at_level(logging.INFO):
        send()
    row.refresh_from_db()
    assert (row.state, row.error) == (state, f"the mail provider answered {status}")
    assert "Ada" not in caplog.text
    assert "key-nobody" not in caplog.text


def test_a_bounce_fails_the_row_alerts_staff_and_ends_the_address(mailgun: HttpServer) -> None:
    row = to_a_patient()
    send()
    assert report(row, bounce(row)) == 200
    assert report(row, bounce(row)) == 200
    row.refresh_from_db()
    assert (row.state, row.error) == ("failed", "the address does not take it")
    assert row.patient is not None
    assert row.patient.email_undeliverable_since is not None
    assert Alert.objects.open().filter(kind="delivery_failed", patient=row.patient).count() == 1


def test_a_complaint_does_the_same(mailgun: HttpServer) -> None:
    row = to_a_patient()
    send()
    assert report(row, {**bounce(row), "event": "complained"}) == 200
    row.refresh_from_db()
    assert row.state == "failed"
    assert row.patient is not None
    assert row.patient.email_undeliverable_since is not None


def test_a_bounce_of_an_address_that_was_replaced_ends_nothing(mailgun: HttpServer) -> None:
    row = to_a_patient()
    send()
    event = bounce(row)
    assert row.patient is not None
    type(row.patient).objects.filter(pk=row.patient.pk).update(email="new@example.org")
    assert report(row, event) == 200
    row.patient.refresh_from_db()
    assert row.patient.email_undeliverable_since is None


def test_a_delay_changes_nothing(mailgun: HttpServer) -> None:
    row = to_a_patient()
    send()
    assert report(row, {**bounce(row), "severity": "temporary"}) == 200
    row.refresh_from_db()
    assert row.state == "sent"


@pytest.mark.parametrize("wrong", [{"secret": "brim:another-secret-of-signs"}, {"secret": ""}, {"key": "another"}])
def test_a_stranger_changes_nothing(mailgun: HttpServer, wrong: dict[str, str]) -> None:
    row = to_a_patient()
    send()
    assert report(row, bounce(row), **wrong) == 400
    row.refresh_from_db()
    assert row.state == "sent"


def test_a_bounce_before_the_sender_has_stored_wins(mailgun: HttpServer) -> None:
    row = to_a_patient()
    delivery.claim(NOW)
    assert report(row, bounce(row)) == 200
    row.refresh_from_db()
    assert row.state == "failed"


def test_without_a_provider_there_is_no_such_address() -> None:
    assert Client().post("/callbacks/mail/", "{}", content_type="application/json").status_code == 404

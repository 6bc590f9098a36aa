"""Text messages and calls, against a local server that speaks Twilio's HTTP."""

import json
import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from twilio.request_validator import RequestValidator

from alerts.models import Alert, Notification
from alerts.services import delivery
from clinics.models import Clinic
from clinics.roles import Role
from clinics.services.tenants import go_live
from config.environment import TwilioAccount
from patients.models import Patient
from pumps.services import fleet
from scheduling.models import VisitRules
from scheduling.services import reminders
from tests.alerts.servers import HttpServer, http_server
from tests.alerts.test_telling import a_due_pump, consenting
from tests.builders import NOW, a_clinic, a_patient, a_running_pump, a_user
from tests.scheduling.visits import a_visit

pytestmark = pytest.mark.django_db
TOKEN = "a-token-nobody-may-see"


@pytest.fixture
def twilio(settings: Any) -> Iterator[HttpServer]:
    with http_server() as told:
        settings.TWILIO_API_URL = told.address
        settings.SMS = settings.VOICE = TwilioAccount("AC1", TOKEN, "+15550100")
        told.status, told.body = 201, json.dumps({"sid": "SM77"}).encode()
        yield told


def queued(channel: str = "sms", **fields: Any) -> Notification:
    """A row to a patient by phone."""
    clinic = a_clinic(patient_facing_name="Harbor")
    go_live(clinic=clinic, now=NOW)
    a_user(Role.SCHEDULER, clinic)
    pump = a_due_pump(clinic, -1, patient=consenting(clinic))
    fleet.tick(NOW)
    values = {"phone": "+1 (555) 010-0123", "phone_reminders": True, **fields}
    Patient.objects.filter(pk=pump.patient_id).update(**values)
    row = Notification.objects.get(patient=pump.patient_id)
    Notification.objects.exclude(pk=row.pk).delete()
    Notification.objects.filter(pk=row.pk).update(channel=channel)
    return row


def send(now: Any = NOW) -> None:
    delivery.deliver_all(delivery.claim(now), clock=lambda: now)


def told_of(twilio: HttpServer, status: int, code: int) -> None:
    twilio.status, twilio.body = status, json.dumps({"code": code, "message": "no", "status": status}).encode()


def test_a_text_message_says_what_to_do_and_no_more(twilio: HttpServer) -> None:
    row = queued()
    send()
    row.refresh_from_db()
    assert (row.state, row.provider_id) == ("sent", "SM77")
    [asked] = twilio.asked
    assert asked.path.endswith("/Accounts/AC1/Messages.json")
    assert (asked.form["To"], asked.form["From"]) == ("+15550100123", "+15550100")
    body = asked.form["Body"]
    assert body.startswith("Hello Ada, a message from Harbor. It is time to plan your next visit. Answer here: http")
    assert not any(word in body.lower() for word in ("pump", "baclofen", "refill", "rossi", "dose"))


def test_a_voice_says_it_twice(twilio: HttpServer) -> None:
    queued("voice")
    send()
    [asked] = twilio.asked
    assert asked.path.endswith("/Calls.json")
    assert asked.form["Twiml"].count("It is time to plan your next visit.") == 2


@pytest.mark.parametrize(("channel", "path"), [("sms", "/Messages.json"), ("voice", "/Calls.json")])
def test_a_visit_is_reminded_of(twilio: HttpServer, channel: str, path: str) -> None:
    clinic = a_clinic(patient_facing_name="Harbor", patient_messages_since=NOW)
    patient = a_patient(clinic, phone="+1 555 010 0123", phone_reminders=True)
    visit = a_visit(a_running_pump(patient=patient), NOW + timedelta(days=7))
    VisitRules.objects.create(clinic=clinic, reminder_channels=[channel])
    now = visit.remind_at
    assert now is not None
    reminders.write_due(now)
    send(now)
    [asked] = twilio.asked
    assert asked.path.endswith(path)
    said = asked.form["Body" if channel == "sms" else "Twiml"]
    assert "Hello Ada, a message from Harbor. Your next visit is on Sunday 29 November, 07:00." in said
    assert Notification.objects.get().state == "sent"


def test_a_voice_names_the_number_digit_by_digit(twilio: HttpServer) -> None:
    row = queued("voice")
    Clinic.objects.filter(pk=row.clinic_id).update(phone="+1 (555) 01-00")
    send()
    [asked] = twilio.asked
    assert "Please call Harbor if you need anything, at + 1 5 5 5 0 1 0 0." in asked.form["Twiml"]


def test_staff_are_told_by_record_number(twilio: HttpServer) -> None:
    row = queued()
    user = a_user(Role.SCHEDULER, row.clinic)
    type(user).objects.filter(pk=user.pk).update(phone="0044 20 7946 0000")
    Notification.objects.filter(pk=row.pk).update(patient=None, user=user, recipient=f"user:{user.pk}")
    send()
    [asked] = twilio.asked
    assert asked.form["To"] == "+442079460000"
    assert row.alert is not None
    assert row.alert.patient is not None
    assert row.alert.patient.mrn in asked.form["Body"]
    assert row.alert.patient.family_name not in asked.form["Body"]
    assert len(asked.form["Body"]) <= 160


@pytest.mark.parametrize(("status", "code"), [(400, 21211), (400, 21614), (400, 21610)])
def test_a_number_that_cannot_be_reached_or_opted_out_fails_for_good(
    twilio: HttpServer, status: int, code: int
) -> None:
    row = queued()
    told_of(twilio, status, code)
    send()
    row.refresh_from_db()
    assert row.state == "failed"
    assert Alert.objects.open().filter(kind="delivery_failed").count() == 1


@pytest.mark.parametrize(("status", "code"), [(401, 20003), (429, 20429), (500, 20500), (400, 21606)])
def test_trouble_of_the_account_or_of_twilio_is_tried_again(twilio: HttpServer, status: int, code: int) -> None:
    row = queued()
    told_of(twilio, status, code)
    send()
    row.refresh_from_db()
    assert (row.state, row.attempts) == ("queued", 1)
    twilio.status, twilio.body = 201, b'{"sid": "SM78"}'
    send(NOW + timedelta(minutes=1))
    row.refresh_from_db()
    assert row.state == "sent"


def test_twilio_out_of_reach_says_neither_account_nor_text(
    twilio: HttpServer, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.TWILIO_API_URL = "http://127.0.0.1:1"
    row = queued()
    with caplog.at_level(logging.INFO):
        send()
    row.refresh_from_db()
    assert row.state == "queued"
    for secret in ("AC1", TOKEN, "Ada", "0100123"):
        assert secret not in row.error + caplog.text


def test_what_is_sent_is_not_logged(twilio: HttpServer, caplog: pytest.LogCaptureFixture) -> None:
    queued()
    with caplog.at_level(logging.INFO, logger="root"):
        send()
    assert "Ada" not in caplog.text


@pytest.mark.parametrize("fields", [{"phone_reminders": False}, {"phone": ""}])
def test_without_consent_or_number_nothing_is_sent(twilio: HttpServer, fields: dict[str, Any]) -> None:
    row = queued(**fields)
    send()
    row.refresh_from_db()
    assert row.state == "cancelled"
    assert twilio.asked == []


def test_a_channel_that_is_not_set_up_says_so(settings: Any) -> None:
    settings.SMS = None
    row = queued()
    send()
    row.refresh_from_db()
    assert (row.state, row.error) == ("failed", "text messages are not set up here")


def report(row: Notification, fields: dict[str, str], settings: Any, token: str = TOKEN) -> int:
    path = f"/callbacks/twilio/{row.pk}/"
    signature = RequestValidator(token).compute_signature(settings.BASE_URL + path, fields)
    answer = Client(headers={"X-Twilio-Signature": signature}).post(path, fields)
    return int(answer.status_code)


def test_an_undelivered_text_message_fails_the_row(twilio: HttpServer, settings: Any) -> None:
    row = queued()
    send()
    fields = {"MessageSid": "SM77", "MessageStatus": "undelivered", "ErrorCode": "30003"}
    assert report(row, fields, settings, token="another") == 403
    row.refresh_from_db()
    assert row.state == "sent"
    assert report(row, fields, settings) == 204
    row.refresh_from_db()
    assert (row.state, row.error) == ("failed", "the text message was not delivered, code 30003")
    assert Alert.objects.open().filter(kind="delivery_failed").count() == 1


def test_a_report_of_an_earlier_try_changes_nothing(twilio: HttpServer, settings: Any) -> None:
    row = queued()
    send()
    assert report(row, {"MessageSid": "SM1", "MessageStatus": "failed"}, settings) == 204
    row.refresh_from_db()
    assert row.state == "sent"


def test_a_call_nobody_answers_is_made_three_times(twilio: HttpServer, settings: Any) -> None:
    row, now = queued("voice"), NOW
    for tries in (1, 2, 3):
        send(now)
        row.refresh_from_db()
        assert (row.state, row.attempts) == ("sent", tries)
        assert report(row, {"CallSid": "SM77", "CallStatus": "no-answer"}, settings) == 204
        row.refresh_from_db()
        now = row.due_at
    assert row.state == "failed"


@pytest.mark.parametrize("told", ["", "wrong"])
def test_a_stranger_changes_nothing(twilio: HttpServer, told: str) -> None:
    row = queued()
    send()
    headers = {"X-Twilio-Signature": told} if told else {}
    answer = Client(headers=headers).post(f"/callbacks/twilio/{row.pk}/", {"MessageStatus": "failed"})
    assert answer.status_code == 403
    row.refresh_from_db()
    assert row.state == "sent"

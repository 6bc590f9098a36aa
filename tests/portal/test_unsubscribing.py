"""No more e-mail ends the consent, never the duty."""

from urllib.parse import urlsplit

import pytest
from django.test import Client

from alerts.models import Alert, Report
from alerts.patient_links import unsubscribe_link
from clinics.models import Change
from pumps.models import Pump
from tests.portal.links import FORBIDDEN, a_caregiver, a_message, a_patients_pump, path_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def pump() -> Pump:
    return a_patients_pump()


def test_it_ends_the_consent_with_a_note_and_asks_for_a_call(client: Client, pump: Pump) -> None:
    path = path_of(a_message(pump))
    page = client.get(path + "unsubscribe/").text
    assert "the clinic will phone you instead" in page
    for _ in range(2):
        done = client.post(path + "unsubscribe/", {"wish": "stop"}).text
        assert "the clinic will phone you instead" in done
        assert not [word for word in FORBIDDEN if word in (page + done).lower()]
    pump.patient.refresh_from_db()
    assert not pump.patient.email_reminders
    assert pump.patient.unsubscribed_at is not None
    change = Change.objects.get(subject=f"patient:{pump.patient_id}", summary__contains="e-mail")
    assert change.details == {"email_reminders": ["yes", "no"]}
    assert Report.objects.get().note == "asked for no more e-mail: phone instead"
    assert Alert.objects.open().filter(kind="call_back").exists()
    assert Alert.objects.open().filter(kind="refill_due").exists()
    assert "Stop these e-mails" not in client.get(path).text


def test_a_mail_programs_own_button_does_the_same_without_a_cookie(pump: Pump) -> None:
    strict = Client(enforce_csrf_checks=True, headers={"Origin": "null"})
    address = urlsplit(unsubscribe_link(a_message(pump))).path
    answer = strict.post(address, {"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    pump.patient.refresh_from_db()
    assert not pump.patient.email_reminders
    assert Report.objects.get().kind == "call_back"


def test_it_is_undone(client: Client, pump: Pump) -> None:
    path = path_of(a_message(pump))
    client.post(path + "unsubscribe/", {"wish": "stop"})
    assert "You get e-mails about visits again" in client.post(path + "unsubscribe/", {"wish": "start"}).text
    pump.patient.refresh_from_db()
    assert pump.patient.email_reminders
    assert not Alert.objects.open().filter(kind="call_back").exists()


def test_undoing_leaves_a_call_that_was_asked_for_otherwise(client: Client, pump: Pump) -> None:
    path = path_of(a_message(pump))
    client.post(path, {"answer": "call_me"})
    client.post(path + "unsubscribe/", {"wish": "stop"})
    client.post(path + "unsubscribe/", {"wish": "start"})
    assert Alert.objects.open().filter(kind="call_back").exists()


def test_a_contact_ends_their_own_and_nobody_elses(client: Client, pump: Pump) -> None:
    caregiver = a_caregiver(pump.patient)
    client.post(path_of(a_message(pump, contact=caregiver)) + "unsubscribe/", {"wish": "stop"})
    caregiver.refresh_from_db()
    pump.patient.refresh_from_db()
    assert not caregiver.email_reminders
    assert pump.patient.email_reminders
    assert Report.objects.get().note == "Bruno asked for no more e-mail: phone instead"
    assert Report.objects.get().contact == caregiver


def test_without_an_address_there_is_nothing_to_undo(client: Client, pump: Pump) -> None:
    path = path_of(a_message(pump))
    pump.patient.email, pump.patient.email_reminders = "", False
    pump.patient.save()
    assert "no e-mail address of yours" in client.post(path + "unsubscribe/", {"wish": "start"}).text
    pump.patient.refresh_from_db()
    assert not pump.patient.email_reminders

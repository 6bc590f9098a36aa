"""The first page: what it says, to whom, and that looking at it changes nothing."""

import re
import time
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail, signing
from django.test import Client
from django.utils import timezone

from alerts.models import Alert, AlertStep, Notification, Report
from alerts.patient_links import SALT
from clinics.services.tenants import go_live
from pumps.models import Pump
from pumps.services import fleet
from scheduling.models import AppointmentStep
from tests.alerts.test_delivery import send
from tests.alerts.test_telling import a_due_pump, consenting
from tests.builders import NOW, a_clinic
from tests.portal.links import (
    FORBIDDEN,
    a_caregiver,
    a_message,
    a_patients_pump,
    a_visit,
    path_of,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def pump() -> Pump:
    return a_patients_pump()


def test_the_link_in_a_message_that_really_left_opens_and_nothing_on_the_way_names_anything(client: Client) -> None:
    clinic = a_clinic("Harbor Neurology", patient_facing_name="Harbor")
    go_live(clinic=clinic, now=NOW)
    a_due_pump(clinic, -1, patient=consenting(clinic))
    fleet.tick(NOW)
    send()
    [message] = mail.outbox
    body = str(message.body)
    found = re.search(r"http://[^/\s]+(/v/\S+/)", body)
    assert found is not None
    page = client.get(found[1])
    assert page.status_code == 200
    assert "Hello Ada" in page.text
    for text in (body, message.subject, page.text):
        assert not [word for word in FORBIDDEN if word in text.lower()]


def test_without_a_visit_it_offers_to_choose_a_time(client: Client, pump: Pump) -> None:
    page = client.get(path_of(a_message(pump))).text
    assert "It is time to plan your next visit to Harbor." in page
    assert "Choose a time" in page
    assert not [word for word in FORBIDDEN if word in page.lower()]


def test_a_visit_is_said_on_the_clinics_clock_which_is_named(client: Client, pump: Pump) -> None:
    visit = a_visit(pump)
    local = visit.starts_at.astimezone(pump.clinic.zone)
    page = client.get(path_of(a_message(pump, visit=visit))).text
    assert f"{local:%A}, {local.day} {local:%B} {local.year}, {local.hour - 12}:30 p.m." in page
    assert "(New York time)" in page
    assert "tel:+15550100" in page
    assert "call 911 now" in page
    assert not [word for word in FORBIDDEN if word in page.lower()]


def test_a_contact_reads_about_the_patient_by_first_name(client: Client, pump: Pump) -> None:
    row = a_message(pump, contact=a_caregiver(pump.patient), visit=a_visit(pump))
    page = client.get(path_of(row)).text
    assert "Hello Bruno" in page
    assert "Ada has a visit to Harbor on:" in page
    assert "Yes, Ada will come" in page
    assert not [word for word in FORBIDDEN if word in page.lower()]


@pytest.mark.parametrize(
    ("settings", "number"), [({}, "911"), ({"label_set": "uk"}, "999"), ({"emergency_number": "112"}, "112")]
)
def test_the_emergency_number_is_the_clinics(client: Client, settings: dict[str, str], number: str) -> None:
    page = client.get(path_of(a_message(a_patients_pump(**settings)))).text
    assert f"call {number} now" in page


def test_looking_changes_nothing(client: Client, pump: Pump) -> None:
    visit = a_visit(pump)
    path = path_of(a_message(pump, visit=visit))
    for page in ("", "times/", "sound/", "unwell/", "unsubscribe/"):
        assert client.get(path + page).status_code == 200
        assert client.head(path + page).status_code == 200
    visit.refresh_from_db()
    pump.patient.refresh_from_db()
    assert visit.state == "booked"
    assert pump.patient.email_reminders
    assert not Report.objects.exists()
    assert not AppointmentStep.objects.exists()


def test_yes_confirms_once_and_says_who(client: Client, pump: Pump) -> None:
    visit = a_visit(pump)
    path = path_of(a_message(pump, contact=a_caregiver(pump.patient), visit=visit))
    seen = re.search(r'name="visit" value="([^"]+)"', client.get(path).text)
    assert seen is not None
    for _ in range(2):
        assert "We know now that Ada will come." in client.post(path, {"answer": "come", "visit": seen[1]}).text
    visit.refresh_from_db()
    assert visit.state == "confirmed"
    assert AppointmentStep.objects.get(what="confirmed").detail == "Bruno (caregiver)"
    assert "We know that Ada will come." in client.get(path).text


def test_yes_to_a_time_that_has_changed_meanwhile_confirms_nothing(client: Client, pump: Pump) -> None:
    visit = a_visit(pump)
    path = path_of(a_message(pump, visit=visit))
    seen = re.search(r'name="visit" value="([^"]+)"', client.get(path).text)
    assert seen is not None
    visit.starts_at += timedelta(days=1)
    visit.save()
    assert "The time of the visit has changed" in client.post(path, {"answer": "come", "visit": seen[1]}).text
    visit.refresh_from_db()
    assert visit.state == "booked"


def test_a_visit_that_has_begun_or_ended_is_not_offered(client: Client, pump: Pump) -> None:
    visit = a_visit(pump, timezone.now() - timedelta(minutes=5))
    page = client.get(path_of(a_message(pump, visit=visit))).text
    assert "There is no visit to plan right now." in page
    assert "I will come" not in page


def test_an_older_links_answer_still_counts_once_and_quiets_nothing(client: Client, pump: Pump) -> None:
    path = path_of(a_message(pump))
    due = Alert.objects.get().next_due_at
    for _ in range(2):
        assert "knows that a visit is booked" in client.post(path, {"answer": "booked"}).text
    assert list(AlertStep.objects.filter(what="answered").values_list("detail", flat=True)) == [
        "the patient says a visit is booked"
    ]
    assert Alert.objects.get().next_due_at == due


def test_rubbish_answers_nothing(client: Client, pump: Pump) -> None:
    path = path_of(a_message(pump, visit=a_visit(pump)))
    sent: list[dict[str, Any]] = [
        {"answer": "<script>alert(1)</script>"},
        {"answer": "come", "visit": "\x00"},
        {"answer": "come", "visit": "9" * 100_000},
        {"time": "2026-11-20T10:00:00+99:00"},
        {"time": "\x00"},
        {"time": "9" * 100_000},
        {"sound": "three"},
        {"symptoms": "\x00"},
        {"symptoms": "<script>alert(1)</script>", "since": "\x00", "who": "\x00"},
        {"wish": "\x00"},
    ]
    for page in ("", "times/", "sound/", "unwell/", "unsubscribe/"):
        for values in sent:
            answer = client.post(path + page, values)
            assert answer.status_code == 200, (page, values)
            assert "<script>" not in answer.text
        assert client.post(path + page, data=b"\x00\xff{", content_type="application/json").status_code == 200
        assert client.put(path + page).status_code == 405
    assert not Report.objects.exists()
    assert not AppointmentStep.objects.exists()


def test_nothing_is_kept_sent_on_or_found(client: Client, pump: Pump) -> None:
    page = client.get(path_of(a_message(pump)))
    assert "no-store" in page.headers["Cache-Control"]
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert "noindex" in page.headers["X-Robots-Tag"]
    assert not page.cookies
    assert "<script" not in page.text
    assert "http://" not in page.text
    assert "https://" not in page.text


def test_a_page_says_its_own_link_and_no_younger_one(client: Client, pump: Pump, monkeypatch: Any) -> None:
    path = path_of(a_message(pump))
    later = time.time() + timedelta(days=59).total_seconds()
    monkeypatch.setattr(time, "time", lambda: later)
    assert set(re.findall(r'"(/v/[^/"]+/)', client.get(path).text)) == {path}


def test_a_link_that_is_wrong_or_a_staff_messages_is_404(client: Client, pump: Pump) -> None:
    row = a_message(pump)
    path = path_of(row)
    staff_row = a_message(pump)
    Notification.objects.filter(pk=staff_row.pk).update(patient=None)
    other = signing.dumps(row.pk, salt="another")
    for wrong in (path[:-3] + "xx/", "/v/rubbish/", f"/v/{other}/", path_of(staff_row)):
        for page in ("", "times/", "sound/", "unwell/", "unsubscribe/"):
            assert client.get(wrong + page).status_code == 404
            answer = client.post(
                wrong + page, {"answer": "call_me", "sound": "one", "symptoms": "fever", "wish": "stop"}
            )
            assert answer.status_code == 404
            assert "Harbor" not in answer.text
    assert not Report.objects.exists()
    assert signing.loads(path.split("/")[2], salt=SALT) == row.pk


def test_a_link_too_old_is_a_kind_page_with_the_clinics_phone(client: Client, pump: Pump, monkeypatch: Any) -> None:
    path = path_of(a_message(pump))
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + timedelta(days=60, hours=1).total_seconds())
    page = client.get(path)
    assert page.status_code == 410
    assert "tel:+15550100" in page.text
    assert "Ada" not in page.text
    # Whoever was writing as it ended is heard.
    assert client.post(path + "unwell/", {"symptoms": "fever"}).status_code == 200
    assert Report.objects.count() == 1
    monkeypatch.setattr(time, "time", lambda: now + timedelta(days=62).total_seconds())
    assert client.post(path + "unwell/", {"symptoms": "fever"}).status_code == 410


@pytest.mark.parametrize("status", ["deceased", "transferred", "therapy_ended"])
def test_a_patient_who_is_gone_is_not_named(client: Client, pump: Pump, status: str) -> None:
    path = path_of(a_message(pump, contact=a_caregiver(pump.patient)))
    pump.patient.status, pump.patient.status_on = status, timezone.now().date()
    pump.patient.save()
    for answer in (client.get(path), client.post(path + "unwell/", {"symptoms": "fever"})):
        assert answer.status_code == 410
        assert "tel:+15550100" in answer.text
        assert "Ada" not in answer.text
    assert not Report.objects.exists()


def test_a_contact_who_was_removed_is_told_nothing_more(client: Client, pump: Pump) -> None:
    contact = a_caregiver(pump.patient)
    path = path_of(a_message(pump, contact=contact))
    contact.ended_at = timezone.now()
    contact.save()
    assert client.get(path).status_code == 410

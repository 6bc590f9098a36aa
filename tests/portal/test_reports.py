"""What people report by their link: what is stored, what they read, and that one press is one report."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from alerts.models import Alert, AlertStep, Report
from alerts.services import lifecycle
from clinical.symptoms import BY_CODE, OVERDOSE, WITHDRAWAL
from clinics.errors import Conflict
from portal.services import telling
from portal.visitor import Visitor, visitor_of
from portal.words import OF_ANOTHER
from pumps.models import Pump
from tests.portal.links import a_caregiver, a_message, a_patients_pump, a_visit, path_of

pytestmark = pytest.mark.django_db
EMERGENCY = "Call the emergency number now"


@pytest.fixture
def pump() -> Pump:
    return a_patients_pump()


@pytest.fixture
def path(pump: Pump) -> str:
    return path_of(a_message(pump))


def test_the_alarm_page_has_both_sounds_and_their_words(client: Client, path: str) -> None:
    page = client.get(path + "sound/").text
    assert page.count("<audio controls") == 2
    assert "One short beep. It comes back about once an hour." in page
    assert "A high beep and a low beep" in page


def test_one_tone_is_told_and_asks_to_call_today(client: Client, path: str, pump: Pump) -> None:
    page = client.post(path + "sound/", {"sound": "one"}).text
    report = Report.objects.get()
    assert (report.kind, report.pump, report.patient, report.by) == ("one_tone", pump, pump.patient, None)
    assert report.message is not None
    assert Alert.objects.open().get(kind="pump_alarm").next_due_at is not None
    assert "please also call them today" in page
    assert "tel:+15550100" in page
    assert EMERGENCY not in page


@pytest.mark.parametrize(("sound", "note"), [("two", ""), ("unsure", "not sure which sound it is")])
def test_two_tones_say_the_emergency_number_first(client: Client, path: str, sound: str, note: str) -> None:
    page = client.post(path + "sound/", {"sound": sound}).text
    assert (Report.objects.get().kind, Report.objects.get().note) == ("two_tones", note)
    assert Alert.objects.open().filter(kind="pump_alarm_two_tones").exists()
    assert page.index(EMERGENCY) < page.index("We have told the clinic too")
    assert 'href="tel:911"' in page


def test_every_sign_is_offered_once_to_both(client: Client, path: str, pump: Pump) -> None:
    contacts = path_of(a_message(pump, contact=a_caregiver(pump.patient)))
    assert set(OF_ANOTHER) == set(BY_CODE)
    for address in (path, contacts):
        page = client.get(address + "unwell/").text
        for code in BY_CODE:
            assert page.count(f'value="{code}"') == 1


@pytest.mark.parametrize("symptom", [*WITHDRAWAL, *OVERDOSE], ids=lambda one: one.code)
def test_each_sign_is_told_and_each_emergency_says_first_whom_to_call(client: Client, path: str, symptom: Any) -> None:
    before = timezone.now()
    page = client.post(path + "unwell/", {"symptoms": symptom.code, "since": "hours", "who": "me"}).text
    kinds = {"withdrawal": WITHDRAWAL, "overdose": OVERDOSE}
    expected = {kind for kind, listed in kinds.items() if symptom.code in {one.code for one in listed}}
    assert {report.kind for report in Report.objects.all()} == expected
    assert {alert.kind for alert in Alert.objects.open().exclude(kind="refill_due")} == expected
    for report in Report.objects.all():
        assert report.symptoms == [symptom.code]
        assert report.note == "began: 1 to 6 hours ago"
        assert before - timedelta(hours=6) <= report.began_at <= timezone.now() - timedelta(hours=6)
    assert (EMERGENCY in page) == symptom.is_emergency
    if symptom.is_emergency:
        assert page.index(EMERGENCY) < page.index("We have told the clinic too")
    else:
        assert "please also call them now" in page


def test_who_writes_and_their_words_are_kept(client: Client, pump: Pump, path: str) -> None:
    client.post(path + "unwell/", {"symptoms": ["fever", "sweating"], "who": "other", "text": "  very\n hot "})
    report = Report.objects.get()
    assert report.symptoms == ["fever", "sweating"]
    assert report.note == ("began: not said; written for the patient by somebody else; in their words: very hot")
    caregiver = a_caregiver(pump.patient)
    client.post(path_of(a_message(pump, contact=caregiver)) + "unwell/", {"symptoms": "drowsy", "since": "days"})
    assert Report.objects.get(kind="overdose").contact == caregiver


def test_words_alone_are_told_as_the_worse(client: Client, path: str) -> None:
    assert "please also call them now" in client.post(path + "unwell/", {"text": "I burn " + "x" * 1000}).text
    report = Report.objects.get()
    assert report.kind == "withdrawal"
    assert report.symptoms == ["unwell"]
    assert "in their words: I burn" in report.note


def test_nothing_said_is_asked_again(client: Client, path: str) -> None:
    assert "Please tick what is wrong" in client.post(path + "unwell/", {"since": "day", "who": "other"}).text
    assert "Please choose one of the three" in client.post(path + "sound/").text
    assert not Report.objects.exists()


def test_a_second_press_is_one_report(client: Client, path: str) -> None:
    for _ in range(3):
        assert EMERGENCY in client.post(path + "unwell/", {"symptoms": "fever"}).text
        assert EMERGENCY in client.post(path + "sound/", {"sound": "two"}).text
        assert "would like a call" in client.post(path, {"answer": "call_me"}).text
    assert sorted(Report.objects.values_list("kind", flat=True)) == ["call_back", "two_tones", "withdrawal"]


def test_the_same_again_later_or_after_it_was_closed_is_a_new_report(client: Client, path: str) -> None:
    client.post(path + "unwell/", {"symptoms": "fever"})
    Report.objects.update(reported_at=timezone.now() - telling.SAME_WITHIN)
    client.post(path + "unwell/", {"symptoms": "fever"})
    assert Report.objects.count() == 2
    alert = Alert.objects.open().get(kind="withdrawal")
    assert alert.reports == 2
    lifecycle.close(alert, reason="seen", event_id=None, now=timezone.now())
    client.post(path + "unwell/", {"symptoms": "fever"})
    assert Report.objects.count() == 3
    assert Alert.objects.open().filter(kind="withdrawal").exists()


def a_visitor(pump: Pump) -> Visitor:
    found = visitor_of(a_message(pump), "token")
    assert found is not None
    return found


def test_a_link_that_reports_without_end_is_kept_but_raises_only_what_is_new(pump: Pump) -> None:
    visitor, now = a_visitor(pump), timezone.now()

    def say(number: int, *symptoms: str) -> None:
        moment = now + timedelta(seconds=number)
        telling.tell_unwell(visitor=visitor, symptoms=symptoms, note=f"text {number}", began_at=moment, now=moment)

    for number in range(telling.MOST_AN_HOUR + 3):
        say(number, "itching")
    assert Report.objects.count() == telling.MOST_AN_HOUR
    kept = AlertStep.objects.filter(what=telling.SAID_AGAIN).values_list("detail", flat=True)
    assert [detail.rpartition(" ")[2] for detail in kept] == ["6", "7", "8"]
    say(10, "itching", "fever")
    assert Report.objects.latest("pk").symptoms == ["fever", "itching"]
    say(11, "drowsy")
    assert Report.objects.latest("pk").kind == "overdose"


def test_two_links_of_one_patient_are_heard_both(client: Client, path: str, pump: Pump) -> None:
    client.post(path + "unwell/", {"symptoms": "fever"})
    client.post(path_of(a_message(pump, contact=a_caregiver(pump.patient))) + "unwell/", {"symptoms": "fever"})
    assert Report.objects.count() == 2
    assert Alert.objects.open().filter(kind="withdrawal").count() == 1


def test_a_call_is_asked_for_with_the_reason(client: Client, pump: Pump, path: str) -> None:
    client.post(path, {"answer": "call_me", "why": "time"})
    assert Report.objects.latest("pk").note == "Ada (the patient) asks to be called about a time for a visit"
    visit = a_visit(pump, datetime(2099, 12, 4, 19, 30, tzinfo=timezone.get_default_timezone()))
    by_visit = path_of(a_message(pump, visit=visit))
    client.post(by_visit, {"answer": "call_me", "why": "time"})
    assert Report.objects.latest("pk").note == "Ada (the patient) cannot come on Fri 4 Dec 2099, 14:30"
    assert Alert.objects.open().get(kind="call_back").reports == 2
    visit.refresh_from_db()
    assert visit.state == "booked"


def test_a_report_after_the_pump_was_replaced_is_of_the_new_one(client: Client, pump: Pump, path: str) -> None:
    pump.status, pump.explanted_on = Pump.Status.EXPLANTED, timezone.now().date()
    pump.save()
    assert client.get(path).status_code == 410
    new = Pump.objects.create(
        clinic=pump.clinic,
        patient=pump.patient,
        model=pump.model,
        serial_number="NEW",
        implanted_on=timezone.now().date(),
        low_reservoir_alarm_ml=2,
    )
    client.post(path + "sound/", {"sound": "one"})
    assert Report.objects.get().pump == new


def test_care_that_ends_at_that_moment_is_a_kind_page(client: Client, path: str, monkeypatch: Any) -> None:
    def refuse(**_: object) -> None:
        raise Conflict("The patient is not in care here any more.")

    monkeypatch.setattr(telling, "report", refuse)
    answer = client.post(path + "unwell/", {"symptoms": "fever"})
    assert answer.status_code == 410
    assert "tel:+15550100" in answer.text

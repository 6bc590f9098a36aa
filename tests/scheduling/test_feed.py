"""The calendar of a clinic: stable, cancelled where cancelled, and without a word about a patient."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from icalendar import Calendar

from clinics.models import Change, Clinic
from clinics.roles import Role
from pumps.services import booking
from scheduling.services import rules
from tests.builders import a_clinic, a_patient, a_running_pump, a_user
from tests.scheduling.visits import a_visit

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def address(clinic: Clinic) -> str:
    link = rules.feed_link(rules.renew_feed(clinic=clinic, by=a_user(), now=timezone.now()))
    return "/" + link.split("/", 3)[3]


def events(path: str) -> list[Any]:
    answer = Client().get(path)
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/calendar; charset=utf-8"
    return list(Calendar.from_ical(answer.content).walk("VEVENT"))


def test_a_visit_keeps_its_identity_when_it_moves_and_when_it_is_cancelled() -> None:
    now, pump = timezone.now(), a_running_pump(now=timezone.now())
    path = address(pump.clinic)
    visit = a_visit(pump, (now + 3 * DAY).replace(microsecond=0), now=now)
    [first] = events(path)
    booking.move(appointment_id=visit.pk, starts_at=visit.starts_at + DAY, by=a_user(), now=now)
    [moved] = events(path)
    booking.cancel(appointment_id=visit.pk, reason="baclofen pocket fill", by=a_user(), now=now)
    [cancelled] = events(path)
    assert first["UID"] == moved["UID"] == cancelled["UID"]
    assert [int(each["SEQUENCE"]) for each in (first, moved, cancelled)] == [0, 1, 2]
    assert [str(each["STATUS"]) for each in (first, moved, cancelled)] == ["CONFIRMED", "CONFIRMED", "CANCELLED"]
    assert moved["DTSTART"].dt == visit.starts_at + DAY
    assert moved["DTEND"].dt - moved["DTSTART"].dt == timedelta(minutes=30)


def test_it_holds_no_health_data() -> None:
    clinic = a_clinic("Spasticity Clinic")
    now = timezone.now()
    patient = a_patient(clinic, given_name="Zelda", family_name="Quux", mrn="MRN-1", phone="+15550123")
    visit = a_visit(a_running_pump(patient=patient, now=now), now + 3 * DAY, now=now)
    path = address(clinic)
    text = Client().get(path).text
    for secret in ("Zelda", "Quux", "MRN", "5550123", "Spasticity", "pump", "refill", "baclofen", "Synchro"):
        assert secret.lower() not in text.lower()
    [event] = events(path)
    assert str(event["SUMMARY"]) == f"Visit {visit.pk}"
    assert "DESCRIPTION" not in event


def test_another_clinics_visits_are_not_in_it() -> None:
    now = timezone.now()
    a_visit(a_running_pump(now=now), now + 3 * DAY, now=now)
    assert events(address(a_clinic())) == []


def test_a_renewed_address_ends_the_one_before_and_keeps_each_identity() -> None:
    now, pump = timezone.now(), a_running_pump(now=timezone.now())
    a_visit(pump, now + 3 * DAY, now=now)
    old = address(pump.clinic)
    [before] = events(old)
    new = address(pump.clinic)
    assert Client().get(old).status_code == 404
    assert events(new)[0]["UID"] == before["UID"]
    rules.end_feed(clinic=pump.clinic, by=a_user(), now=now)
    assert Client().get(new).status_code == 404
    assert Change.objects.filter(clinic=pump.clinic, summary__icontains="calendar").count() == 3


@pytest.mark.parametrize("token", ["x", "WzEsICIiXQ:abc:def", "%00"])
def test_a_wrong_address_shows_nothing(token: str) -> None:
    assert Client().get(f"/calendar/{token}/visits.ics").status_code == 404


def test_the_address_is_made_and_renewed_on_the_clinics_page() -> None:
    clinic = a_clinic()
    browser = Client()
    browser.force_login(a_user(Role.ADMINISTRATOR, clinic))
    page = f"/clinics/{clinic.pk}/visits/"
    assert "no address yet" in browser.get(page).text
    browser.post(f"{page}calendar/", {"step": "renew"})
    link = browser.get(page).context["address"]
    assert "/calendar/" in link
    nurse = Client()
    nurse.force_login(a_user(Role.NURSE, clinic))
    assert nurse.get(page).status_code == 403
    assert nurse.post(f"{page}calendar/").status_code == 403

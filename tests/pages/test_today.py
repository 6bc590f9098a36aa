"""The nurse's day: who comes when and in which state, what to prepare, who is overdue."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clinics.models import Clinic
from clinics.roles import Role
from pumps.models import Pump
from pumps.services import booking, drafts
from scheduling.models import Appointment
from tests.builders import a_clinic, a_patient, a_running_pump, a_user
from tests.pages.conftest import logged_in


@pytest.fixture
def clinic(db: None) -> Clinic:
    return a_clinic("Harbor", timezone="UTC")


def booked(clinic: Clinic, name: str, minutes: int) -> Pump:
    """With a visit so many minutes from noon of today."""
    now = timezone.now()
    pump = a_running_pump(clinic, patient=a_patient(clinic, family_name=name), filled_days_ago=60, now=now)
    at = now.replace(hour=12, minute=0, second=0, microsecond=0) + timedelta(minutes=minutes)
    booking.book(pump_id=pump.pk, starts_at=now + timedelta(days=3), by=a_user(), now=now)
    Appointment.objects.filter(pump=pump).update(starts_at=at)
    return pump


def test_visits_stand_in_order_of_time_with_what_to_prepare(clinic: Clinic, nurse: Client) -> None:
    booked(clinic, "Later", 60)
    booked(clinic, "Sooner", 0)
    a_running_pump(clinic, filled_days_ago=5, now=timezone.now())
    page = nurse.get(reverse("today"))
    assert [line.visit.patient.family_name for line in page.context["lines"]] == ["Sooner", "Later"]
    assert "Prepare <strong>40 mL of 500 mcg/mL</strong>" in page.text


def test_the_state_of_a_visit_follows_what_happens(clinic: Clinic, nurse: Client) -> None:
    pump = booked(clinic, "Rossi", 0)
    visit = Appointment.objects.get()

    def state() -> str:
        return str(nurse.get(reverse("today")).context["lines"][0].state[1])

    assert state() == "Expected"
    page = nurse.post(reverse("arrive_visit", args=[visit.pk]), {"back": "today"})
    assert page.headers["Location"] == reverse("today")
    assert state() == "Arrived"
    colleague = a_user(Role.NURSE, clinic)
    drafts.keep(pump=pump, user=colleague, token=uuid4(), counter=1, values={}, now=timezone.now())
    assert state() == "In visit"
    assert "has begun the visit at" in nurse.get(reverse("today")).text


def test_who_is_overdue_without_a_visit_is_named(clinic: Clinic, nurse: Client) -> None:
    late = a_running_pump(clinic, filled_days_ago=97, now=timezone.now())
    page = nurse.get(reverse("today"))
    assert [(row.pump_id, urgency.word) for row, urgency in page.context["overdue"]] == [(late.pk, "Reservoir low")]
    assert "1 pump is stopped, empty or low, and has no visit." in page.text
    now = timezone.now()
    booking.book(pump_id=late.pk, starts_at=now + timedelta(hours=1), late_reason="away", by=a_user(), now=now)
    assert nurse.get(reverse("today")).context["overdue"] == []


def test_an_empty_day_says_so(nurse: Client) -> None:
    page = nurse.get(reverse("today"))
    assert "No refill is booked for today." in page.text
    assert "Nobody: everyone who is overdue has a visit." in page.text


def test_nobody_sees_another_clinics_day_and_a_scheduler_sees_no_clinical_data(
    clinic: Clinic, stranger: Client
) -> None:
    booked(clinic, "Rossi", 0)
    assert "Rossi" not in stranger.get(reverse("today")).text
    page = logged_in(a_user(Role.SCHEDULER, clinic)).get(reverse("today"))
    assert "Your role sees no clinical data." in page.text
    assert "Rossi" not in page.text


def test_an_auditor_sees_the_day_and_can_begin_nothing(clinic: Clinic) -> None:
    booked(clinic, "Rossi", 0)
    page = logged_in(a_user(Role.AUDITOR, clinic)).get(reverse("today"))
    assert "Rossi" in page.text
    assert not page.context["lines"][0].can_begin


def test_more_visits_ask_no_more_queries(clinic: Clinic, nurse: Client, django_assert_max_num_queries: object) -> None:
    for place in range(3):
        booked(clinic, f"Rossi{place}", place)
    nurse.get(reverse("today"))
    with django_assert_max_num_queries(22):  # type: ignore[operator]  # pytest-django's fixture
        nurse.get(reverse("today"))

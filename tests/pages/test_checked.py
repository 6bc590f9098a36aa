"""Refills, checked, on the pump's page and in the review; the fleet's page."""

from datetime import date, timedelta
from decimal import Decimal as D

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clinics.models import Clinic
from clinics.roles import Role
from pumps.models import Pump
from pumps.services import figures
from tests.builders import a_clinic, a_dose, a_pump, a_refill, a_user
from tests.pages.conftest import logged_in
from tests.pages.test_record import refill, review

DAY = timedelta(days=1)


def a_measured_pump(clinic: Clinic, *aspirated: str) -> Pump:
    now = timezone.now()
    pump = a_pump(clinic, now=now, implanted_on=date(2022, 1, 7))
    first = now - 80 * DAY * len(aspirated) - DAY
    a_refill(pump, first, lot_number="LOT-9", now=now)
    a_dose(pump, first, now=now)
    for number, volume in enumerate(aspirated, start=1):
        a_refill(pump, first + 80 * DAY * number, aspirated_ml=D(volume), lot_number="LOT-9", now=now)
    return pump


def page(client: Client, pump: Pump) -> str:
    return client.get(reverse("pump", args=[pump.pk])).text


def test_the_pumps_page_checks_its_refills(clinic: Clinic, nurse: Client) -> None:
    text = page(nurse, a_measured_pump(clinic, "6.4", "5.9"))
    assert "Refills, checked" in text
    for words in ("6.4 mL", "1.6 mL less in it", "within ± 14.5 %", "1.050", "0.9 sd more delivered"):
        assert words in text
    assert "above 2 mL, within ± 14.5 %" in text
    assert "first fill: nothing before it" in text
    assert "about one refill in ten of a healthy pump" in text
    assert "too few measured refills to tell" in text


def test_only_a_deviation_from_the_pumps_own_history_is_marked(clinic: Clinic, nurse: Client) -> None:
    mark = '<span class="tier tier-warn">Finding</span>'
    assert mark not in page(nurse, a_measured_pump(clinic, "5.4", "5.4", "5.4", "5.4"))
    assert mark in page(nurse, a_measured_pump(clinic, "8", "8", "8", "2"))


def test_long_histories_are_behind_a_fold(clinic: Clinic, nurse: Client) -> None:
    text = page(nurse, a_measured_pump(clinic, *["8"] * 9))
    assert "2 earlier refills" in text
    assert "Trend: steady." in text


def test_a_pump_without_a_fill_has_no_such_section_and_a_scheduler_sees_none(clinic: Clinic, nurse: Client) -> None:
    assert "Refills, checked" not in page(nurse, a_pump(clinic))
    scheduler = logged_in(a_user(Role.SCHEDULER, clinic))
    assert "Refills, checked" not in page(scheduler, a_measured_pump(clinic, "8"))


def test_the_review_of_a_refill_checks_it(clinic: Clinic, nurse: Client) -> None:
    pump = a_measured_pump(clinic, "8", "8")
    text = review(nurse, "log_refill", pump, refill(pump, aspirated_ml="30")).text
    assert "Expected by the program" in text
    assert "mL: 9.6 mL less in it" in text
    assert "above 2 mL, outside ± 14.5 %" in text
    assert "Not explained by what this pump has shown before" in text
    assert pump.events.filter(kind="refill").count() == 3


def test_the_fleet_of_a_nurses_clinic(clinic: Clinic, nurse: Client) -> None:
    assert "No figures yet" in nurse.get(reverse("fleet")).text
    pump = a_measured_pump(clinic, "8", "8", "8", "1")
    figures.renew(timezone.now())
    text = nurse.get(reverse("fleet")).text
    assert "1 measured of 1" in text
    assert "1.000 ± 0.050" in text
    assert "noise 0.70 mL" in text
    assert reverse("pump", args=[pump.pk]) in text
    assert "its flow has changed" in text
    assert "1 lot of fewer pumps is not shown" in text
    assert "By clinic" not in text


def test_a_lot_of_several_pumps_is_shown(clinic: Clinic, nurse: Client) -> None:
    for _ in range(3):
        a_measured_pump(clinic, "8")
    text = nurse.get(reverse("fleet")).text
    assert "LOT-9" in text
    assert "1.000 ± 0.0" in text
    assert "Stands out" not in text


def test_somebody_of_several_clinics_chooses_one(clinic: Clinic) -> None:
    other = a_clinic("Quay")
    user = a_user(Role.NURSE, clinic)
    user.memberships.create(clinic=other, role=Role.AUDITOR)
    a_measured_pump(clinic, "8", "0")
    a_measured_pump(other, "8")
    figures.renew(timezone.now())
    client = logged_in(user)
    text = client.get(reverse("fleet")).text
    assert "Choose a clinic" in text
    assert f"?clinic={other.pk}#one" in text
    assert "nothing aspirated at its last refill" in client.get(reverse("fleet"), {"clinic": clinic.pk}).text
    assert "nothing aspirated" not in client.get(reverse("fleet"), {"clinic": other.pk}).text


@pytest.mark.parametrize("role", list(Role))
def test_who_sees_the_fleet(clinic: Clinic, role: Role) -> None:
    client = logged_in(a_user(role, clinic))
    sees = role != Role.SCHEDULER
    assert client.get(reverse("fleet")).status_code == (200 if sees else 403)
    assert (reverse("fleet") in client.get(reverse("catalogue")).text) is sees


def test_a_stranger_sees_nothing_of_another_clinic(clinic: Clinic, stranger: Client) -> None:
    pump = a_measured_pump(clinic, "8", "0")
    figures.renew(timezone.now())
    assert stranger.get(reverse("fleet"), {"clinic": clinic.pk}).status_code == 404
    text = stranger.get(reverse("fleet")).text
    for secret in (clinic.name, pump.patient.family_name, "LOT-9", str(pump.model)):
        assert secret not in text


def test_rubbish_for_a_clinic_is_no_choice(nurse: Client) -> None:
    for text in ("x", "-1", "9" * 30, "\x00"):
        assert nurse.get(reverse("fleet"), {"clinic": text}).status_code == 200

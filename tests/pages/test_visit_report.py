"""The visit report: text of a PDF that can be searched, for whoever sees clinical data."""

from datetime import timedelta
from decimal import Decimal
from io import BytesIO

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pypdf import PdfReader

from clinics.models import Clinic
from clinics.roles import Role
from pumps.models import Event, Pump
from pumps.services import booking
from tests.builders import a_dose, a_refill, a_running_pump, a_user
from tests.pages.conftest import logged_in
from tests.pages.test_guided import store, visit


@pytest.fixture
def pump(clinic: Clinic) -> Pump:
    return a_running_pump(clinic, filled_days_ago=80, now=timezone.now())


def text_of(client: Client, refill: Event, query: str = "") -> str:
    answer = client.get(reverse("visit_report", args=[refill.pump_id, refill.pk]) + query)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/pdf")
    return " ".join(" ".join(page.extract_text() for page in PdfReader(BytesIO(answer.content)).pages).split())


def test_it_says_what_was_done_and_what_comes_next(pump: Pump, nurse: Client) -> None:
    store(nurse, pump, visit(pump, program="changed", **{"dose-daily_dose_mcg": "220", "dose-reason": "stiff"}))
    refill = pump.events.filter(kind="refill").latest("pk")
    now = timezone.now()
    booking.book(pump_id=pump.pk, starts_at=now + timedelta(days=30), by=a_user(), now=now)
    text = text_of(nurse, refill)
    for said in (
        pump.serial_number, pump.patient.mrn, "Aspirated 8 mL", "Expected by the program 8 mL", "40 mL of 500 mcg/mL",
        "200 mcg/day 220 mcg/day", "Simple continuous", "Low reservoir alarm", "firm stop felt", "Next dates, and why",
        "less this clinic's margin", "Next visit", "Signature", "Page 1 of",
    ):  # fmt: skip
        assert said in text, said


def test_an_older_refill_says_what_was_then(pump: Pump, nurse: Client) -> None:
    first = pump.events.filter(kind="refill").earliest("pk")
    store(nurse, pump, visit(pump))
    text = text_of(nurse, first, "?paper=a4")
    assert "A later refill is recorded" in text
    assert "Aspirated not recorded" in text
    assert "Low reservoir alarm" not in text, "it is known as it is now alone"


def test_a_refill_by_a_clock_that_is_ahead_has_its_report(pump: Pump, nurse: Client) -> None:
    now = timezone.now()
    ahead = a_refill(pump, now + timedelta(minutes=3), now=now, aspirated_ml=Decimal(8))
    a_dose(pump, now + timedelta(minutes=3), now=now, daily_dose_mcg=Decimal(220))
    text = text_of(nurse, ahead)
    assert "200 mcg/day 220 mcg/day" in text
    assert "40 mL of 500 mcg/mL" in text


def test_what_was_entered_in_error_has_no_report(pump: Pump, nurse: Client) -> None:
    store(nurse, pump, visit(pump))
    refill = pump.events.filter(kind="refill").latest("pk")
    nurse.post(reverse("void_event", args=[pump.pk, refill.pk]), {"reason": "x", "seen": refill.pk})
    assert nurse.get(reverse("visit_report", args=[pump.pk, refill.pk])).status_code == 404
    dose = pump.events.filter(kind="dose_change").earliest("pk")
    assert nurse.get(reverse("visit_report", args=[pump.pk, dose.pk])).status_code == 404


def test_who_may_read_it(pump: Pump, clinic: Clinic, stranger: Client) -> None:
    refill = pump.events.filter(kind="refill").latest("pk")
    url = reverse("visit_report", args=[pump.pk, refill.pk])
    assert stranger.get(url).status_code == 404
    assert logged_in(a_user(Role.SCHEDULER, clinic)).get(url).status_code == 403
    assert logged_in(a_user(Role.AUDITOR, clinic)).get(url).status_code == 200
    assert refill.filled_ml == Decimal(40)


def test_allergies_that_nobody_wrote_down_are_not_on_record(pump: Pump, nurse: Client) -> None:
    store(nurse, pump, visit(pump))
    refill = pump.events.filter(kind="refill").latest("pk")
    assert "Allergies not on record" in text_of(nurse, refill)
    pump.patient.allergies_status, pump.patient.allergies = "listed", "latex"
    pump.patient.save()
    assert "Allergies latex" in text_of(nurse, refill)

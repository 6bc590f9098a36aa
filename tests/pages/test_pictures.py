"""Pages with pictures: the reservoir's spans, a long ledger, the fleet, the engine."""

from datetime import timedelta
from decimal import Decimal
from io import BytesIO

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pypdf import PdfReader

from alerts.models import Notification
from alerts.services.delays import delays
from clinics.models import Clinic
from clinics.roles import Role
from pumps.models import Pump
from pumps.services import figures, fleet
from tests.builders import a_clinic, a_dose, a_pump, a_refill, a_running_pump, a_user


@pytest.fixture
def pump(clinic: Clinic) -> Pump:
    return a_running_pump(clinic, now=timezone.now())


def a_long_history(clinic: Clinic, refills: int) -> Pump:
    now = timezone.now()
    pump = a_pump(clinic, now=now)
    for number in range(refills):
        at = now - timedelta(days=10 * (refills - number))
        a_refill(pump, at, now=now, filled_ml=Decimal(20), aspirated_ml=Decimal(16) if number else None)
    a_dose(pump, now - timedelta(days=10 * refills), now=now)
    return pump


@pytest.mark.parametrize("span", ["fill", "three", "year", "all", "", "rubbish", "٣"])
def test_the_picture_is_swapped_in_for_another_span(pump: Pump, nurse: Client, span: str) -> None:
    part = nurse.get(reverse("reservoir", args=[pump.pk]), {"span": span}, headers={"HX-Request": "true"})
    assert part.status_code == 200
    assert "<html" not in part.text
    assert part.text.count('aria-current="true"') == 1
    assert "data-focus" in part.text
    whole = nurse.get(reverse("pump", args=[pump.pk]), {"span": span}).text
    assert whole.count('class="pic-svg"') == 1
    assert "data-focus" not in whole


def test_it_is_a_page_of_its_own_and_a_pdf(pump: Pump, nurse: Client) -> None:
    assert "<h1" in nurse.get(reverse("reservoir", args=[pump.pk])).text
    answer = nurse.get(reverse("reservoir_pdf", args=[pump.pk]), {"span": "all"})
    assert answer["Content-Type"] == "application/pdf"
    text = " ".join(page.extract_text() for page in PdfReader(BytesIO(answer.content)).pages)
    assert pump.patient.mrn in text


def test_without_a_fill_the_page_says_so(clinic: Clinic, nurse: Client) -> None:
    pump = a_pump(clinic)
    for headers in ({}, {"HX-Request": "true"}):
        text = nurse.get(reverse("reservoir", args=[pump.pk]), headers=headers).text
        assert "no fill is recorded" in text
    assert nurse.get(reverse("reservoir_pdf", args=[pump.pk])).status_code == 200


def test_a_scheduler_sees_no_picture(pump: Pump, clinic: Clinic) -> None:
    client = Client()
    client.force_login(a_user(Role.SCHEDULER, clinic))
    assert client.get(reverse("reservoir", args=[pump.pk])).status_code == 403
    assert client.get(reverse("reservoir_pdf", args=[pump.pk])).status_code == 403
    assert "data-picture" not in client.get(reverse("pump", args=[pump.pk])).text


def test_a_long_ledger_is_shown_in_part_until_asked_for(clinic: Clinic, nurse: Client) -> None:
    pump = a_long_history(clinic, 30)
    address = reverse("pump", args=[pump.pk])
    short, whole = nurse.get(address).text, nurse.get(address, {"ledger": "all"}).text
    assert short.count('<li id="event-') == 25
    assert whole.count('<li id="event-') == 31
    assert "?ledger=all" in short


def test_a_plan_is_asked_about_however_long_the_ledger(clinic: Clinic, nurse: Client) -> None:
    pump = a_long_history(clinic, 30)
    planned = timezone.now() - timedelta(days=12)
    a_dose(pump, planned, now=planned - timedelta(days=1), daily_dose_mcg=Decimal(220))
    for number in range(26):
        a_dose(pump, timezone.now() - timedelta(hours=30 - number), now=timezone.now())
    text = nurse.get(reverse("pump", args=[pump.pk])).text
    assert "To confirm: Dose: 220 mcg/day" in text


def test_the_fleet_is_drawn_by_model_and_pump_by_pump(clinic: Clinic) -> None:
    client, other = Client(), a_clinic("Second")
    user = a_user(Role.PRESCRIBER, clinic)
    user.memberships.create(clinic=other, role=Role.PRESCRIBER.value)
    client.force_login(user)
    assert "data-picture" not in client.get(reverse("fleet")).text
    now = timezone.now()
    pump = a_running_pump(clinic, filled_days_ago=90, now=now)
    a_refill(pump, now - timedelta(days=10), now=now, aspirated_ml=Decimal(8))
    figures.renew(now)
    assert "All pumps of a model together" in client.get(reverse("fleet")).text
    one = client.get(reverse("fleet"), {"clinic": clinic.pk}).text
    assert f"Pump by pump at {clinic.name}" in one
    assert "1 pump measured" in one
    with CaptureQueriesContext(connection) as queries:
        client.get(reverse("fleet"), {"clinic": clinic.pk})
    a_running_pump(clinic, filled_days_ago=90, now=now)
    with CaptureQueriesContext(connection) as more:
        client.get(reverse("fleet"), {"clinic": clinic.pk})
    assert len(more) == len(queries)


def sent(clinic: Clinic, late_s: int) -> None:
    """A message of the clinic that left just now."""
    now = timezone.now()
    a_running_pump(clinic, filled_days_ago=90, now=now)
    fleet.tick(now)
    Notification.objects.filter(clinic=clinic, channel="email").update(
        state="sent", sent_at=now, due_at=now - timedelta(seconds=late_s)
    )


def test_delays_are_of_what_left_lately_in_the_clinics_asked_for(clinic: Clinic) -> None:
    a_user(Role.NURSE, clinic)
    sent(clinic, 40)
    now = timezone.now()
    [found] = delays([clinic.pk], since=now - timedelta(days=7))
    assert found.messages >= 1
    assert found.longest_s == pytest.approx(40, abs=1)
    assert delays([clinic.pk + 1], since=now - timedelta(days=7)) == []
    assert delays([clinic.pk], since=now + timedelta(hours=1)) == []


def test_an_administrator_sees_the_engine(clinic: Clinic, nurse: Client) -> None:
    client = Client()
    client.force_login(a_user(Role.ADMINISTRATOR, clinic))
    assert "No message has left in the last 7 days" in client.get(reverse("engine")).text
    sent(clinic, 40)
    text = client.get(reverse("engine")).text
    assert "data-picture" in text
    assert "40 s" in text
    assert "Sending messages" in text
    assert nurse.get(reverse("engine")).status_code == 403

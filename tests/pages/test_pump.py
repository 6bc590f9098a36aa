from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clinics.models import Clinic
from clinics.roles import Role
from pumps import reading
from pumps.models import Forecast, Pump
from pumps.pages.dates import dates, ratio_words
from pumps.pages.pump import clock_note
from pumps.pictures import levels
from tests.builders import NOW, a_clinic, a_dose, a_pump, a_refill, a_running_pump, a_user


def read(pump: Pump, now: datetime = NOW) -> reading.Reading:
    fresh = Pump.objects.select_related("model", "clinic", "patient").get(pk=pump.pk)
    return reading.read(fresh, Forecast.objects.select_related("prior_version").get(pump=pump), now)


def page(client: Client, pump: Pump) -> str:
    return client.get(reverse("pump", args=[pump.pk])).text


def test_every_date_says_what_it_was_computed_from(clinic: Clinic) -> None:
    pump = a_running_pump(clinic)
    why = {line.name: line.why for line in dates(read(pump))}
    low = why["Low, as programmed"]
    assert "38 mL above the 2 mL low level, at 0.4 mL/day (200 mcg/day at 500 mcg/mL)" in low
    assert "since Fri 23 Oct 2026, 08:00" in low
    assert "margin of 7 days" in why["Refill by"]
    assert "99th percentile" in why["Low, earliest"]
    assert "Not known" in why["Drug expires"]
    assert "180 days, this clinic's longest interval" in why["Longest interval"]
    assert "7 years after the implant on Tue 7 Jan 2025" in why["Pump's service ends"]


def test_what_is_stored_is_what_is_explained(clinic: Clinic) -> None:
    found = read(a_running_pump(clinic))
    for field in ("refill_by", "programmed_low_at", "earliest_low_at", "low_at", "empty_at"):
        assert getattr(found.row, field) == getattr(found.computed, field)


def test_the_flow_ratio_says_what_it_was_learned_from(clinic: Clinic) -> None:
    pump = a_running_pump(clinic, filled_days_ago=90)
    assert "No refill has measured this pump yet" in ratio_words(read(pump))
    a_refill(pump, NOW - timedelta(days=10), aspirated_ml=Decimal(6))
    assert "learned from 1 refill" in ratio_words(read(pump))


@pytest.mark.parametrize("without", ["fill", "dose", "both"])
def test_a_pump_with_gaps_says_so(clinic: Clinic, nurse: Client, without: str) -> None:
    now = timezone.now()
    pump = a_pump(clinic, now=now)
    if without == "dose":
        a_refill(pump, now - timedelta(days=3), now=now)
    if without == "fill":
        a_dose(pump, now - timedelta(days=3), now=now)
    text = page(nurse, pump)
    assert "No date can be given" in text or without == "dose"
    assert ("No dose is recorded" if without == "dose" else "No fill is recorded") in text


def test_a_constant_flow_pump_has_a_factory_flow_and_no_dose_form(clinic: Clinic, nurse: Client) -> None:
    now = timezone.now()
    pump = a_pump(clinic, model="isomed-20", factory_flow_ml_per_day=Decimal("0.5"), now=now)
    a_refill(pump, now - timedelta(days=3), filled_ml=Decimal(20), now=now)
    text = page(nurse, pump)
    assert "its factory flow of 0.5 mL/day" in text
    assert "Log dose change" not in text
    assert "verify against the manual" in text


def test_the_pumps_clock_is_compared_with_the_wall(clinic: Clinic) -> None:
    pump = a_running_pump(clinic, filled_days_ago=60)
    assert "1 h ahead of wall clock since Sun 1 Nov 2026" in clock_note(read(pump))
    a_dose(pump, NOW - timedelta(days=1), daily_dose_mcg=Decimal(220))
    assert clock_note(read(pump)) == ""


def test_a_planned_dose_is_marked_and_does_not_run_yet(clinic: Clinic, nurse: Client) -> None:
    now = timezone.now()
    pump = a_running_pump(clinic, now=now)
    a_dose(pump, now + timedelta(days=5), daily_dose_mcg=Decimal(300), now=now)
    text = page(nurse, pump)
    assert "planned" in text
    assert "Now 0.4 mL/day (200 mcg/day" in text


def test_volume_now_has_a_range_around_it(clinic: Clinic) -> None:
    volume = levels.volume_now(read(a_running_pump(clinic)))
    assert volume is not None
    assert volume.programmed == pytest.approx(28)
    assert volume.low < volume.expected < volume.high


def test_markup_in_a_name_stays_text(clinic: Clinic, nurse: Client) -> None:
    pump = a_pump(clinic)
    type(pump.patient).objects.filter(pk=pump.patient_id).update(given_name="<script>x</script>")
    assert "<script>x" not in page(nurse, pump)
    assert "<script>x" not in nurse.get(reverse("worklist")).text


def test_no_page_has_inline_script_or_style(clinic: Clinic, nurse: Client) -> None:
    pump = a_running_pump(clinic, now=timezone.now())
    for path in (reverse("pump", args=[pump.pk]), reverse("worklist"), reverse("log_dose_change", args=[pump.pk])):
        answer = nurse.get(path)
        assert "style=" not in answer.text
        assert "onclick" not in answer.text
        assert "default-src 'self'" in answer["Content-Security-Policy"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"daily_dose_mcg": Decimal("0.001")}, "longest interval"),
        ({"mode": "stopped", "daily_dose_mcg": Decimal(0), "in_days": 9}, "a stop is planned"),
    ],
)
def test_a_pump_whose_level_is_never_reached_still_has_a_page(change: dict[str, Any], words: str) -> None:
    now = timezone.now()
    clinic = a_clinic()
    pump = a_pump(clinic, now=now)
    a_refill(pump, now - timedelta(days=3), now=now)
    a_dose(pump, now - timedelta(days=3), now=now)
    a_dose(pump, now - timedelta(days=2) + timedelta(days=change.pop("in_days", 0)), now=now, **change)
    client = Client()
    client.force_login(a_user(Role.NURSE, clinic))
    for address in ("/", f"/pumps/{pump.pk}/"):
        response = client.get(address)
        assert response.status_code == 200
        assert words in response.content.decode()

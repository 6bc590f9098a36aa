"""Why a date: inputs, formula with its numbers, source and the entries used, of every date."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clinics.models import Clinic
from clinics.roles import Role
from pumps.models import Pump
from pumps.pages.why import FOR_EVERYBODY, WHATS, why
from pumps.pages.why.pages import used_of
from pumps.services.entries import EventEntry
from tests.builders import NOW, a_clinic, a_dose, a_pump, a_refill, a_running_pump, a_user, recorded
from tests.pumps.readings import read


@pytest.mark.parametrize("what", WHATS)
def test_each_has_what_it_was_computed_from(clinic: Clinic, what: str) -> None:
    pump = a_running_pump(clinic)
    found = why(read(pump), what)
    assert found.says
    if what == "drug_expires_at":
        return
    assert found.formula
    assert found.numbers
    assert found.sources
    assert found.inputs
    assert all(one.value for one in found.inputs)


def test_a_level_is_what_flowed_at_its_ratio(clinic: Clinic) -> None:
    reading = read(a_running_pump(clinic))
    low = why(reading, "programmed_low_at")
    assert low.numbers.startswith("40.00 - 2 = 38.00 mL; programmed from Fri 23 Oct 2026, 08:00 to ")
    assert low.numbers.endswith(": 38.00 mL")
    [step] = low.steps
    assert step.flow == "0.4 mL/day x 95.00 days"
    assert step.used == "38.00 mL"
    earliest = why(reading, "earliest_low_at")
    assert earliest.numbers.endswith("= 38.00 mL")
    assert [one.origin for one in earliest.others if one.name == "Low, as programmed"] == [""]


def test_each_stretch_of_a_changing_dose_is_told(clinic: Clinic) -> None:
    pump = a_running_pump(clinic)
    a_dose(pump, NOW - timedelta(days=20), daily_dose_mcg=Decimal(300))
    recorded(pump, EventEntry(kind="stop", occurred_at=NOW - timedelta(days=10)))
    recorded(pump, EventEntry(kind="restart", occurred_at=NOW - timedelta(days=9)))
    found = why(read(pump), "programmed_low_at")
    assert [step.flow.split()[0] for step in found.steps] == ["0.4", "0.6", "0", "0.6"]
    assert sum(Decimal(step.used.split()[0]) for step in found.steps) == pytest.approx(Decimal(38), abs=Decimal("0.02"))


def test_the_entries_used_are_linked(clinic: Clinic) -> None:
    pump = a_running_pump(clinic, filled_days_ago=60)
    a_refill(pump, NOW - timedelta(days=20), aspirated_ml=Decimal(24))
    old, dose, fill = pump.events.order_by("pk")
    used = used_of(pump, why(read(pump), "low_at").events)
    assert [event.pk for event, _ in used] == [dose.pk, fill.pk]
    assert old.pk not in [event.pk for event, _ in used]


def test_refill_by_says_which_deadline_binds_and_the_others(clinic: Clinic) -> None:
    found = why(read(a_running_pump(clinic)), "refill_by")
    names = [one.name for one in found.inputs]
    assert names == ["Low, as programmed", "Low, earliest", "Drug expires", "Longest interval", "Margin"]
    assert [one.name for one in found.inputs if "binds" in one.origin] == ["Low, earliest"]
    assert "- 7 days = " in found.numbers


def test_the_open_day_names_what_is_closed_between(clinic: Clinic) -> None:
    reading = read(a_running_pump(clinic))
    assert reading.row.refill_by is not None
    last = reading.row.refill_by.astimezone(clinic.zone).date()
    clinic.closed_days.create(day=last, name="Inventory")
    found = why(read(reading.pump), "open_day")
    inputs = {one.name: one.value for one in found.inputs}
    assert inputs["Refills on"] == "Mon, Tue, Wed, Thu, Fri"
    assert inputs["Closed between them"] != "no day"


def test_the_volume_now_is_filled_less_flowed(clinic: Clinic) -> None:
    found = why(read(a_running_pump(clinic)), "volume")
    assert found.numbers.startswith("40.00 - 1.000 x 12.00 = 28.0 mL")


@pytest.mark.parametrize("what", WHATS)
def test_a_pump_without_entries_says_what_is_missing(clinic: Clinic, what: str) -> None:
    assert why(read(a_pump(clinic)), what).says


def test_it_opens_in_place_and_has_a_page(clinic: Clinic, nurse: Client) -> None:
    pump = a_running_pump(clinic, now=timezone.now())
    for what in WHATS:
        address = reverse("why", args=[pump.pk, what])
        part = nurse.get(address, headers={"HX-Request": "true"}).text
        assert "<html" not in part
        assert "data-said" in part
        assert "<h1" in nurse.get(address).text
        assert address in nurse.get(reverse("pump", args=[pump.pk])).text or what == "open_day"
    assert nurse.get(reverse("why", args=[pump.pk, "tomorrow"])).status_code == 404


def test_a_scheduler_sees_deadlines_and_no_doses(clinic: Clinic) -> None:
    pump, client = a_running_pump(clinic, now=timezone.now()), Client()
    client.force_login(a_user(Role.SCHEDULER, clinic))
    for what in WHATS:
        answer = client.get(reverse("why", args=[pump.pk, what]))
        assert answer.status_code == (200 if what in FOR_EVERYBODY else 403)
        assert "mcg" not in answer.text


def test_another_clinics_dates_do_not_exist(nurse: Client) -> None:
    other: Pump = a_running_pump(a_clinic(), now=timezone.now())
    for name, arguments in (("why", [other.pk, "refill_by"]), ("reservoir", [other.pk]), ("reservoir_pdf", [other.pk])):
        assert nurse.get(reverse(name, args=arguments)).status_code == 404


def test_changes_of_dose_are_counted_in_sentences_of_their_own(clinic: Clinic) -> None:
    pump = a_running_pump(clinic)
    assert "counted" not in why(read(pump), "programmed_low_at").says
    a_dose(pump, NOW - timedelta(days=20), daily_dose_mcg=Decimal(210))
    a_dose(pump, NOW - timedelta(days=10), daily_dose_mcg=Decimal(220))
    a_dose(pump, NOW + timedelta(days=2), daily_dose_mcg=Decimal(230))
    said = why(read(pump), "programmed_low_at").says
    assert "since Fri 23 Oct 2026, 08:00. 2 dose changes since then are counted. 1 planned dose change is" in said
    assert said.endswith("counted. The pump's own alarm date.")

"""The forms of the ledger: what is stored, what is refused, what is asked about. No script runs here."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from alerts.models import Alert
from clinics.models import Clinic
from clinics.words import moment_words
from pumps.models import Event, Pump
from pumps.pages.timeline import title_of
from pumps.services import fleet
from pumps.services.entries import EventEntry
from tests.builders import a_dose, a_pump, a_refill, a_running_pump, recorded

WALL = "%Y-%m-%dT%H:%M"


@pytest.fixture
def pump(clinic: Clinic) -> Pump:
    return a_running_pump(clinic, filled_days_ago=90, now=timezone.now())


def wall(pump: Pump, moment: datetime | None = None) -> str:
    return (moment or timezone.now()).astimezone(pump.clinic.zone).strftime(WALL)


def refill(pump: Pump, **values: Any) -> dict[str, Any]:
    return {
        "refilled_at": wall(pump),
        "aspirated_ml": "4.6",
        "filled_ml": "40",
        "concentration": "500",
        **values,
    }


def rows(prefix: str, *pairs: tuple[str, str]) -> dict[str, str]:
    values = {f"{prefix}-TOTAL_FORMS": str(max(len(pairs), 3)), f"{prefix}-INITIAL_FORMS": "0"}
    for place, (clock, number) in enumerate(pairs):
        values |= {f"{prefix}-{place}-clock": clock, f"{prefix}-{place}-number": number}
    return values


def dose(pump: Pump, **values: Any) -> dict[str, Any]:
    blank = {**rows("steps"), **rows("boluses")}
    return {**blank, "effective_at": wall(pump), "mode": "simple_continuous", "daily_dose_mcg": "210", **values}


def review(client: Client, name: str, pump: Pump, values: dict[str, Any]) -> Any:
    """The form sent: its review, or the form again with what is wrong."""
    return client.post(reverse(name, args=[pump.pk]), values, follow=True)


def post(client: Client, name: str, pump: Pump, values: dict[str, Any]) -> Any:
    """The form sent, and saved from its review where it came to one."""
    page = review(client, name, pump, values)
    if "seen" not in page.context:
        return page
    return review(client, name, pump, {**values, "step": "save", "seen": page.context["seen"]})


def test_a_refill_is_stored_moves_the_date_and_closes_the_reminder(pump: Pump, nurse: Client) -> None:
    fleet.tick(timezone.now())
    page = post(nurse, "log_refill", pump, refill(pump, formulation="Gablofen", lot_number="L1", stability_days="120"))
    event = pump.events.latest("pk")
    amounts = (event.aspirated_ml, event.filled_ml, event.concentration_mcg_per_ml)
    assert amounts == (Decimal("4.6"), Decimal(40), Decimal(500))
    assert (event.formulation, event.lot_number, event.stability_days, event.source) == ("Gablofen", "L1", 120, "page")
    assert "Refill by moved from" in page.text
    assert "Reminder closed: Refill due." in page.text
    assert Alert.objects.get(pump=pump).closed_by_event == event


def test_the_form_starts_from_the_last_refill(pump: Pump, nurse: Client) -> None:
    form = nurse.get(reverse("log_refill", args=[pump.pk])).context["form"]
    assert form["concentration"].value() == "500"
    assert form["filled_ml"].value() == "40"
    assert form["programmed_concentration_mcg_per_ml"].value() is None
    assert form["refilled_at"].value().strftime("%Y-%m-%dT%H") == wall(pump)[:13]


@pytest.mark.parametrize(
    ("values", "field", "said"),
    [
        ({"filled_ml": "41"}, "filled_ml", "The reservoir holds 40 mL"),
        ({"aspirated_ml": "-1"}, "aspirated_ml", "cannot be negative"),
        ({"filled_ml": "forty"}, "filled_ml", "number"),
        ({"filled_ml": ""}, "filled_ml", "Fill this in"),
        ({"concentration": "2000"}, "programmed_concentration_mcg_per_ml", "say which concentration is programmed"),
        ({"concentration": "other"}, "other_concentration", "Write the concentration"),
        ({"concentration": "other", "other_concentration": "0"}, "other_concentration", "above 0"),
        ({"concentration": "other", "other_concentration": "1,000"}, "other_concentration", "two ways"),
        ({"refilled_at": "soon"}, "refilled_at", "Write a day and time"),
        ({"refilled_at": "2026-03-08T02:30"}, "refilled_at", "did not exist"),
        ({"refilled_at": "2025-11-02T01:30"}, "refilled_at", "happened twice"),
        ({"refilled_at": "2024-01-01T10:00"}, "refilled_at", "implanted"),
    ],
)
def test_what_cannot_be_is_said_at_its_field(
    pump: Pump, nurse: Client, values: dict[str, str], field: str, said: str
) -> None:
    page = post(nurse, "log_refill", pump, refill(pump, **values))
    assert said in " ".join(page.context["form"].errors[field])
    assert pump.events.count() == 2
    assert "Nothing was saved" in page.text


def test_a_refill_in_the_future_is_refused(pump: Pump, nurse: Client) -> None:
    page = post(nurse, "log_refill", pump, refill(pump, refilled_at=wall(pump, timezone.now() + timedelta(hours=2))))
    assert "future" in str(page.context["form"].errors["refilled_at"])


def test_times_are_the_clinics_and_a_decimal_comma_is_a_comma(pump: Pump, nurse: Client) -> None:
    local = (timezone.now() - timedelta(days=1)).astimezone(pump.clinic.zone).replace(hour=9, minute=30)
    post(nurse, "log_refill", pump, refill(pump, refilled_at=f"{local:%Y-%m-%d}T09:30", filled_ml="39,5"))
    event = pump.events.latest("pk")
    assert event.occurred_at == local.replace(second=0, microsecond=0)
    assert event.filled_ml == Decimal("39.5")


def test_a_changed_concentration_is_stored_with_what_was_programmed(pump: Pump, nurse: Client) -> None:
    values = refill(pump, concentration="2000", programmed_concentration_mcg_per_ml="500")
    page = post(nurse, "log_refill", pump, values)
    assert pump.events.latest("pk").programmed_concentration_mcg_per_ml == 500
    assert "4.00 times the programmed dose" in page.text


def test_the_same_refill_twice_is_one(pump: Pump, nurse: Client) -> None:
    values = refill(pump)
    post(nurse, "log_refill", pump, values)
    page = post(nurse, "log_refill", pump, values)
    assert "stands already" in page.text
    assert f"refill of {moment_words(pump.events.latest('pk').occurred_at, pump.clinic.zone)} (" in page.text
    assert pump.events.count() == 3


def test_a_dose_change_is_stored(pump: Pump, nurse: Client) -> None:
    page = post(nurse, "log_dose_change", pump, dose(pump, reason="spasms at night"))
    event = pump.events.latest("pk")
    assert (event.mode, event.daily_dose_mcg, event.reason) == ("simple_continuous", Decimal(210), "spasms at night")
    assert "8.75 mcg/h" in page.text


def test_an_hourly_slip_is_asked_about_and_stored_once_confirmed(pump: Pump, nurse: Client) -> None:
    values = dose(pump, daily_dose_mcg="8.33")
    page = post(nurse, "log_dose_change", pump, values)
    codes = [doubt.code for doubt in page.context["doubts"]]
    assert codes == ["factor_24", "dose_out_of_range"]
    assert pump.events.count() == 2
    post(nurse, "log_dose_change", pump, {**values, "confirm": codes})
    assert pump.events.latest("pk").daily_dose_mcg == Decimal("8.33")


def test_flex_steps_and_boluses(pump: Pump, nurse: Client) -> None:
    steps = rows("steps", ("06:00", "8"), ("22:00", "10"))
    boluses = rows("boluses", ("08:00", "20"))
    post(nurse, "log_dose_change", pump, dose(pump, mode="flex", daily_dose_mcg="228", **steps, **boluses))
    event = pump.events.latest("pk")
    assert event.steps == [{"start": "06:00", "rate_mcg_per_h": "8"}, {"start": "22:00", "rate_mcg_per_h": "10"}]
    assert event.boluses == [{"at": "08:00", "dose_mcg": "20"}]


def test_steps_that_do_not_add_up_are_refused(pump: Pump, nurse: Client) -> None:
    steps = rows("steps", ("06:00", "8"))
    page = post(nurse, "log_dose_change", pump, dose(pump, mode="flex", daily_dose_mcg="228", **steps))
    assert "add up to" in page.text
    assert pump.events.count() == 2


def test_half_a_row_is_refused(pump: Pump, nurse: Client) -> None:
    page = post(nurse, "log_dose_change", pump, dose(pump, mode="flex", **rows("steps", ("06:00", ""))))
    assert "Fill in both" in page.text


def test_a_stop_needs_no_dose_and_shows_like_an_alarm(pump: Pump, nurse: Client) -> None:
    page = post(nurse, "log_dose_change", pump, dose(pump, mode="stopped", daily_dose_mcg=""))
    assert pump.events.latest("pk").daily_dose_mcg == 0
    assert "The pump is stopped since" in page.text


def test_a_running_pump_needs_a_dose(pump: Pump, nurse: Client) -> None:
    page = post(nurse, "log_dose_change", pump, dose(pump, daily_dose_mcg=""))
    assert "daily_dose_mcg" in page.context["form"].errors


def test_more_rows_without_a_script_keep_what_was_typed(pump: Pump, nurse: Client) -> None:
    values = dose(pump, mode="flex", daily_dose_mcg="x", more="steps", **rows("steps", ("06:00", "8")))
    page = post(nurse, "log_dose_change", pump, values)
    assert len(page.context["steps"].forms) == 6
    assert len(page.context["boluses"].forms) == 3
    assert page.context["form"]["daily_dose_mcg"].value() == "x"
    assert 'value="06:00"' in page.text
    assert pump.events.count() == 2


@pytest.mark.parametrize("total", ["", "x", "-1", "99999999"])
def test_odd_row_counts_are_harmless(pump: Pump, nurse: Client, total: str) -> None:
    for extra in ({}, {"more": "steps"}):
        page = post(nurse, "log_dose_change", pump, {**dose(pump), "steps-TOTAL_FORMS": total, **extra})
        assert page.status_code == 200


def test_a_slip_is_voided_and_stays_readable(pump: Pump, nurse: Client) -> None:
    fleet.tick(timezone.now())
    post(nurse, "log_refill", pump, refill(pump))
    slip = pump.events.latest("pk")
    path = reverse("void_event", args=[pump.pk, slip.pk])
    assert "counts no more" in nurse.get(path).text
    page = nurse.post(path, {"reason": "wrong patient", "seen": slip.pk}, follow=True)
    void = Event.objects.get(voids=slip)
    assert void.reason == "wrong patient"
    assert "Reminder open again: Refill due." in page.text
    assert page.text.count("wrong patient") >= 2
    assert 'class="voided"' in page.text
    assert Alert.objects.open().filter(pump=pump, kind="refill_due").exists()


def test_a_void_wants_a_reason_and_happens_once(pump: Pump, nurse: Client) -> None:
    event = pump.events.latest("pk")
    path = reverse("void_event", args=[pump.pk, event.pk])
    assert "reason" in nurse.post(path, {"reason": "  "}).context["form"].errors
    nurse.post(path, {"reason": "slip", "seen": event.pk})
    again = {"reason": "slip", "seen": pump.events.latest("pk").pk}
    assert "already marked" in nurse.post(path, again).text
    assert Event.objects.filter(voids=event).count() == 1


def test_an_event_of_another_pump_is_not_there(pump: Pump, nurse: Client, clinic: Clinic) -> None:
    other = a_pump(clinic)
    event = a_refill(other, timezone.now() - timedelta(days=1), now=timezone.now())
    assert nurse.get(reverse("void_event", args=[pump.pk, event.pk])).status_code == 404


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2026-11-20", "Add the time of day"),
        ("20261120", "Add the time of day"),
        ("0001-01-01T10:00", "between 1950 and 2200"),
        ("2201-01-01T10:00", "between 1950 and 2200"),
        ("9999-12-31T23:59", "between 1950 and 2200"),
        ("1949-12-31T23:59", "between 1950 and 2200"),
    ],
)
def test_a_moment_needs_a_time_and_a_year_that_can_be(pump: Pump, nurse: Client, text: str, said: str) -> None:
    events = pump.events.count()
    assert said in post(nurse, "log_refill", pump, refill(pump, refilled_at=text)).content.decode()
    assert said in post(nurse, "log_dose_change", pump, dose(pump, effective_at=text)).content.decode()
    assert pump.events.count() == events


@pytest.mark.parametrize("day", ["1949-12-31", "2201-01-01"])
def test_a_lot_expires_in_a_year_that_can_be(pump: Pump, nurse: Client, day: str) -> None:
    page = post(nurse, "log_refill", pump, refill(pump, drug_expires_on=day))
    assert page.context["form"].errors["drug_expires_on"] == ["The year must lie between 1950 and 2200."]


@pytest.mark.parametrize("total", ["9" * 5000, "100000", "x", "-1", ""])
def test_more_rows_than_there_can_be(pump: Pump, nurse: Client, total: str) -> None:
    page = post(nurse, "log_dose_change", pump, dose(pump, more="steps", **{"steps-TOTAL_FORMS": total}))
    assert page.status_code == 200
    assert len(page.context["steps"].forms) <= 51


def test_a_delivered_dose_has_no_exponent_and_stands_beside_the_programmed_one(clinic: Clinic, nurse: Client) -> None:
    now = timezone.now()
    pump = a_pump(clinic, now=now)
    a_refill(pump, now - timedelta(days=5), now=now)
    a_dose(pump, now - timedelta(days=5), daily_dose_mcg=Decimal(2000), now=now)
    told = {"concentration": "other", "other_concentration": "4000", "programmed_concentration_mcg_per_ml": "500"}
    lines = {line.name: line for line in review(nurse, "log_refill", pump, refill(pump, **told)).context["lines"]}
    gets = lines["The patient gets"]
    assert (gets.before, gets.after) == ("2000 mcg/day", "16000 mcg/day")
    same = review(nurse, "log_refill", pump, refill(pump)).context["lines"]
    assert "The patient gets" not in {line.name for line in same}


def test_steps_and_boluses_are_said_without_trailing_zeros(pump: Pump, nurse: Client) -> None:
    sent = rows("steps", ("00:00", "5.0"), ("12:00", "10.50")) | rows("boluses", ("08:00", "30.0"))
    values = dose(pump, mode="flex", daily_dose_mcg="216", **sent)
    said = " ".join(review(nurse, "log_dose_change", pump, values).context["entry"].details)
    assert "from 00:00 5 mcg/h; from 12:00 10.5 mcg/h" in said
    assert "bolus at 08:00 of 30 mcg" in said


def test_what_marks_no_known_entry_says_so_in_the_readers_words() -> None:
    assert title_of(Event(kind=Event.Kind.VOID)) == "Entered in error: an entry"


def test_an_empty_reading_settles_an_alarm_only_when_that_is_confirmed(nurse: Client, pump: Pump) -> None:
    at = timezone.now() - timedelta(hours=2)
    alarm = EventEntry(kind=Event.Kind.ALARM_REPORTED, occurred_at=at, tones=2)
    recorded(pump, alarm, now=at)
    path = reverse("log_event", args=[pump.pk, "interrogation"])
    sent = {"occurred_at": wall(pump, timezone.now() - timedelta(minutes=5))}
    page = nurse.post(path, {**sent, "step": "review"})
    assert "An alarm was heard from this pump, and this reading settles it" in page.text
    saved = {**sent, "step": "save", "seen": page.context["seen"]}
    assert "this reading settles it" in nurse.post(path, saved).text
    done = nurse.post(path, {**saved, "confirm": "alarm_not_read"}, follow=True)
    assert "Alert closed: Pump alarm, two tones." in done.text
    assert pump.alerts.get(kind="pump_alarm_two_tones").closed_at is not None

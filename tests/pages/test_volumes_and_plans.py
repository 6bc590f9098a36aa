"""What moves a pump's volume or date, entered and read on pages."""

from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clinics.models import Clinic
from pumps.models import Pump
from pumps.pages.pump import clock_note
from pumps.services.entries import EventEntry
from tests.builders import NOW, a_dose, a_pump, a_running_pump, recorded
from tests.pages.test_pump import page, read
from tests.pages.test_record import dose, post, refill, review, rows, wall


@pytest.fixture
def pump(clinic: Clinic) -> Pump:
    """About 28 mL are left of 40."""
    return a_running_pump(clinic, filled_days_ago=30, now=timezone.now())


def days(prefix: str, *codes: str) -> dict[str, str]:
    return {f"{prefix}-{place}-days": code for place, code in enumerate(codes)}


def test_a_top_up_is_entered_reviewed_and_shown(pump: Pump, nurse: Client) -> None:
    values = refill(pump, emptying="top_up", aspirated_ml="", filled_ml="10")
    assert "topped up, nothing taken out" in review(nurse, "log_refill", pump, values).text
    text = post(nurse, "log_refill", pump, values).text
    assert pump.events.latest("pk").emptying == "top_up"
    assert "Top-up: 10 mL of 500 mcg/mL" in text


def test_a_top_up_takes_nothing_out(pump: Pump, nurse: Client) -> None:
    form = post(nurse, "log_refill", pump, refill(pump, emptying="top_up", filled_ml="10")).context["form"]
    assert "nothing is taken out" in form.errors["aspirated_ml"][0]
    form = post(nurse, "log_refill", pump, refill(pump, emptying="half")).context["form"]
    assert list(form.errors) == ["emptying"]


def test_a_first_fill_does_not_ask_for_what_was_in_the_pump(clinic: Clinic, nurse: Client) -> None:
    first = a_pump(clinic, now=timezone.now())
    assert "emptying" not in nurse.get(reverse("log_refill", args=[first.pk])).context["form"].fields
    post(nurse, "log_refill", first, refill(first, aspirated_ml="", programmed_concentration_mcg_per_ml="500"))
    assert first.events.get().emptying == "emptied"


def test_a_correction_starts_from_what_was_entered(pump: Pump, nurse: Client) -> None:
    steps = {**rows("steps", ("06:00", "8"), ("06:01", "8")), **days("steps", "", "mon+wed")}
    values = dose(pump, mode="flex", daily_dose_mcg="192", patient_bolus_mcg="10", patient_boluses_per_day="4", **steps)
    # Weekdays beside those of the list are kept, whoever entered them.
    text = post(nurse, "log_dose_change", pump, values).text
    event = pump.events.latest("pk")
    assert event.steps[1] == {"start": "06:01", "rate_mcg_per_h": "8", "days": ["mon", "wed"]}
    assert "from 06:01 8 mcg/h (Mon and Wed)" in text
    assert "patient boluses of 10 mcg, at most 4 a day" in text
    form = nurse.get(reverse("correct_event", args=[pump.pk, event.pk]))
    assert form.context["form"]["patient_bolus_mcg"].value() == "10"
    assert form.context["steps"].forms[1]["days"].value() == "mon+wed"
    assert '<option value="mon+wed" selected>Mon and Wed</option>' in form.text


def test_more_rows_keep_the_days(pump: Pump, nurse: Client) -> None:
    values = dose(pump, mode="flex", more="steps", **rows("steps", ("06:00", "8")), **days("steps", "sat+sun"))
    found = post(nurse, "log_dose_change", pump, values)
    assert found.context["steps"].forms[0]["days"].value() == "sat+sun"


@pytest.mark.parametrize("rubbish", ["someday", "mon+", "+", "9" * 10_000, "<script>"])
def test_days_that_are_none_are_refused(pump: Pump, nurse: Client, rubbish: str) -> None:
    steps = {**rows("steps", ("06:00", "8")), **days("steps", rubbish)}
    found = post(nurse, "log_dose_change", pump, dose(pump, mode="flex", daily_dose_mcg="192", **steps))
    assert "Choose one of the list." in found.text
    assert pump.events.count() == 2


def test_patient_boluses_are_in_the_review(pump: Pump, nurse: Client) -> None:
    values = dose(pump, patient_bolus_mcg="10", patient_boluses_per_day="4")
    lines = {
        line.name: (line.before, line.after) for line in review(nurse, "log_dose_change", pump, values).context["lines"]
    }
    assert lines["Patient boluses"] == ("none", "10 mcg, at most 4 a day")
    without = review(nurse, "log_dose_change", pump, dose(pump)).context["lines"]
    assert "Patient boluses" not in {line.name for line in without}
    half = post(nurse, "log_dose_change", pump, dose(pump, patient_bolus_mcg="10"))
    assert list(half.context["form"].errors) == ["patient_boluses_per_day"]


def past_plan(pump: Pump, **fields: Any) -> int:
    """A dose planned four days ago for yesterday."""
    now = timezone.now()
    event = a_dose(pump, now - timedelta(days=1), now=now - timedelta(days=4), daily_dose_mcg=Decimal(210), **fields)
    return event.pk


def test_a_plan_asks_to_be_confirmed_once_its_moment_has_come(pump: Pump, nurse: Client, stranger: Client) -> None:
    tomorrow = wall(pump, timezone.now() + timedelta(days=1))
    assert "This is a plan." in review(nurse, "log_dose_change", pump, dose(pump, effective_at=tomorrow)).text
    assert "This is a plan." not in review(nurse, "log_dose_change", pump, dose(pump)).text
    a_dose(pump, timezone.now() + timedelta(days=1), now=timezone.now(), daily_dose_mcg=Decimal(230))
    assert "Was it programmed?" not in page(nurse, pump)
    plan = past_plan(pump)
    text = page(nurse, pump)
    assert text.count("Was it programmed?") == 1
    path = reverse("confirm_plan", args=[pump.pk, plan])
    for target in (path, reverse("void_event", args=[pump.pk, plan]), reverse("correct_event", args=[pump.pk, plan])):
        assert target in text
    assert nurse.get(path).status_code == 405
    assert stranger.post(path).status_code == 404
    answer = nurse.post(path, follow=True).text
    assert "It was programmed as planned: Dose: 210 mcg/day." in answer
    assert "Was it programmed?" not in answer
    assert pump.events.latest("pk").kind == "dose_confirmed"
    assert "no plan to confirm" in nurse.post(path, follow=True).text


def test_a_plan_that_was_not_programmed_is_voided(pump: Pump, nurse: Client) -> None:
    plan = past_plan(pump)
    path = reverse("void_event", args=[pump.pk, plan])
    nurse.post(path, {"reason": "put off", "seen": nurse.get(path).context["seen"]})
    assert "Was it programmed?" not in page(nurse, pump)


def test_a_confirmation_is_voided_and_never_corrected(pump: Pump, nurse: Client) -> None:
    nurse.post(reverse("confirm_plan", args=[pump.pk, past_plan(pump)]))
    event = pump.events.latest("pk")
    assert nurse.get(reverse("correct_event", args=[pump.pk, event.pk])).status_code == 404
    assert nurse.get(reverse("log_event", args=[pump.pk, "dose_confirmed"])).status_code == 404
    path = reverse("void_event", args=[pump.pk, event.pk])
    nurse.post(path, {"reason": "slip", "seen": event.pk})
    assert "Was it programmed?" in page(nurse, pump)


def test_the_low_level_is_raised_in_one_step(pump: Pump, nurse: Client) -> None:
    path = reverse("raise_low_level", args=[pump.pk])
    assert path in page(nurse, pump)
    assert "reason" in nurse.post(path, {"noticed_on": wall(pump)[:10], "reason": ""}).context["form"].errors
    text = nurse.post(path, {"noticed_on": wall(pump)[:10], "reason": "itching"}, follow=True).text
    pump.refresh_from_db()
    assert pump.low_reservoir_alarm_ml == 4
    assert "itching. Source: Neurosurgery 2004;55:390" in text
    assert path not in text


def test_the_catheter_says_where_its_volume_is_from(pump: Pump, nurse: Client) -> None:
    assert "as implanted" not in page(nurse, pump)
    Pump.objects.filter(pk=pump.pk).update(catheter_volume_ml=Decimal("0.2"))
    assert '0.2 mL <span class="quiet">as implanted' in page(nurse, pump)
    now = timezone.now()
    recorded(pump, EventEntry(kind="catheter_revision", occurred_at=now, catheter_volume_ml=Decimal("0.15")), now=now)
    assert '0.15 mL <span class="quiet">since the revision of' in page(nurse, pump)


@pytest.mark.parametrize(
    ("model", "said", "confirmed"),
    [
        ("synchromed-ii-40", "The motor stalls in the scanner", True),
        ("prometra-20", "MR unsafe", True),
        ("medstream-40", "is not confirmed", False),
    ],
)
def test_the_form_of_a_scan_says_what_the_model_does(
    clinic: Clinic, nurse: Client, model: str, said: str, confirmed: bool
) -> None:
    pump = a_pump(clinic, model=model, now=timezone.now())
    text = nurse.get(reverse("log_event", args=[pump.pk, "mri"])).text
    assert said in text
    assert ("verify against the manual" in text) is not confirmed
    assert "in a scanner" not in nurse.get(reverse("log_event", args=[pump.pk, "catheter_revision"])).text


@pytest.mark.parametrize(
    ("shown", "note"),
    [
        ("07:00", ""),
        ("08:25", "1 h 25 min ahead of wall clock, as read on Sun 22 Nov 2026"),
        ("06:50", "10 min behind wall clock, as read on"),
    ],
)
def test_a_clock_that_was_read_is_the_clock(clinic: Clinic, shown: str, note: str) -> None:
    """NOW is 07:00 on the clinic's wall, an hour after a change of clocks that the pump did not follow."""
    pump = a_running_pump(clinic, filled_days_ago=60)
    assert "1 h ahead" in clock_note(read(pump))
    assert NOW.astimezone(clinic.zone).time() == time(7)
    clock = datetime.strptime(shown, "%H:%M").time()  # noqa: DTZ007  a time of day
    recorded(pump, EventEntry(kind="interrogation", occurred_at=NOW, pump_clock=clock))
    found = clock_note(read(pump))
    assert note in found if note else found == ""


def test_patient_boluses_that_were_read_are_on_the_timeline(pump: Pump, nurse: Client) -> None:
    values = {"occurred_at": wall(pump), "patient_bolus_mcg": "30"}
    path = reverse("log_event", args=[pump.pk, "interrogation"])
    found = nurse.post(path, values)
    assert [doubt.code for doubt in found.context["doubts"]] == ["no_patient_boluses"]
    sent = {**values, "step": "save", "seen": found.context["seen"], "confirm": "no_patient_boluses"}
    assert "30 mcg given by patient boluses" in nurse.post(path, sent, follow=True).text

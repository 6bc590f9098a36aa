"""The calculators' page: several forms, each answered by itself."""

from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from clinical.labels import LABEL_SETS
from clinics.models import Clinic
from pumps.models import PumpModel
from tests.pages.test_markup import check

BRIDGE = {
    "bridge-tubing_volume_ml": "0.199",
    "bridge-catheter_volume_ml": "0,201",
    "bridge-old_concentration_mcg_per_ml": "2000",
    "bridge-new_concentration_mcg_per_ml": "500",
    "bridge-old_daily_dose_mcg": "400",
    "bridge-new_daily_dose_mcg": "400",
}
REFILL = {
    "refill-volume_ml": "40",
    "refill-low_reservoir_alarm_ml": "2",
    "refill-daily_dose_mcg": "200",
    "refill-concentration_mcg_per_ml": "500",
    "refill-filled_at": "2026-11-22T09:30",
}


def model(slug: str) -> str:
    return str(PumpModel.objects.get(slug=slug).pk)


def ask(client: Client, values: dict[str, str]) -> Any:
    page = client.post(reverse("calculators"), values)
    assert page.status_code == 200
    check(page.text)
    return page


def figures(page: Any) -> dict[str, str]:
    """The figures of the one form that was answered."""
    [answer] = [found.answer for found in page.context["calculators"] if found.answer is not None]
    return {figure.name: figure.value for figure in answer.figures}


def test_it_is_in_the_navigation_with_all_forms(nurse: Client) -> None:
    page = nurse.get(reverse("worklist"))
    assert reverse("calculators") in page.text
    page = nurse.get(reverse("calculators"))
    check(page.text)
    assert len(page.context["calculators"]) == 7
    assert all(found.answer is None and found.source for found in page.context["calculators"])


def test_how_long_a_fill_lasts_on_the_clinics_wall(clinic: Clinic, nurse: Client) -> None:
    """38 / 0.4 = 95 days after 22 Nov, 9:30."""
    found = figures(ask(nurse, REFILL))
    assert found["Flow"] == "0.4 mL/day"
    assert found["Low after"] == "95 days, Thu 25 Feb 2027, 09:30"
    assert found["Empty after"].startswith("100 days")


def test_a_bridge_and_what_happens_without(nurse: Client) -> None:
    """0.4 mL x 2000 = 800 mcg, 48 h at 0.2 mL/day; unbridged 0.8 mL/day x 2000 = 1600 mcg/day for 12 h."""
    found = figures(ask(nurse, BRIDGE))
    assert (found["Volume"], found["Bolus"], found["Duration"]) == ("0.4 mL", "800 mcg", "48 hours")
    assert found["Without a bridge"].startswith("1600 mcg/day for 12 hours, an over-dose")


def test_what_should_be_left(nurse: Client) -> None:
    values = {"residual-model": model("synchromed-ii-40"), "residual-filled_ml": "40", "residual-programmed_ml": "35"}
    page = ask(nurse, {**values, "residual-aspirated_ml": "2.9"})
    assert figures(page)["Discrepancy"] == "2.1 mL"
    assert "pocket fill" in page.text
    assert "Within 2 mL" in ask(nurse, {**values, "residual-aspirated_ml": "3"}).text


def test_a_catheters_volume(nurse: Client) -> None:
    page = ask(nurse, {"catheter-model": model("prometra-20"), "catheter-trimmed_cm": "30"})
    assert figures(page) == {"Catheter": "0.208 mL"}
    assert "(110 cm - trimmed) x 0.0026 mL/cm" in page.text
    page = ask(nurse, {"catheter-model": model("synchromed-ii-20"), "catheter-implanted_length_cm": "80"})
    assert figures(page) == {"Catheter": "0.176 mL"}
    assert "verify against the manual" in page.text


@pytest.mark.parametrize(
    ("values", "prefix", "field"),
    [
        ({**BRIDGE, "bridge-old_daily_dose_mcg": "0"}, "bridge", "old_daily_dose_mcg"),
        ({**BRIDGE, "bridge-catheter_volume_ml": "11"}, "bridge", "catheter_volume_ml"),
        ({**BRIDGE, "bridge-new_daily_dose_mcg": "1,000"}, "bridge", "new_daily_dose_mcg"),
        ({**REFILL, "refill-daily_dose_mcg": "0.000001"}, "refill", "daily_dose_mcg"),
        ({**REFILL, "refill-filled_at": "2026-11-22"}, "refill", "filled_at"),
        ({"catheter-model": "999999", "catheter-trimmed_cm": "1"}, "catheter", "model"),
        ({"residual-filled_ml": "1"}, "residual", "model"),
    ],
)
def test_what_cannot_be_is_said_at_its_field_and_kept(
    nurse: Client, values: dict[str, str], prefix: str, field: str
) -> None:
    page = ask(nurse, values)
    form = page.context[prefix]
    assert field in form.errors
    for name, value in values.items():
        assert form[name.removeprefix(f"{prefix}-")].value() == value
    assert all(found.answer is None for found in page.context["calculators"])
    others = [found.form for found in page.context["calculators"] if found.form.prefix != prefix]
    assert not any(other.is_bound for other in others)


def test_a_link_with_values_is_answered(nurse: Client) -> None:
    assert figures(nurse.get(reverse("calculators"), BRIDGE))["Volume"] == "0.4 mL"


def test_a_model_without_catheter_figures_says_so(nurse: Client) -> None:
    page = ask(nurse, {"catheter-model": model("medstream-20"), "catheter-implanted_length_cm": "80"})
    assert "an administrator can enter it" in str(page.context["catheter"].errors["model"])


STEP = {
    "titration-label_set": "us",
    "titration-origin": "spinal",
    "titration-age_years": "40",
    "titration-phase": "titration",
    "titration-current_daily_dose_mcg": "100",
    "titration-proposed_daily_dose_mcg": "2400",
    "titration-hours_since_last_change": "12",
}


def test_a_step_says_its_change_its_hourly_rate_and_what_is_wrong_with_it(nurse: Client) -> None:
    page = ask(nurse, STEP)
    assert figures(page) == {"Change": "2300 %", "Proposed, per hour": "100 mcg/h", "Usual band": "80 to 130 mcg/day"}
    assert "Not without an override" in page.text
    assert "is it a rate per hour" in page.text
    calm = ask(nurse, {**STEP, "titration-proposed_daily_dose_mcg": "120", "titration-hours_since_last_change": "24"})
    assert "300 to 800 mcg/day for spasticity of spinal origin" in calm.text
    assert "Ensure this value is greater than 0" in ask(nurse, {**STEP, "titration-current_daily_dose_mcg": "0"}).text


def test_the_first_dose_with_its_hourly_rate(nurse: Client) -> None:
    sent = {"first-label_set": "uk", "first-screening_dose_mcg": "75", "first-effect_hours": "12"}
    assert figures(ask(nurse, sent)) == {"First daily dose": "150 mcg/day (6.25 mcg/h)"}


def test_a_screening_goes_on_a_day_later(nurse: Client) -> None:
    first = ask(nurse, {"screening-label_set": "us", "screening-starts_small": "on"})
    assert figures(first) == {"Now": "A bolus may follow", "Next bolus": "25 mcg"}
    given = {
        "screening-label_set": "us",
        "screening-last_dose_mcg": "50",
        "screening-given_at": "2026-11-24T09:00",
        "screening-responded": "no",
    }
    found = figures(ask(nurse, given))
    assert (found["Next bolus"], found["Not before"]) == ("75 mcg", "Wed 25 Nov 2026, 09:00")
    assert "Say when the bolus was given" in ask(nurse, {**given, "screening-given_at": ""}).text


def test_every_figure_of_the_label_sets_is_shown_with_its_source(nurse: Client) -> None:
    page = nurse.get(reverse("label_sets"))
    check(page.text)
    for labels in LABEL_SETS.values():
        assert labels.name in page.text
        for rule in labels.rules.values():
            assert rule.source in unescape(page.text)
    assert "10 to 30 % of the present dose" in page.text
    assert "500, 1000, 2000 mcg/mL" in page.text

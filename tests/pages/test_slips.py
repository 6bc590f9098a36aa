"""Slips of the keyboard stop at a confirmation, on the page and in the API, and nothing is stored until then."""

from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone

from clinics.models import Clinic
from clinics.roles import Role
from pumps.models import Pump
from tests.api.clients import client_of
from tests.builders import a_running_pump, a_user
from tests.pages.conftest import logged_in
from tests.pages.test_record import dose, post, refill, review

SLIPS = [("factor_24", "4800"), ("factor_24", "8.33"), ("factor_4", "800"), ("factor_4", "50"),
         ("factor_1000", "200000"), ("factor_1000", "0.2")]  # fmt: skip


@pytest.fixture
def pump(clinic: Clinic) -> Pump:
    """At 200 mcg/day."""
    return a_running_pump(clinic, filled_days_ago=60, now=timezone.now())


@pytest.mark.parametrize(("code", "number"), SLIPS)
def test_a_slip_of_dose_stops_on_the_page(pump: Pump, code: str, number: str) -> None:
    nurse = logged_in(a_user(Role.NURSE, pump.clinic))
    values = dose(pump, daily_dose_mcg=number)
    page = review(nurse, "log_dose_change", pump, values)
    doubts = {doubt.code: doubt.message for doubt in page.context["doubts"]}
    assert doubts[code] in page.text.replace("&#x27;", "'")
    unconfirmed = {**values, "step": "save", "seen": page.context["seen"]}
    for ticked in ([], [other for other in doubts if other != code]):
        review(nurse, "log_dose_change", pump, {**unconfirmed, "confirm": ticked})
        assert pump.events.count() == 2
    review(nurse, "log_dose_change", pump, {**unconfirmed, "confirm": list(doubts)})
    assert pump.events.latest("pk").daily_dose_mcg == Decimal(number)


@pytest.mark.parametrize(("code", "number"), SLIPS)
def test_a_slip_of_dose_stops_in_the_api_with_the_same_words(pump: Pump, code: str, number: str) -> None:
    user = a_user(Role.NURSE, pump.clinic)
    page = review(logged_in(user), "log_dose_change", pump, dose(pump, daily_dose_mcg=number))
    body = {"effective_at": timezone.now().isoformat(), "mode": "simple_continuous", "daily_dose_mcg": number}
    answer = client_of(user).post(f"/api/v1/pumps/{pump.pk}/dose-changes/", body, format="json")
    assert answer.status_code == 400
    told = {doubt["code"]: doubt["message"] for doubt in answer.json()["confirm_required"]}
    assert told == {doubt.code: doubt.message for doubt in page.context["doubts"]}
    assert code in told
    assert pump.events.count() == 2


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"aspirated_ml": "12"}, "aspirated_unexpected"),
        ({"filled_ml": "0"}, "filled_nothing"),
        ({"concentration": "other", "other_concentration": "700", "programmed_concentration_mcg_per_ml": "500"},
         "concentration_off_market"),
        ({"drug_expires_on": "2026-01-01"}, "drug_expired"),
    ],
)  # fmt: skip
def test_an_unlikely_refill_is_asked_about(pump: Pump, values: dict[str, str], code: str) -> None:
    nurse = logged_in(a_user(Role.NURSE, pump.clinic))
    entered = refill(pump, **{"aspirated_ml": "16", **values})
    page = post(nurse, "log_refill", pump, entered)
    codes = [doubt.code for doubt in page.context["doubts"]]
    assert codes == [code]
    assert pump.events.count() == 2
    post(nurse, "log_refill", pump, {**entered, "confirm": codes})
    assert pump.events.count() == 3


def test_the_review_shows_old_and_new_side_by_side(pump: Pump) -> None:
    nurse = logged_in(a_user(Role.NURSE, pump.clinic))
    page = review(nurse, "log_dose_change", pump, dose(pump, daily_dose_mcg="230"))
    text = " ".join(page.text.split())
    for said in ("0.4 mL/day", "0.46 mL/day", "8.333 mcg/h", "9.583 mcg/h", "+15"):
        assert said in text, said
    assert reverse("log_dose_change", args=[pump.pk]) in text
    assert pump.events.count() == 2


def test_a_review_of_a_ledger_that_has_changed_meanwhile_is_shown_again(pump: Pump) -> None:
    nurse = logged_in(a_user(Role.NURSE, pump.clinic))
    values = dose(pump, daily_dose_mcg="230")
    seen = review(nurse, "log_dose_change", pump, values).context["seen"]
    post(nurse, "log_refill", pump, refill(pump, aspirated_ml="16"))
    page = review(nurse, "log_dose_change", pump, {**values, "step": "save", "seen": seen})
    assert "Somebody has recorded something for this pump meanwhile" in page.text
    assert not pump.events.filter(kind="dose_change", daily_dose_mcg=230).exists()


@pytest.mark.parametrize(("number", "asked"), [("160", False), ("159", True), ("20", True)])
def test_a_steep_decrease_is_asked_about(pump: Pump, number: str, asked: bool) -> None:
    page = review(
        logged_in(a_user(Role.NURSE, pump.clinic)), "log_dose_change", pump, dose(pump, daily_dose_mcg=number)
    )
    assert [doubt.code for doubt in page.context["doubts"]] == (["step_below_band"] if asked else [])


def test_a_void_of_a_ledger_that_has_changed_meanwhile_is_shown_again(pump: Pump) -> None:
    nurse = logged_in(a_user(Role.NURSE, pump.clinic))
    event = pump.events.latest("pk")
    path = reverse("void_event", args=[pump.pk, event.pk])
    seen = nurse.get(path).context["seen"]
    post(nurse, "log_refill", pump, refill(pump, aspirated_ml="16"))
    page = nurse.post(path, {"reason": "slip", "seen": seen})
    assert "meanwhile" in page.text
    assert not pump.events.filter(voids=event).exists()
    nurse.post(path, {"reason": "slip", "seen": page.context["seen"]})
    assert pump.events.filter(voids=event).exists()

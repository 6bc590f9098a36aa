from typing import Any

import pytest
from rest_framework.test import APIClient

from clinics.roles import Role
from pumps.models import Event, PumpModel
from tests.api.clients import client_of
from tests.builders import a_clinic, a_user

pytestmark = pytest.mark.django_db

BRIDGE = {
    "tubing_volume_ml": "0.199",
    "catheter_volume_ml": "0.201",
    "old_concentration_mcg_per_ml": "500",
    "new_concentration_mcg_per_ml": "2000",
    "old_daily_dose_mcg": "150",
    "new_daily_dose_mcg": "150",
}
RESIDUAL = {"model": "synchromed-ii-40", "filled_ml": "40", "programmed_ml": "35", "aspirated_ml": "2.9"}
CATHETER = {"model": "prometra-ii-20", "trimmed_cm": "30"}


@pytest.fixture
def client() -> APIClient:
    return client_of(a_user(Role.NURSE, a_clinic()))


def ask(client: APIClient, name: str, body: dict[str, Any]) -> Any:
    return client.post(f"/api/v1/calculators/{name}/", body)


def test_a_bridge_bolus(client: APIClient) -> None:
    """0.4 mL x 500 = 200 mcg, at 150 mcg/day 32 h, 0.3 mL/day; unbridged 0.075 mL/day x 500 = 37.5 mcg/day, 128 h."""
    response = ask(client, "bridge-bolus", BRIDGE)
    assert response.status_code == 200
    assert response.json() == {
        "volume_ml": "0.4",
        "bolus_mcg": "200",
        "duration_hours": "32",
        "rate_ml_per_day": "0.3",
        "unbridged": {"dose_mcg_per_day": "37.5", "hours": "128", "direction": "under_dose"},
    }


def test_numbers_have_at_least_six_significant_digits(client: APIClient) -> None:
    body = ask(client, "bridge-bolus", {**BRIDGE, "old_daily_dose_mcg": "140"}).json()
    assert body["duration_hours"] == "34.28571429"
    assert body["rate_ml_per_day"] == "0.28"
    assert ask(client, "residual", RESIDUAL).json()["flow_ratio"] == "1.06"
    assert ask(client, "residual", {**RESIDUAL, "programmed_ml": "36"}).json()["flow_ratio"] == "1.030555556"


def test_a_residual_beyond_two_ml_warns(client: APIClient) -> None:
    body = ask(client, "residual", RESIDUAL).json()
    assert (body["expected_ml"], body["discrepancy_ml"]) == ("5", "2.1")
    [finding] = body["findings"]
    assert (finding["code"], finding["severity"]) == ("discrepancy", "warn")
    assert "pocket fill" in finding["message"]
    assert finding["source"]
    assert ask(client, "residual", {**RESIDUAL, "aspirated_ml": "3.0"}).json()["findings"] == []


@pytest.mark.parametrize("name", ["Prometra II 20", "prometra-ii-20"])
def test_a_confirmed_catheter(client: APIClient, name: str) -> None:
    body = ask(client, "catheter-volume", {**CATHETER, "model": name}).json()
    assert body == {"volume_ml": "0.208", "confirmed": True, "findings": []}


def test_an_unconfirmed_catheter_says_so_and_is_the_catalogues(client: APIClient) -> None:
    sent = {"model": "synchromed-ii-40", "implanted_length_cm": "80"}
    body = ask(client, "catheter-volume", sent).json()
    assert (body["volume_ml"], body["confirmed"]) == ("0.176", False)
    assert "verify against the manual" in body["findings"][0]["message"]
    PumpModel.objects.filter(slug="synchromed-ii-40").update(catheter_ml_per_cm="0.0025", catheter_confirmed=True)
    assert ask(client, "catheter-volume", sent).json() == {"volume_ml": "0.2", "confirmed": True, "findings": []}


@pytest.mark.parametrize(
    ("name", "body", "fields", "field"),
    [
        ("bridge-bolus", BRIDGE, {"tubing_volume_ml": "-0.1"}, "tubing_volume_ml"),
        ("bridge-bolus", BRIDGE, {"tubing_volume_ml": "0", "catheter_volume_ml": "0"}, "catheter_volume_ml"),
        ("bridge-bolus", BRIDGE, {"catheter_volume_ml": "11"}, "catheter_volume_ml"),
        ("bridge-bolus", BRIDGE, {"old_concentration_mcg_per_ml": "0"}, "old_concentration_mcg_per_ml"),
        ("bridge-bolus", BRIDGE, {"new_concentration_mcg_per_ml": "nan"}, "new_concentration_mcg_per_ml"),
        ("bridge-bolus", BRIDGE, {"old_daily_dose_mcg": "Infinity"}, "old_daily_dose_mcg"),
        ("bridge-bolus", BRIDGE, {"new_daily_dose_mcg": "0"}, "new_daily_dose_mcg"),
        ("bridge-bolus", BRIDGE, {"new_daily_dose_mcg": "1e400"}, "new_daily_dose_mcg"),
        ("bridge-bolus", BRIDGE, {"new_daily_dose_mcg": None}, "new_daily_dose_mcg"),
        ("residual", RESIDUAL, {"model": "pumpomat"}, "model"),
        ("residual", RESIDUAL, {"filled_ml": "40.1"}, "filled_ml"),
        ("residual", RESIDUAL, {"aspirated_ml": "41"}, "aspirated_ml"),
        ("residual", RESIDUAL, {"aspirated_ml": "-1"}, "aspirated_ml"),
        ("residual", RESIDUAL, {"programmed_ml": "NaN"}, "programmed_ml"),
        ("catheter-volume", CATHETER, {"model": "pumpomat"}, "model"),
        ("catheter-volume", CATHETER, {"model": "medstream-20"}, "model"),
        ("catheter-volume", CATHETER, {"model": "synchromed-ii-40"}, "trimmed_cm"),
        ("catheter-volume", CATHETER, {"trimmed_cm": None}, "implanted_length_cm"),
        ("catheter-volume", CATHETER, {"implanted_length_cm": "80"}, "trimmed_cm"),
        ("catheter-volume", CATHETER, {"trimmed_cm": "110"}, "trimmed_cm"),
        ("catheter-volume", CATHETER, {"trimmed_cm": "-Infinity"}, "trimmed_cm"),
        ("catheter-volume", CATHETER, {"trimmed_cm": None, "implanted_length_cm": "0"}, "implanted_length_cm"),
    ],
)
def test_what_cannot_be_is_refused_at_its_field(
    client: APIClient, name: str, body: dict[str, Any], fields: dict[str, Any], field: str
) -> None:
    response = ask(client, name, {**body, **fields})
    assert response.status_code == 400
    assert list(response.json()) == [field]
    assert all(isinstance(message, str) for message in response.json()[field])


def test_nothing_is_stored_and_a_stranger_is_refused(client: APIClient) -> None:
    for name, body in (("bridge-bolus", BRIDGE), ("residual", RESIDUAL), ("catheter-volume", CATHETER)):
        assert ask(client, name, body).status_code == 200
        assert APIClient().post(f"/api/v1/calculators/{name}/", body).status_code == 401
    assert Event.objects.count() == 0


STEP = {
    "label_set": "us",
    "origin": "spinal",
    "age_years": 40,
    "phase": "titration",
    "current_daily_dose_mcg": "200",
    "proposed_daily_dose_mcg": "260",
    "hours_since_last_change": "24",
}


def test_a_step_within_the_band_is_only_unusual(client: APIClient) -> None:
    body = ask(client, "titration", STEP).json()
    assert (body["change_pct"], body["allowed_mcg"]) == ("30", {"min": "160", "max": "260"})
    assert [(each["code"], each["severity"]) for each in body["findings"]] == [("dose_unusual", "info")]


def test_a_step_above_the_band_and_too_soon_blocks_and_says_why(client: APIClient) -> None:
    sent = {**STEP, "proposed_daily_dose_mcg": "4800", "hours_since_last_change": "23.9"}
    body = ask(client, "titration", sent).json()
    codes = [(each["code"], each["severity"]) for each in body["findings"]]
    assert codes[:2] == [("too_soon", "block"), ("step_above_band", "block")]
    assert ("factor_24", "warn") in codes
    assert all(each["message"] and each["source"] for each in body["findings"])


@pytest.mark.parametrize("field", sorted(STEP))
def test_every_field_of_a_step_is_required(client: APIClient, field: str) -> None:
    response = ask(client, "titration", {name: value for name, value in STEP.items() if name != field})
    assert response.status_code == 400
    assert list(response.json()) == [field]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("current_daily_dose_mcg", "0"),
        ("proposed_daily_dose_mcg", "NaN"),
        ("proposed_daily_dose_mcg", "Infinity"),
        ("hours_since_last_change", "-1"),
        ("age_years", "131"),
        ("phase", "weaning"),
        ("origin", "other"),
        ("label_set", "fr"),
    ],
)
def test_a_step_that_cannot_be_is_refused_at_its_field(client: APIClient, field: str, value: str) -> None:
    response = ask(client, "titration", {**STEP, field: value})
    assert response.status_code == 400
    assert list(response.json()) == [field]


@pytest.mark.parametrize(("labels", "hours", "dose"), [("us", "8", "100"), ("us", "8.1", "50"), ("uk", "12.1", "50")])
def test_the_first_dose(client: APIClient, labels: str, hours: str, dose: str) -> None:
    sent = {"label_set": labels, "screening_dose_mcg": "50", "effect_hours": hours}
    body = ask(client, "initial-dose", sent).json()
    assert body["daily_dose_mcg"] == dose
    assert ask(client, "initial-dose", {**sent, "effect_hours": "0"}).status_code == 400


def test_a_screening_step_by_step(client: APIClient) -> None:
    assert ask(client, "screening", {"label_set": "us"}).json()["next_dose_mcg"] == "50"
    given = {"label_set": "us", "last_dose_mcg": "75", "given_at": "2026-11-24T09:00:00Z"}
    assert ask(client, "screening", given).json()["outcome"] == "observe"
    body = ask(client, "screening", {**given, "responded": False}).json()
    assert (body["outcome"], body["next_dose_mcg"]) == ("give", "100")
    assert body["not_before"] == "2026-11-25T09:00:00Z"
    ended = ask(client, "screening", {**given, "last_dose_mcg": "100", "responded": False}).json()
    assert (ended["outcome"], ended["next_dose_mcg"]) == ("not_a_candidate", None)
    assert ask(client, "screening", {"label_set": "us", "responded": True}).json() == {
        "last_dose_mcg": ["Say which dose was given, or leave all three blank before the first."]
    }

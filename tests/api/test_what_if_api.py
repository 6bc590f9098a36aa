from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from clinics.roles import Role
from pumps.models import Event, Forecast, Pump
from tests.api.clients import client_of
from tests.builders import a_clinic, a_dose, a_pump, a_refill, a_running_pump, a_user

pytestmark = pytest.mark.django_db

URL = "/api/v1/calculators/what-if/"
VALUES = {
    "model": "synchromed-ii-40",
    "volume_ml": "40",
    "concentration_mcg_per_ml": "500",
    "daily_dose_mcg": "200",
    "filled_at": "2026-03-01T12:00:00Z",
}


@pytest.fixture
def pump() -> Pump:
    """40 mL of 500 mcg/mL, 30 days ago, at 200 mcg/day."""
    return a_running_pump(a_clinic(), now=timezone.now(), catheter_volume_ml=Decimal("0.201"))


@pytest.fixture
def nurse(pump: Pump) -> APIClient:
    return client_of(a_user(Role.NURSE, pump.clinic))


def ask(client: APIClient, body: dict[str, Any]) -> dict[str, Any]:
    response = client.post(URL, body)
    assert response.status_code == 200, response.content
    data: dict[str, Any] = response.json()
    return data


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_values_alone_give_flow_dates_and_a_years_need(nurse: APIClient) -> None:
    """As by hand in tests/clinical/test_planning.py."""
    body = ask(nurse, VALUES)
    tried = body["tried"]
    assert (body["now"], body["bridge"]) == (None, None)
    assert (tried["rate_ml_per_day"], tried["hourly_mcg"]) == ("0.4", "8.333333333")
    assert tried["programmed_low_at"] == "2026-06-04T12:00:00Z"
    assert tried["interval_days"].startswith("78.1012")
    assert tried["drug_ml_per_year"].startswith("187.06")
    assert tried["delivered_mg_per_year"] == "73.05"
    assert (tried["limiting_factor"], tried["margin_days"]) == ("volume", 7)
    assert tried["earliest_low_at"] < tried["programmed_low_at"]
    assert "not a prescription" in body["note"]
    assert set(body["formulas"]) >= {"rate_ml_per_day", "refill_by", "refills_per_year"}


def test_nothing_tried_is_the_pump_as_it_is(nurse: APIClient, pump: Pump) -> None:
    body = ask(nurse, {"pump": str(pump.pk)})
    assert body["tried"] == body["now"]
    assert moment(body["now"]["refill_by"]) == Forecast.objects.get(pump=pump).refill_by
    assert body["with_refill"] is False


def test_another_dose_begins_now_with_what_is_in_the_reservoir(nurse: APIClient, pump: Pump) -> None:
    """12 mL of the 38 above the low level are gone; the other 26 last 26 / 0.8 = 32.5 days at 400 mcg/day."""
    body = ask(nurse, {"pump": str(pump.pk), "daily_dose_mcg": "400"})
    assert body["with_refill"] is False
    left = moment(body["tried"]["programmed_low_at"]) - timezone.now()
    assert left / timedelta(days=1) == pytest.approx(32.5, abs=0.01)
    assert (body["now"]["rate_ml_per_day"], body["tried"]["rate_ml_per_day"]) == ("0.4", "0.8")


def test_another_concentration_takes_a_refill_and_a_bridge(nurse: APIClient, pump: Pump) -> None:
    """0.1 mL/day of 2000: 380 days of volume, so 180 days bind. V = 0.199 + 0.201: 200 mcg over 24 h."""
    body = ask(nurse, {"pump": str(pump.pk), "concentration_mcg_per_ml": "2000"})
    tried = body["tried"]
    assert (body["with_refill"], tried["limiting_factor"], tried["interval_days"]) == (True, "max_interval", "173")
    assert (body["bridge"]["volume_ml"], body["bridge"]["bolus_mcg"], body["bridge"]["duration_hours"]) == (
        "0.4",
        "200",
        "24",
    )
    assert body["bridge"]["unbridged"] == {"dose_mcg_per_day": "50", "hours": "96", "direction": "under_dose"}
    assert "verify" in body["bridge"]["notes"][0]


def test_a_bridge_that_cannot_be_computed_says_what_is_missing(pump: Pump, nurse: APIClient) -> None:
    Pump.objects.filter(pk=pump.pk).update(catheter_volume_ml=None)
    bridge = ask(nurse, {"pump": str(pump.pk), "concentration_mcg_per_ml": "2000"})["bridge"]
    assert bridge["volume_ml"] is None
    assert "catheter volume" in bridge["missing"][0]
    given = {"concentration_mcg_per_ml": "2000", "catheter_volume_ml": "0.201"}
    assert ask(nurse, {"pump": str(pump.pk), **given})["bridge"]["volume_ml"] == "0.4"


def test_a_bridge_of_values_alone(nurse: APIClient) -> None:
    old = {"old_concentration_mcg_per_ml": "2000", "old_daily_dose_mcg": "400", "catheter_volume_ml": "0.201"}
    bridge = ask(nurse, {**VALUES, **old})["bridge"]
    assert (bridge["bolus_mcg"], bridge["duration_hours"], bridge["rate_ml_per_day"]) == ("800", "48", "0.2")


def test_another_pump_starts_from_its_models_own_figures(nurse: APIClient, pump: Pump) -> None:
    body = ask(nurse, {"pump": str(pump.pk), "model": "prometra-20"})
    assert (body["other_model"], body["bridge"], body["tried"]["volume_ml"]) == (True, None, "20")
    assert body["tried"]["flow_ratio"] == {"mean": "0.97", "sd": "0.06", "refills": 0}
    left = moment(body["tried"]["programmed_low_at"]) - moment(body["starts_at"])
    assert left == timedelta(days=17 / 0.4)


def test_the_pumps_own_ratio_counts(nurse: APIClient, pump: Pump) -> None:
    now = timezone.now()
    for days in (20, 10, 0.5):
        a_refill(pump, now - timedelta(days=days), aspirated_ml=Decimal(35), now=now)
    body = ask(nurse, {"pump": str(pump.pk), "margin_days": 3, "filled_at": (now + timedelta(days=9)).isoformat()})
    assert body["tried"]["flow_ratio"] == body["now"]["flow_ratio"]
    assert body["tried"]["flow_ratio"]["refills"] == 3
    assert body["tried"]["margin_days"] == 3


def test_a_program_with_steps_follows_the_dose(nurse: APIClient, pump: Pump) -> None:
    now = timezone.now()
    steps = [{"start": "00:00", "rate_mcg_per_h": "4"}, {"start": "12:00", "rate_mcg_per_h": "12"}]
    a_dose(pump, now - timedelta(days=1), mode="flex", daily_dose_mcg=Decimal(192), steps=steps, now=now)
    assert ask(nurse, {"pump": str(pump.pk), "daily_dose_mcg": "240"})["tried"]["rate_ml_per_day"] == "0.48"
    wrong = nurse.post(URL, {"pump": str(pump.pk), "daily_dose_mcg": "240", "steps": steps})
    assert (wrong.status_code, list(wrong.json())) == (400, ["steps"])
    stopped = ask(nurse, {"pump": str(pump.pk), "mode": "stopped"})["tried"]
    assert (stopped["refill_by"], stopped["unknown_reason"]) == (None, "stopped")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"volume_ml": "40.1"}, "volume_ml"),
        ({"volume_ml": "0"}, "volume_ml"),
        ({"concentration_mcg_per_ml": "0"}, "concentration_mcg_per_ml"),
        ({"daily_dose_mcg": "0"}, "daily_dose_mcg"),
        ({"daily_dose_mcg": "inf"}, "daily_dose_mcg"),
        ({"margin_days": 2}, "margin_days"),
        ({"margin_days": 15}, "margin_days"),
        ({"low_reservoir_alarm_ml": "40"}, "low_reservoir_alarm_ml"),
        ({"model": "pumpomat"}, "model"),
        ({"model": "codman-3000-30", "volume_ml": "20"}, "factory_flow_ml_per_day"),
        ({"factory_flow_ml_per_day": "1"}, "factory_flow_ml_per_day"),
        ({"mode": "flex"}, "steps"),
        ({"filled_at": "2026-01-01"}, "filled_at"),
    ],
)
def test_what_cannot_be_is_refused_with_and_without_a_pump(
    nurse: APIClient, pump: Pump, fields: dict[str, Any], field: str
) -> None:
    for body in ({"pump": str(pump.pk)}, VALUES):
        response = nurse.post(URL, {**body, **fields})
        assert response.status_code == 400
        assert list(response.json()) == [field]


@pytest.mark.parametrize("field", ["model", "volume_ml", "concentration_mcg_per_ml", "daily_dose_mcg", "filled_at"])
def test_without_a_pump_every_value_is_needed(nurse: APIClient, field: str) -> None:
    response = nurse.post(URL, {name: value for name, value in VALUES.items() if name != field})
    assert (response.status_code, list(response.json())) == (400, [field])


def test_a_pump_without_a_ledger_needs_values(nurse: APIClient, pump: Pump) -> None:
    empty = a_pump(pump.clinic)
    response = nurse.post(URL, {"pump": str(empty.pk)})
    assert (response.status_code, list(response.json())) == (400, ["concentration_mcg_per_ml"])
    given = {"concentration_mcg_per_ml": "500", "daily_dose_mcg": "200"}
    body = ask(nurse, {"pump": str(empty.pk), **given})
    assert (body["now"], body["tried"]["rate_ml_per_day"]) == (None, "0.4")


def test_a_constant_flow_is_dosed_by_its_concentration(nurse: APIClient) -> None:
    """0.5 mL/day of 2000 mcg/mL is 1000 mcg/day."""
    values = {**VALUES, "model": "codman-3000-30", "volume_ml": "30", "factory_flow_ml_per_day": "0.5"}
    refused = nurse.post(URL, values)
    assert list(refused.json()) == ["daily_dose_mcg"]
    body = ask(nurse, {**values, "daily_dose_mcg": None, "concentration_mcg_per_ml": "2000"})
    assert (body["tried"]["daily_dose_mcg"], body["tried"]["rate_ml_per_day"]) == ("1000", "0.5")


def test_who_may_ask_about_a_pump(nurse: APIClient, pump: Pump) -> None:
    stranger = client_of(a_user(Role.NURSE, a_clinic()))
    unknown = stranger.post(URL, {"pump": str(pump.pk)})
    assert (unknown.status_code, list(unknown.json())) == (400, ["pump"])
    assert client_of(a_user(Role.SCHEDULER, pump.clinic)).post(URL, {"pump": str(pump.pk)}).status_code == 403
    before = (Event.objects.count(), Forecast.objects.get(pump=pump).refill_by)
    ask(nurse, {"pump": str(pump.pk), "daily_dose_mcg": "400"})
    assert (Event.objects.count(), Forecast.objects.get(pump=pump).refill_by) == before


def test_weekdays_and_a_stop_of_a_pump_with_patient_boluses(pump: Pump) -> None:
    nurse = client_of(a_user(Role.NURSE, pump.clinic))
    steps = [
        {"start": "00:00", "rate_mcg_per_h": "8", "days": ["sat", "sun"]},
        {"start": "00:00", "rate_mcg_per_h": "10"},
    ]
    tried = {"pump": str(pump.pk), "mode": "flex", "daily_dose_mcg": "226.286", "steps": steps}
    answer = nurse.post(URL, tried, format="json")
    assert answer.status_code == 200, answer.content
    a_dose(pump, timezone.now() - timedelta(days=2), patient_bolus_mcg=Decimal(10), patient_boluses_per_day=3)
    stopped = nurse.post(URL, {"pump": str(pump.pk), "mode": "stopped", "daily_dose_mcg": "0"}, format="json").json()
    assert Decimal(stopped["tried"]["rate_ml_per_day"]) == 0

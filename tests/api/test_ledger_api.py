from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from clinics.roles import Role
from pumps.models import Event, Forecast, Pump
from tests.api.clients import client_of, results
from tests.builders import a_clinic, a_running_pump, a_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def pump() -> Pump:
    return a_running_pump(a_clinic(), filled_days_ago=60, now=timezone.now())


@pytest.fixture
def nurse(pump: Pump) -> APIClient:
    return client_of(a_user(Role.NURSE, pump.clinic))


def refill_body(**fields: Any) -> dict[str, Any]:
    at = (timezone.now() - timedelta(minutes=10)).isoformat()
    body = {"refilled_at": at, "aspirated_ml": "15.8", "filled_ml": "40", "concentration_mcg_per_ml": "500"}
    return {**body, **fields}


def test_a_refill_moves_the_forecast_and_the_worklist_at_once(nurse: APIClient, pump: Pump) -> None:
    before = nurse.get(f"/api/v1/pumps/{pump.pk}/forecast/").json()
    response = nurse.post(f"/api/v1/pumps/{pump.pk}/refills/", refill_body(lot_number="L1", stability_days=90))
    assert response.status_code == 201, response.content
    body = response.json()
    assert (body["filled_ml"], body["aspirated_ml"], body["lot_number"]) == ("40.000", "15.800", "L1")
    assert body["programmed_concentration_mcg_per_ml"] == "500.000"
    after = nurse.get(f"/api/v1/pumps/{pump.pk}/forecast/").json()
    assert after["refill_by"] > before["refill_by"]
    assert after["flow_ratio"]["refills"] == 1
    [row] = results(nurse.get("/api/v1/worklist/"))
    assert row["refill_by"] == after["refill_by"]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"filled_ml": "40.1"}, "filled_ml"),
        ({"filled_ml": "-1"}, "filled_ml"),
        ({"filled_ml": "NaN"}, "filled_ml"),
        ({"filled_ml": "1e400"}, "filled_ml"),
        ({"filled_ml": None}, "filled_ml"),
        ({"filled_ml": "forty"}, "filled_ml"),
        ({"filled_ml": ["40"]}, "filled_ml"),
        ({"aspirated_ml": "-0.1"}, "aspirated_ml"),
        ({"concentration_mcg_per_ml": "0"}, "concentration_mcg_per_ml"),
        ({"concentration_mcg_per_ml": "2000"}, "programmed_concentration_mcg_per_ml"),
        ({"refilled_at": "2026-01-01T10:00:00"}, "refilled_at"),
        ({"refilled_at": "yesterday"}, "refilled_at"),
        ({"refilled_at": "2026-13-01T10:00:00Z"}, "refilled_at"),
        ({"refilled_at": "2099-01-01T10:00:00Z"}, "refilled_at"),
        ({"refilled_at": "1999-01-01T10:00:00Z"}, "refilled_at"),
        ({"refilled_at": 1}, "refilled_at"),
        ({"drug_expires_on": "soon"}, "drug_expires_on"),
        ({"stability_days": 0}, "stability_days"),
        ({"lot_number": "x" * 65}, "lot_number"),
        ({"lot_number": "a\x00b"}, "lot_number"),
    ],
)
def test_a_refill_that_cannot_be_is_refused_by_field(
    nurse: APIClient, pump: Pump, fields: dict[str, Any], field: str
) -> None:
    response = nurse.post(f"/api/v1/pumps/{pump.pk}/refills/", refill_body(**fields))
    assert response.status_code == 400
    assert list(response.json()) == [field]
    assert isinstance(response.json()[field], list)
    assert Event.objects.filter(kind="refill").count() == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"mode": "flex", "daily_dose_mcg": "96"}, "steps"),
        ({"mode": "flex", "daily_dose_mcg": "96", "steps": [{"start": "25:00", "rate_mcg_per_h": "4"}]}, "steps"),
        ({"mode": "flex", "daily_dose_mcg": "90", "steps": [{"start": "06:00", "rate_mcg_per_h": "4"}]}, "steps"),
        ({"mode": "flex", "daily_dose_mcg": "96", "steps": [{"start": "06:00"}]}, "steps"),
        ({"mode": "flex", "daily_dose_mcg": "96", "steps": "06:00=4"}, "steps"),
        ({"mode": "turbo", "daily_dose_mcg": "96"}, "mode"),
        ({"mode": "simple_continuous"}, "daily_dose_mcg"),
        ({"mode": "simple_continuous", "daily_dose_mcg": "0"}, "daily_dose_mcg"),
        ({"mode": "stopped", "daily_dose_mcg": "5"}, "daily_dose_mcg"),
        ({"daily_dose_mcg": "96"}, "mode"),
    ],
)
def test_a_program_no_pump_can_run_is_refused(nurse: APIClient, pump: Pump, body: dict[str, Any], field: str) -> None:
    response = nurse.post(
        f"/api/v1/pumps/{pump.pk}/dose-changes/", {"effective_at": timezone.now().isoformat(), **body}
    )
    assert response.status_code == 400
    assert field in response.json()
    assert Event.objects.filter(kind="dose_change").count() == 1


def test_a_flex_program_comes_back_as_it_was_sent(nurse: APIClient, pump: Pump) -> None:
    body = {
        "effective_at": timezone.now().isoformat(),
        "mode": "flex",
        "confirm": ["step_below_band"],
        "daily_dose_mcg": "116",
        "steps": [{"start": "06:00", "rate_mcg_per_h": "4.0000"}],
        "boluses": [{"at": "08:00", "dose_mcg": "20.0000"}],
    }
    response = nurse.post(f"/api/v1/pumps/{pump.pk}/dose-changes/", body)
    assert response.status_code == 201, response.content
    [newest, _] = results(nurse.get(f"/api/v1/pumps/{pump.pk}/dose-changes/"))
    assert (newest["steps"], newest["boluses"]) == (body["steps"], body["boluses"])


def test_a_24_fold_slip_is_stored_only_when_confirmed(nurse: APIClient, pump: Pump) -> None:
    url = f"/api/v1/pumps/{pump.pk}/dose-changes/"
    body = {"effective_at": timezone.now().isoformat(), "mode": "simple_continuous", "daily_dose_mcg": "4800"}
    response = nurse.post(url, body)
    assert response.status_code == 400
    doubts = response.json()["confirm_required"]
    codes = [doubt["code"] for doubt in doubts]
    assert codes == ["factor_24", "dose_out_of_range", "dose_above_1000"]
    assert {doubt["field"] for doubt in doubts} == {"daily_dose_mcg"}
    assert nurse.post(url, {**body, "confirm": ["factor_4"]}).status_code == 400
    assert nurse.post(url, {**body, "confirm": codes[:1]}).status_code == 400
    assert nurse.post(url, {**body, "confirm": codes}).status_code == 201


def test_a_repeated_call_with_its_key_answers_the_same_event(nurse: APIClient, pump: Pump) -> None:
    url, body = f"/api/v1/pumps/{pump.pk}/refills/", refill_body()
    first = nurse.post(url, body, HTTP_IDEMPOTENCY_KEY="k1")
    again = nurse.post(url, body, HTTP_IDEMPOTENCY_KEY="k1")
    assert first.json() == again.json()
    assert Event.objects.filter(kind="refill").count() == 2
    other = nurse.post(url, refill_body(filled_ml="39"), HTTP_IDEMPOTENCY_KEY="k1")
    assert other.status_code == 409
    assert nurse.post(url, body, HTTP_IDEMPOTENCY_KEY="k2").status_code == 409


def test_the_timeline_shows_both_the_slip_and_its_correction(nurse: APIClient, pump: Pump) -> None:
    slip = nurse.post(f"/api/v1/pumps/{pump.pk}/refills/", refill_body(filled_ml="4")).json()
    url = f"/api/v1/pumps/{pump.pk}/timeline/{slip['id']}/void/"
    assert nurse.post(url, {"reason": ""}).status_code == 400
    response = nurse.post(url, {"reason": "40, not 4", "replacement": refill_body(refilled_at=slip["refilled_at"])})
    assert response.status_code == 201, response.content
    timeline = results(nurse.get(f"/api/v1/pumps/{pump.pk}/timeline/"))
    by_id = {row["id"]: row for row in timeline}
    void = response.json()
    assert by_id[slip["id"]]["voided_by"] == void["id"]
    assert by_id[void["replacement"]]["filled_ml"] == "40.000"
    assert [row["kind"] for row in timeline].count("void") == 1
    assert nurse.post(url, {"reason": "again"}).status_code == 409


def test_a_replacement_may_be_an_entry_already_recorded(nurse: APIClient, pump: Pump) -> None:
    url = f"/api/v1/pumps/{pump.pk}/refills/"
    slip = nurse.post(url, refill_body(refilled_at=(timezone.now() - timedelta(days=1)).isoformat())).json()
    right = nurse.post(url, {**refill_body(), "confirm": ["aspirated_unexpected"]}).json()
    void_url = f"/api/v1/pumps/{pump.pk}/timeline/{slip['id']}/void/"
    assert nurse.post(void_url, {"reason": "wrong day", "replacement": "999999"}).status_code == 400
    response = nurse.post(void_url, {"reason": "wrong day", "replacement": right["id"]})
    assert response.json()["replacement"] == right["id"]


def test_a_pharmacist_corrects_drug_data_and_nothing_else(nurse: APIClient, pump: Pump) -> None:
    pharmacist = client_of(a_user(Role.PHARMACIST, pump.clinic))
    assert pharmacist.post(f"/api/v1/pumps/{pump.pk}/refills/", refill_body()).status_code == 403
    slip = nurse.post(f"/api/v1/pumps/{pump.pk}/refills/", refill_body(lot_number="wrong")).json()
    url = f"/api/v1/pumps/{pump.pk}/timeline/{slip['id']}/void/"
    same = refill_body(refilled_at=slip["refilled_at"], lot_number="right")
    assert pharmacist.post(url, {"reason": "lot"}).status_code == 403
    assert pharmacist.post(url, {"reason": "lot", "replacement": {**same, "filled_ml": "39"}}).status_code == 403
    assert pharmacist.post(url, {"reason": "lot", "replacement": same}).status_code == 201


def test_the_forecast_at_another_moment(nurse: APIClient, pump: Pump) -> None:
    url = f"/api/v1/pumps/{pump.pk}/forecast/"
    now = nurse.get(url).json()
    assert now["rate_ml_per_day"] == "0.400000"
    assert D(now["volume_ml"]["programmed"]) == pytest.approx(D(16), abs=D("0.01"))
    later = nurse.get(url, {"at": (timezone.now() + timedelta(days=10)).isoformat()}).json()
    assert D(later["volume_ml"]["programmed"]) == pytest.approx(D(12), abs=D("0.01"))
    assert later["programmed_low_at"] == now["programmed_low_at"]
    before = nurse.get(url, {"at": (timezone.now() - timedelta(days=61)).isoformat()}).json()
    assert before["volume_ml"]["programmed"] is None
    assert before["unknown_reason"] == "no_fill"
    assert nurse.get(url, {"at": "2026-01-01T00:00:00"}).status_code == 400


def test_the_forecast_before_the_last_refill_is_what_was_known_then(nurse: APIClient, pump: Pump) -> None:
    then = timezone.now() - timedelta(days=1)
    url = f"/api/v1/pumps/{pump.pk}/forecast/"
    before = nurse.get(url, {"at": then.isoformat()}).json()
    nurse.post(f"/api/v1/pumps/{pump.pk}/refills/", refill_body())
    assert nurse.get(url, {"at": then.isoformat()}).json() == before


def test_the_answer_names_every_field_of_the_contract(nurse: APIClient, pump: Pump) -> None:
    body = nurse.get(f"/api/v1/pumps/{pump.pk}/forecast/").json()
    contract = {
        "programmed_low_at", "programmed_empty_at", "flow_ratio", "low_at", "empty_at", "earliest_low_at",
        "drug_expires_at", "max_interval_at", "refill_by", "limiting_factor", "service_ends_at", "findings",
        "rate_ml_per_day", "volume_ml",
    }  # fmt: skip
    assert contract <= set(body)
    assert set(body["volume_ml"]) == {"programmed", "expected", "low", "high"}
    assert set(body["flow_ratio"]) == {"mean", "sd", "refills"}
    assert body["refill_by"].endswith("Z")
    assert body["findings"][0].keys() == {"code", "severity", "message", "source"}


def test_stored_dates_and_answered_dates_are_the_same(nurse: APIClient, pump: Pump) -> None:
    row = Forecast.objects.get(pump=pump)
    body = nurse.get(f"/api/v1/pumps/{pump.pk}/forecast/").json()
    assert row.refill_by is not None
    assert body["refill_by"] == row.refill_by.isoformat().replace("+00:00", "Z")


def test_a_void_and_a_correction_are_previewed_and_nothing_is_stored(nurse: APIClient, pump: Pump) -> None:
    refill = pump.events.get(kind="refill")
    url = f"/api/v1/pumps/{pump.pk}/timeline/{refill.pk}/void/preview/"
    without = nurse.post(url, {})
    assert without.status_code == 200, without.content
    right = {
        "refilled_at": refill.occurred_at.isoformat(),
        "filled_ml": "20",
        "concentration_mcg_per_ml": "500",
    }
    corrected = nurse.post(url, {"replacement": right})
    assert corrected.status_code == 200, corrected.content
    before, after = (corrected.json()[side]["refill_by"] for side in ("before", "after"))
    assert after < before
    assert without.json()["after"]["refill_by"] is None
    assert pump.events.count() == 2

"""What moves a pump's volume or date, by API."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from clinics.roles import Role
from pumps.models import Pump
from tests.api.clients import client_of, results
from tests.api.test_ledger_api import refill_body
from tests.builders import a_clinic, a_dose, a_running_pump, a_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def pump() -> Pump:
    """About 16 mL are left of 40."""
    return a_running_pump(a_clinic(), filled_days_ago=60, now=timezone.now())


@pytest.fixture
def nurse(pump: Pump) -> APIClient:
    return client_of(a_user(Role.NURSE, pump.clinic))


def dose_body(**fields: Any) -> dict[str, Any]:
    at = timezone.now().isoformat()
    return {"effective_at": at, "mode": "simple_continuous", "daily_dose_mcg": "200", **fields}


def test_a_top_up_is_stored_and_answered(nurse: APIClient, pump: Pump) -> None:
    url = f"/api/v1/pumps/{pump.pk}/refills/"
    body = refill_body(emptying="top_up", aspirated_ml=None, filled_ml="20")
    answer = nurse.post(url, body)
    assert answer.status_code == 201, answer.content
    assert answer.json()["emptying"] == "top_up"
    assert [row["emptying"] for row in results(nurse.get(url))] == ["top_up", "emptied"]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"emptying": "half"}, "emptying"),
        ({"emptying": None}, "emptying"),
        ({"emptying": "top_up"}, "aspirated_ml"),
        ({"emptying": "top_up", "aspirated_ml": None, "concentration_mcg_per_ml": "2000",
          "programmed_concentration_mcg_per_ml": "2000"}, "emptying"),
        ({"emptying": "top_up", "aspirated_ml": None}, "confirm_required"),
    ],
)  # fmt: skip
def test_a_fill_on_top_that_cannot_be_is_refused(
    nurse: APIClient, pump: Pump, fields: dict[str, Any], field: str
) -> None:
    answer = nurse.post(f"/api/v1/pumps/{pump.pk}/refills/", refill_body(**fields))
    assert answer.status_code == 400
    assert list(answer.json()) == [field]
    assert pump.events.count() == 2


def test_weekdays_and_patient_boluses_come_back_as_they_were_sent(nurse: APIClient, pump: Pump) -> None:
    steps = [
        {"start": "06:00", "rate_mcg_per_h": "8.0000"},
        {"start": "06:01", "rate_mcg_per_h": "8.0000", "days": ["sat", "sun"]},
    ]
    fields = {"patient_bolus_mcg": "10", "patient_boluses_per_day": 4}
    body = dose_body(mode="flex", daily_dose_mcg="192", steps=steps, **fields)
    answer = nurse.post(f"/api/v1/pumps/{pump.pk}/dose-changes/", body)
    assert answer.status_code == 201, answer.content
    [newest, _] = results(nurse.get(f"/api/v1/pumps/{pump.pk}/dose-changes/"))
    assert (newest["steps"], newest["patient_bolus_mcg"], newest["patient_boluses_per_day"]) == (steps, "10.000", 4)
    previewed = nurse.post(f"/api/v1/pumps/{pump.pk}/dose-changes/preview/", dose_body()).json()
    assert (previewed["before"]["patient_boluses_per_day"], previewed["after"]["patient_boluses_per_day"]) == (4, 0)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"patient_bolus_mcg": "10"}, "patient_boluses_per_day"),
        ({"patient_boluses_per_day": 4}, "patient_bolus_mcg"),
        ({"patient_bolus_mcg": "10", "patient_boluses_per_day": 51}, "patient_boluses_per_day"),
        ({"patient_bolus_mcg": "-1", "patient_boluses_per_day": 1}, "patient_bolus_mcg"),
        ({"mode": "flex", "steps": [{"start": "06:00", "rate_mcg_per_h": "8", "days": ["x"]}]}, "steps"),
        ({"mode": "flex", "steps": [{"start": "06:00", "rate_mcg_per_h": "8", "days": "mon"}]}, "steps"),
    ],
)
def test_a_program_that_cannot_be_is_refused(nurse: APIClient, pump: Pump, fields: dict[str, Any], field: str) -> None:
    answer = nurse.post(f"/api/v1/pumps/{pump.pk}/dose-changes/", dose_body(**fields))
    assert answer.status_code == 400
    assert list(answer.json()) == [field]
    assert pump.events.count() == 2


def test_a_plan_is_confirmed_by_its_id_or_by_its_moment(nurse: APIClient, pump: Pump) -> None:
    now = timezone.now()
    first, second = (now - timedelta(days=days) for days in (2, 1))
    plans = [a_dose(pump, at, now=now - timedelta(days=4), daily_dose_mcg=Decimal(210)) for at in (first, second)]
    listed = results(nurse.get(f"/api/v1/pumps/{pump.pk}/dose-changes/"))
    assert [row["is_planned"] for row in listed] == [True, True, False]
    url = f"/api/v1/pumps/{pump.pk}/timeline/{plans[0].pk}/confirm/"
    answer = nurse.post(url, HTTP_IDEMPOTENCY_KEY="k1")
    assert answer.status_code == 201, answer.content
    assert answer.json()["confirms_at"] == listed[1]["effective_at"]
    assert nurse.post(url, HTTP_IDEMPOTENCY_KEY="k1").json() == answer.json()
    assert nurse.post(url).json().keys() == {"confirms_at"}
    body = {"kind": "dose_confirmed", "occurred_at": now.isoformat(), "confirms_at": second.isoformat()}
    events = f"/api/v1/pumps/{pump.pk}/events/"
    assert nurse.post(events, {**body, "confirms_at": now.isoformat()}).json().keys() == {"confirms_at"}
    assert nurse.post(events, body).status_code == 201
    kinds = [row["kind"] for row in results(nurse.get(f"/api/v1/pumps/{pump.pk}/timeline/"))]
    assert kinds.count("dose_confirmed") == 2


def test_a_confirmation_is_a_nurses(pump: Pump) -> None:
    now = timezone.now()
    plan = a_dose(pump, now - timedelta(days=1), now=now - timedelta(days=4), daily_dose_mcg=210)
    url = f"/api/v1/pumps/{pump.pk}/timeline/{plan.pk}/confirm/"
    assert client_of(a_user(Role.SCHEDULER, pump.clinic)).post(url).status_code == 403
    assert client_of(a_user(Role.NURSE, a_clinic("Elsewhere"))).post(url).status_code == 404
    assert pump.events.count() == 3

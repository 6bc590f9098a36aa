"""Every refill's check, and the fleet, by API."""

from datetime import timedelta
from decimal import Decimal as D

import pytest
from rest_framework.test import APIClient

from clinics.models import Clinic
from clinics.roles import Role
from pumps.models import Pump
from pumps.services import figures
from tests.api.clients import client_of, results
from tests.api.test_ledger_api import refill_body
from tests.builders import NOW, a_clinic, a_dose, a_pump, a_refill, a_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def clinic() -> Clinic:
    return a_clinic()


@pytest.fixture
def pump(clinic: Clinic) -> Pump:
    """32 mL of 40 programmed between refills; 6.4 aspirated, then 8. z = 1.6 / sqrt(0.7^2 + 32^2 0.05^2), ratio then
    (400 + 32 (33.6 + 32) / 0.49) / (400 + 2 32^2 / 0.49)."""
    pump = a_pump(clinic)
    first = NOW - timedelta(days=170)
    a_refill(pump, first, lot_number="L1")
    a_dose(pump, first)
    for days, aspirated in ((80, "6.4"), (160, "8")):
        a_refill(pump, first + timedelta(days=days), aspirated_ml=D(aspirated))
    return pump


@pytest.fixture
def nurse(clinic: Clinic) -> APIClient:
    return client_of(a_user(Role.NURSE, clinic))


def url(pump: Pump) -> str:
    return f"/api/v1/pumps/{pump.pk}/residuals/"


def test_every_refill_is_checked_newest_first(nurse: APIClient, pump: Pump) -> None:
    newest, middle, first = results(nurse.get(url(pump)))
    assert middle == {
        "event": str(pump.events.filter(kind="refill").order_by("pk")[1].pk),
        "refilled_at": "2026-08-24T12:00:00Z",
        "aspirated_ml": "6.400",
        "expected_ml": "8.00",
        "calibrated_ml": "8.00",
        "discrepancy_ml": "1.600",
        "flow_ratio": "1.0500",
        "accuracy_pct": "14.50",
        "is_within_accuracy": True,
        "is_above_2_ml": False,
        "z": "0.916157",
        "uncounted": None,
        "is_finding": False,
        "trend": "too_few",
    }
    assert (first["uncounted"], first["expected_ml"], first["z"]) == ("first_fill", None, None)
    assert newest["calibrated_ml"] == "6.66"


def test_the_list_has_pages(nurse: APIClient, pump: Pump) -> None:
    answer = nurse.get(url(pump) + "?page_size=2").json()
    assert len(answer["results"]) == 2
    [last] = nurse.get(answer["next"]).json()["results"]
    assert last["uncounted"] == "first_fill"


def test_a_voided_refill_is_not_checked(nurse: APIClient, pump: Pump) -> None:
    middle = pump.events.filter(kind="refill").order_by("pk")[1]
    nurse.post(f"/api/v1/pumps/{pump.pk}/timeline/{middle.pk}/void/", {"reason": "wrong pump", "replacement": None})
    newest, first = results(nurse.get(url(pump)))
    assert newest["expected_ml"] == "0.00"
    assert first["uncounted"] == "first_fill"


def test_a_preview_holds_the_check(nurse: APIClient, pump: Pump) -> None:
    body = refill_body(aspirated_ml="30", refilled_at=NOW.isoformat())
    check = nurse.post(f"/api/v1/pumps/{pump.pk}/refills/preview/", body).json()["check"]
    assert (check["expected_ml"], check["discrepancy_ml"], check["is_above_2_ml"]) == ("36.00", "6.000", True)
    assert check["is_within_accuracy"] is False
    assert len(results(nurse.get(url(pump)))) == 3


@pytest.mark.parametrize("role", list(Role))
def test_roles_are_those_of_the_timeline(clinic: Clinic, pump: Pump, role: Role) -> None:
    caller = client_of(a_user(role, clinic))
    status = caller.get(f"/api/v1/pumps/{pump.pk}/timeline/").status_code
    assert status == (403 if role == Role.SCHEDULER else 200)
    assert caller.get(url(pump)).status_code == status
    assert caller.get("/api/v1/fleet/").status_code == status
    assert caller.get(f"/api/v1/fleet/?clinic={clinic.pk}").status_code == status


def test_the_fleet_by_model_and_clinic(nurse: APIClient, clinic: Clinic, pump: Pump) -> None:
    figures.renew(NOW)
    answer = nurse.get("/api/v1/fleet/").json()
    assert answer["computed_at"] == "2026-11-22T12:00:00Z"
    [model] = answer["models"]
    assert (model["model"], model["measured"], model["refills"]) == (pump.model.slug, 1, 2)
    assert (model["catalogue_mean"], model["learned"]["noise_ml"]) == ("1.000000", "0.700000")
    assert (model["flow_ratio_sd"], model["flow_ratio_mean"]) == (None, "1.022816")
    assert [row["clinic"] for row in answer["clinics"]] == [str(clinic.pk)]
    assert answer["one_clinic"] is None


def test_one_clinics_lots_and_pumps(nurse: APIClient, clinic: Clinic, pump: Pump) -> None:
    a_refill(pump, NOW, aspirated_ml=D(0))
    one = nurse.get(f"/api/v1/fleet/?clinic={clinic.pk}").json()["one_clinic"]
    assert (one["clinic"], one["pumps"], one["pumps_looked_at"]) == (str(clinic.pk), 1, 1)
    assert (one["lots"], one["other_lots"]) == ([], 1)
    [standing] = one["standing_out"]
    assert standing["pump"] == str(pump.pk)
    assert standing["reasons"][0] == "ran_dry"


def test_another_clinics_figures_are_not_there(pump: Pump, clinic: Clinic) -> None:
    figures.renew(NOW)
    own = a_clinic()
    stranger = client_of(a_user(Role.NURSE, own))
    assert stranger.get(url(pump)).status_code == 404
    assert stranger.get(f"/api/v1/fleet/?clinic={clinic.pk}").status_code == 404
    answer = stranger.get("/api/v1/fleet/").json()
    assert (answer["models"], answer["computed_at"]) == ([], None)
    assert [(row["clinic"], row["pumps"]) for row in answer["clinics"]] == [(str(own.pk), 0)]


def test_a_lot_of_three_pumps(nurse: APIClient, clinic: Clinic, pump: Pump) -> None:
    """Three new pumps at 1.00 ± 0.05 that gave 33.6 mL for 32: 1.05, with 0.0546 / sqrt(3)."""
    for _ in range(2):
        other = a_pump(clinic)
        a_refill(other, NOW - timedelta(days=80), lot_number="l1")
        a_dose(other, NOW - timedelta(days=80))
        a_refill(other, NOW, aspirated_ml=D("6.4"))
    [lot] = nurse.get(f"/api/v1/fleet/?clinic={clinic.pk}").json()["one_clinic"]["lots"]
    assert lot == {
        "lot_number": "L1",
        "relative_ratio": "1.050000",
        "standard_error": "0.031509",
        "refills": 3,
        "pumps": 3,
        "stands_out": False,
    }


@pytest.mark.parametrize("text", ["x", "-1", "1e5", "9" * 30, "%00"])
def test_a_clinic_that_is_no_id_is_refused(nurse: APIClient, text: str) -> None:
    answer = nurse.get(f"/api/v1/fleet/?clinic={text}")
    assert answer.status_code == 400
    assert list(answer.json()) == ["clinic"]

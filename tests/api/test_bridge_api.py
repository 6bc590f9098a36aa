"""A refill that changes the concentration, with and without its bridge bolus."""

from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from clinics.roles import Role
from pumps.models import Event, Forecast, Pump
from tests.api.clients import client_of
from tests.builders import a_clinic, a_pump, a_refill, a_running_pump, a_user

pytestmark = pytest.mark.django_db

BRIDGE = {"volume_ml": "0.4", "duration_hours": "24", "dose_mcg": "200"}


@pytest.fixture
def pump() -> Pump:
    """At 200 mcg/day of 500 mcg/mL for 60 days."""
    return a_running_pump(a_clinic(), filled_days_ago=60, now=timezone.now(), catheter_volume_ml=D("0.201"))


@pytest.fixture
def nurse(pump: Pump) -> APIClient:
    return client_of(a_user(Role.NURSE, pump.clinic))


def body(**fields: Any) -> dict[str, Any]:
    return {
        "refilled_at": (timezone.now() - timedelta(minutes=10)).isoformat(),
        "aspirated_ml": "16",
        "filled_ml": "40",
        "concentration_mcg_per_ml": "2000",
        "programmed_concentration_mcg_per_ml": "2000",
        **fields,
    }


def test_a_refill_and_its_bridge_are_stored_together(nurse: APIClient, pump: Pump) -> None:
    response = nurse.post(f"/api/v1/pumps/{pump.pk}/refills/", body(bridge=BRIDGE))
    assert response.status_code == 201, response.content
    answer = response.json()
    bridge = Event.objects.get(pump=pump, kind="bridge_bolus")
    assert (answer["bridge"], answer["notices"]) == (str(bridge.pk), [])
    refill = Event.objects.get(pk=answer["id"])
    assert bridge.occurred_at == refill.occurred_at
    assert (bridge.volume_ml, bridge.duration_hours, bridge.dose_mcg) == (D("0.4"), D(24), D(200))
    assert (bridge.recorded_by, bridge.source) == (refill.recorded_by, "api")
    [standing] = nurse.get(f"/api/v1/pumps/{pump.pk}/events/?kind=bridge_bolus").json()["results"]
    assert standing["id"] == answer["bridge"]


def test_the_forecast_counts_the_bridge(nurse: APIClient, pump: Pump) -> None:
    """24 h at 0.4 instead of 0.1 mL/day: 0.3 mL less, three days at 0.1 mL/day."""
    sent = body()
    preview = nurse.post(f"/api/v1/pumps/{pump.pk}/refills/preview/", {**sent, "bridge": BRIDGE}).json()
    without = nurse.post(f"/api/v1/pumps/{pump.pk}/refills/preview/", sent).json()
    nurse.post(f"/api/v1/pumps/{pump.pk}/refills/", {**sent, "bridge": BRIDGE})
    stored = Forecast.objects.get(pump=pump).programmed_low_at
    assert stored is not None
    assert preview["after"]["programmed_low_at"] == stored.isoformat().replace("+00:00", "Z")
    assert preview["after"]["rate_ml_per_day"] == without["after"]["rate_ml_per_day"] == "0.100000"
    later = nurse.get(f"/api/v1/pumps/{pump.pk}/forecast/").json()["programmed_low_at"]
    assert later < without["after"]["programmed_low_at"]


def test_without_a_bridge_it_is_stored_and_said(nurse: APIClient, pump: Pump) -> None:
    """As every caller does that knows no bridge: 201, not a question."""
    response = nurse.post(f"/api/v1/pumps/{pump.pk}/refills/", body())
    assert response.status_code == 201, response.content
    [notice] = response.json()["notices"]
    assert (notice["code"], notice["severity"]) == ("bridge_not_recorded", "warn")
    assert "50 mcg/day instead of 200 mcg/day for about 96 hours, an under-dose" in notice["message"]
    assert response.json()["bridge"] is None


def test_the_preview_computes_it(nurse: APIClient, pump: Pump) -> None:
    answer = nurse.post(f"/api/v1/pumps/{pump.pk}/refills/preview/", body()).json()
    bridge = answer["bridge"]
    assert (bridge["volume_ml"], bridge["bolus_mcg"], bridge["duration_hours"]) == ("0.4", "200", "24")
    assert [notice["code"] for notice in answer["notices"]] == ["bridge_not_recorded"]
    assert answer["confirm_required"] == []
    with_it = nurse.post(f"/api/v1/pumps/{pump.pk}/refills/preview/", body(bridge=BRIDGE)).json()
    assert (with_it["notices"], with_it["bridge"]["is_recorded"]) == ([], True)


@pytest.mark.parametrize(
    "fields",
    [
        {"concentration_mcg_per_ml": "500", "programmed_concentration_mcg_per_ml": None},
        {"programmed_concentration_mcg_per_ml": "500"},  # the pump was not told: it has no bridge either
    ],
)
def test_where_the_pump_is_told_nothing_new_there_is_no_bridge(
    nurse: APIClient, pump: Pump, fields: dict[str, Any]
) -> None:
    answer = nurse.post(f"/api/v1/pumps/{pump.pk}/refills/", body(**fields))
    assert answer.status_code == 201
    assert answer.json()["notices"] == []


def test_a_bridge_recorded_by_itself_settles_it(nurse: APIClient, pump: Pump) -> None:
    sent = body()
    event = {"kind": "bridge_bolus", "occurred_at": sent["refilled_at"], **BRIDGE}
    assert nurse.post(f"/api/v1/pumps/{pump.pk}/events/", event).status_code == 201
    assert nurse.post(f"/api/v1/pumps/{pump.pk}/refills/", sent).json()["notices"] == []


@pytest.mark.parametrize(
    "bridge",
    [
        {"volume_ml": "0.4"},
        {"volume_ml": "0", "duration_hours": "24"},
        {"volume_ml": "0.4", "duration_hours": "0"},
        {"volume_ml": "0.4", "duration_hours": "721"},
        {"volume_ml": "41", "duration_hours": "24"},
        {"volume_ml": "NaN", "duration_hours": "24"},
        "0.4",
        [],
    ],
)
def test_an_impossible_bridge_keeps_the_refill_out_too(nurse: APIClient, pump: Pump, bridge: Any) -> None:
    response = nurse.post(f"/api/v1/pumps/{pump.pk}/refills/", body(bridge=bridge))
    assert (response.status_code, list(response.json())) == (400, ["bridge"])
    assert all(isinstance(message, str) for message in response.json()["bridge"])
    assert pump.events.count() == 2


def test_a_repeated_call_answers_the_same_and_stores_once(nurse: APIClient, pump: Pump) -> None:
    sent = body(bridge=BRIDGE)
    url = f"/api/v1/pumps/{pump.pk}/refills/"
    first, again = (nurse.post(url, sent, HTTP_IDEMPOTENCY_KEY="bridge") for _ in range(2))
    assert first.json() == again.json()
    assert pump.events.count() == 4
    assert nurse.post(url, sent).status_code == 409
    assert pump.events.count() == 4


def test_a_constant_flow_pump_has_no_bridge(nurse: APIClient, pump: Pump) -> None:
    constant = a_running_pump_of_constant_flow(pump)
    url = f"/api/v1/pumps/{constant.pk}/refills/"
    sent = body(filled_ml="30", programmed_concentration_mcg_per_ml=None, aspirated_ml=None)
    assert nurse.post(url, sent).json()["notices"] == []
    refused = nurse.post(url, {**sent, "refilled_at": timezone.now().isoformat(), "bridge": BRIDGE})
    assert (refused.status_code, list(refused.json())) == (400, ["bridge"])


def a_running_pump_of_constant_flow(pump: Pump) -> Pump:
    constant = a_pump(pump.clinic, model="codman-3000-30", factory_flow_ml_per_day=D("0.5"))
    a_refill(constant, timezone.now() - timedelta(days=30), filled_ml=D(30), now=timezone.now())
    return constant


def test_a_correction_takes_no_bridge(nurse: APIClient, pump: Pump) -> None:
    refill = nurse.post(f"/api/v1/pumps/{pump.pk}/refills/", body()).json()
    right = body(filled_ml="39", bridge=BRIDGE)
    url = f"/api/v1/pumps/{pump.pk}/timeline/{refill['id']}/void/"
    response = nurse.post(url, {"reason": "misread", "replacement": right})
    assert (response.status_code, list(response.json())) == (400, ["replacement"])
    assert not Event.objects.filter(kind="void").exists()

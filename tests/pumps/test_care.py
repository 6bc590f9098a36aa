from datetime import timedelta
from typing import Any

import pytest

from alerts.models import Alert
from clinics.errors import Impossible
from clinics.roles import Role
from pumps.models import Forecast, Pump
from pumps.services import care, fleet, renewal
from tests.api.clients import client_of
from tests.builders import NOW, a_dose, a_running_pump, a_user

pytestmark = pytest.mark.django_db


def change(pump: Pump, **fields: Any) -> None:
    values = {"status": "deceased", "on": NOW.date(), "reason": "told by the family", **fields}
    care.change_status(patient=pump.patient, now=NOW, **values)


def test_a_death_takes_the_pump_off_the_worklist_and_closes_every_alert_at_once() -> None:
    pump = a_running_pump(filled_days_ago=90)
    a_dose(pump, NOW, mode="stopped", daily_dose_mcg=0)
    fleet.tick(NOW)
    assert Alert.objects.open().filter(pump=pump).count() == 2
    change(pump)
    assert not Alert.objects.open().exists()
    assert not Forecast.objects.on_worklist().exists()
    fleet.tick(NOW + timedelta(days=1))
    assert not Alert.objects.open().exists()
    assert renewal.compare([pump.pk], now=NOW) == []


def test_a_mistaken_end_is_taken_back() -> None:
    pump = a_running_pump(filled_days_ago=90)
    change(pump, status="therapy_ended")
    change(pump, status="active", reason="wrong patient")
    fleet.tick(NOW)
    assert Alert.objects.open().get().pump_id == pump.pk


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"reason": " "}, "reason"),
        ({"on": NOW.date() + timedelta(days=2)}, "on"),
        ({"on": NOW.date().replace(year=1950)}, "on"),
        ({"status": "gone"}, "status"),
    ],
)
def test_what_cannot_be_is_refused(fields: dict[str, Any], field: str) -> None:
    pump = a_running_pump()
    with pytest.raises(Impossible) as error:
        change(pump, **fields)
    assert list(error.value.errors) == [field]
    assert Forecast.objects.on_worklist().exists()


def test_over_the_api_by_those_who_log_and_nobody_else() -> None:
    pump = a_running_pump()
    url = f"/api/v1/patients/{pump.patient_id}/status/"
    body = {"status": "therapy_ended", "on": "2026-11-20", "reason": "explanted elsewhere"}
    assert client_of(a_user(Role.SCHEDULER, pump.clinic)).post(url, body).status_code == 403
    assert client_of(a_user(Role.NURSE)).post(url, {**body, "reason": ""}).status_code == 400
    response = client_of(a_user(Role.NURSE, pump.clinic)).post(url, body)
    assert response.status_code == 200, response.content
    assert response.json()["status"] == "therapy_ended"

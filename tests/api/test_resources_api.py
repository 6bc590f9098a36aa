from base64 import b64encode
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from clinics.models import ApiKey, Clinic
from clinics.roles import Role
from patients.models import Patient
from pumps.models import PumpModel
from pumps.services import fleet
from tests.api.clients import client_of, results
from tests.builders import a_clinic, a_patient, a_pump, a_running_pump, a_user

pytestmark = pytest.mark.django_db


def test_without_a_key_401_with_a_revoked_one_too() -> None:
    assert APIClient().get("/api/v1/pumps/").status_code == 401
    client = client_of(a_user(Role.NURSE, a_clinic()))
    assert client.get("/api/v1/pumps/").status_code == 200
    ApiKey.objects.update(revoked_at=timezone.now())
    response = client.get("/api/v1/pumps/")
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"


def test_a_clinic_from_nothing_over_the_api() -> None:
    administrator = client_of(a_user(Role.ADMINISTRATOR))
    clinic = administrator.post("/api/v1/clinics/", {"name": "Harbor", "timezone": "America/New_York"}).json()
    assert (clinic["label_set"], clinic["refill_margin_days"], clinic["max_refill_interval_days"]) == ("us", 7, 180)
    patient = administrator.post(
        "/api/v1/patients/",
        {
            "clinic": clinic["id"],
            "mrn": "M1",
            "given_name": "Ada",
            "family_name": "Rossi",
            "date_of_birth": "1980-01-02",
            "spasticity_origin": "spinal",
        },
    ).json()
    response = administrator.post(
        "/api/v1/pumps/",
        {
            "patient": patient["id"],
            "model": "SynchroMed II 8637-40",
            "serial_number": "NGP1",
            "implanted_on": "2025-01-07",
        },
    )
    assert response.status_code == 201, response.content
    pump = response.json()
    assert (pump["model"], pump["low_reservoir_alarm_ml"], pump["status"]) == ("synchromed-ii-40", "2.00", "active")
    assert results(administrator.get("/api/v1/pumps/", {"serial_number": "NGP1"})) == [pump]
    assert results(administrator.get("/api/v1/pumps/", {"serial_number": "NGP2"})) == []
    [row] = results(administrator.get("/api/v1/worklist/"))
    assert (row["pump"], row["patient"], row["refill_by"], row["tier"]) == (pump["id"], patient["id"], None, None)


def test_a_model_is_known_by_id_slug_and_name() -> None:
    nurse = client_of(a_user(Role.NURSE, a_clinic()))
    model = PumpModel.objects.get(slug="prometra-ii-20")
    for name in (str(model.pk), "prometra-ii-20", "Prometra II 20"):
        assert nurse.get(f"/api/v1/pump-models/{name}/").json()["slug"] == "prometra-ii-20"
    assert nurse.get("/api/v1/pump-models/nothing/").status_code == 404


def test_an_mrn_or_serial_number_taken_is_said_by_field() -> None:
    clinic = a_clinic()
    nurse = client_of(a_user(Role.NURSE, clinic))
    pump = a_pump(clinic)
    patient = pump.patient
    body: dict[str, Any] = {
        "clinic": str(clinic.pk),
        "mrn": patient.mrn,
        "given_name": "A",
        "family_name": "B",
        "date_of_birth": "1980-01-02",
        "spasticity_origin": "spinal",
    }
    assert list(nurse.post("/api/v1/patients/", body).json()) == ["mrn"]
    response = nurse.post(
        "/api/v1/pumps/",
        {"patient": str(patient.pk), "model": "synchromed-ii-20", "serial_number": pump.serial_number,
         "implanted_on": "2025-01-07"},
    )  # fmt: skip
    assert list(response.json()) == ["serial_number"]


def test_a_setting_over_the_api_moves_dates() -> None:
    clinic = a_clinic()
    a_running_pump(clinic)
    administrator = client_of(a_user(Role.ADMINISTRATOR, clinic))
    [before] = results(administrator.get("/api/v1/worklist/"))
    url = f"/api/v1/clinics/{clinic.pk}/"
    assert administrator.patch(url, {"refill_margin_days": 15}).status_code == 400
    assert administrator.patch(url, {"timezone": "Mars/Olympus"}).status_code == 400
    assert administrator.patch(url, {"refill_margin_days": 10}).json()["refill_margin_days"] == 10
    [after] = results(administrator.get("/api/v1/worklist/"))
    assert after["refill_by"] < before["refill_by"]


def test_a_low_level_raised_moves_dates() -> None:
    pump = a_running_pump(a_clinic())
    nurse = client_of(a_user(Role.NURSE, pump.clinic))
    before = nurse.get(f"/api/v1/pumps/{pump.pk}/forecast/").json()["programmed_low_at"]
    response = nurse.patch(f"/api/v1/pumps/{pump.pk}/", {"low_reservoir_alarm_ml": "4"})
    assert response.status_code == 200, response.content
    assert nurse.get(f"/api/v1/pumps/{pump.pk}/forecast/").json()["programmed_low_at"] < before
    assert nurse.patch(f"/api/v1/pumps/{pump.pk}/", {"low_reservoir_alarm_ml": "40"}).status_code == 400
    assert nurse.patch(f"/api/v1/pumps/{pump.pk}/", {"model": "prometra-20"}).status_code == 400


def test_a_scheduler_sees_contacts_and_dates_only() -> None:
    pump = a_running_pump(a_clinic())
    scheduler = client_of(a_user(Role.SCHEDULER, pump.clinic))
    patient = scheduler.get(f"/api/v1/patients/{pump.patient_id}/").json()
    assert "phone" in patient
    assert "spasticity_origin" not in patient
    forecast = scheduler.get(f"/api/v1/pumps/{pump.pk}/forecast/").json()
    assert forecast["refill_by"] is not None
    assert not {"flow_ratio", "volume_ml", "rate_ml_per_day", "findings"} & set(forecast)
    for path in ("refills", "dose-changes", "timeline"):
        assert scheduler.get(f"/api/v1/pumps/{pump.pk}/{path}/").status_code == 403


def test_the_worklist_pages_most_urgent_first() -> None:
    clinic = a_clinic()
    pumps = [a_running_pump(clinic, filled_days_ago=days) for days in (10, 50, 30)]
    unknown = [a_pump(clinic) for _ in range(3)]
    nurse = client_of(a_user(Role.NURSE, clinic))
    seen: list[str] = []
    url: str | None = "/api/v1/worklist/?page_size=2"
    while url is not None:
        body = nurse.get(url).json()
        assert len(body["results"]) <= 2
        seen += [row["pump"] for row in body["results"]]
        url = body["next"]
        assert url is None or url.startswith("http://")
    assert seen == [str(pump.pk) for pump in [*unknown, pumps[1], pumps[2], pumps[0]]]


def test_within_days_keeps_the_unknown() -> None:
    clinic, now = a_clinic(), timezone.now()
    soon, _ = a_running_pump(clinic, filled_days_ago=70, now=now), a_running_pump(clinic, filled_days_ago=5, now=now)
    unknown = a_pump(clinic)
    nurse = client_of(a_user(Role.NURSE, clinic))
    rows = results(nurse.get("/api/v1/worklist/", {"within_days": "14"}))
    assert [row["pump"] for row in rows] == [str(unknown.pk), str(soon.pk)]
    assert nurse.get("/api/v1/worklist/", {"within_days": "-1"}).status_code == 400


def test_alerts_and_notifications_show_the_outbox() -> None:
    clinic, now = a_clinic(), timezone.now()
    a_user(Role.SCHEDULER, clinic)
    pump = a_running_pump(clinic, filled_days_ago=90, now=now)
    fleet.tick(now)
    nurse = client_of(a_user(Role.NURSE, clinic))
    [alert] = results(nurse.get("/api/v1/alerts/", {"open": "true", "pump": str(pump.pk)}))
    assert (alert["kind"], alert["pump"], alert["closed_at"]) == ("refill_due", str(pump.pk), None)
    assert results(nurse.get("/api/v1/alerts/", {"open": "false"})) == []
    assert nurse.get("/api/v1/alerts/", {"pump": "x"}).status_code == 400
    rows = results(nurse.get("/api/v1/notifications/", {"alert": alert["id"]}))
    assert {(row["channel"], row["state"]) for row in rows} == {("email", "queued"), ("screen", "sent")}


def test_addresses_no_row_can_have() -> None:
    nurse = client_of(a_user(Role.NURSE, a_clinic()))
    assert nurse.get("/api/v1/pumps/99999999999999999999999/").status_code == 404
    assert nurse.get("/api/v1/pumps/0/forecast/").status_code == 404
    assert nurse.get("/api/v1/worklist/", {"cursor": "rubbish"}).status_code == 404
    crafted = b64encode(b"p=never").decode()
    assert nurse.get("/api/v1/worklist/", {"cursor": crafted}).status_code in {400, 404}


@pytest.mark.parametrize("page_size", ["0", "-1", "x", "100000"])
def test_a_page_size_is_bounded(page_size: str) -> None:
    nurse = client_of(a_user(Role.NURSE, a_clinic()))
    assert nurse.get("/api/v1/pump-models/", {"page_size": page_size}).status_code == 200


def calculator(client: APIClient, **fields: Any) -> Any:
    body = {
        "volume_ml": "40",
        "low_reservoir_alarm_ml": "2",
        "daily_dose_mcg": "300",
        "concentration_mcg_per_ml": "2000",
        "filled_at": "2026-11-01T10:00:00-05:00",
    }
    return client.post("/api/v1/calculators/refill/", {**body, **fields})


def test_the_refill_calculator() -> None:
    client = client_of(a_user(Role.NURSE, a_clinic()))
    body = calculator(client).json()
    assert body["rate_ml_per_day"] == "0.15"
    assert body["days_to_low"].startswith("253.3333")
    assert body["low_at"] == "2027-07-12T23:00:00Z"
    assert body["empty_at"] == "2027-07-26T07:00:00Z"
    assert calculator(client, volume_ml="2").json()["days_to_low"] == "0"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"daily_dose_mcg": "0"}, "daily_dose_mcg"),
        ({"daily_dose_mcg": "-5"}, "daily_dose_mcg"),
        ({"daily_dose_mcg": "Infinity"}, "daily_dose_mcg"),
        ({"daily_dose_mcg": "0.000001"}, "daily_dose_mcg"),
        ({"concentration_mcg_per_ml": "nan"}, "concentration_mcg_per_ml"),
        ({"volume_ml": "1001"}, "volume_ml"),
        ({"volume_ml": ""}, "volume_ml"),
        ({"filled_at": "2026-11-01"}, "filled_at"),
    ],
)
def test_the_calculator_refuses_what_is_not_finite_or_in_range(fields: dict[str, str], field: str) -> None:
    client = client_of(a_user(Role.NURSE, a_clinic()))
    response = calculator(client, **fields)
    assert response.status_code == 400
    assert list(response.json()) == [field]


def test_lists_take_the_same_number_of_queries_however_long(django_assert_max_num_queries: Any) -> None:
    clinic = a_clinic()
    for days in range(12):
        a_running_pump(clinic, filled_days_ago=days)
    nurse = client_of(a_user(Role.NURSE, clinic))
    for path in ("patients", "pumps", "worklist", "alerts", "notifications", "clinics"):
        with django_assert_max_num_queries(6):
            nurse.get(f"/api/v1/{path}/")


def test_a_creation_in_another_clinic_is_an_unknown_id() -> None:
    mine, theirs = a_clinic(), a_clinic()
    nurse = client_of(a_user(Role.NURSE, mine))
    stranger = a_patient(theirs)
    response = nurse.post(
        "/api/v1/pumps/",
        {"patient": str(stranger.pk), "model": "prometra-20", "serial_number": "X", "implanted_on": "2025-01-07"},
    )
    assert (response.status_code, list(response.json())) == (400, ["patient"])
    body = {"clinic": str(theirs.pk), "mrn": "1", "given_name": "A", "family_name": "B",
            "date_of_birth": "1980-01-02", "spasticity_origin": "spinal"}  # fmt: skip
    assert list(nurse.post("/api/v1/patients/", body).json()) == ["clinic"]
    assert Patient.objects.count() == 1
    assert Clinic.objects.count() == 2


def test_results_beyond_a_page_follow_by_next() -> None:
    clinic, now = a_clinic(), timezone.now()
    pump = a_running_pump(clinic, filled_days_ago=50, now=now)
    nurse = client_of(a_user(Role.NURSE, clinic))
    for day in range(3):
        nurse.post(
            f"/api/v1/pumps/{pump.pk}/refills/",
            {
                "refilled_at": (now - timedelta(days=day)).isoformat(),
                "filled_ml": "40",
                "concentration_mcg_per_ml": "500",
            },
        )
    first = nurse.get(f"/api/v1/pumps/{pump.pk}/timeline/?page_size=3").json()
    second = nurse.get(first["next"]).json()
    ids = [row["id"] for row in first["results"] + second["results"]]
    assert len(ids) == len(set(ids)) == 5
    assert second["next"] is None

"""Whatever is sent, the answer is JSON that says what to mend; nothing a caller writes breaks the service."""

from base64 import b64encode
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from clinics.models import Clinic, User
from clinics.roles import Role
from clinics.services.keys import issue_api_key
from patients.models import Patient
from pumps.models import Event, Pump
from tests.api.clients import client_of
from tests.builders import a_clinic, a_dose, a_patient, a_pump, a_running_pump, a_user

pytestmark = pytest.mark.django_db

LISTS = ["clinics", "patients", "pumps", "pump-models", "alerts", "notifications", "worklist"]
NESTED = b"[" * 100_000
SURROGATE = b'{"model": "\\ud800", "mode": "\\ud800", "confirm": ["\\udfff"]}'


@pytest.fixture
def pump() -> Pump:
    return a_running_pump(a_clinic(), filled_days_ago=60, now=timezone.now())


@pytest.fixture
def user(pump: Pump) -> User:
    return a_user(Role.ADMINISTRATOR, pump.clinic)


@pytest.fixture
def client(user: User) -> APIClient:
    return client_of(user)


def cursor(query: bytes) -> dict[str, str]:
    return {"cursor": b64encode(query).decode()}


@pytest.mark.parametrize("position", [b"p=abc", b"p=", b"p=NaN", b"p=%00", b"p=9999999999999999999999", b"r=1&p=x"])
@pytest.mark.parametrize("path", [*LISTS, "refills", "dose-changes", "timeline"])
def test_a_cursor_that_is_none_is_not_found(client: APIClient, pump: Pump, path: str, position: bytes) -> None:
    url = f"/api/v1/{path}/" if path in LISTS else f"/api/v1/pumps/{pump.pk}/{path}/"
    response = client.get(url, cursor(position))
    if position.startswith(b"p=999") and response.status_code == 200:
        return  # a number behind every row
    assert (response.status_code, response.json()) == (404, {"detail": "Invalid cursor"})


@pytest.mark.parametrize(
    ("path", "name"),
    [("pumps", "serial_number"), ("patients", "mrn"), ("alerts", "kind"), ("notifications", "state")],
)
def test_a_filter_no_row_can_have_is_refused_by_name(client: APIClient, path: str, name: str) -> None:
    response = client.get(f"/api/v1/{path}/", {name: "a\x00"})
    assert (response.status_code, list(response.json())) == (400, [name])


def test_an_unknown_choice_is_answered_with_the_choices(client: APIClient) -> None:
    assert "refill_due" in client.get("/api/v1/alerts/", {"kind": "tea"}).json()["kind"][0]
    assert "cancelled" in client.get("/api/v1/notifications/", {"state": "lost"}).json()["state"][0]
    assert client.get("/api/v1/alerts/", {"kind": "refill_due"}).status_code == 200


@pytest.mark.parametrize("name", ["a\x00", "\x00", "9" * 5000, "9" * 19])
def test_a_model_nobody_made_is_unknown(client: APIClient, pump: Pump, name: str) -> None:
    assert client.get(f"/api/v1/pump-models/{name.replace(chr(0), '%00')}/").status_code == 404
    body = {"patient": str(pump.patient_id), "model": name, "serial_number": "X", "implanted_on": "2025-01-07"}
    response = client.post("/api/v1/pumps/", body)
    assert (response.status_code, list(response.json())) == (400, ["model"])


def writes(pump: Pump) -> list[tuple[str, str]]:
    own = f"/api/v1/pumps/{pump.pk}"
    event = pump.events.earliest("pk")
    return [
        ("post", "/api/v1/clinics/"),
        ("patch", f"/api/v1/clinics/{pump.clinic_id}/"),
        ("post", "/api/v1/patients/"),
        ("patch", f"/api/v1/patients/{pump.patient_id}/"),
        ("post", "/api/v1/pumps/"),
        ("patch", f"{own}/"),
        ("post", f"{own}/refills/"),
        ("post", f"{own}/dose-changes/"),
        ("post", f"{own}/timeline/{event.pk}/void/"),
        ("post", "/api/v1/calculators/refill/"),
    ]


@pytest.mark.parametrize(
    "body", [NESTED, b'{"a":' * 20 + b"1" + b"}" * 20, SURROGATE, b"\xff", b"{", b'{"a": NaN}', b"9" * 5000]
)
def test_a_body_that_is_no_decent_json_is_refused(client: APIClient, pump: Pump, body: bytes) -> None:
    for method, url in writes(pump):
        response = getattr(client, method)(url, body, content_type="application/json")
        assert response.status_code == 400, url
        assert list(response.json()) == ["detail"]


@pytest.mark.parametrize("body", [b"null", b"[]", b'"text"', b"1"])
def test_a_body_that_is_no_object_is_refused(client: APIClient, pump: Pump, body: bytes) -> None:
    for method, url in writes(pump):
        assert getattr(client, method)(url, body, content_type="application/json").status_code == 400, url


def test_a_body_beyond_the_limit_is_refused(client: APIClient, pump: Pump) -> None:
    body = b'{"reason": "' + b"x" * int(settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0) + b'"}'
    response = client.post(f"/api/v1/pumps/{pump.pk}/refills/", body, content_type="application/json")
    assert (response.status_code, response.json()) == (400, {"detail": "The body is too large."})


def test_errors_below_the_api_are_json_and_elsewhere_pages(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    program = Client(headers={"Authorization": f"Bearer {issue_api_key(user=user)}"}, raise_request_exception=False)
    for url in ("/api/v1/nothing/", "/api/v1/pumps/abc/", "/api/"):
        response = program.get(url)
        assert (response.status_code, response.json()) == (404, {"detail": "Not found."})
    assert "There is nothing here" in program.get("/nothing/").content.decode()
    monkeypatch.setattr(Pump.objects, "visible_to", lambda user: 1 / 0)
    response = program.get("/api/v1/pumps/")
    assert (response.status_code, list(response.json())) == (500, ["detail"])


def test_messages_about_nested_input_stand_at_their_field(client: APIClient, pump: Pump) -> None:
    steps: list[Any] = [{"start": "06:00", "rate_mcg_per_h": "4"}, {"start": "18:00", "rate_mcg_per_h": "x"}, 5]
    body = {"effective_at": timezone.now().isoformat(), "mode": "flex", "daily_dose_mcg": "96", "steps": steps}
    response = client.post(f"/api/v1/pumps/{pump.pk}/dose-changes/", {**body, "confirm": ["a", []]})
    assert response.status_code == 400
    assert response.json() == {
        "confirm": ["entry 2: Not a valid string."],
        "steps": [
            "entry 2, rate_mcg_per_h: Write a number alone, without a unit, in mcg/h.",
            "entry 3: Invalid data. Expected a dictionary, but got int.",
        ],
    }
    response = client.patch(f"/api/v1/patients/{pump.patient_id}/", {"flags": ["epilepsy", "tea"]})
    assert response.json() == {"flags": ['entry 2: "tea" is not a valid choice.']}


def test_a_used_key_with_another_body_is_a_conflict_even_if_that_body_is_wrong(client: APIClient, pump: Pump) -> None:
    url = f"/api/v1/pumps/{pump.pk}/refills/"
    body = {"refilled_at": timezone.now().isoformat(), "filled_ml": "40", "concentration_mcg_per_ml": "500"}
    first = client.post(url, body, HTTP_IDEMPOTENCY_KEY="k1")
    assert first.status_code == 201
    assert client.post(url, {**body, "filled_ml": "-1"}, HTTP_IDEMPOTENCY_KEY="k1").status_code == 409
    void = f"/api/v1/pumps/{pump.pk}/timeline/{first.json()['id']}/void/"
    assert client.post(void, {}, HTTP_IDEMPOTENCY_KEY="k1").status_code == 409
    assert client.post(void, {"reason": "slip"}, HTTP_IDEMPOTENCY_KEY="k2").status_code == 201
    assert client.post(void, {"reason": "slip"}, HTTP_IDEMPOTENCY_KEY="k2").status_code == 201
    assert Event.objects.filter(kind="void").count() == 1


def test_a_refused_body_does_not_use_up_its_key(client: APIClient, pump: Pump) -> None:
    url = f"/api/v1/pumps/{pump.pk}/refills/"
    body = {"refilled_at": timezone.now().isoformat(), "filled_ml": "40", "concentration_mcg_per_ml": "500"}
    assert client.post(url, {**body, "filled_ml": "-1"}, HTTP_IDEMPOTENCY_KEY="k1").status_code == 400
    assert client.post(url, body, HTTP_IDEMPOTENCY_KEY="k1").status_code == 201


def tomorrow(clinic: Clinic) -> str:
    return (timezone.now().astimezone(clinic.zone).date() + timedelta(days=1)).isoformat()


@pytest.mark.parametrize("born", ["1899-12-31", "0001-01-01", "tomorrow", "9999-12-31"])
def test_a_birth_that_cannot_be_is_refused(client: APIClient, pump: Pump, born: str) -> None:
    day = tomorrow(pump.clinic) if born == "tomorrow" else born
    body = {"clinic": str(pump.clinic_id), "mrn": "N1", "given_name": "A", "family_name": "B",
            "date_of_birth": day, "spasticity_origin": "spinal"}  # fmt: skip
    response = client.post("/api/v1/patients/", body)
    assert (response.status_code, list(response.json())) == (400, ["date_of_birth"])
    assert Patient.objects.count() == 1


def test_nobody_is_born_after_the_implant_of_their_pump(client: APIClient, pump: Pump) -> None:
    url = f"/api/v1/patients/{pump.patient_id}/"
    response = client.patch(url, {"date_of_birth": (pump.implanted_on + timedelta(days=1)).isoformat()})
    assert (response.status_code, list(response.json())) == (400, ["date_of_birth"])
    assert client.patch(url, {"date_of_birth": pump.implanted_on.isoformat()}).status_code == 200
    without = a_patient(pump.clinic)
    assert client.patch(f"/api/v1/patients/{without.pk}/", {"date_of_birth": "2026-01-01"}).status_code == 200


@pytest.mark.parametrize("day", ["1949-12-31", "2201-01-01", "0001-01-01"])
def test_an_expiry_in_another_century_is_refused(client: APIClient, pump: Pump, day: str) -> None:
    body = {"refilled_at": timezone.now().isoformat(), "filled_ml": "40", "concentration_mcg_per_ml": "500"}
    response = client.post(f"/api/v1/pumps/{pump.pk}/refills/", {**body, "drug_expires_on": day})
    assert (response.status_code, list(response.json())) == (400, ["drug_expires_on"])


def test_amounts_larger_than_the_api_takes_are_answered_as_stored(client: APIClient, pump: Pump) -> None:
    other = a_pump(pump.clinic, now=timezone.now())
    steps = [{"start": "00:00", "rate_mcg_per_h": "40000.123456"}]
    boluses = [{"at": "08:00", "dose_mcg": "39997.037056"}]
    a_dose(other, timezone.now(), mode="flex", daily_dose_mcg=Decimal(999_999), steps=steps, boluses=boluses)
    for path in ("dose-changes", "timeline"):
        [row] = client.get(f"/api/v1/pumps/{other.pk}/{path}/").json()["results"]
        assert (row["steps"], row["boluses"]) == (steps, boluses)


def test_a_taken_clinic_name_does_not_tell_of_the_other_clinic(client: APIClient, pump: Pump) -> None:
    a_clinic("Elsewhere")
    response = client.patch(f"/api/v1/clinics/{pump.clinic_id}/", {"name": "Elsewhere"})
    assert response.json() == {"name": ["This name cannot be used; choose another."]}
    assert client.patch(f"/api/v1/clinics/{pump.clinic_id}/", {"name": pump.clinic.name}).status_code == 200

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from clinics.models import Clinic
from clinics.roles import Role
from pumps.models import Forecast, Pump
from scheduling.models import Appointment
from tests.api.clients import client_of, results
from tests.builders import a_clinic, a_running_pump, a_user

pytestmark = pytest.mark.django_db
PATH = "/api/v1/appointments/"


@pytest.fixture
def clinic() -> Clinic:
    return a_clinic()


@pytest.fixture
def pump(clinic: Clinic) -> Pump:
    return a_running_pump(clinic, now=timezone.now())


@pytest.fixture
def scheduler(clinic: Clinic) -> APIClient:
    return client_of(a_user(Role.SCHEDULER, clinic))


def body(pump: Pump, days: float = 3, **more: object) -> dict[str, object]:
    at = (timezone.now() + timedelta(days=days)).replace(microsecond=0)
    return {"pump": str(pump.pk), "starts_at": at.isoformat().replace("+00:00", "Z"), **more}


def book(client: APIClient, pump: Pump, days: float = 3) -> str:
    answer = client.post(PATH, body(pump, days), format="json")
    assert answer.status_code == 201, answer.content
    found: str = answer.json()["id"]
    return found


def test_a_visit_is_booked_read_and_on_the_worklist(scheduler: APIClient, pump: Pump) -> None:
    sent = body(pump)
    answer = scheduler.post(PATH, sent, format="json").json()
    assert (answer["pump"], answer["starts_at"], answer["state"]) == (str(pump.pk), sent["starts_at"], "booked")
    assert (answer["minutes"], answer["late_reason"]) == (30, "")
    assert [row["id"] for row in results(scheduler.get(PATH))] == [answer["id"]]
    assert scheduler.get(f"{PATH}{answer['id']}/").json()["state"] == "booked"
    [line] = results(scheduler.get("/api/v1/worklist/"))
    assert (line["appointment"], line["appointment_starts_at"]) == (answer["id"], sent["starts_at"])


def test_after_the_date_it_needs_a_reason(scheduler: APIClient, pump: Pump) -> None:
    answer = scheduler.post(PATH, body(pump, 100), format="json")
    assert (answer.status_code, set(answer.json())) == (400, {"late_reason"})
    answer = scheduler.post(PATH, body(pump, 100, late_reason="abroad"), format="json")
    assert (answer.status_code, answer.json()["late_reason"]) == (201, "abroad")
    alerts = results(scheduler.get("/api/v1/alerts/?kind=appointment_late&open=true"))
    assert [alert["pump"] for alert in alerts] == [str(pump.pk)]


def test_a_second_visit_is_a_conflict(scheduler: APIClient, pump: Pump) -> None:
    book(scheduler, pump)
    assert scheduler.post(PATH, body(pump, 5), format="json").status_code == 409


def test_the_same_key_and_body_book_once(scheduler: APIClient, pump: Pump) -> None:
    sent = body(pump)
    first = scheduler.post(PATH, sent, format="json", headers={"Idempotency-Key": "k1"})
    again = scheduler.post(PATH, sent, format="json", headers={"Idempotency-Key": "k1"})
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["id"] == again.json()["id"]
    other = scheduler.post(PATH, body(pump, 9), format="json", headers={"Idempotency-Key": "k1"})
    assert other.status_code == 409
    assert Appointment.objects.count() == 1


def test_patch_moves_and_the_actions_follow(scheduler: APIClient, pump: Pump) -> None:
    pk = book(scheduler, pump)
    assert scheduler.post(f"{PATH}{pk}/confirm/").json()["state"] == "confirmed"
    to = body(pump, 4)["starts_at"]
    moved = scheduler.patch(f"{PATH}{pk}/", {"starts_at": to}, format="json").json()
    assert (moved["starts_at"], moved["state"], moved["sequence"]) == (to, "booked", 1)
    assert scheduler.post(f"{PATH}{pk}/arrive/").status_code == 409
    assert scheduler.post(f"{PATH}{pk}/no-show/").status_code == 409
    assert set(scheduler.post(f"{PATH}{pk}/cancel/", {}, format="json").json()) == {"reason"}
    cancelled = scheduler.post(f"{PATH}{pk}/cancel/", {"reason": "ill"}, format="json").json()
    assert (cancelled["state"], cancelled["ended_reason"]) == ("cancelled", "ill")
    assert scheduler.patch(f"{PATH}{pk}/", {"starts_at": to}, format="json").status_code == 409


def test_arrive_and_no_show_on_the_day(scheduler: APIClient, pump: Pump) -> None:
    pk = book(scheduler, pump, 0)
    Appointment.objects.update(starts_at=timezone.now() - timedelta(minutes=1))
    assert scheduler.post(f"{PATH}{pk}/no-show/").json()["state"] == "no_show"
    assert scheduler.post(f"{PATH}{pk}/arrive/").json()["state"] == "arrived"


def test_a_time_without_an_offset_is_refused(scheduler: APIClient, pump: Pump) -> None:
    """01:30 on the day the clocks go back is two moments: a caller says which, with an offset."""
    answer = scheduler.post(PATH, {"pump": str(pump.pk), "starts_at": "2026-11-01T01:30:00"}, format="json")
    assert (answer.status_code, set(answer.json())) == (400, {"starts_at"})


@pytest.mark.parametrize("role", [Role.PHARMACIST, Role.AUDITOR])
def test_those_who_do_not_book_read_only(role: Role, clinic: Clinic, scheduler: APIClient, pump: Pump) -> None:
    pk = book(scheduler, pump)
    reader = client_of(a_user(role, clinic))
    assert reader.get(f"{PATH}{pk}/").status_code == 200
    assert reader.post(PATH, body(pump), format="json").status_code == 403
    assert reader.post(f"{PATH}{pk}/confirm/").status_code == 403


def test_another_clinics_visit_is_not_there(scheduler: APIClient, pump: Pump) -> None:
    pk = book(scheduler, pump)
    stranger = client_of(a_user(Role.SCHEDULER, a_clinic()))
    assert results(stranger.get(PATH)) == []
    assert stranger.get(f"{PATH}{pk}/").status_code == 404
    assert stranger.post(f"{PATH}{pk}/confirm/").status_code == 404
    assert set(stranger.post(PATH, body(pump), format="json").json()) == {"pump"}


def test_filters(scheduler: APIClient, pump: Pump) -> None:
    pk = book(scheduler, pump)
    assert [row["id"] for row in results(scheduler.get(f"{PATH}?pump={pump.pk}&state=booked"))] == [pk]
    assert results(scheduler.get(f"{PATH}?state=done")) == []
    assert scheduler.get(f"{PATH}?state=soon").status_code == 400


def test_queries_do_not_grow_with_the_fleet(clinic: Clinic, scheduler: APIClient) -> None:
    counts = []
    for _ in range(2):
        for _ in range(3):
            book(scheduler, a_running_pump(clinic, now=timezone.now()))
        for path in (PATH, "/api/v1/worklist/"):
            with CaptureQueriesContext(connection) as queries:
                assert len(results(scheduler.get(path))) >= 3
            counts.append(len(queries))
    assert counts[:2] == counts[2:]


def test_a_visit_in_time_is_before_refill_by(scheduler: APIClient, pump: Pump) -> None:
    row = Forecast.objects.get(pump=pump)
    book(scheduler, pump, 20)
    at: datetime = Appointment.objects.get().starts_at
    assert row.refill_by is not None
    assert at < row.refill_by

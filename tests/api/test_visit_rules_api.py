import pytest

from clinics.models import Change, Clinic
from clinics.roles import Role
from tests.api.clients import client_of
from tests.builders import a_clinic, a_user

pytestmark = pytest.mark.django_db
USUAL = {
    "opens_at": "09:00",
    "closes_at": "16:00",
    "minutes": 30,
    "places": 1,
    "reminder_days": [7, 2, 1],
    "reminder_channels": ["email"],
    "remind_from": "08:00",
    "remind_until": "20:00",
    "missed_after_hours": None,
}


def path_of(clinic: Clinic) -> str:
    return f"/api/v1/clinics/{clinic.pk}/visit-rules/"


def test_what_is_put_is_what_is_then_read_and_stands_in_the_history() -> None:
    clinic = a_clinic()
    client = client_of(a_user(Role.ADMINISTRATOR, clinic))
    assert client.get(path_of(clinic)).json() == USUAL
    wanted = {**USUAL, "opens_at": "08:30", "reminder_days": [3, 1], "reminder_channels": ["email", "sms"]}
    assert client.put(path_of(clinic), wanted, format="json").json() == wanted
    assert client.get(path_of(clinic)).json() == wanted
    assert Change.objects.get(clinic=clinic, summary="Settings of visits changed").details["reminder_days"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("closes_at", "08:59"),
        ("minutes", 4),
        ("reminder_days", [0]),
        ("reminder_channels", []),
        ("reminder_channels", ["webhook"]),
        ("remind_until", "noon"),
        ("missed_after_hours", 73),
    ],
)
def test_what_cannot_be_is_refused_at_its_field_and_nothing_is_stored(field: str, value: object) -> None:
    clinic = a_clinic()
    client = client_of(a_user(Role.ADMINISTRATOR, clinic))
    answer = client.put(path_of(clinic), {**USUAL, field: value}, format="json")
    assert answer.status_code == 400
    assert field in answer.text
    assert client.get(path_of(clinic)).json() == USUAL


def test_a_scheduler_reads_and_does_not_write_and_another_clinic_is_not_there() -> None:
    clinic = a_clinic()
    client = client_of(a_user(Role.SCHEDULER, clinic))
    assert client.get(path_of(clinic)).status_code == 200
    assert client.put(path_of(clinic), USUAL, format="json").status_code == 403
    assert client.get(path_of(a_clinic())).status_code == 404

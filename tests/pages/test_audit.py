"""Who did what: from the page itself, by person, patient, day and kind, and as a file."""

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import get_resolver, reverse
from django.utils import timezone

from clinics import paging
from clinics.history import note
from clinics.models import Clinic, User
from clinics.roles import Role
from config.viewings import NAMED
from patients.models import Patient, Viewing
from pumps.models import Pump
from tests.builders import a_clinic, a_running_pump, a_user
from tests.pages.conftest import logged_in
from therapy.models import Assessment
from therapy.viewing_words import WORDS


@pytest.fixture
def nurse_person(clinic: Clinic) -> User:
    return a_user(Role.NURSE, clinic)


@pytest.fixture
def auditor(clinic: Clinic) -> Client:
    return logged_in(a_user(Role.AUDITOR, clinic))


@pytest.fixture
def pump(clinic: Clinic, nurse_person: User) -> Pump:
    """Of a clinic in which one of everything was done by the nurse."""
    now = timezone.now()
    found = a_running_pump(clinic, now=now, serial_number="NGP1")
    logged_in(nurse_person).get(reverse("pump", args=[found.pk]))
    note(clinic=clinic, by=nurse_person, at=now, subject=f"patient:{found.patient_id}", summary="Phone changed",
         details={"phone": ["blank", "555"]})  # fmt: skip
    Assessment.objects.create(patient=found.patient, measured_at=now, pain=3, recorded_by=nurse_person)
    return found


def lines(client: Client, **asked: str) -> list[str]:
    response = client.get(reverse("audit"), asked)
    assert response.status_code == 200, asked
    return [str(each.line.what) for each, _ in response.context["lines"]]


def test_everything_that_was_done_is_there_newest_first(auditor: Client, pump: Pump, nurse_person: User) -> None:
    found = lines(auditor)
    for words in ("The pump's page", "Phone changed", "Logged in", "Refill: 40 mL of 500 mcg/mL", "Dose: 200 mcg/day"):
        assert words in found
    page = auditor.get(reverse("audit")).text
    assert reverse("patient", args=[pump.patient_id]) in page
    assert nurse_person.email in page
    moments = [each.line.place.at for each, _ in auditor.get(reverse("audit")).context["lines"]]
    assert moments == sorted(moments, reverse=True)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("viewing", ["The pump's page"]),
        ("change", ["Phone changed", "Pump entered: SynchroMed II 8637-40 NGP1"]),
        ("ledger", ["Dose: 200 mcg/day", "Refill: 40 mL of 500 mcg/mL"]),
    ],
)
def test_one_kind_alone(auditor: Client, pump: Pump, kind: str, words: list[str]) -> None:
    assert sorted(lines(auditor, kind=kind)) == words


def test_one_person_and_one_patient(auditor: Client, pump: Pump, nurse_person: User) -> None:
    other = a_running_pump(pump.clinic, now=timezone.now())
    of_nurse = lines(auditor, person=str(nurse_person.pk))
    assert {"The pump's page", "Phone changed", "Measured", "Logged in"} <= set(of_nurse)
    assert "Refill: 40 mL of 500 mcg/mL" not in of_nurse
    of_patient = lines(auditor, mrn=pump.patient.mrn)
    assert of_patient.count("Refill: 40 mL of 500 mcg/mL") == 1
    assert {"The pump's page", "Phone changed", "Measured"} <= set(of_patient)
    assert "Logged in" not in of_patient
    assert "The pump's page" not in lines(auditor, mrn=other.patient.mrn)


def test_a_patients_page_leads_auditors_to_who_saw_it(auditor: Client, pump: Pump, nurse_person: User) -> None:
    page = auditor.get(reverse("patient", args=[pump.patient_id])).text
    address = f"{reverse('audit')}?clinic={pump.clinic_id}&amp;mrn={pump.patient.mrn}"
    assert address in page
    assert "The pump&#x27;s page" in auditor.get(address.replace("&amp;", "&")).text
    assert reverse("audit") not in logged_in(nurse_person).get(reverse("patient", args=[pump.patient_id])).text


def test_days_are_the_clinics_own(auditor: Client, clinic: Clinic, nurse_person: User) -> None:
    night = timezone.now().astimezone(clinic.zone).replace(hour=23, minute=30) - timedelta(days=3)
    note(clinic=clinic, by=nurse_person, at=night, subject=f"clinic:{clinic.pk}", summary="At night")
    day, next_day = night.date().isoformat(), (night.date() + timedelta(days=1)).isoformat()
    assert lines(auditor, since=day, until=day) == ["At night"]
    assert lines(auditor, since=next_day, until=next_day) == []


def test_another_clinics_doings_are_not_there(pump: Pump) -> None:
    elsewhere = a_clinic("Elsewhere")
    auditor = a_user(Role.AUDITOR, elsewhere)
    client = logged_in(auditor)
    assert lines(client) == ["Logged in"]
    asked = client.get(reverse("audit"), {"clinic": str(pump.clinic_id)})
    assert "clinic" in asked.context["form"].errors
    assert asked.context["lines"] == []
    assert "mrn" in client.get(reverse("audit"), {"mrn": pump.patient.mrn}).context["form"].errors


@pytest.mark.parametrize(
    "asked",
    [
        {"since": "soon"}, {"until": "0001-01-01"}, {"since": "2026-12-01", "until": "2026-11-01"}, {"kind": "x"},
        {"person": "999999999999999999999"}, {"person": "x"}, {"mrn": "\x00"}, {"clinic": "-1"}, {"since": ""},
    ],
)  # fmt: skip
def test_rubbish_is_told_at_its_field(auditor: Client, asked: dict[str, str]) -> None:
    response = auditor.get(reverse("audit"), asked)
    assert response.status_code == 200
    assert set(response.context["form"].errors) & {*asked, "until"}
    assert auditor.get(reverse("audit_download"), asked).status_code == 400


@pytest.mark.parametrize("after", ["x", "1", "99-1-1", "1-1-x", "-", "1-" + "9" * 40, "٣-1-1"])
def test_a_position_that_is_none_is_the_start(auditor: Client, pump: Pump, after: str) -> None:
    assert lines(auditor, after=after) == lines(auditor)


def test_pages_follow_one_another_without_gap_or_repeat(
    auditor: Client, clinic: Clinic, pump: Pump, nurse_person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = timezone.now()
    for number in range(9):
        at = now - timedelta(hours=number // 3)
        note(clinic=clinic, by=nurse_person, at=at, subject=f"clinic:{clinic.pk}", summary=f"Change {number}")
        Viewing.objects.create(user=nurse_person, at=at, patient=pump.patient, clinic=clinic, what=f"page_{number}")
    whole = [each.line.place for each, _ in auditor.get(reverse("audit")).context["lines"]]
    monkeypatch.setattr(paging, "PAGE_SIZE", 4)
    seen, query = [], "?"
    while query:
        context = auditor.get(reverse("audit") + query).context
        seen += [each.line.place for each, _ in context["lines"]]
        query = context["page"].next
    assert seen == whole
    assert len(seen) == len(set(seen)) > 20


def test_the_file_holds_the_same_and_no_formula(auditor: Client, clinic: Clinic, pump: Pump) -> None:
    Patient.objects.filter(pk=pump.patient_id).update(given_name="=1+1", family_name="@SUM")
    response = auditor.get(reverse("audit_download"), {"mrn": pump.patient.mrn})
    rows = list(csv.reader(io.StringIO(response.getvalue().decode())))
    assert response["Content-Disposition"].startswith('attachment; filename="who-did-what-harbor-')
    assert rows[0] == ["at", "kind", "who", "what", "mrn", "patient", "details"]
    assert len(rows) == 1 + len(lines(auditor, mrn=pump.patient.mrn))
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "@"))]
    assert any("phone: blank → 555" in row for row in rows)
    assert "Who did what, as a file" in lines(auditor, kind="viewing")
    assert Viewing.objects.get(what="audit_download").clinic_id == clinic.pk


def test_a_change_of_a_reason_is_told_as_from_and_to(auditor: Client, pump: Pump, nurse_person: User) -> None:
    note(clinic=pump.clinic, by=nurse_person, at=timezone.now(), subject=f"patient:{pump.patient_id}",
         summary="Status changed", details={"reason": ["moved away", "came back"]})  # fmt: skip
    page = auditor.get(reverse("audit")).text
    assert "moved away → came back" in page
    assert "[&#x27;moved away" not in page


def test_queries_do_not_grow_with_the_list(auditor: Client, clinic: Clinic, pump: Pump, nurse_person: User) -> None:
    def count() -> int:
        auditor.get(reverse("audit"))
        with CaptureQueriesContext(connection) as queries:
            auditor.get(reverse("audit"))
        return len(queries)

    few = count()
    for number in range(30):
        other = a_running_pump(clinic, now=timezone.now())
        at = timezone.now() - timedelta(minutes=number)
        Viewing.objects.create(user=nurse_person, at=at, patient=other.patient, clinic=clinic, what="pump")
    assert count() == few <= 32


def test_every_page_about_a_patient_has_a_name_for_an_auditor() -> None:
    about_one = {name for route, name in _routes(get_resolver().url_patterns) if NAMED.search(route)}
    assert about_one - set(WORDS) == set()


def _routes(patterns: Sequence[Any], before: str = "") -> Iterator[tuple[str, str]]:
    """Each address with a name, but for the API's."""
    for each in patterns:
        route = f"{before}{each.pattern}"
        if hasattr(each, "url_patterns"):
            yield from _routes(each.url_patterns, route)
        elif each.name and not route.startswith("api/"):
            yield route, each.name

"""Finding anyone: the page, the list while typing, and what each role is shown."""

from datetime import date

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from clinics.models import Clinic
from clinics.roles import Role
from tests.builders import a_clinic, a_patient, a_pump, a_running_pump, a_user
from tests.pages.conftest import logged_in

TYPING = {"HX-Request": "true", "HX-Target": "found"}


def found(client: Client, text: str, *, is_typing: bool = False) -> list[str]:
    response = client.get(reverse("search"), {"q": text}, headers=TYPING if is_typing else {})
    assert response.status_code == 200
    return [row.patient.mrn for row in response.context["rows"]]


@pytest.mark.parametrize("is_typing", [True, False])
def test_who_matches_is_shown_with_what_tells_them_apart(clinic: Clinic, nurse: Client, is_typing: bool) -> None:
    born = date(1980, 8, 9)
    patient = a_patient(clinic, given_name="Zoë", family_name="Lind", mrn="A1", date_of_birth=born)
    a_running_pump(clinic, patient=patient, serial_number="NGP12", now=timezone.now())
    response = nurse.get(reverse("search"), {"q": "lin zoe"}, headers=TYPING if is_typing else {})
    for words in ("Lind, Zoë", "born 9 Aug 1980", "A1", "NGP12", "Later", "refill by", "1 found"):
        assert words in response.text
    assert ("<html" in response.text) is not is_typing
    assert reverse("patient", args=[patient.pk]) in response.text


def test_a_scheduler_is_shown_no_day_of_birth(clinic: Clinic) -> None:
    a_patient(clinic, family_name="Lind")
    text = logged_in(a_user(Role.SCHEDULER, clinic)).get(reverse("search"), {"q": "lind"}).text
    assert "Lind" in text
    assert "1980" not in text


def test_a_stranger_finds_nobody(clinic: Clinic, stranger: Client) -> None:
    patient = a_patient(clinic, family_name="Lind", phone="+1 555 0199")
    a_pump(clinic, patient=patient, serial_number="NGP12")
    for text in ("lind", patient.mrn, "ngp12", "0199", "lind ngp12"):
        for is_typing in (True, False):
            assert found(stranger, text, is_typing=is_typing) == []


def test_an_mrn_written_out_comes_first_and_those_in_care_before_others(clinic: Clinic, nurse: Client) -> None:
    ended = {"status": "therapy_ended", "status_on": date(2026, 1, 1)}
    for mrn, fields in (("A12", {}), ("A11", ended), ("A1", {"family_name": "Zorn", **ended})):
        a_patient(clinic, mrn=mrn, **{"family_name": "Abel", **fields})
    assert found(nurse, "a1") == ["A1", "A12", "A11"]


def test_a_serial_number_leads_to_its_pump(clinic: Clinic, nurse: Client) -> None:
    pump = a_running_pump(clinic, serial_number="NGP12", now=timezone.now())
    [row] = nurse.get(reverse("search"), {"q": "ngp1"}).context["rows"]
    assert row.address == reverse("pump", args=[pump.pk])
    [row] = nurse.get(reverse("search"), {"q": pump.patient.family_name}).context["rows"]
    assert row.address == reverse("patient", args=[pump.patient_id])


def test_while_typing_eight_are_shown_and_the_rest_is_a_link_away(clinic: Clinic, nurse: Client) -> None:
    for _ in range(9):
        a_patient(clinic, family_name="Lind")
    response = nurse.get(reverse("search"), {"q": "lind"}, headers=TYPING)
    assert len(response.context["rows"]) == 8
    assert "More than 8 found" in response.text
    assert f"{reverse('search')}?q=lind" in response.text
    assert len(found(nurse, "lind")) == 9


@pytest.mark.parametrize(
    "text", ["'; drop", "\x00", "%", "_", "<script>", "::*", "x" * 5000, "٣٤", "-", "+", "( )", "<<"]
)
def test_odd_searches_find_nobody_and_harm_nothing(clinic: Clinic, nurse: Client, text: str) -> None:
    a_patient(clinic, phone="+1 555 0199")
    assert found(nurse, text) == []
    assert found(nurse, text, is_typing=True) == []
    assert "<script>x" not in nurse.get(reverse("search"), {"q": "<script>x"}).text


def test_without_a_word_those_opened_last_are_shown(clinic: Clinic, nurse: Client) -> None:
    assert "Nobody opened yet" in nurse.get(reverse("search")).text
    first, second = a_patient(clinic), a_patient(clinic)
    for patient in (first, second, first):
        nurse.get(reverse("patient", args=[patient.pk]))
    assert found(nurse, "") == [second.mrn, first.mrn], "folded within the minute"
    assert "Opened last" in nurse.get(reverse("search"), headers=TYPING).text
    colleague = logged_in(a_user(Role.NURSE, clinic))
    assert found(colleague, "") == []


def test_a_clinic_is_named_for_those_of_several(clinic: Clinic, nurse: Client) -> None:
    a_patient(clinic, family_name="Lind")
    assert "Harbor" not in nurse.get(reverse("search"), {"q": "lind"}, headers=TYPING).text
    of_two = a_user(Role.NURSE, clinic)
    of_two.memberships.create(clinic=a_clinic("Elsewhere"), role=Role.NURSE.value)
    assert "Harbor" in logged_in(of_two).get(reverse("search"), {"q": "lind"}, headers=TYPING).text


def test_queries_do_not_grow_with_what_is_found(clinic: Clinic, nurse: Client) -> None:
    counts = []
    for number in (1, 7):
        for _ in range(number):
            a_running_pump(clinic, patient=a_patient(clinic, family_name="Lind"), now=timezone.now())
        nurse.get(reverse("search"), {"q": "lind"}, headers=TYPING)
        with CaptureQueriesContext(connection) as queries:
            nurse.get(reverse("search"), {"q": "lind"}, headers=TYPING)
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 10

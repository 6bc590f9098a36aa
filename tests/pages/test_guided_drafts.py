"""A visit that is typed, left and gone on with: the page's small calls, and where it is offered again."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clinics.models import Clinic
from clinics.roles import Role
from clinics.words import moment_words
from pumps.models import Pump, VisitDraft
from pumps.pages import guided_sheet
from pumps.queries import VisitDraftQuerySet
from tests.builders import a_running_pump, a_user
from tests.pages.conftest import logged_in
from tests.pages.test_guided import address, store, visit


@pytest.fixture
def pump(clinic: Clinic) -> Pump:
    return a_running_pump(clinic, filled_days_ago=80, now=timezone.now())


def keep(client: Client, pump: Pump, **values: Any) -> Any:
    return client.post(address(pump, "guided_draft"), {"counter": "1", **visit(pump), **values})


def test_what_is_typed_is_kept_and_there_again(pump: Pump, nurse: Client) -> None:
    answer = keep(nurse, pump, aspirated_ml="7.3", needle="seen", place="step-aspirate")
    assert answer.json()["state"] == "kept"
    assert "csrfmiddlewaretoken" not in VisitDraft.objects.get().values
    page = nurse.get(address(pump))
    form = page.context["form"]
    assert (form["aspirated_ml"].value(), form["needle"].value(), form["identity"].value()) == ("7.3", "seen", "on")
    assert form["place"].value() == "step-aspirate"
    assert not form.is_bound
    assert page.context["token"] == str(VisitDraft.objects.get().token)


def test_what_was_true_of_its_moment_is_asked_again_after_half_an_hour(pump: Pump, nurse: Client) -> None:
    keep(nurse, pump, aspirated_ml="7.3", place="step-aspirate")
    left = timezone.now() - guided_sheet.ASK_AGAIN_AFTER
    VisitDraft.objects.update(saved_at=left + timedelta(minutes=1))
    assert nurse.get(address(pump)).context["form"]["identity"].value() == "on"
    VisitDraft.objects.update(saved_at=left)
    page = nurse.get(address(pump))
    form = page.context["form"]
    assert form["aspirated_ml"].value() == "7.3"
    assert not any(form.initial.get(name) for name in ("identity", "drug_checked", "needle", "place"))
    assert 'data-ask-again="identity drug_checked needle refilled_at place"' in page.text


def test_rows_of_a_program_are_there_again(pump: Pump, nurse: Client) -> None:
    rows = {"steps-TOTAL_FORMS": "4", "steps-3-clock": "06:00", "steps-3-number": "10"}
    keep(nurse, pump, program="changed", **rows, **{"dose-mode": "flex", "dose-daily_dose_mcg": "240"})
    page = nurse.get(address(pump))
    assert page.context["dose"]["daily_dose_mcg"].value() == "240"
    assert page.context["steps"].forms[3]["clock"].value() == "06:00"


def test_it_is_offered_on_the_pump_and_in_the_nurses_day_to_nobody_else(
    pump: Pump, clinic: Clinic, nurse: Client, stranger: Client
) -> None:
    keep(nurse, pump)
    offered = "Go on with the visit"
    assert offered in nurse.get(reverse("pump", args=[pump.pk])).text
    assert offered in nurse.get(reverse("today")).text
    colleague = logged_in(a_user(Role.NURSE, clinic))
    for other in (colleague, stranger, logged_in(a_user(Role.AUDITOR, clinic))):
        assert offered not in other.get(reverse("today")).text
    assert offered not in colleague.get(reverse("pump", args=[pump.pk])).text
    assert colleague.get(address(pump)).context["draft"] is None


def test_a_window_that_is_behind_hears_of_it(pump: Pump, nurse: Client) -> None:
    token = str(uuid4())
    keep(nurse, pump, visit=token, counter="5")
    answer = keep(nurse, pump, visit=token, counter="4").json()
    assert (answer["state"], answer["counter"]) == ("newer", 5)


def test_a_window_that_is_built_on_something_older_hears_of_it(pump: Pump, nurse: Client) -> None:
    token = str(uuid4())
    keep(nurse, pump, visit=token, counter="5", base="0")
    answer = keep(nurse, pump, visit=token, counter="9", base="4").json()
    assert (answer["state"], answer["counter"]) == ("newer", 5)
    assert keep(nurse, pump, visit=token, counter="9", base="5").json()["state"] == "kept"


def test_a_page_of_another_pumps_visit_is_told_so(pump: Pump, clinic: Clinic, nurse: Client) -> None:
    other, token = a_running_pump(clinic, filled_days_ago=80, now=timezone.now()), str(uuid4())
    keep(nurse, other, visit=token)
    keep(nurse, pump)
    answer = keep(nurse, pump, visit=token, counter="2")
    assert (answer.status_code, answer.json()["state"]) == (400, "refused")
    assert "another visit" in answer.json()["said"]


def test_a_visit_that_is_stored_says_so_and_where(pump: Pump, nurse: Client) -> None:
    values = visit(pump)
    end = store(nurse, pump, values).redirect_chain[-1][0]
    answer = keep(nurse, pump, visit=values["visit"], counter="9").json()
    assert (answer["state"], answer["address"]) == ("stored", end)
    assert "Go on with the visit" not in nurse.get(reverse("today")).text


@pytest.mark.parametrize(
    "values",
    [
        {"counter": "x"},
        {"counter": "9" * 30},
        {"reason": "\x00"},
        {"reason": "9" * 30_000},
    ],
)
def test_rubbish_is_refused(pump: Pump, nurse: Client, values: dict[str, str]) -> None:
    answer = keep(nurse, pump, **values)
    assert (answer.status_code, answer.json()["state"]) == (400, "refused")


def test_it_is_kept_and_thrown_away_without_a_script(pump: Pump, nurse: Client) -> None:
    page = nurse.post(address(pump), {**visit(pump, aspirated_ml="7"), "step": "keep"}, follow=True)
    until = moment_words(VisitDraft.objects.get().saved_at + VisitDraftQuerySet.LIVES, pump.clinic.zone)
    assert f"Kept, not stored: go on with it until {until}." in page.text
    nurse.post(address(pump), {**visit(pump, aspirated_ml="6"), "step": "keep"})
    assert VisitDraft.objects.get().values["aspirated_ml"] == ["6"]
    page = nurse.post(address(pump, "guided_discard"), follow=True)
    assert "Thrown away" in page.text
    assert not VisitDraft.objects.exists()


def test_rows_are_added_and_a_residue_compared_without_a_script(pump: Pump, nurse: Client) -> None:
    page = nurse.post(address(pump), {**visit(pump, aspirated_ml="4"), "step": "compare"})
    assert "Less than expected" in page.text
    page = nurse.post(address(pump), {**visit(pump), "more": "steps"})
    assert len(page.context["steps"].forms) == 6
    assert pump.events.count() == 2

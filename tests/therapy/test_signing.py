"""What whoever signs a dose afterwards sees above the button."""

from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.test import Client

from clinics.models import Clinic
from clinics.roles import Role
from pumps.models import DoseSignature, Event, Pump
from pumps.services.entries import EventEntry
from tests.builders import NOW, a_clinic, a_dose, a_running_pump, a_user, recorded
from therapy.services import afterwards

pytestmark = pytest.mark.django_db


@pytest.fixture
def clinic() -> Clinic:
    return a_clinic()


@pytest.fixture
def pump(clinic: Clinic) -> Pump:
    return a_running_pump(clinic)


def codes(pump: Pump, event: Event) -> list[str]:
    draft = afterwards.looked_back(pump, event)
    return [found.code for found in afterwards.findings(pump, draft, NOW)]


def made(pump: Pump, dose: str, **fields: Any) -> Event:
    nurse = a_user(Role.NURSE, pump.clinic)
    return a_dose(pump, NOW - timedelta(hours=1), by=nurse, daily_dose_mcg=D(dose), **fields)


def page(event: Event, **values: Any) -> str:
    client = Client()
    client.force_login(a_user(Role.PRESCRIBER, event.pump.clinic))
    path = f"/patients/{event.pump.patient_id}/doses/{event.pk}/sign/"
    return (client.post(path, values, follow=True) if values else client.get(path)).text


def test_a_dose_that_was_made_stands_beside_the_one_before_it(pump: Pump) -> None:
    text = page(made(pump, "3000"))
    assert text.index("200 mcg/day") < text.index("+1400 %") < text.index('type="submit">Sign<')
    assert "is outside the range in the label" in text
    assert "the label&#x27;s step in titration is at most" in text
    assert "the same" in text
    assert "The pump is stopped" not in text


def test_it_is_held_against_what_ran_then_and_not_against_itself(pump: Pump) -> None:
    event = made(pump, "220")
    a_dose(pump, NOW - timedelta(minutes=10), daily_dose_mcg=D(900))
    draft = afterwards.looked_back(pump, event)
    assert draft.step is not None
    assert (draft.step.current_mcg, draft.change_words) == (D(200), "+10")
    assert not {"step_above_band", "stopped"} & set(codes(pump, event))


def test_a_pump_that_has_stopped_since_is_said_first(pump: Pump) -> None:
    event = made(pump, "220")
    recorded(pump, EventEntry(kind="stop", occurred_at=NOW - timedelta(minutes=30)))
    assert codes(pump, event)[0] == "stopped"
    assert "The pump is stopped: no drug is flowing" in page(event)


def test_a_stop_without_a_plan_and_a_first_dose_are_told(pump: Pump, clinic: Clinic) -> None:
    stop = made(pump, "0", mode="stopped")
    assert codes(pump, stop)[:2] == ["stop_without_plan", "stopped"]
    assert "Stopped" in page(stop)
    other = a_running_pump(clinic)
    first = Event.objects.filter(pump=other, kind="dose_change").get()
    assert "no_screening" in codes(other, first)


def test_what_was_said_stays_once_it_is_signed(pump: Pump) -> None:
    event = made(pump, "3000")
    page(event, note="seen")
    assert DoseSignature.objects.get(event=event).note == "seen"
    assert "+1400 %" in page(event)

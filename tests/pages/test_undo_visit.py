"""What was stored together is taken back together: one page, one reason, nothing unseen."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clinics.models import Clinic
from pumps.models import Event, Forecast, Pump
from pumps.services import booking, fleet
from tests.builders import a_refill, a_running_pump, a_user
from tests.pages.test_guided import store, visit
from tests.scheduling.visits import DAY, a_visit

NOT_DONE = {"choice": "not done"}


@pytest.fixture
def pump(clinic: Clinic) -> Pump:
    return a_running_pump(clinic, filled_days_ago=80, now=timezone.now())


@pytest.fixture
def stored(pump: Pump, nurse: Client) -> Any:
    """The page after a visit that changed the dose as well."""
    fleet.tick(timezone.now())
    return store(nurse, pump, visit(pump, program="changed", **{"dose-daily_dose_mcg": "210"}))


def of_visit(pump: Pump) -> tuple[Event, Event]:
    refill, dose = pump.events.order_by("-pk")[1], pump.events.latest("pk")
    assert (refill.kind, dose.kind) == ("refill", "dose_change")
    return refill, dose


def sent(page: Any, **values: Any) -> dict[str, Any]:
    return {"seen": page.context["seen"], "looked": page.context["looked"], **NOT_DONE, **values}


def test_one_undo_takes_back_refill_and_dose(pump: Pump, nurse: Client, stored: Any) -> None:
    refill, dose = of_visit(pump)
    path = reverse("void_event", args=[pump.pk, refill.pk])
    assert f'href="{path}?all=1"' in stored.text
    assert "Undo all of it" in stored.text
    page = nurse.get(path, {"all": "1"})
    assert "Stored together with it" in page.text
    assert [is_ticked for _entry, is_ticked in page.context["beside"]] == [True]
    answer = nurse.post(path, sent(page, also=str(dose.pk)), follow=True)
    assert "Marked as entered in error: Refill: 40 mL of 500 mcg/mL; Dose" in answer.text
    assert set(pump.events.filter(kind="void").values_list("voids", "reason")) == {
        (refill.pk, "not done"),
        (dose.pk, "not done"),
    }
    row = Forecast.objects.get(pump=pump)
    assert row.filled_at == pump.events.earliest("pk").occurred_at
    assert Event.objects.standing().filter(pump=pump).count() == 2
    assert pump.alerts.get(kind="refill_due").closed_at is None, "the reminder is open again"


def test_the_visit_of_today_comes_back_and_both_say_so(clinic: Clinic, pump: Pump, nurse: Client) -> None:
    now = timezone.now()
    todays = a_visit(pump, now, now=now, late_reason="away")
    booking.arrive(appointment_id=todays.pk, by=a_user(), now=now)
    a_refill(pump, now, now=now)
    path = reverse("void_event", args=[pump.pk, pump.events.latest("pk").pk])
    page = nurse.get(path)
    assert [said.other for said in page.context["visits"]] == [None]
    assert "comes back: Arrived." in page.text
    assert "is back: Arrived." in nurse.post(path, sent(page), follow=True).text
    todays.refresh_from_db()
    assert todays.state == "arrived"


def test_a_visit_booked_meanwhile_stays_and_the_page_says_what_that_means(
    clinic: Clinic, pump: Pump, nurse: Client
) -> None:
    now = timezone.now()
    todays = a_visit(pump, now, now=now, late_reason="away")
    booking.arrive(appointment_id=todays.pk, by=a_user(), now=now)
    a_refill(pump, now, now=now)
    path = reverse("void_event", args=[pump.pk, pump.events.latest("pk").pk])
    following = a_visit(pump, now + 40 * DAY, now=now)
    page = nurse.get(path)
    assert "it stays, so the visit of" in page.text
    assert reverse("cancel_visit", args=[following.pk]) in page.text
    assert "does not come back: another one is booked" in nurse.post(path, sent(page), follow=True).text
    todays.refresh_from_db()
    following.refresh_from_db()
    assert (todays.state, following.state) == ("cancelled", "booked")


def test_either_is_marked_alone(pump: Pump, nurse: Client, stored: Any) -> None:
    refill, dose = of_visit(pump)
    path = reverse("void_event", args=[pump.pk, dose.pk])
    page = nurse.get(path)
    assert [(entry.event, is_ticked) for entry, is_ticked in page.context["beside"]] == [(refill, False)]
    nurse.post(path, sent(page))
    assert list(pump.events.filter(kind="void").values_list("voids", flat=True)) == [dose.pk]
    again = nurse.get(reverse("void_event", args=[pump.pk, refill.pk]), {"all": "1"})
    assert again.context["beside"] == [], "what is an error already is not offered"


def test_what_was_ticked_otherwise_is_looked_at_first(pump: Pump, nurse: Client, stored: Any) -> None:
    refill, dose = of_visit(pump)
    path = reverse("void_event", args=[pump.pk, refill.pk])
    alone = nurse.get(path)
    asked = nurse.post(path, sent(alone, also=str(dose.pk)))
    assert "Nothing is marked yet" in asked.text
    assert not pump.events.filter(kind="void").exists()
    assert asked.context["lines"] != alone.context["lines"]
    nurse.post(path, sent(asked, also=str(dose.pk)))
    assert pump.events.filter(kind="void").count() == 2


@pytest.mark.parametrize("also", ["x", "999999999", "\x00", "9" * 40, "-1"])
def test_what_was_not_stored_with_it_is_not_marked(pump: Pump, nurse: Client, stored: Any, also: str) -> None:
    refill, _dose = of_visit(pump)
    other = pump.events.earliest("pk")
    path = reverse("void_event", args=[pump.pk, refill.pk])
    nurse.post(path, sent(nurse.get(path), also=[also, str(other.pk)]))
    assert list(pump.events.filter(kind="void").values_list("voids", flat=True)) == [refill.pk]


def test_a_refill_alone_has_one_undo(pump: Pump, nurse: Client) -> None:
    page = store(nurse, pump, visit(pump))
    assert "Undo (entered in error)" in page.text
    assert "?all=1" not in page.text
    path = reverse("void_event", args=[pump.pk, pump.events.latest("pk").pk])
    assert "Stored together" not in nurse.get(path).text


def test_a_page_whose_visit_was_taken_back_stores_nothing_and_says_so(pump: Pump, nurse: Client) -> None:
    values = visit(pump)
    store(nurse, pump, values)
    refill = pump.events.latest("pk")
    path = reverse("void_event", args=[pump.pk, refill.pk])
    nurse.post(path, sent(nurse.get(path)), follow=True)
    before = pump.events.count()
    page = store(nurse, pump, {**values, "filled_ml": "39"})
    assert "marked as entered in error since" in page.text
    assert pump.events.count() == before

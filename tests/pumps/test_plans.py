"""Planned dose changes: a plan until somebody says that it was programmed."""

from datetime import datetime, timedelta
from decimal import Decimal as D

import pytest

from clinical.ledger import ProgramChange
from clinics.errors import Conflict, Impossible
from pumps import folding
from pumps.models import Event, Pump
from pumps.services import consequences, fleet, ledger, plans
from pumps.services.entries import DoseEntry
from tests.builders import NOW, a_dose, a_refill, a_running_pump, a_user

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def planned(pump: Pump) -> list[bool]:
    return [fact.is_planned for fact in folding.ledgers([pump.pk])[pump.pk] if isinstance(fact, ProgramChange)]


def confirm(pump: Pump, event: Event, now: datetime) -> Event:
    return plans.confirm(pump_id=pump.pk, event=event, user=a_user(), source="page", now=now)


def test_a_dose_is_planned_if_it_is_entered_before_its_moment() -> None:
    pump = a_running_pump()
    assert not a_dose(pump, NOW).is_planned
    assert a_dose(pump, NOW + DAY, daily_dose_mcg=D(210)).is_planned
    assert planned(pump) == [False, False, True]


def test_a_plan_is_confirmed_once_its_moment_has_come_and_only_once() -> None:
    pump = a_running_pump()
    plan = a_dose(pump, NOW + DAY, daily_dose_mcg=D(210))
    with pytest.raises(Impossible, match="not come yet"):
        confirm(pump, plan, NOW)
    event = confirm(pump, plan, NOW + 2 * DAY)
    assert (event.kind, event.confirms_at, event.source) == ("dose_confirmed", plan.occurred_at, "page")
    assert planned(pump) == [False, False]
    assert fleet.compare([pump.pk], now=NOW + 2 * DAY) == []
    with pytest.raises(Impossible, match="no plan"):
        confirm(pump, plan, NOW + 3 * DAY)


def test_a_confirmation_entered_in_error_leaves_the_plan() -> None:
    pump = a_running_pump()
    plan = a_dose(pump, NOW + DAY, daily_dose_mcg=D(210))
    event, later = confirm(pump, plan, NOW + 2 * DAY), NOW + 3 * DAY
    ledger.void(pump_id=pump.pk, event_id=event.pk, reason="slip", user=a_user(), source="page", now=later)
    assert planned(pump) == [False, True]
    assert fleet.compare([pump.pk], now=later) == []
    confirm(pump, plan, later + DAY)
    assert planned(pump) == [False, False]


def test_a_plan_in_error_and_an_entry_that_is_none_are_not_confirmed() -> None:
    pump = a_running_pump()
    made, filled = a_dose(pump, NOW - DAY, daily_dose_mcg=D(205)), a_refill(pump, NOW - DAY, aspirated_ml=D(28))
    plan = a_dose(pump, NOW + DAY, daily_dose_mcg=D(210))
    ledger.void(pump_id=pump.pk, event_id=plan.pk, reason="put off", user=a_user(), source="page", now=NOW)
    for event in (made, plan):
        with pytest.raises(Impossible):
            confirm(pump, event, NOW + 2 * DAY)
    with pytest.raises(Conflict):
        confirm(pump, filled, NOW + 2 * DAY)
    assert not pump.events.filter(kind="dose_confirmed").exists()


def test_what_was_programmed_otherwise_replaces_the_plan() -> None:
    pump, later = a_running_pump(), NOW + 2 * DAY
    plan = a_dose(pump, NOW + DAY, daily_dose_mcg=D(210))
    right = DoseEntry(effective_at=NOW + DAY, mode="simple_continuous", daily_dose_mcg=D(220))
    ledger.void(
        pump_id=pump.pk, event_id=plan.pk, reason="220", user=a_user(), source="page", now=later, replacement=right
    )
    assert planned(pump) == [False, False]


def test_a_preview_is_of_what_will_be_stored() -> None:
    pump = a_running_pump()
    entry = DoseEntry(effective_at=NOW + DAY, mode="simple_continuous", daily_dose_mcg=D(210))
    found = consequences.of_entry(pump, entry, now=NOW)
    assert found.event.is_planned
    assert not consequences.of_entry(pump, entry, now=NOW + 2 * DAY).event.is_planned

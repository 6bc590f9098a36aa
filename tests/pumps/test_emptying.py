"""Fills on top of what was in the pump: refused where they cannot be, asked about where they are unlikely."""

from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest

from clinical.ledger import Emptying, Fill
from clinics.errors import Impossible, NeedsConfirmation
from pumps import folding, forecasting
from pumps.models import Event, Forecast, Pump
from pumps.services import fleet, ledger
from pumps.services.entries import RefillEntry
from tests.builders import NOW, a_pump, a_refill, a_running_pump, a_user

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def fills(pump: Pump) -> list[Fill]:
    return [fact for fact in folding.ledgers([pump.pk])[pump.pk] if isinstance(fact, Fill)]


def record(pump: Pump, *confirmed: str, **fields: Any) -> Event:
    values = {"refilled_at": NOW, "filled_ml": D(10), "concentration_mcg_per_ml": D(500), **fields}
    entry = RefillEntry(**values)
    return ledger.record(pump_id=pump.pk, entry=entry, user=a_user(), source="page", now=NOW, confirmed=confirmed)


def test_what_nobody_says_is_a_pump_that_was_emptied() -> None:
    pump = a_running_pump()
    assert [fill.emptying for fill in fills(pump)] == [Emptying.EMPTIED]
    assert pump.events.get(kind="dose_change").emptying == ""


@pytest.mark.parametrize(("emptying", "aspirated"), [("partial", D(3)), ("top_up", None), ("top_up", D(0))])
def test_a_fill_on_top_is_stored_and_folded(emptying: str, aspirated: D | None) -> None:
    pump = a_running_pump()  # 28 mL are left
    event = record(pump, emptying=emptying, aspirated_ml=aspirated)
    assert (event.emptying, event.aspirated_ml) == (emptying, aspirated)
    assert fills(pump)[-1].emptying == Emptying(emptying)
    assert fleet.compare([pump.pk], now=NOW) == []


@pytest.mark.parametrize(
    ("fields", "field", "said"),
    [
        ({"emptying": "top_up", "aspirated_ml": D(1)}, "aspirated_ml", "nothing is taken out"),
        ({"emptying": "top_up", "concentration_mcg_per_ml": D(2000), "programmed_concentration_mcg_per_ml": D(2000)},
         "emptying", "record it as emptied"),
        ({"emptying": "partial", "aspirated_ml": D(5), "concentration_mcg_per_ml": D(2000),
          "programmed_concentration_mcg_per_ml": D(2000)}, "emptying", "holds 500 mcg/mL"),
    ],
)  # fmt: skip
def test_what_cannot_be_names_its_field_and_the_fix(fields: dict[str, Any], field: str, said: str) -> None:
    pump = a_running_pump()
    with pytest.raises(Impossible) as error:
        record(pump, **fields)
    assert list(error.value.errors) == [field]
    assert said in error.value.errors[field][0]
    assert pump.events.count() == 2


@pytest.mark.parametrize("emptying", ["partial", "top_up"])
def test_a_first_fill_goes_into_an_empty_pump(emptying: str) -> None:
    pump = a_pump()
    with pytest.raises(Impossible) as error:
        record(pump, emptying=emptying)
    assert list(error.value.errors) == ["emptying"]
    assert record(pump, emptying="emptied", filled_ml=D(40)).pk


def test_a_late_entry_cannot_put_another_drug_under_a_top_up() -> None:
    pump = a_running_pump()
    record(pump, emptying="top_up")
    other = {"concentration_mcg_per_ml": D(2000), "programmed_concentration_mcg_per_ml": D(2000), "filled_ml": D(40)}
    with pytest.raises(Impossible) as error:
        record(pump, refilled_at=NOW - DAY, **other)
    assert list(error.value.errors) == ["concentration_mcg_per_ml"]
    a_refill(pump, NOW - 40 * DAY, **other)  # before the fill that emptied the pump


@pytest.mark.parametrize(
    ("emptying", "aspirated", "filled", "asked"),
    [
        ("top_up", None, D(11), []),
        ("top_up", None, D(15), ["overfilled"]),
        ("partial", D(10), D(20), []),
        ("partial", D(10), D(25), ["overfilled"]),
        ("partial", None, D(5), ["aspirated_not_said"]),
        ("emptied", D(28), D(40), []),
    ],
)
def test_more_than_the_reservoir_holds_is_a_doubt(
    emptying: str, aspirated: D | None, filled: D, asked: list[str]
) -> None:
    pump = a_running_pump()
    fields = {"emptying": emptying, "aspirated_ml": aspirated, "filled_ml": filled}
    if asked:
        with pytest.raises(NeedsConfirmation) as doubted:
            record(pump, **fields)
        assert [doubt.code for doubt in doubted.value.doubts] == asked
        assert pump.events.count() == 2
    assert record(pump, *asked, **fields).filled_ml == filled


def test_part_of_the_residue_is_no_measurement() -> None:
    """28 mL are expected: 3 mL aspirated would ask for a look if the pump had been emptied."""
    pump = a_running_pump()
    with pytest.raises(NeedsConfirmation) as doubted:
        record(pump, emptying="emptied", aspirated_ml=D(3))
    assert [doubt.code for doubt in doubted.value.doubts] == ["aspirated_unexpected"]
    record(pump, emptying="partial", aspirated_ml=D(3))


def test_a_void_of_a_top_up_restores_the_forecast() -> None:
    pump = a_running_pump()
    before = Forecast.objects.get(pump=pump)
    event = record(pump, emptying="top_up")
    ledger.void(pump_id=pump.pk, event_id=event.pk, reason="slip", user=a_user(), source="page", now=NOW)
    assert forecasting.differs(before, Forecast.objects.get(pump=pump)) == []

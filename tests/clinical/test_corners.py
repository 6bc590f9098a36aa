"""Numbers at their ends: nothing raises or warns (warnings are errors), and dates are finite or none."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from clinical.forecast import forecast, forecast_fleet, volumes
from clinical.ledger import Interrogation, LedgerEvent, ProgramChange, PumpBolus, ReservoirAccess
from clinical.programs import Bolus, Mode, Program, checked
from tests.clinical.ledgers import RULES, START, a_device, after, dose, facts, fill, shaped, stop


@pytest.mark.parametrize(
    "between",
    [
        pytest.param([], id="no time between"),
        pytest.param([PumpBolus(after(0), dose_mcg=Decimal(500))], id="a bolus and no time"),
        pytest.param([stop(0)], id="stopped at once"),
    ],
)
def test_two_fills_with_nothing_programmed_between_do_not_calibrate_by_dividing_by_nothing(
    between: list[LedgerEvent],
) -> None:
    at_once = replace(fill(0, "40", "39"), at=after(0) + timedelta(seconds=1))
    found = forecast(a_device(), [fill(0), *between, at_once, dose(0.25)], RULES)
    assert found.flow_ratio.mean == pytest.approx(1.0, abs=0.01)
    assert found.programmed_low_at == after(95.25)


@pytest.mark.parametrize("mcg", ["0.0001", "0.000000001", "1E-30"])
@pytest.mark.parametrize("is_shaped", [False, True])
def test_a_tiny_dose_is_never_low(mcg: str, is_shaped: bool) -> None:
    tiny = dose(0, mcg)
    if is_shaped:
        program = Program(Mode.PERIODIC_BOLUS, Decimal(mcg), (), (Bolus(60, Decimal(mcg)),))
        tiny = ProgramChange(after(0), checked(program), 0)
    found = forecast(a_device(), [fill(0), tiny, fill(100, "40", "40")], RULES)
    assert (found.programmed_low_at, found.low_at, found.earliest_low_at) == (None, None, None)
    assert found.flow_ratio.mean == pytest.approx(1.0)
    assert found.refill_by == after(100 + 173)


def test_a_huge_dose_is_low_at_once() -> None:
    found = forecast(a_device(), [fill(0), dose(0, "1E12")], RULES)
    assert found.programmed_low_at == START


@pytest.mark.parametrize("aspirated", ["0", "3", None])
def test_a_fill_of_nothing_is_low_and_empty_at_once(aspirated: str | None) -> None:
    ledger: list[LedgerEvent] = [fill(0), dose(0), fill(50, "0", aspirated)]
    found = forecast(a_device(), ledger, RULES)
    assert found.programmed_low_at == found.low_at == found.earliest_low_at == found.programmed_empty_at == after(50)
    assert volumes(facts(), ledger, [after(50), after(60)]).programmed == [0.0, 0.0]


def test_an_access_that_takes_out_more_than_there_is_leaves_nothing() -> None:
    ledger: list[LedgerEvent] = [fill(0), dose(0), ReservoirAccess(after(10), Decimal(99), Decimal(0))]
    assert forecast(a_device(), ledger, RULES).programmed_empty_at == after(10)
    assert volumes(facts(), ledger, [after(11)]).programmed == [0.0]


@pytest.mark.parametrize("year", [1971, 2199, 2300, 9000])
def test_moments_far_away_give_dates_or_none(year: int) -> None:
    shift = datetime(year, 1, 1, tzinfo=UTC) - START
    ledger: list[LedgerEvent] = [replace(event, at=event.at + shift) for event in (fill(0), dose(0))]
    found = forecast(a_device(), ledger, RULES)
    expected = START + shift + timedelta(days=95)
    assert found.programmed_low_at == (expected if year < 2200 else None)
    assert found.filled_at == START + shift


def test_a_low_date_beyond_2200_is_none_and_one_before_is_not() -> None:
    """38 mL in 63,500 days are 0.0005984 mL/day: 0.2992 mcg/day; 2200 is 63,492 days off."""
    assert forecast(a_device(), [fill(0), dose(0, "0.2992")], RULES).programmed_low_at is None
    found = forecast(a_device(), [fill(0), dose(0, "0.2995")], RULES).programmed_low_at
    assert found is not None
    assert found.year == 2199


def test_thousands_of_events_in_one_pump_add_up() -> None:
    """6,000 boluses of 0.001 mL and as many readings in 60 days: 6 mL beside the 24 mL of the program."""
    many: list[LedgerEvent] = []
    for number in range(6000):
        at = after(number / 100)
        many += [PumpBolus(at, volume_ml=Decimal("0.001")), Interrogation(at + timedelta(minutes=5))]
    ledger = [fill(0), dose(0), *many]
    found = forecast(a_device(), ledger, RULES).programmed_low_at
    assert found is not None
    assert abs(found - after(60 + 8 / 0.4)) <= timedelta(seconds=1)
    assert volumes(facts(), ledger, [after(60)]).programmed == [pytest.approx(10, abs=1e-9)]


def test_hundreds_of_refills_leave_the_last_fill_as_if_it_were_the_first() -> None:
    refills: list[LedgerEvent] = [fill(20 * number, "20", "12") for number in range(1, 400)]
    found = forecast(
        a_device(), [fill(0, "20"), shaped(0, "200", [(0, "10"), (600, "0")], [(900, "100")]), *refills], RULES
    )
    alone: list[LedgerEvent] = [shaped(0, "200", [(0, "10"), (600, "0")], [(900, "100")]), fill(20 * 399, "20", "12")]
    assert found.programmed_low_at == forecast(a_device(), alone, RULES).programmed_low_at
    assert found.flow_ratio.refills == 399
    assert found.flow_ratio.mean == pytest.approx(1, abs=1e-9)


def test_pumps_without_events_between_others_change_nothing() -> None:
    ledgers: list[list[LedgerEvent]] = [[], [fill(0), dose(0)], [], [], [dose(0), fill(2)], []]
    found = forecast_fleet([a_device()] * 6, ledgers, [RULES] * 6)
    assert [each.programmed_low_at for each in found] == [None, after(95), None, None, after(97), None]
    assert [each.unknown_reason for each in found] == ["no_fill", "", "no_fill", "no_fill", "", "no_fill"]


@pytest.mark.parametrize("low", ["0", "40", "41"])
def test_a_low_level_of_nothing_or_of_all_there_is(low: str) -> None:
    found = forecast(a_device(low), [fill(0), dose(0)], RULES)
    assert found.programmed_low_at == (after(100) if low == "0" else START)

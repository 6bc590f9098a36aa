from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from math import isclose

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinical.forecast import forecast, forecast_fleet, volumes
from clinical.ledger import Bridge, Fill, LedgerEvent, Motor, MotorChange, ProgramChange, PumpBolus, ReservoirAccess
from tests.clinical.ledgers import RULES, START, a_device, after, dose, facts, fill, shaped, stop
from tests.clinical.stepping import first_minute_at_or_below

HOUR = 3600

LEDGERS: dict[str, Sequence[LedgerEvent]] = {
    "continuous": [fill(0), dose(0)],
    "dose before the first fill": [dose(-3), fill(0)],
    "dose raised": [fill(0), dose(0), dose(20.5, "333")],
    "stopped a while": [fill(0), dose(0), stop(10), dose(13.25, "200")],
    "concentration raised": [fill(0), dose(0), fill(60, aspirated="16", concentration="2000")],
    "not reprogrammed": [fill(0), dose(0), fill(60, aspirated="16", concentration="2000", programmed="500")],
    "flex on a clock behind UTC": [
        fill(0),
        shaped(0, "129.5", [(360, "4.0469"), (1320, "8.0938")], offset_s=-5 * HOUR),
    ],
    "flex on a clock ahead, half an hour": [fill(0), shaped(0, "300", [(15, "10"), (720, "15")], offset_s=19800)],
    "periodic boluses": [fill(0), shaped(0, "300", [], [(0, "100"), (481, "50"), (1439, "150")])],
    "boluses on a background with pauses": [fill(0), shaped(0, "200", [(0, "10"), (600, "0")], [(900, "100")])],
    "flex, then continuous": [fill(0), shaped(0, "300", [(0, "5"), (720, "20")]), dose(33.3, "150")],
}


@pytest.mark.parametrize("name", LEDGERS)
def test_dates_agree_with_an_independent_minute_by_minute_calculation(name: str) -> None:
    found = forecast(a_device(), LEDGERS[name], RULES)
    low, empty = first_minute_at_or_below(LEDGERS[name], "2"), first_minute_at_or_below(LEDGERS[name], "0")
    assert low is not None
    assert empty is not None
    # Stepping says the end of the minute in which it happens (boluses at its start).
    assert found.programmed_low_at is not None
    assert timedelta(seconds=-1) <= low - found.programmed_low_at <= timedelta(seconds=61)
    assert found.programmed_empty_at is not None
    assert timedelta(seconds=-1) <= empty - found.programmed_empty_at <= timedelta(seconds=61)


def test_a_plain_pump_by_hand() -> None:
    """40 mL at 200 mcg/day of 500 mcg/mL is 0.4 mL/day: 38 mL last 95 days, 40 mL 100 days."""
    found = forecast(a_device(), [fill(0), dose(0)], RULES)
    assert found.programmed_low_at == after(95)
    assert found.programmed_empty_at == after(100)


def test_a_constant_flow_pump_flows_at_its_factory_rate_whatever_the_dose() -> None:
    device = a_device(facts=facts("0", factory_flow="0.5", programmable=False))
    assert forecast(device, [fill(0, "16")], RULES).programmed_empty_at == after(32)
    assert forecast(device, [fill(0, "16"), dose(0, "999")], RULES).programmed_empty_at == after(32)


def test_a_fill_at_or_below_the_low_level_is_low_at_once() -> None:
    for filled in ("2", "1.5", "0"):
        found = forecast(a_device(), [fill(0, filled), dose(0)], RULES)
        assert found.programmed_low_at == START
    assert forecast(a_device(), [fill(0, "0"), dose(0)], RULES).programmed_empty_at == START


def test_a_planned_dose_change_counts() -> None:
    assert forecast(a_device(), [fill(0), dose(0), dose(50, "400")], RULES).programmed_low_at == after(50 + 18 / 0.8)


def test_a_stopped_pump_has_no_volume_dates() -> None:
    found = forecast(a_device(), [fill(0), dose(0), stop(10)], RULES)
    assert (found.programmed_low_at, found.low_at, found.earliest_low_at, found.empty_at) == (None,) * 4


def test_a_stop_planned_after_the_low_date_changes_no_low_date() -> None:
    found = forecast(a_device(), [fill(0), dose(0), stop(97)], RULES)
    assert found.programmed_low_at == after(95)
    assert found.programmed_empty_at is None


def test_a_first_dose_long_after_the_fill_is_taken_to_have_run_since() -> None:
    """40 mL, the first dose recorded 30 days later: pessimistic, and said."""
    found = forecast(a_device(), [fill(0), dose(30)], RULES)
    assert found.programmed_low_at == after(95)
    assert found.unknown_reason == "dose_unseen"


def test_a_first_dose_within_a_day_of_the_fill_is_the_start() -> None:
    found = forecast(a_device(), [fill(0), dose(0.25)], RULES)
    assert found.programmed_low_at == after(95.25)
    assert found.unknown_reason == ""


def test_a_flow_too_small_for_any_calendar_is_never_low() -> None:
    found = forecast(a_device(), [fill(0), dose(0, "0.001")], RULES)
    assert found.programmed_low_at is None
    assert found.refill_by == after(173)  # the longest interval still counts


@pytest.mark.parametrize("offset_hours", [-12, -5, -4, 0, 5, 11])
def test_a_volume_met_exactly_by_a_bolus_is_met_by_it(offset_hours: int) -> None:
    """17 mL at 0.04 mL a bolus is exactly 425 boluses: no rounding may add one, wherever the pump's day begins."""
    boluses = [(0, "20"), (235, "20"), (1360, "20")]
    for start in (0, 0.25, 0.521, 0.9):
        ledger: list[LedgerEvent] = [fill(start, "20"), shaped(start, "60", [], boluses, offset_s=offset_hours * HOUR)]
        found = forecast(a_device("3"), ledger, RULES).programmed_low_at
        assert found is not None
        around = [found - timedelta(seconds=30), found + timedelta(seconds=30)]
        assert volumes(facts("3"), ledger, around).programmed == [pytest.approx(3.04), pytest.approx(3.0)]


def test_a_bolus_due_when_its_program_begins_is_given() -> None:
    ledger: list[LedgerEvent] = [fill(0, "20"), shaped(0, "60", [], [(12 * 60, "60")])]
    expected = first_minute_at_or_below(ledger, "2")
    assert expected is not None
    assert forecast(a_device(), ledger, RULES).programmed_low_at == expected - timedelta(minutes=1)


def test_the_volume_curve_falls_from_the_fill_and_never_below_zero() -> None:
    moments = [after(-1), after(0), after(50), after(200)]
    curve = volumes(facts(), [fill(0), dose(0)], moments)
    assert curve.programmed[1:] == [40.0, pytest.approx(20.0), 0.0]
    assert curve.programmed[0] != curve.programmed[0]  # nan: nothing is known before the first fill
    assert curve.low[2] < curve.expected[2] < curve.high[2]
    assert curve.flow_ml_per_day[2] == pytest.approx(0.4)


def test_volume_and_date_agree() -> None:
    ledger = LEDGERS["flex, then continuous"]
    low_at = forecast(a_device(), ledger, RULES).programmed_low_at
    assert low_at is not None
    assert isclose(volumes(facts(), ledger, [low_at]).programmed[0], 2.0, abs_tol=1e-4)


def test_no_pumps_and_a_pump_without_events() -> None:
    assert forecast_fleet([], [], []) == []
    assert forecast(a_device(), [], RULES).unknown_reason == "no_fill"
    with_and_without = forecast_fleet([a_device()] * 3, [[], [fill(0), dose(0)], []], [RULES] * 3)
    assert [found.programmed_low_at for found in with_and_without] == [None, after(95), None]


quarter_hours = st.integers(0, 4 * 24 * 120).map(lambda quarters: quarters / 96)


@st.composite
def a_ledger(draw: st.DrawFn) -> list[LedgerEvent]:
    first_dose = str(draw(st.integers(20, 1500)))
    events: list[LedgerEvent] = [fill(0, str(draw(st.integers(5, 40)))), dose(0, first_dose)]
    for days in draw(st.lists(quarter_hours, max_size=5, unique=True)):
        kind = draw(st.sampled_from(["fill", "dose", "flex", "bolus", "stop", "motor", "once", "bridge", "access"]))
        if kind == "fill":
            aspirated = str(draw(st.one_of(st.none(), st.integers(0, 10))) or "0")
            events.append(
                fill(days + 1, str(draw(st.integers(3, 40))), aspirated, draw(st.sampled_from(["500", "2000"])))
            )
        elif kind == "dose":
            events.append(dose(days, str(draw(st.integers(20, 1500)))))
        elif kind == "flex":
            events.append(
                shaped(days, "300", [(360, "10"), (1080, "15")], offset_s=draw(st.sampled_from([0, -18000, 19800])))
            )
        elif kind == "bolus":
            events.append(shaped(days, "100", [], [(480, "60"), (1200, "40")]))
        elif kind == "motor":
            events.append(MotorChange(after(days), draw(st.sampled_from(list(Motor)))))
        elif kind == "once":
            events.append(PumpBolus(after(days), dose_mcg=Decimal(draw(st.integers(1, 400)))))
        elif kind == "bridge":
            events.append(Bridge(after(days), Decimal("0.3"), Decimal(draw(st.integers(1, 90)))))
        elif kind == "access":
            events.append(ReservoirAccess(after(days), Decimal(draw(st.integers(0, 5))), Decimal(0)))
        else:
            events.append(stop(days))
    return events


@settings(max_examples=60, deadline=None)
@given(ledgers=st.lists(a_ledger(), min_size=1, max_size=6))
def test_one_pump_and_a_fleet_give_the_same_bits(ledgers: list[list[LedgerEvent]]) -> None:
    devices, rules = [a_device()] * len(ledgers), [RULES] * len(ledgers)
    together = forecast_fleet(devices, ledgers, rules)
    assert together == [forecast(a_device(), ledger, RULES) for ledger in ledgers]


@settings(max_examples=40, deadline=None)
@given(ledger=a_ledger(), random=st.randoms())
def test_the_order_of_entry_does_not_matter(ledger: list[LedgerEvent], random: object) -> None:
    shuffled = list(ledger)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis gives a random.Random
    # Two events of one kind at one moment cannot stand in a ledger.
    assert len({(event.at, type(event)) for event in ledger}) < len(ledger) or (
        forecast(a_device(), shuffled, RULES) == forecast(a_device(), ledger, RULES)
    )


@settings(max_examples=40, deadline=None)
@given(ledger=a_ledger())
def test_the_volume_never_rises_without_a_fill_and_is_never_negative(ledger: list[LedgerEvent]) -> None:
    fills = {event.at for event in ledger if isinstance(event, Fill)}
    moments = [START + timedelta(hours=7 * step) for step in range(500)]
    curve = volumes(facts(), ledger, moments).programmed
    assert min(curve) >= 0
    for (start, before), (end, after_) in zip(
        zip(moments, curve, strict=True), list(zip(moments, curve, strict=True))[1:], strict=False
    ):
        if not any(start < at <= end for at in fills):
            assert after_ <= before + 1e-9


@settings(max_examples=40, deadline=None)
@given(ledger=a_ledger(), more=st.floats(1.0, 3.0))
def test_more_dose_is_never_later(ledger: list[LedgerEvent], more: float) -> None:
    def scaled(event: LedgerEvent) -> LedgerEvent:
        if not isinstance(event, ProgramChange) or event.program.steps or event.program.boluses:
            return event
        if event.program.daily_dose_mcg == 0:
            return event
        return dose((event.at - START) / timedelta(days=1), str(round(float(event.program.daily_dose_mcg) * more, 3)))

    less = forecast(a_device(), ledger, RULES).programmed_low_at
    greater = forecast(a_device(), [scaled(event) for event in ledger], RULES).programmed_low_at
    assert less is None or (greater is not None and greater <= less + timedelta(seconds=1))


@settings(max_examples=20, deadline=None)
@given(days=st.integers(0, 20))
def test_an_earlier_fill_is_never_a_later_date(days: int) -> None:
    def low(shift: int) -> datetime:
        found = forecast(a_device(), [dose(-30), fill(30 - shift)], RULES).programmed_low_at
        assert found is not None
        return found

    assert low(days) <= low(0)

"""Fills of all sorts, plans and deadlines, by hand: 0.4 mL/day, so 38 mL above the low level are 95 days."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from clinical.dates import Limit
from clinical.forecast import forecast, volumes
from clinical.ledger import (
    Bridge,
    Emptying,
    Fill,
    Interrogation,
    LedgerEvent,
    Motor,
    MotorChange,
    ProgramChange,
    PumpBolus,
    ReservoirAccess,
)
from clinical.terms import ClinicRules, Product
from tests.clinical.ledgers import RULES, a_device, after, dose, facts, fill, stop


def top_up(days: float, filled: str, **fields: object) -> Fill:
    return replace(fill(days, filled), emptying=Emptying.TOP_UP, **fields)  # type: ignore[arg-type]


def partly(days: float, filled: str, aspirated: str | None) -> Fill:
    return replace(fill(days, filled, aspirated), emptying=Emptying.PARTIAL)


RUNNING: tuple[LedgerEvent, ...] = (fill(0, "30"), dose(0))


@pytest.mark.parametrize(
    ("later", "low_after_days"),
    [
        pytest.param([top_up(20, "10")], 95, id="30 - 8 + 10, from day 20"),
        pytest.param([partly(20, "10", "4")], 85, id="taken out 4, put in 10"),
        pytest.param([partly(20, "10", None)], 40, id="what was left is not known: it may be nothing"),
        pytest.param([top_up(20, "10"), top_up(40, "4")], 105, id="two on top"),
        pytest.param([top_up(20, "10"), fill(50, "20", "20")], 95, id="emptied afterwards"),
        pytest.param([partly(20, "1", "11")], 45, id="more out than in"),
        pytest.param([partly(20, "0", "22")], 20, id="nothing left"),
    ],
)
def test_the_volume_goes_on_where_the_reservoir_was_not_emptied(later: list[LedgerEvent], low_after_days: int) -> None:
    assert forecast(a_device(), [*RUNNING, *later], RULES).programmed_low_at == after(low_after_days)


@pytest.mark.parametrize("later", [[top_up(20, "10")], [partly(20, "16", "6")], [top_up(20, "6"), top_up(30, "4")]])
def test_an_interval_telescopes_over_what_was_put_in_between(later: list[LedgerEvent]) -> None:
    """40 mL in all and 18 programmed in 45 days; 21 aspirated are 19 delivered, as without the top-up."""
    split = forecast(a_device(), [*RUNNING, *later, fill(45, "40", "21")], RULES).flow_ratio
    whole = forecast(a_device(), [fill(0, "40"), dose(0), fill(45, "40", "21")], RULES).flow_ratio
    assert split.refills == 1
    assert split.mean == pytest.approx(whole.mean)


def test_the_drug_dates_are_the_earliest_of_what_is_in_the_pump() -> None:
    late = top_up(20, "10", stability_days=90, drug_expires_on=date(2026, 9, 1))
    first = replace(fill(0, "30"), stability_days=100, drug_expires_on=date(2027, 1, 1))
    found = forecast(a_device(), [first, dose(0, "50"), late], RULES)
    assert found.drug_expires_at == after(100)
    assert (found.filled_at, found.max_interval_at) == (after(20), after(180))
    short = forecast(a_device(), [first, dose(0, "50"), replace(late, stability_days=60)], RULES)
    assert (short.drug_expires_at, short.limiting_factor) == (after(80), Limit.STABILITY)
    lot = forecast(a_device(), [first, dose(0, "50"), replace(late, drug_expires_on=date(2026, 4, 1))], RULES)
    assert (lot.drug_expires_at, lot.limiting_factor) == (datetime(2026, 4, 1, 4, tzinfo=UTC), Limit.LOT_EXPIRY)
    emptied = forecast(a_device(), [first, dose(0, "50"), late, fill(50, "40", "20")], RULES)
    assert (emptied.drug_expires_at, emptied.max_interval_at) == (None, after(230))


@pytest.mark.parametrize("first", [top_up(0, "40"), partly(0, "40", "5"), top_up(0, "40", aspirated_ml=Decimal(0))])
def test_a_first_fill_of_a_pump_not_emptied_counts_as_a_fill(first: Fill) -> None:
    found = forecast(a_device(), [first, dose(0)], RULES)
    assert (found.programmed_low_at, found.filled_at, found.unknown_reason) == (after(95), after(0), "")
    assert "aspirated_zero" not in {finding.code for finding in found.findings}


def test_what_was_in_a_pump_before_its_first_known_fill_does_not_calibrate() -> None:
    """10 mL on top of what nobody knows: 12 mL aspirated after 18 programmed say nothing of the flow."""
    ledger: list[LedgerEvent] = [top_up(0, "10"), dose(0), fill(45, "40", "12"), fill(90, "40", "22")]
    found = forecast(a_device(), ledger, RULES)
    assert found.flow_ratio.refills == 1
    assert found.flow_ratio.mean == pytest.approx(1.0)
    assert "calibrated_deviation" not in {finding.code for finding in found.findings}


def planned(days: float, mcg: str) -> ProgramChange:
    return replace(dose(days, mcg), is_planned=True)


@pytest.mark.parametrize(
    ("later", "stands"),
    [
        pytest.param([planned(20, "300")], True, id="planned"),
        pytest.param([dose(20, "300")], False, id="confirmed"),
        pytest.param([planned(20, "300"), dose(30, "250")], False, id="another took its place"),
        pytest.param([planned(20, "300"), Interrogation(after(20), daily_dose_mcg=Decimal(300))], False, id="shown"),
        pytest.param(
            [planned(20, "300"), Interrogation(after(21), daily_dose_mcg=Decimal(200))], True, id="other dose"
        ),
        pytest.param([planned(20, "300"), Interrogation(after(19), daily_dose_mcg=Decimal(300))], True, id="before"),
    ],
)
def test_a_plan_counts_and_asks_to_be_confirmed(later: Sequence[LedgerEvent], stands: bool) -> None:
    found = forecast(a_device(), [fill(0), dose(0), *later], RULES)
    assert ("plan_unconfirmed" in {finding.code for finding in found.findings}) is stands
    alone = forecast(a_device(), [fill(0), dose(0), planned(20, "300")], RULES)
    assert alone.programmed_low_at == after(20 + 30 / 0.6)


def test_a_clinics_product_sets_its_stability_and_interval() -> None:
    products = {"lioresal 500": Product("Lioresal 500", 60, 90)}
    rules = ClinicRules(RULES.timezone, 7, 180, products=products)
    of_product = replace(fill(0), formulation="  LIORESAL  500")
    found = forecast(a_device(), [of_product, dose(0, "50")], rules)
    assert (found.drug_expires_at, found.max_interval_at, found.refill_by) == (after(60), after(90), after(53))
    recorded = forecast(a_device(), [replace(of_product, stability_days=120), dose(0, "50")], rules)
    assert (recorded.drug_expires_at, recorded.limiting_factor) == (after(120), Limit.MAX_INTERVAL)


def test_a_replacement_indicator_ends_the_service_90_days_later_unless_life_does() -> None:
    shown = Interrogation(after(10), alarms=("replacement_due",))
    again = Interrogation(after(60), alarms=("replacement_due",))
    assert forecast(a_device(), [fill(0), dose(0), again, shown], RULES).service_ends_at == after(100)
    old = a_device(implanted_on=date(2019, 3, 20))
    assert forecast(old, [shown], RULES).service_ends_at == datetime(2026, 3, 20, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("ledger", "reason", "limit"),
    [
        ([fill(0), dose(30)], "dose_unseen", Limit.UNKNOWN),
        ([fill(0), stop(30)], "dose_unseen", Limit.UNKNOWN),
        ([fill(0), dose(0), MotorChange(after(9), Motor.STOPPED)], "stopped", Limit.UNKNOWN),
        ([fill(0), dose(0), MotorChange(after(9), Motor.STALLED)], "stall", Limit.UNKNOWN),
        ([fill(0), dose(0), stop(9), MotorChange(after(12), Motor.RESTARTED)], "stopped", Limit.UNKNOWN),
        ([fill(0), dose(0), MotorChange(after(9), Motor.RECOVERED)], "", Limit.VOLUME),
    ],
)
def test_reasons(ledger: list[LedgerEvent], reason: str, limit: Limit) -> None:
    found = forecast(a_device(), ledger, RULES)
    assert (found.unknown_reason, found.limiting_factor) == (reason, limit)


@pytest.mark.parametrize("is_restart_first", [True, False])
def test_a_stop_and_its_restart_at_one_moment_run_on_whichever_was_entered_first(is_restart_first: bool) -> None:
    both: list[LedgerEvent] = [MotorChange(after(10), Motor.STOPPED), MotorChange(after(10), Motor.RESTARTED)]
    ledger: list[LedgerEvent] = [fill(0), dose(0), *(both[::-1] if is_restart_first else both)]
    assert forecast(a_device(), ledger, RULES).programmed_low_at == after(95)


def test_a_second_bridge_takes_the_place_of_the_first_for_all_of_its_time() -> None:
    """0.1 mL/day in place of 0.4: day 10 by the first, days 11 to 13 by the second, 0.9 mL saved in all."""
    first, second = Bridge(after(10), Decimal("0.2"), Decimal(48)), Bridge(after(11), Decimal("0.2"), Decimal(48))
    assert forecast(a_device(), [fill(0), dose(0), first, second], RULES).programmed_low_at == after(95 + 0.9 / 0.4)


def test_a_bolus_that_just_empties_a_stopped_pump_leaves_no_trace_of_rounding() -> None:
    for tenths in range(1, 120):
        taken, left = Decimal(tenths) / 10, Decimal(12) - Decimal(tenths) / 10
        given = PumpBolus(after(2), volume_ml=left - Decimal("0.3"))
        out = ReservoirAccess(after(1), taken + Decimal("0.3"), Decimal(0))
        if given.volume_ml is not None and given.volume_ml > 0:
            found = forecast(a_device("0"), [fill(0, "12"), stop(0), out, given], RULES)
            assert found.programmed_empty_at in (after(2), None)


def test_a_constant_flow_pump_takes_no_notice_of_a_program() -> None:
    device = a_device(facts=facts("0", factory_flow="0.5", programmable=False))
    found = forecast(device, [fill(0, "16"), dose(0, "9999"), Bridge(after(1), Decimal(1), Decimal(24))], RULES)
    assert (found.programmed_empty_at, found.flow_ml_per_day) == (after(32), 0.5)


def test_a_bolus_counts_where_the_flow_is_not_known() -> None:
    device = a_device(facts=facts("0", programmable=False))
    ledger: list[LedgerEvent] = [fill(0, "10"), PumpBolus(after(1), volume_ml=Decimal(4)), Interrogation(after(2))]
    assert volumes(device.facts, ledger, [after(1), after(3)]).programmed == [6.0, 6.0]
    later: list[LedgerEvent] = [
        ReservoirAccess(after(4), Decimal(0), Decimal(1)),
        PumpBolus(after(5), volume_ml=Decimal(7)),
    ]
    assert forecast(device, [*ledger, *later], RULES).programmed_empty_at == after(5)

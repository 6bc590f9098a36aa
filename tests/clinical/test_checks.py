"""Every refill checked, held against tables by hand. 0.4 mL/day: 45 days are programmed to deliver 18 mL of 40."""

from dataclasses import replace
from decimal import Decimal as D

import pytest

from clinical.checks import RefillCheck, Trend, Uncounted, refill_checks
from clinical.ledger import Emptying, Interrogation, LedgerEvent, Motor, MotorChange, ProgramChange
from clinical.programs import Mode, Program, checked
from tests.clinical.ledgers import after, dose, facts, fill

ACCURACY = D("14.5")


def checks(ledger: list[LedgerEvent], accuracy: D = ACCURACY) -> list[RefillCheck]:
    return refill_checks(facts(), ledger, accuracy_pct=accuracy)


def refilled(*aspirated: str | None, days: float = 45) -> list[LedgerEvent]:
    refills = [fill(days * (number + 1), aspirated=volume) for number, volume in enumerate(aspirated)]
    return [fill(0), dose(0), *refills]


def test_an_interval_by_hand() -> None:
    """Programmed 18 mL of 40, so 22 expected; 21 aspirated: 19 delivered, 19/18 = 1.0556. z = 1/sqrt(0.49 + 0.81)."""
    first, found = checks(refilled("21"))
    assert first.uncounted is Uncounted.FIRST_FILL
    assert (first.expected_ml, first.discrepancy_ml, first.flow_ratio, first.is_within_accuracy) == (None,) * 4
    assert (found.expected_ml, found.calibrated_ml) == (D("22.00"), D("22.00"))
    assert (found.discrepancy_ml, found.flow_ratio) == (D("1.00"), D("1.0556"))
    assert (found.is_within_accuracy, found.is_above_2_ml) == (True, False)
    assert found.z == pytest.approx(1 / (0.49 + 18**2 * 0.05**2) ** 0.5)
    assert (found.uncounted, found.is_finding) == (None, False)


def test_the_pumps_own_expectation_is_that_of_just_before_the_refill() -> None:
    """After 19 mL for 18: precision 1/0.0025 + 324/0.49, mean (400 + 18*19/0.49)/that = 1.03461; 40 - 18 x it."""
    *_, second, third = checks(refilled("21", "21", None))
    assert second.calibrated_ml == D("21.38")
    # The third was not measured: expected is what the second, taken in, leaves: mean 1.04256.
    assert third.calibrated_ml == D("21.23")
    assert (third.expected_ml, third.discrepancy_ml, third.flow_ratio, third.z) == (D("22.00"), None, None, None)
    assert third.uncounted is Uncounted.NOT_MEASURED


@pytest.mark.parametrize(
    ("aspirated", "is_above"), [("20", False), ("19.9", True), ("24", False), ("24.1", True), ("22", False)]
)
def test_two_ml_either_way_are_within_and_a_tenth_more_is_not(aspirated: str, is_above: bool) -> None:
    assert checks(refilled(aspirated))[-1].is_above_2_ml is is_above


@pytest.mark.parametrize(("aspirated", "is_within"), [("20.2", True), ("20.1", False), ("23.8", True), ("23.9", False)])
def test_the_devices_accuracy_is_of_what_it_should_have_delivered(aspirated: str, is_within: bool) -> None:
    """10 % of 18 mL is 1.8 mL, and the limit is within."""
    assert checks(refilled(aspirated), D(10))[-1].is_within_accuracy is is_within


def test_more_than_2_ml_against_the_program_is_no_finding_where_the_pump_always_does_so() -> None:
    found = checks(refilled("5.4", "5.4", "5.4", "5.4", "5.4", days=80))
    assert [check.is_above_2_ml for check in found[1:]] == [True] * 5
    assert [check.is_finding for check in found[1:]] == [False] * 5


def test_a_deviation_from_the_pumps_own_history_is_a_finding() -> None:
    found = checks(refilled("8", "8", "8", "8", "3", days=80))
    assert [check.is_finding for check in found] == [False] * 5 + [True]
    assert found[-1].z is not None
    assert found[-1].z > 3.25


def patient_doses() -> ProgramChange:
    program = checked(Program(Mode.SIMPLE_CONTINUOUS, D(200), patient_bolus_mcg=D(20), patient_boluses_per_day=4))
    return ProgramChange(after(0), program, 0)


REASONS: dict[str, tuple[list[LedgerEvent], Uncounted | None]] = {
    "dry": ([fill(0), dose(0), fill(110, aspirated="0")], Uncounted.DRY),
    "not measured": ([fill(0), dose(0), fill(45)], Uncounted.NOT_MEASURED),
    "partial": (
        [fill(0), dose(0), replace(fill(45, "10", "5"), emptying=Emptying.PARTIAL)],
        Uncounted.NOT_EMPTIED,
    ),
    "top-up": ([fill(0), dose(0), replace(fill(45, "10"), emptying=Emptying.TOP_UP)], Uncounted.NOT_EMPTIED),
    "no dose": ([fill(0), fill(45, aspirated="22")], Uncounted.FLOW_UNKNOWN),
    "dose unseen": ([fill(0), dose(10), fill(45, aspirated="22")], Uncounted.DOSE_UNSEEN),
    "open stall": (
        [fill(0), dose(0), MotorChange(after(20), Motor.STALLED), fill(45, aspirated="22")],
        Uncounted.OPEN_STALL,
    ),
    "recovered stall": (
        [
            fill(0),
            dose(0),
            MotorChange(after(20), Motor.STALLED),
            MotorChange(after(21), Motor.RECOVERED),
            fill(45, aspirated="22.4"),
        ],
        None,
    ),
    "boluses unread": ([fill(0), patient_doses(), fill(45, aspirated="22")], Uncounted.PATIENT_BOLUSES),
    "boluses read": (
        [fill(0), patient_doses(), Interrogation(after(45), patient_bolus_mcg=D(500)), fill(45, aspirated="21")],
        None,
    ),
    "nothing flowed": ([fill(0), fill(45, aspirated="40"), dose(45)], Uncounted.DOSE_UNSEEN),
    "at one moment": ([fill(0), dose(0), fill(0, aspirated="40")], Uncounted.NOTHING_FLOWED),
}


@pytest.mark.parametrize("case", REASONS)
def test_why_a_refill_does_not_count(case: str) -> None:
    ledger, reason = REASONS[case]
    assert checks(ledger)[-1].uncounted is reason


def test_a_top_up_in_between_belongs_to_what_was_there() -> None:
    """40 + 10 mL, 36 programmed in 90 days: 14 expected; 13 aspirated."""
    topped_up = replace(fill(45, "10"), emptying=Emptying.TOP_UP)
    ledger: list[LedgerEvent] = [fill(0), dose(0), topped_up, fill(90, aspirated="13")]
    _, top_up, found = checks(ledger)
    assert (top_up.expected_ml, top_up.discrepancy_ml) == (D("22.00"), None)
    assert (found.expected_ml, found.discrepancy_ml, found.uncounted) == (D("14.00"), D("1.00"), None)
    assert found.flow_ratio == D("1.0278")


def test_what_a_first_interval_shows_beyond_the_ratio_is_expected_of_it() -> None:
    pump = facts()
    pump = replace(pump, prior=replace(pump.prior, first_ml=0.6))
    _, first, second = refill_checks(pump, refilled("21.4", "22"), accuracy_pct=ACCURACY)
    assert first.calibrated_ml == D("21.40")
    assert first.z == pytest.approx(0)
    assert second.calibrated_ml == D("22.00")


TRENDS: list[tuple[list[str], Trend]] = [
    (["8", "8", "8"], Trend.TOO_FEW),
    (["8", "8.4", "7.6", "8"], Trend.STEADY),
    # Ratio 1.0 before, 1.05 of the last three: 0.05 is beyond 2.5 x 0.7 x sqrt(3/96^2 + 3/96^2) = 0.0446.
    (["8", "8", "8", "6.4", "6.4", "6.4"], Trend.RISING),
    (["8", "8", "8", "9.6", "9.6", "9.6"], Trend.FALLING),
    (["8", "8", "8", "6.7", "6.7", "6.7"], Trend.STEADY),
]


@pytest.mark.parametrize(("aspirated", "trend"), TRENDS)
def test_the_trend_compares_the_last_three_with_those_before(aspirated: list[str], trend: Trend) -> None:
    assert checks(refilled(*aspirated, days=80))[-1].trend is trend


def test_a_dry_refill_is_no_part_of_the_trend() -> None:
    assert checks(refilled("8", "8", "8", "0", days=80))[-1].trend is Trend.TOO_FEW


def test_an_empty_ledger_has_no_checks() -> None:
    assert checks([]) == []
    assert checks([dose(0)]) == []

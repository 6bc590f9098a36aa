"""What stands out of a fleet. 0.4 mL/day: 80 days are programmed to deliver 32 mL of 40."""

from dataclasses import replace

import numpy as np
import pytest

from clinical.calibration import Intervals, calibrate
from clinical.columns import Fleet, fleet
from clinical.depletion import calibration_intervals
from clinical.ledger import LedgerEvent
from clinical.segments import cut
from clinical.standing_out import GroupRatio, Reason, Standing, by_group, pumps_standing_out
from tests.clinical.ledgers import dose, facts, fill


def refilled(*aspirated: str, days: float = 80) -> list[LedgerEvent]:
    refills = [fill(days * (number + 1), aspirated=volume) for number, volume in enumerate(aspirated)]
    return [fill(0), dose(0), *refills]


def intervals_of(ledgers: list[list[LedgerEvent]]) -> tuple[Fleet, Intervals]:
    columns = fleet([facts() for _ in ledgers], ledgers)
    return columns, calibration_intervals(columns, cut(columns))


def groups(ledgers: list[list[LedgerEvent]], of_interval: list[int]) -> list[GroupRatio]:
    columns, intervals = intervals_of(ledgers)
    _, expected = calibrate(columns, intervals)
    return by_group(columns, intervals, expected, np.array(of_interval))


def test_a_group_of_one_interval_by_hand() -> None:
    """33.6 mL for 32 by a pump believed to be at 1.00 ± 0.05: 1.05, with sqrt((0.7/32)^2 + 0.05^2) = 0.0546."""
    [found] = groups([refilled("6.4")], [4])
    assert (found.group, found.intervals, found.pumps) == (4, 1, 1)
    assert found.relative == pytest.approx(1.05)
    assert found.error == pytest.approx(0.05458, abs=1e-5)


def test_a_lot_that_flows_faster_in_well_known_pumps_stands_out() -> None:
    ledgers = [refilled(*["8"] * 6, "6"), refilled(*["8"] * 6, "6.2"), refilled(*["8"] * 6, "6.1")]
    usual, fast = groups(ledgers, [0, 0, 0, 0, 0, 0, 1] * 3)
    assert not usual.stands_out
    assert usual.relative == pytest.approx(1)
    assert fast.stands_out
    assert (fast.intervals, fast.pumps) == (3, 3)
    assert fast.relative == pytest.approx(1 + 1.9 / 32, abs=0.002)


def test_one_pump_that_changed_is_no_bad_lot() -> None:
    ledgers = [refilled(*["8"] * 6, "1"), refilled(*["8"] * 6, "8"), refilled(*["8"] * 6, "8")]
    _, found = groups(ledgers, [0, 0, 0, 0, 0, 0, 1] * 3)
    assert not found.stands_out
    [_, alone] = groups(ledgers[:1], [0, 0, 0, 0, 0, 0, 1])
    assert abs(alone.relative - 1) > 3 * alone.error
    assert not alone.stands_out


def test_intervals_without_a_group_and_dry_ones_are_left_out() -> None:
    assert groups([refilled("8")], [-1]) == []
    assert groups([refilled("0", days=110)], [0]) == []


def standing(ledgers: list[list[LedgerEvent]], accuracy: float = 14.5) -> list[Standing]:
    columns, intervals = intervals_of(ledgers)
    ratios, _ = calibrate(columns, intervals)
    return pumps_standing_out(columns, cut(columns), ratios, np.full(len(ledgers), accuracy))


def test_pumps_stand_out_for_reasons_the_gravest_first() -> None:
    healthy, dry = refilled("8", "8"), refilled("8", "8", "0")
    jumped, far = refilled("8", "8", "8", "2"), refilled("3.5", "3.4", "3.4", "3.4", "3.4")
    found = standing([healthy, far, jumped, dry])
    assert [each.place for each in found] == [3, 2, 1]
    assert found[0].reasons[:2] == (Reason.RAN_DRY, Reason.UNSETTLED)
    assert Reason.UNSETTLED in found[1].reasons
    assert found[2].reasons == (Reason.FAR_FROM_MODEL,)
    assert found[2].from_model == pytest.approx((found[2].ratio - 1) / 0.05)
    assert found[2].refills == 5


def test_the_devices_accuracy_is_held_against_the_pumps_own_ratio() -> None:
    assert standing([refilled("6", "6", "6")], accuracy=14.5) == []
    [found] = standing([refilled("6", "6", "6")], accuracy=5)
    assert found.reasons == (Reason.OUTSIDE_ACCURACY,)


def test_a_pump_that_nothing_is_known_of_does_not_stand_out() -> None:
    assert standing([[], [dose(0)], [fill(0), dose(0)]]) == []


def test_a_prior_is_the_models_own() -> None:
    slow = replace(facts(), prior=replace(facts().prior, mean=1.15))
    columns = fleet([slow], [refilled("3.2", "3.2", "3.2", "3.2")])
    ratios, _ = calibrate(columns, calibration_intervals(columns, cut(columns)))
    assert pumps_standing_out(columns, cut(columns), ratios, np.array([20.0])) == []

"""The simulated truth that the forecast is scored against."""

from dataclasses import replace
from datetime import timedelta
from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from bench import _scenarios as scenarios
from bench._information_limit import best
from bench._simulated_fleet import (
    HEALTHY,
    OVER_INFUSION,
    POCKET_FILL,
    STALL,
    Fleet,
    Scenario,
    _emptied_and_filled,
    is_there,
    simulate,
)
from bench._simulated_lives import Floats, lives
from interop.simulation import MODELS

PUMPS = 400


@cache
def a_fleet(scenario: Scenario = scenarios.HEALTHY, seed: int = 5) -> Fleet:
    return simulate(scenario, seed=seed, pumps=PUMPS)


def off(fleet: Fleet) -> Floats:
    """What each reading of a pump that did not run dry is above what was there to come out, mL."""
    left = fleet.held_ml[:, :-1] - fleet.programmed_ml * fleet.ratio[:, :-1] - fleet.scenario.residue_ml
    # Far from 0, where no reading is cut off, and not in the interval of a jump.
    counts = is_there(fleet)[:, 1:] & (left > 4) & (fleet.kind == HEALTHY)[:, None]
    found: Floats = (fleet.aspirated_ml - left)[counts]
    return found


def test_a_pump_stepped_through_hour_by_hour_holds_what_the_fleet_says() -> None:
    """Volumes and the low date of pumps without noise, by adding up what flows in each hour."""
    fleet = simulate(Scenario("exact", "", noise_ml=0.0), seed=5, pumps=8)
    for place, life in enumerate(fleet.lives):
        ratio, history = fleet.ratio[place, 0], life.history
        left, at, read = 0.0, history.fillings[0].at, []
        fills = {filling.at: filling for filling in history.fillings}
        strength, step = 1.0, timedelta(minutes=15)
        while at <= history.fillings[-1].at or left > fleet.low_ml[place]:
            if at in fills:
                read.append(left)
                left, strength = fills[at].filled_ml, fills[at].concentration_mcg_per_ml
            dose = [setting.program.daily_dose_mcg for setting in history.settings if setting.at <= at][-1]
            if at > history.fillings[-1].at:
                # Nothing changes after the last fill.
                dose = [each.program.daily_dose_mcg for each in history.settings if each.at <= history.fillings[-1].at][
                    -1
                ]
            left = max(left - ratio * dose / strength / 96, 0.0)
            at += step
        assert fleet.aspirated_ml[place, : life.refills] == pytest.approx(read[1:], abs=0.051)
        days = (at - history.fillings[-1].at) / timedelta(days=1)
        assert fleet.low_after_days()[place, life.refills] == pytest.approx(days, abs=0.02)


def test_a_residue_stays_in_the_pump_and_a_dry_pump_reads_zero() -> None:
    """20 mL, less 15: 5 are left, 4.7 come out. 20.3, less 20.2: 0.1 is left, none comes out. 20.1, less 30: dry."""
    demand, nothing = np.array([[15.0, 20.2, 30.0]]), np.zeros((1, 3))
    held, read = _emptied_and_filled(0.3, np.array([20.0]), np.ones((1, 4)), demand, nothing)
    assert held[0] == pytest.approx([20, 20.3, 20.1, 20])
    assert read[0].tolist() == [4.7, 0, 0]


def test_noise_does_not_fill_a_dry_pump_nor_go_below_zero() -> None:
    demand, noise = np.array([[30.0, 19.9]]), np.array([[0.5, -0.5]])
    _, read = _emptied_and_filled(0.0, np.array([20.0]), np.ones((1, 3)), demand, noise)
    assert read[0].tolist() == [0, 0]


def test_the_same_seed_gives_the_same_fleet_and_another_another() -> None:
    one, same, other = a_fleet(), simulate(scenarios.HEALTHY, seed=5, pumps=PUMPS), a_fleet(seed=6)
    assert np.array_equal(one.aspirated_ml, same.aspirated_ml)
    assert not np.array_equal(one.aspirated_ml, other.aspirated_ml)


def test_a_scenario_changes_nothing_but_what_it_is_named_for() -> None:
    healthy, noisy = a_fleet(), a_fleet(scenarios.NOISY)
    assert np.array_equal(healthy.programmed_ml, noisy.programmed_ml)
    assert np.array_equal(healthy.ratio, noisy.ratio)
    assert np.array_equal(healthy.held_ml, noisy.held_ml)


@pytest.mark.parametrize(("scenario", "sd"), [(scenarios.HEALTHY, 0.5), (scenarios.NOISY, 1.0)])
def test_noise_is_as_large_as_the_scenario_says(scenario: Scenario, sd: float) -> None:
    assert np.std(off(a_fleet(scenario))) == pytest.approx(sd, rel=0.05)


def test_one_reading_in_a_hundred_is_wrong() -> None:
    assert np.mean(np.abs(off(a_fleet(scenarios.MISREAD))) > 2.5) == pytest.approx(0.0055, abs=0.003)
    assert np.max(np.abs(off(a_fleet()))) < 2.5


def test_drift_moves_a_ratio_by_a_hundredth_from_refill_to_refill() -> None:
    fleet = a_fleet(scenarios.DRIFT)
    assert np.std(np.diff(fleet.ratio, axis=1)) == pytest.approx(0.01, rel=0.05)
    assert np.all(np.diff(a_fleet().ratio, axis=1) == 0)


def test_few_refills_are_one_to_three() -> None:
    assert set(a_fleet(scenarios.FEW).refills.tolist()) == {1, 2, 3}


def test_true_means_differ_from_the_catalogue_where_it_is_wrong() -> None:
    fleet = a_fleet(scenarios.WRONG)
    own = {life.model.name: fleet.mean[place] for place, life in enumerate(fleet.lives)}
    assert own == pytest.approx({m.name: 0.93 if m.ratio_mean == 0.97 else 1.06 for m in MODELS})
    assert np.mean((fleet.ratio[:, 0] - fleet.mean) / fleet.sd) == pytest.approx(0, abs=0.15)


def test_a_third_or_a_hundredth_of_the_pumps_jumps_in_three_ways() -> None:
    many, rare = a_fleet(scenarios.JUMPS), a_fleet(scenarios.RARE_JUMPS)
    able = many.refills >= 4
    assert np.mean(many.kind[able] != HEALTHY) == pytest.approx(1 / 3, abs=0.06)
    assert 0 < np.mean(rare.kind != HEALTHY) < 0.03
    assert set(many.kind.tolist()) == {HEALTHY, OVER_INFUSION, STALL, POCKET_FILL}
    jumped = many.kind != HEALTHY
    assert np.all(many.jump[jumped] >= 1)
    assert np.all(many.refills[jumped] - many.jump[jumped] >= 3)


@pytest.mark.parametrize(("kind", "least", "most"), [(OVER_INFUSION, 1.2, 1.4), (STALL, 0.0, 0.5)])
def test_a_jump_changes_the_ratio_from_then_on(kind: int, least: float, most: float) -> None:
    fleet = a_fleet(scenarios.JUMPS)
    for pump in np.flatnonzero(fleet.kind == kind):
        times = fleet.ratio[pump] / fleet.ratio[pump, 0]
        assert np.all(times[: fleet.jump[pump] + 1] == 1)
        assert np.all(times[fleet.jump[pump] + 1 :] == times[-1])
        assert least <= times[-1] <= most


def test_a_pocket_fill_enters_in_part_and_only_once() -> None:
    fleet = a_fleet(scenarios.JUMPS)
    for pump in np.flatnonzero(fleet.kind == POCKET_FILL):
        part = fleet.held_ml[pump] / fleet.filled_ml[pump]
        assert part[fleet.jump[pump]] <= 0.6
        assert np.all(np.delete(part, fleet.jump[pump]) == 1)
        assert np.all(fleet.ratio[pump] == fleet.ratio[pump, 0])


def test_lives_have_titration_and_refills_in_time() -> None:
    for life in lives(seed=5, pumps=30, refills=(2, 14)):
        at = [filling.at for filling in life.history.fillings]
        days = [(after - before) / timedelta(days=1) for before, after in pairwise(at)]
        assert len(life.rates) == life.refills + 1 == len(at)
        assert all(1 < each < 171 for each in days)
        # Refilled before the programmed low date.
        assert all(volume < life.model.reservoir_ml - life.model.low_ml for volume in life.programmed_ml)


def test_the_information_limit_is_the_formula_of_the_clinical_rules() -> None:
    """P = 18, 17, 18.5 and D = 19, 18.2, 19.6 with m = 1, t = 0.05, s = 0.7 give mean 1.0510, sd 0.0206."""
    fleet = replace(
        simulate(Scenario("worked", "", noise_ml=0.7, refills=(3, 3)), seed=1, pumps=1),
        mean=np.array([1.0]),
        sd=np.array([0.05]),
        filled_ml=np.array([40.0]),
        programmed_ml=np.array([[18, 17, 18.5]]),
        aspirated_ml=np.array([[21, 21.8, 20.4]]),
    )
    mean, high = best(fleet)
    assert mean[0, 0] == pytest.approx(1.0, abs=1e-4)
    assert mean[0, 3] == pytest.approx(1.0510, abs=1e-4)
    assert high[0, 3] == pytest.approx(1.0510 + 2.3263 * 0.0206, abs=4e-4)


def test_a_dry_reading_moves_the_limit_up() -> None:
    fleet = simulate(Scenario("dry", "", refills=(2, 2)), seed=1, pumps=1)
    dry = replace(
        fleet,
        mean=np.array([1.0]),
        sd=np.array([0.05]),
        filled_ml=np.array([40.0]),
        programmed_ml=np.array([[39.0, 36]]),
        aspirated_ml=np.array([[0.0, 1]]),
    )
    mean, _ = best(dry)
    assert 1.03 < mean[0, 1] < 1.08

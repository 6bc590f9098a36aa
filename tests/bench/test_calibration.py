"""The scoring of the forecast, on fleets small enough to be quick and on figures made by hand."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from bench._judged import Judged, Result, catalogue, forecasts_at_fills, ledgers
from bench._pictures import draw
from bench._scenarios import HEALTHY, JUMPS, SCENARIOS, SMALL
from bench._scores import NOMINAL, coverage, score, score_at, score_jumps
from bench._simulated_fleet import JUMP_KINDS, OVER_INFUSION, simulate
from bench._validation import page
from bench.calibration import Bar, bars, run
from interop.simulation import MODELS


@cache
def results() -> dict[str, Result]:
    return run(SCENARIOS, map, pumps=150, fleets=1)


def healthy() -> Judged:
    return results()[HEALTHY.name].judged


def test_a_date_two_days_late_is_an_error_and_a_bias_of_two_days() -> None:
    found = score(replace(healthy(), low=healthy().true_low + 2, programmed_low=healthy().true_low - 4))
    assert (found.rmse, found.programmed_rmse, found.bias, found.ratio) == pytest.approx((2, 4, 2, 0.5))


def test_a_bound_behind_the_truth_counts_as_low_before_it() -> None:
    bound = healthy().true_low - 3
    bound[:15] += 4
    found = score(replace(healthy(), earliest_low=bound))
    assert found.low_before == pytest.approx(15 / 150)
    assert found.early == pytest.approx(3 - 0.4)


def test_a_false_finding_counts_once_at_the_refill_where_it_appears() -> None:
    flags = np.zeros_like(healthy().deviates)
    pump = int(np.argmax(healthy().refills))
    flags[pump, 2:5] = True
    flags[pump, 6] = True
    found = score(replace(healthy(), deviates=flags))
    assert found.false_findings == pytest.approx(1000 * 2 / healthy().refills.sum())


def test_scores_by_refills_behind_add_up_to_every_fill() -> None:
    counted = [found.pumps for number in range(15) if (found := score_at(healthy(), (number, number)))]
    assert sum(counted) == healthy().is_there.sum()


def test_a_jump_is_flagged_from_the_refill_on_that_has_the_finding() -> None:
    judged = results()[JUMPS.name].judged
    pumps = np.flatnonzero(judged.kind == OVER_INFUSION)
    flags, dry = np.zeros_like(judged.deviates), np.zeros_like(judged.is_dry)
    flags[pumps, judged.jump[pumps] + 2] = True
    # A finding before the jump is none of it.
    flags[pumps, judged.jump[pumps]] = True
    dry[pumps[0], judged.jump[pumps[0]] + 1] = True
    found = score_jumps(replace(judged, deviates=flags, is_dry=dry), (OVER_INFUSION,))
    assert found.flagged == [0, 1, 1]
    assert found.with_dry == pytest.approx([1 / len(pumps), 1, 1])


def test_the_share_below_a_bound_grows_with_what_is_meant() -> None:
    shares = coverage(healthy())
    assert shares == sorted(shares, reverse=True)
    assert shares[0] == pytest.approx(NOMINAL[0], abs=0.15)


def test_the_forecast_is_far_better_than_the_programmed_date_and_near_the_limit() -> None:
    found = score(healthy())
    assert found.ratio < 0.4
    assert 0.85 < found.rmse / found.best_rmse < 1.3


def test_the_forecast_at_a_fill_knows_nothing_of_what_comes_after() -> None:
    """Another last reading changes the last forecast of a pump and none before."""
    fleet = simulate(HEALTHY, seed=9, pumps=12)
    priors = {model.name: catalogue(model) for model in MODELS}
    read = fleet.aspirated_ml.copy()
    read[np.arange(12), fleet.refills - 1] += 3.0
    made, other = (
        forecasts_at_fills(fleet.lives, ledgers(each), priors) for each in (fleet, replace(fleet, aspirated_ml=read))
    )
    for one, another in zip(made, other, strict=True):
        assert one[:-1] == another[:-1]
        assert one[-1].flow_ratio != another[-1].flow_ratio


def test_small_clinics_learn_each_by_itself() -> None:
    assert len(results()[SMALL.name].priors) == 3
    assert len(results()[HEALTHY.name].priors) == 1


def test_most_jumps_are_flagged() -> None:
    assert score_jumps(results()[JUMPS.name].judged, JUMP_KINDS).flagged[2] > 0.85


def test_a_missed_bar_fails() -> None:
    assert Bar("x", 0.22, most=0.22).is_met
    assert not Bar("x", 0.23, most=0.22).is_met
    assert Bar("x", 95, least=95).is_met
    assert not Bar("x", 94.9, least=95).is_met
    assert Bar("x", 94.9, least=95).told() == "FAIL  x: 94.9 (at least 95)"


def test_the_page_tells_every_scenario_and_bar() -> None:
    told = [bar.told() for bar in bars(results())]
    text = page(results(), told, pumps=150, fleets=1)
    assert all(bar in text for bar in told)
    for scenario in SCENARIOS:
        assert f"| {scenario.name} | {scenario.about} |" in text
        assert text.count(f"| {scenario.name} |") == 3
    assert "nan" not in text


def test_the_pictures_are_the_same_bytes_each_time(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        draw(tmp_path / name, results())
    files = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert files == ["bound.svg", "delay.svg", "error.svg", "jumped.svg"]
    for name in files:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
        assert b"<dc:date>" not in (tmp_path / "one" / name).read_bytes()

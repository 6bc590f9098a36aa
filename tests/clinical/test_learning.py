"""Learning, on intervals simulated here: D = r P + first + noise, r drifting from interval to interval."""

from dataclasses import replace

import numpy as np
import pytest

from clinical.learning import CAUTION, EMPTY, Sample, is_news, joined, learn, learned
from clinical.ledger import LedgerEvent, Prior
from tests.clinical.ledgers import dose, facts, fill

CATALOGUE = Prior(1.0, 0.05, 0.7)


def simulated(
    pumps: int, truth: Prior, *, intervals: int = 8, wild: float = 0.0, seed: int = 1, model: int = 0
) -> Sample:
    """Pumps with measured intervals of 20 to 35 mL; a part of them is wild from some interval on."""
    random = np.random.default_rng(seed)
    shape = (pumps, intervals)
    years = random.uniform(0.15, 0.4, shape)
    steps = random.normal(0, 1, shape) * truth.drift * np.sqrt(years)
    steps[:, 0] = random.normal(0, truth.sd, pumps)
    ratio = truth.mean + np.cumsum(steps, axis=1)
    if wild:
        jumps = random.random(pumps) < wild
        late = np.arange(intervals) >= random.integers(1, intervals, pumps)[:, None]
        ratio = np.where(jumps[:, None] & late, ratio * random.uniform(1.3, 2.5, pumps)[:, None], ratio)
    programmed = random.uniform(20, 35, shape)
    is_first = np.zeros(shape, dtype=np.bool_)
    is_first[:, 0] = True
    delivered = ratio * programmed + random.normal(0, truth.noise_ml, shape) + truth.first_ml * is_first
    there = np.ones(shape, dtype=np.bool_)
    return Sample(np.full(pumps, model, dtype=np.int64), programmed, delivered, years, is_first, there)


def of_one(sample: Sample, believed: Prior = CATALOGUE) -> Prior:
    return learned(sample, ["model"], {"model": believed})["model"]


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("truth", [Prior(1.06, 0.03, 0.5), Prior(0.93, 0.08, 1.0), CATALOGUE])
def test_a_fleet_speaks_for_itself(truth: Prior, seed: int) -> None:
    found = of_one(simulated(500, truth, seed=seed))
    assert found.mean == pytest.approx(truth.mean, abs=0.008)
    assert found.sd / CAUTION == pytest.approx(truth.sd, rel=0.12)
    assert found.noise_ml / CAUTION == pytest.approx(truth.noise_ml, rel=0.05)
    assert abs(found.first_ml) < 0.15
    assert found.drift < 0.02


def test_first_intervals_that_are_off_and_a_drift_are_found() -> None:
    off = of_one(simulated(500, replace(CATALOGUE, first_ml=0.4)))
    assert off.first_ml == pytest.approx(0.4, abs=0.1)
    assert off.mean == pytest.approx(1.0, abs=0.008)
    drifting = of_one(simulated(500, replace(CATALOGUE, drift=0.04)))
    assert drifting.drift == pytest.approx(0.04, rel=0.25)
    assert drifting.noise_ml / CAUTION == pytest.approx(0.7, rel=0.08)


def test_without_data_the_catalogue_stands() -> None:
    assert of_one(EMPTY) == CATALOGUE
    priors = learn([facts(), facts()], [[], [fill(0), dose(0)]], ["a", "b"])
    assert priors == {"a": facts().prior, "b": facts().prior}


def test_a_model_without_pumps_of_its_own_keeps_its_mean() -> None:
    found = learned(simulated(300, Prior(1.06, 0.03, 0.7)), ["a", "b"], {"a": CATALOGUE, "b": Prior(0.97, 0.06, 0.7)})
    assert found["b"].mean == 0.97
    assert found["b"].sd == pytest.approx(CAUTION * 0.06)
    assert found["a"].mean > 1.04


@pytest.mark.parametrize("pumps", [1, 2, 3])
def test_a_few_pumps_move_little(pumps: int) -> None:
    """A tenth off in three pumps moves ten pumps' belief by no more than three thirteenths."""
    found = of_one(simulated(pumps, Prior(1.1, 0.01, 0.7)))
    assert 1.0 < found.mean < 1.0 + 0.11 * pumps / (10 + pumps)


def test_five_percent_of_wild_pumps_move_next_to_nothing() -> None:
    tame, wild = of_one(simulated(600, CATALOGUE)), of_one(simulated(600, CATALOGUE, wild=0.05))
    assert wild.mean == pytest.approx(tame.mean, abs=0.004)
    assert wild.sd == pytest.approx(tame.sd, rel=0.1)
    assert wild.noise_ml == pytest.approx(tame.noise_ml, rel=0.05)
    assert wild.drift < 0.02


def test_samples_joined_are_one_sample_whatever_their_widths() -> None:
    short, long = simulated(40, CATALOGUE, intervals=3), simulated(30, Prior(1.05, 0.04, 0.6), intervals=9, seed=5)
    both = joined([short, long])
    assert both.programmed.shape == (70, 9)
    assert both.is_there.sum() == 40 * 3 + 30 * 9
    assert of_one(joined([long, short])).mean == pytest.approx(of_one(both).mean, abs=1e-9)


def test_ledgers_speak_through_their_intervals() -> None:
    """Thirty pumps that deliver 1.1 times what is programmed (18 mL in 45 days), six refills each."""
    ledger: list[LedgerEvent] = [fill(0), dose(0), *(fill(45 * n, "40", str(40 - 19.8)) for n in range(1, 7))]
    found = learn([facts()] * 30, [ledger] * 30, ["x"] * 30)["x"]
    assert found.mean == pytest.approx(1 + 0.1 * 30 / 40, abs=0.02)
    assert found.noise_ml < 0.7


@pytest.mark.parametrize(
    "programmed", [np.zeros(0), np.full(4, 1e-9), np.full(4, 1e4)], ids=["none", "next to nothing", "very much"]
)
def test_odd_volumes_give_finite_figures(programmed: np.ndarray) -> None:
    count = len(programmed)
    sample = replace(
        simulated(3, CATALOGUE, intervals=count or 1),
        programmed=np.tile(programmed, (3, 1)) if count else np.ones((3, 1)),
    )
    found = of_one(sample)
    assert all(np.isfinite([found.mean, found.sd, found.noise_ml, found.first_ml, found.drift]))


def test_intervals_without_length_give_finite_figures() -> None:
    sample = simulated(6, CATALOGUE, intervals=5)
    found = of_one(replace(sample, years=np.zeros_like(sample.years)))
    assert all(np.isfinite([found.mean, found.sd, found.noise_ml, found.first_ml, found.drift]))


@pytest.mark.parametrize(
    ("change", "news"),
    [
        ({}, False),
        ({"mean": 1.0009}, False),
        ({"mean": 1.0011}, True),
        ({"sd": 0.0505}, False),
        ({"sd": 0.052}, True),
        ({"noise_ml": 0.68}, True),
        ({"noise_ml": 0.71}, False),
        ({"first_ml": 0.01}, False),
        ({"first_ml": -0.03}, True),
        ({"drift": 0.001}, True),
    ],
)
def test_what_is_news(change: dict[str, float], news: bool) -> None:
    assert is_news(replace(CATALOGUE, **change), CATALOGUE) is news
    assert is_news(CATALOGUE, replace(CATALOGUE, **change)) is news

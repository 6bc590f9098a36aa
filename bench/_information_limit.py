"""The information limit: what a learner makes of a pump's refills who knows the true prior, noise, drift and residue.

Exact Bayes on a grid of ratios. Where nothing ended dry this is the conjugate formula of the clinical rules, section 2
(precision 1/t^2 + sum P^2/s^2); a reservoir that was read as 0 counts with the chance of that reading. Nobody can do
better on the same readings but by luck; who does better on one measure pays on another.
"""

from math import erf, sqrt

import numpy as np

from bench._simulated_fleet import Fleet, Scenario, is_there
from bench._simulated_lives import Floats

GRID = np.linspace(0.4, 1.7, 1041)
# A value read to 0.1 mL is off by up to half of that, evenly; below 0.05 it reads 0.
ROUNDING_VARIANCE, READS_ZERO_ML = 0.1**2 / 12, 0.05
PERCENTILE = 0.99
_Z = np.linspace(-9.0, 9.0, 3601)
_TAIL = np.array([(1 + erf(z / sqrt(2))) / 2 for z in _Z.tolist()])


def best(fleet: Fleet) -> tuple[Floats, Floats]:
    """Mean and 99th percentile of each pump's ratio after each of its fills, shape (pumps, fills). Knows no jumps."""
    belief = _normalised(-(((GRID - fleet.mean[:, None]) / fleet.sd[:, None]) ** 2) / 2)
    there = is_there(fleet)
    steps = _steps(fleet.scenario.drift)
    means, highs = np.empty(there.shape), np.empty(there.shape)
    for place in range(there.shape[1]):
        if place > 0:
            count = np.flatnonzero(there[:, place])
            seen = np.log(belief[count] + 1e-300) + _likelihood(fleet, place - 1)[count]
            belief[count] = _normalised(seen) @ steps if steps is not None else _normalised(seen)
        means[:, place] = belief @ GRID
        highs[:, place] = _percentile(belief)
    return means, highs


def _normalised(logarithm: Floats) -> Floats:
    weights = np.exp(logarithm - logarithm.max(axis=1, keepdims=True))
    shares: Floats = weights / weights.sum(axis=1, keepdims=True)
    return shares


def _likelihood(fleet: Fleet, place: int) -> Floats:
    """Logarithm of how likely each pump's reading at the end of an interval is at each ratio of the grid."""
    scenario = fleet.scenario
    full = held(scenario, fleet.filled_ml, place + 1)[:, place, None]
    out = full - fleet.programmed_ml[:, place, None] * GRID - scenario.residue_ml
    read = fleet.aspirated_ml[:, place, None]
    spread = np.sqrt(scenario.noise_ml**2 + ROUNDING_VARIANCE)
    found: Floats = -(((read - out) / spread) ** 2) / 2
    dry = np.flatnonzero(read[:, 0] == 0)
    chance = np.interp((READS_ZERO_ML - out[dry]) / scenario.noise_ml, _Z, _TAIL)
    found[dry] = np.log(np.where(out[dry] <= 0, 1.0, chance) + 1e-300)
    return found


def held(scenario: Scenario, filled: Floats, fills: int) -> Floats:
    """What this learner takes to be in the reservoir after each fill, shape (pumps, fills)."""
    return filled[:, None] + np.where(np.arange(fills) > 0, scenario.residue_ml, 0.0)


def _steps(drift: float) -> Floats | None:
    """How a step from one refill to the next spreads a belief, None without drift."""
    return _normalised(-(((GRID - GRID[:, None]) / drift) ** 2) / 2) if drift > 0 else None


def _percentile(belief: Floats) -> Floats:
    """Between the grid's points in proportion; each point holds for half a step around it."""
    below = np.cumsum(belief, axis=1)
    at = np.argmax(below >= PERCENTILE, axis=1)
    row = np.arange(len(belief))
    before = below[row, at] - belief[row, at]
    part = (PERCENTILE - before) / belief[row, at]
    found: Floats = GRID[at] + (part - 0.5) * (GRID[1] - GRID[0])
    return found

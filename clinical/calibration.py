"""A pump's true flow, learned from what is aspirated at each refill.

Model (clinical-rules, section 2): D = r P + e with D = filled - next aspirated, P = the volume programmed between
the two refills, e ~ N(0, noise^2), prior r ~ N(mean, sd^2). The posterior is normal with
precision = 1/sd^2 + sum P^2/noise^2 and mean = (mean/sd^2 + sum P D/noise^2) / precision, over the refills since the
flow last changed.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from clinical.columns import Fleet, Floats, Ints

# The 99th percentile of the standard normal distribution.
Z99 = 2.3263478740408408
# An interval this many standard deviations from the pump's own expectation is not noise (2.7 of 1,000 healthy refills
# if the noise is right), and neither are two in a row that add up to as much.
DEVIATION_Z = 3.0
# What is believed of a pump whose flow has changed: anything from half to half as much again.
CHANGED_SD = 0.2
# A change counts as settled when so many intervals agree with each other.
SETTLED_AFTER = 3
# Over-infusing pumps deliver 1.2 to 1.4 times what is programmed (clinical rules, section 2). A pump that ran dry
# though its own flow does not explain it is taken to be one; no dry interval is taken to mean more than the second.
OVER_INFUSION = 1.4
HIGHEST_DRY_RATIO = 1.5
# A ratio below this is a pump that hardly flows: the dates stay finite and the deviation finding speaks.
SMALLEST_RATIO = 0.05


@dataclass(frozen=True)
class Intervals:
    """Refill-to-refill intervals, in ledger order. `dry` ones only say that the ratio is at least `dry_ratio`.

    `end` and `dry_end` index the refill that ends an interval in the fleet's events.
    """

    end: Ints
    dry_end: Ints
    pump: Ints
    programmed_ml: Floats
    delivered_ml: Floats
    dry_pump: Ints
    dry_ratio: Floats


@dataclass(frozen=True)
class Ratios:
    """One entry a pump: posterior of the flow ratio, refills behind it, bounds, and an unsettled change.

    `high` and `low` are the 99th and 1st percentile, `high` widened while a change is unsettled or after the pump ran
    dry. `deviation` is how many standard deviations the change was from the pump's expectation then; 0 without one.
    """

    mean: Floats
    sd: Floats
    refills: Ints
    high: Floats
    low: Floats
    deviation: Floats


@dataclass
class _State:
    """What is known of each pump after the intervals gone through so far."""

    precision: Floats
    weighted: Floats
    refills: Ints
    last_z: Floats
    deviation: Floats
    high_before: Floats


def calibrate(fleet: Fleet, intervals: Intervals) -> Ratios:
    """The flow ratio of every pump of the fleet.

    Goes through all pumps together, one interval a round. An interval that does not fit what the pump showed before
    restarts its estimate from there with a wide prior, so that a change is never averaged away.
    """
    start = 1.0 / fleet.prior_sd**2
    zeros = np.zeros(fleet.pumps)
    count = np.zeros(fleet.pumps, dtype=np.int64)
    state = _State(start, fleet.prior_mean * start, count, zeros, zeros.copy(), zeros.copy())
    for pump, programmed, delivered in _rounds(fleet, intervals):
        _take(fleet, state, pump, programmed, delivered)
    mean = state.weighted / state.precision
    sd = 1.0 / np.sqrt(state.precision)
    unsettled = (state.deviation != 0) & (state.refills <= SETTLED_AFTER)
    high = np.where(unsettled, np.maximum(mean + Z99 * sd, state.high_before), mean + Z99 * sd)
    dry = _dry(fleet, intervals)
    high = np.where(dry > high, np.maximum(dry, OVER_INFUSION), high)
    return Ratios(
        mean=np.maximum(mean, SMALLEST_RATIO),
        sd=sd,
        refills=state.refills,
        high=np.maximum(high, SMALLEST_RATIO),
        low=np.maximum(mean - Z99 * sd, 0.0),
        deviation=np.where(unsettled, state.deviation, 0.0),
    )


def _rounds(fleet: Fleet, intervals: Intervals) -> Iterator[tuple[Ints, Floats, Floats]]:
    """The first interval of every pump that has one, then the second, and so on."""
    sizes = np.bincount(intervals.pump, minlength=fleet.pumps)
    first = np.concatenate(([0], np.cumsum(sizes)))[:-1]
    rank = np.arange(len(intervals.pump)) - first[intervals.pump]
    for number in range(int(sizes.max(initial=0))):
        chosen = rank == number
        yield intervals.pump[chosen], intervals.programmed_ml[chosen], intervals.delivered_ml[chosen]


def _take(fleet: Fleet, state: _State, pump: Ints, programmed: Floats, delivered: Floats) -> None:
    """Add one interval of each of some pumps, restarting those it does not fit."""
    noise = fleet.noise_ml[pump] ** 2
    precision, weighted = state.precision[pump], state.weighted[pump]
    mean = weighted / precision
    z = (delivered - mean * programmed) / np.sqrt(noise + programmed**2 / precision)
    two = (z + state.last_z[pump]) / np.sqrt(2.0)
    changed = np.maximum(np.abs(z), np.abs(two)) > DEVIATION_Z
    wide = 1.0 / CHANGED_SD**2
    state.high_before[pump] = np.where(changed, mean + Z99 / np.sqrt(precision), state.high_before[pump])
    state.deviation[pump] = np.where(changed, np.where(np.abs(z) >= np.abs(two), z, two), state.deviation[pump])
    state.last_z[pump] = np.where(changed, 0.0, z)
    state.precision[pump] = np.where(changed, wide, precision) + programmed**2 / noise
    state.weighted[pump] = np.where(changed, fleet.prior_mean[pump] * wide, weighted) + programmed * delivered / noise
    state.refills[pump] = np.where(changed, 1, state.refills[pump] + 1)


def _dry(fleet: Fleet, intervals: Intervals) -> Floats:
    """The lower bound of the ratio from a dry interval that no measured one has followed, 0 without one."""
    measured = np.full(fleet.pumps, -1, dtype=np.int64)
    measured[intervals.pump] = intervals.end
    standing = intervals.dry_end > measured[intervals.dry_pump]
    bound = np.zeros(fleet.pumps)
    # Later entries overwrite earlier ones, in order.
    bound[intervals.dry_pump[standing]] = np.minimum(intervals.dry_ratio[standing], HIGHEST_DRY_RATIO)
    return bound

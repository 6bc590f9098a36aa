"""A pump's true flow, learned from what is aspirated at each refill.

Model (clinical-rules, section 2): D = r P + e with D = filled - next aspirated, P = the volume programmed between
the two refills, e ~ N(0, noise^2), prior r ~ N(mean, sd^2). The posterior is normal with
precision = 1/sd^2 + sum P^2/noise^2 and mean = (mean/sd^2 + sum P D/noise^2) / precision. Ours beyond it:

- r may drift: between two refills its variance grows by drift^2 a year.
- What an emptying leaves in the pump is there at the next one too, so it cancels out of D, but not in a pump's very
  first interval: what the fleet shows there on average is taken off.
- Aspirated exactly 0 (dry) says only that D is at least what was there: a censored measurement. The mean becomes that
  of r given D >= available (of a truncated normal distribution); the variance stays, since a lower bound can only make
  the upper tail longer.
- Dry again and again: once that has less than one chance in ten in an unchanged pump, the upper bound is that of an
  over-infusing one. A change in one refill of a thousand, as rare as it is, is then more than 1 % likely.
- An interval that does not fit starts a second belief beside the first, wide, which counts from there on. The first is
  kept until three intervals have followed: one that fits it again takes it back, so one wrong refill does not cost what
  was learned before. Until then the bounds cover both.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import erfc, exp, pi, sqrt

import numpy as np

from clinical.columns import Flags, Fleet, Floats, Ints
from clinical.units import SECONDS_PER_DAY

# The 99th percentile of the standard normal distribution.
Z99 = 2.3263478740408408
# An interval this many standard deviations from the pump's own expectation is not noise, and neither are two in a row
# that add up to as much: either holds for 1.2 of 1,000 healthy refills.
DEVIATION_Z = 3.25
# What is believed of a pump whose flow has changed: anything from half to half as much again; with a spread of half as
# far as the interval was off that showed it, where that is more.
CHANGED_SD = 0.2
# A change counts as settled when so many intervals have followed, itself included.
SETTLED_AFTER = 3
# Over-infusing pumps deliver 1.2 to 1.4 times what is programmed (clinical rules, section 2): a dry interval that the
# pump's own flow does not explain is taken to mean no more than this.
HIGHEST_DRY_RATIO = 1.5
OVER_INFUSION = 1.4
# With a chance below this, dry intervals in a row may be a change; below the second, they are one (as improbable as
# DEVIATION_Z upwards).
DRY_IS_DOUBTFUL, DRY_IS_A_CHANGE = 0.1, 0.00058
# A ratio below this is a pump that hardly flows: the dates stay finite and the deviation finding speaks.
SMALLEST_RATIO = 0.05
SECONDS_PER_YEAR = 365.25 * SECONDS_PER_DAY


@dataclass(frozen=True)
class Intervals:
    """Refill-to-refill intervals, in ledger order.

    `end` indexes the refill that ends an interval in the fleet's events. Volumes in mL; `delivered_ml` is a lower bound
    where `is_dry`. `is_first` begins with a pump's first fill, `years` is how long it lasted.
    """

    end: Ints
    pump: Ints
    programmed_ml: Floats
    delivered_ml: Floats
    is_dry: Flags
    is_first: Flags
    years: Floats


@dataclass(frozen=True)
class Ratios:
    """One entry a pump: what is believed of the flow ratio for the present fill, and an unsettled change.

    `refills` are the measured intervals behind it. `high` and `low` are the 99th and 1st percentile, those of both
    beliefs while a change is unsettled. `deviation` is how many standard deviations the change was from the pump's
    expectation then; 0 without one, or once it is settled.
    """

    mean: Floats
    sd: Floats
    refills: Ints
    high: Floats
    low: Floats
    deviation: Floats


@dataclass(frozen=True)
class Expected:
    """One entry an interval: what was believed of the ratio just before it ended, and how far off it was.

    `z` is in standard deviations, positive where more was delivered; of a dry interval at least so much.
    """

    mean: Floats
    sd: Floats
    z: Floats
    changed: Flags


@dataclass
class _State:
    """What is known of each pump after the intervals gone through so far.

    `since` counts the intervals from a change on, that one included; 0 without. `old_*` is the belief before it.
    `dry_chance` is the chance that an unchanged pump ran dry in all the last intervals, 1 after a measured one.
    """

    mean: Floats
    variance: Floats
    refills: Ints
    last_z: Floats
    dry_chance: Floats
    years: Floats
    since: Ints
    deviation: Floats
    old_mean: Floats
    old_variance: Floats
    old_refills: Ints

    @property
    def is_unsettled(self) -> Flags:
        return (self.since > 0) & (self.since <= SETTLED_AFTER)


@dataclass(frozen=True)
class _Round:
    """One interval of each of some pumps. `noise` is the variance of its measurement in mL^2, `drifts` the time in
    years from the one before it: none for a pump's first, which its prior is of."""

    place: Ints
    pump: Ints
    programmed: Floats
    delivered: Floats
    is_dry: Flags
    noise: Floats
    years: Floats
    drifts: Floats


def calibrate(fleet: Fleet, intervals: Intervals) -> tuple[Ratios, Expected]:
    """The flow ratio of every pump of the fleet, and what was expected at each interval.

    Goes through all pumps together, one interval a round.
    """
    state = _start(fleet)
    size = len(intervals.pump)
    expected = Expected(np.zeros(size), np.zeros(size), np.zeros(size), np.zeros(size, dtype=np.bool_))
    for each in _rounds(fleet, intervals):
        _take(fleet, state, each, expected)
    return _ratios(fleet, state), expected


def _start(fleet: Fleet) -> _State:
    floats, counts = np.zeros((4, fleet.pumps)), np.zeros((3, fleet.pumps), dtype=np.int64)
    return _State(
        mean=fleet.prior_mean.copy(),
        variance=fleet.prior_sd**2,
        refills=counts[0],
        last_z=floats[0],
        dry_chance=np.ones(fleet.pumps),
        years=floats[1],
        since=counts[1],
        deviation=floats[2],
        old_mean=floats[3],
        old_variance=np.ones(fleet.pumps),
        old_refills=counts[2],
    )


def _rounds(fleet: Fleet, intervals: Intervals) -> Iterator[_Round]:
    """The first interval of every pump that has one, then the second, and so on."""
    sizes = np.bincount(intervals.pump, minlength=fleet.pumps)
    first = np.concatenate(([0], np.cumsum(sizes)))[:-1]
    delivered = intervals.delivered_ml - np.where(intervals.is_first, fleet.first_ml[intervals.pump], 0.0)
    for number in range(int(sizes.max(initial=0))):
        place = first[sizes > number] + number
        yield _Round(
            place=place,
            pump=intervals.pump[place],
            programmed=intervals.programmed_ml[place],
            delivered=_believable(delivered[place], intervals.programmed_ml[place], intervals.is_dry[place]),
            is_dry=intervals.is_dry[place],
            noise=fleet.noise_ml[intervals.pump[place]] ** 2,
            years=intervals.years[place],
            drifts=intervals.years[place] if number else np.zeros(len(place)),
        )


def _believable(delivered: Floats, programmed: Floats, is_dry: Flags) -> Floats:
    return np.where(is_dry, np.minimum(delivered, HIGHEST_DRY_RATIO * programmed), delivered)


def _take(fleet: Fleet, state: _State, each: _Round, expected: Expected) -> None:
    """Add one interval of each of some pumps to what is known."""
    pump = each.pump
    grown = fleet.drift[pump] ** 2 * each.drifts
    mean, variance, refills = state.mean[pump], state.variance[pump] + grown, state.refills[pump]
    z, spread = _off(each, mean, variance)
    expected.mean[each.place], expected.sd[each.place], expected.z[each.place] = mean, np.sqrt(variance), z

    is_unsettled = state.is_unsettled[pump]
    old_mean, old_variance = state.old_mean[pump], state.old_variance[pump] + grown
    old_z, old_spread = _off(each, old_mean, old_variance)
    is_back = is_unsettled & ~each.is_dry & (np.abs(old_z) < Z99)
    is_back &= old_z**2 + 2 * np.log(old_spread) < z**2 + 2 * np.log(spread)
    mean, variance = np.where(is_back, old_mean, mean), np.where(is_back, old_variance, variance)
    refills, z = np.where(is_back, state.old_refills[pump], refills), np.where(is_back, old_z, z)

    chance = np.where(each.is_dry, state.dry_chance[pump], 1.0)
    chance[each.is_dry] *= _tail(z[each.is_dry])
    two = np.where(is_back, 0.0, (z + state.last_z[pump]) / np.sqrt(2.0))
    furthest = np.where(np.abs(z) >= np.abs(two), z, two)
    is_changed = np.where(each.is_dry, chance < DRY_IS_A_CHANGE, np.abs(furthest) > DEVIATION_Z)
    expected.changed[each.place] = is_changed
    keeps = is_changed & ~is_unsettled
    state.old_mean[pump] = np.where(keeps, mean, old_mean)
    state.old_variance[pump] = np.where(keeps, variance, old_variance)
    state.old_refills[pump] = np.where(keeps, refills, state.old_refills[pump])

    # A change somewhere within the interval: it shows the new ratio only in part, so it counts for little.
    shift = each.delivered - mean * each.programmed
    noise = np.where(is_changed, each.noise + shift**2, each.noise)
    mean = np.where(is_changed, fleet.prior_mean[pump], mean)
    away = np.abs(each.delivered / each.programmed - mean) / 2
    variance = np.where(is_changed, np.maximum(CHANGED_SD, away) ** 2, variance)
    state.mean[pump], state.variance[pump] = _learned(each, mean, variance, noise)
    state.refills[pump] = np.where(is_changed, 0, refills) + ~each.is_dry
    state.dry_chance[pump] = np.where(is_changed, 1.0, chance)
    state.last_z[pump] = np.where(is_changed | each.is_dry, 0.0, z)
    state.years[pump] = each.years
    # Dry intervals in a row are at least as improbable, whatever the last of them says alone.
    furthest = np.where(each.is_dry, np.maximum(z, DEVIATION_Z), furthest)
    state.deviation[pump] = np.where(is_changed, furthest, state.deviation[pump])
    state.since[pump] = np.where(is_changed, 1, np.where(state.since[pump] > 0, state.since[pump] + 1, 0))


def _off(each: _Round, mean: Floats, variance: Floats) -> tuple[Floats, Floats]:
    """How many standard deviations an interval is off what is believed, and that standard deviation in mL."""
    spread = np.sqrt(each.noise + each.programmed**2 * variance)
    return (each.delivered - mean * each.programmed) / spread, spread


def _learned(each: _Round, mean: Floats, variance: Floats, noise: Floats) -> tuple[Floats, Floats]:
    """Mean and variance of the ratio after an interval."""
    spread = np.sqrt(noise + each.programmed**2 * variance)
    z = (each.delivered - mean * each.programmed) / spread
    moved = z.copy()
    moved[each.is_dry] = _hazard(z[each.is_dry])
    gain = variance * each.programmed / spread
    return mean + gain * moved, variance - np.where(each.is_dry, 0.0, gain**2)


def _tail(z: Floats) -> Floats:
    """The chance that a standard normal variable is at least `z`."""
    return np.array([0.5 * erfc(x / sqrt(2)) for x in z.tolist()])


def _hazard(z: Floats) -> Floats:
    """Mean of a standard normal variable given that it is at least `z`: density / upper tail."""
    # Beyond 25 the tail is too small for a float64, and the mean is z itself to 0.2 %.
    return np.array([exp(-(x**2) / 2) * sqrt(2 / pi) / erfc(x / sqrt(2)) if x < 25 else x for x in z.tolist()])


def _ratios(fleet: Fleet, state: _State) -> Ratios:
    # The present fill is taken to last as long as the one before it.
    sd = np.sqrt(state.variance + fleet.drift**2 * state.years)
    old_sd = np.sqrt(state.old_variance)
    is_unsettled = state.is_unsettled
    high, low = state.mean + Z99 * sd, state.mean - Z99 * sd
    high = np.where(is_unsettled, np.maximum(high, state.old_mean + Z99 * old_sd), high)
    low = np.where(is_unsettled, np.minimum(low, state.old_mean - Z99 * old_sd), low)
    is_doubtful = state.dry_chance < DRY_IS_DOUBTFUL
    high = np.where(is_doubtful, np.maximum(high, OVER_INFUSION * state.mean), high)
    return Ratios(
        mean=np.maximum(state.mean, SMALLEST_RATIO),
        sd=sd,
        refills=state.refills,
        high=np.maximum(high, SMALLEST_RATIO),
        low=np.maximum(low, 0.0),
        deviation=np.where(is_unsettled, state.deviation, 0.0),
    )

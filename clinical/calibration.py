"""A pump's true flow, learned from what is aspirated at each refill.

Model (clinical-rules, section 2): D = r P + e with D = filled - next aspirated, P = the volume programmed between
the two refills, e ~ N(0, noise^2), prior r ~ N(mean, sd^2). The posterior is normal with
precision = 1/sd^2 + sum P^2/noise^2 and mean = (mean/sd^2 + sum P D/noise^2) / precision.
"""

from dataclasses import dataclass

import numpy as np

from clinical.ledger import Fleet, Floats, Ints

# The 99th percentile of the standard normal distribution.
Z99 = 2.3263478740408408
# A last interval this many standard deviations from the pump's own expectation is not noise
# (0.06 of 1,000 healthy refills).
DEVIATION_Z = 4.0
# A ratio below this is a pump that hardly flows: the dates stay finite and the deviation finding speaks.
SMALLEST_RATIO = 0.05


@dataclass(frozen=True)
class Intervals:
    """Refill-to-refill intervals that may calibrate, in ledger order. All arrays have one entry an interval."""

    pump: Ints
    programmed_ml: Floats
    delivered_ml: Floats


@dataclass(frozen=True)
class Ratios:
    """One entry a pump: posterior of the flow ratio, refills behind it, 99th percentile, last deviation.

    `deviation` is the last interval's distance from the pump's calibrated expectation, in standard deviations;
    0 without an interval.
    """

    mean: Floats
    sd: Floats
    refills: Ints
    high: Floats
    low: Floats
    deviation: Floats


def calibrate(fleet: Fleet, intervals: Intervals) -> Ratios:
    """The flow ratio of every pump of the fleet."""
    noise = fleet.noise_ml**2
    precision, weighted = 1.0 / fleet.prior_sd**2, fleet.prior_mean / fleet.prior_sd**2
    squares = _sum_by_pump(fleet, intervals, intervals.programmed_ml**2) / noise
    products = _sum_by_pump(fleet, intervals, intervals.programmed_ml * intervals.delivered_ml) / noise
    mean = (weighted + products) / (precision + squares)
    sd = 1.0 / np.sqrt(precision + squares)
    deviation, high = _last_interval(fleet, intervals, precision + squares, weighted + products, mean + Z99 * sd)
    return Ratios(
        mean=np.maximum(mean, SMALLEST_RATIO),
        sd=sd,
        refills=np.bincount(intervals.pump, minlength=fleet.pumps).astype(np.int64),
        high=np.maximum(high, SMALLEST_RATIO),
        low=np.maximum(mean - Z99 * sd, 0.0),
        deviation=deviation,
    )


def _sum_by_pump(fleet: Fleet, intervals: Intervals, values: Floats) -> Floats:
    # bincount adds in order and per pump, so a pump alone and a pump in a fleet give the same bits.
    return np.bincount(intervals.pump, weights=values, minlength=fleet.pumps).astype(np.float64)


def _last_interval(
    fleet: Fleet, intervals: Intervals, precision: Floats, weighted: Floats, high: Floats
) -> tuple[Floats, Floats]:
    """Hold each pump's last interval against the estimate without it, and widen the bound where it does not fit.

    A deviating pump may have changed: its bound is then also that of a pump known by the last interval alone,
    whichever is earlier.
    """
    deviation = np.zeros(fleet.pumps)
    is_last = np.append(intervals.pump[1:] != intervals.pump[:-1], True)[: len(intervals.pump)]
    pump = intervals.pump[is_last]
    programmed, delivered = intervals.programmed_ml[is_last], intervals.delivered_ml[is_last]
    noise = fleet.noise_ml[pump] ** 2
    square, product = programmed**2 / noise, programmed * delivered / noise
    before = precision[pump] - square
    mean = (weighted[pump] - product) / before
    deviation[pump] = (delivered - mean * programmed) / np.sqrt(noise + programmed**2 / before)
    alone = delivered / programmed + Z99 * fleet.noise_ml[pump] / programmed
    widened = high.copy()
    widened[pump] = np.where(np.abs(deviation[pump]) > DEVIATION_Z, np.maximum(high[pump], alone), high[pump])
    return deviation, widened

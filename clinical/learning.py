"""What a fleet's refills say of its pump models: prior and measurement noise, by empirical Bayes.

For every pump the ratio is smoothed over its measured intervals (Kalman filter forward, Rauch-Tung-Striebel backward,
on the model of `clinical.calibration`), and the figures of the fleet are those most likely to give such intervals
(expectation maximisation, Shumway and Stoffer 1982). What the catalogue says counts as so many pumps or intervals of
its own, so a small fleet stays near it and a large one speaks for itself. Intervals that do not fit, and all that
follow them in the same pump, are left out: a pump that changed is no sample of its model.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from clinical.calibration import DEVIATION_Z, Intervals
from clinical.columns import Flags, Fleet, Floats, Ints, fleet
from clinical.depletion import calibration_intervals
from clinical.ledger import LedgerEvent, Prior, PumpFacts
from clinical.segments import cut

# What is believed beforehand counts as so many pumps (mean and spread of a model) or intervals (noise).
BELIEF_PUMPS = 10.0
BELIEF_INTERVALS = 30.0
ITERATIONS = 60
# Of a normal variable cut off at DEVIATION_Z standard deviations, the part of the variance that is left.
_DENSITY = float(np.exp(-(DEVIATION_Z**2) / 2) / np.sqrt(2 * np.pi))
KEPT_VARIANCE = 1 - 2 * DEVIATION_Z * _DENSITY
# The learned spread and noise are handed on this much above the most likely: they are estimates, no pump is quite
# normal, and the earliest date has to hold for 99 of 100.
CAUTION = 1.05
# A drift, or a first interval noisier than the others, counts only where it stands out of chance by so much.
CLEARLY = 3.0


@dataclass(frozen=True)
class Sample:
    """Measured intervals of pumps as arrays (pumps, intervals), padded where `is_there` is False. `model` by pump."""

    model: Ints
    programmed: Floats
    delivered: Floats
    years: Floats
    is_first: Flags
    is_there: Flags

    @property
    def pumps(self) -> int:
        return len(self.model)


@dataclass
class _Figures:
    """What is to be learned; mean and variance by model, the rest of the whole fleet. Variances, not deviations."""

    mean: Floats
    variance: Floats
    noise: float
    first: float
    drift: float


def learn(
    facts: Sequence[PumpFacts], ledgers: Sequence[Sequence[LedgerEvent]], models: Sequence[str]
) -> dict[str, Prior]:
    """Priors by model from pumps and their ledgers. `facts` hold what is believed of each model beforehand."""
    names = sorted(set(models))
    places = np.array([names.index(model) for model in models], dtype=np.int64)
    believed = {model: pump.prior for model, pump in zip(models, facts, strict=True)}
    columns = fleet(facts, ledgers)
    return learned(sample(columns, calibration_intervals(columns, cut(columns)), places), names, believed)


def sample(columns: Fleet, intervals: Intervals, model: Ints) -> Sample:
    """The measured intervals of pumps that have one; `model[i]` is pump i's. Dry ones are only bounds, and left out."""
    measured = np.flatnonzero(~intervals.is_dry)
    pump = intervals.pump[measured]
    sizes = np.bincount(pump, minlength=columns.pumps)
    kept = np.flatnonzero(sizes > 0)
    row = np.cumsum(sizes > 0)[pump] - 1
    place = np.arange(len(pump)) - np.concatenate(([0], np.cumsum(sizes)))[pump]
    shape = (len(kept), int(sizes.max(initial=0)))

    def padded(values: Floats | Flags, empty: float) -> Floats:
        table = np.full(shape, empty)
        table[row, place] = values[measured]
        return table

    return Sample(
        model=model[kept],
        programmed=padded(intervals.programmed_ml, 1.0),
        delivered=padded(intervals.delivered_ml, 1.0),
        years=padded(intervals.years, 0.0),
        is_first=padded(intervals.is_first, 0.0) > 0,
        is_there=padded(np.ones(len(intervals.pump)), 0.0) > 0,
    )


def joined(samples: Sequence[Sample]) -> Sample:
    """Samples read one after the other, as one."""
    width = max((each.programmed.shape[1] for each in samples), default=0)

    def wide(values: Floats, empty: float) -> Floats:
        return np.pad(values, ((0, 0), (0, width - values.shape[1])), constant_values=empty)

    return Sample(
        model=np.concatenate([each.model for each in samples]),
        programmed=np.concatenate([wide(each.programmed, 1.0) for each in samples]),
        delivered=np.concatenate([wide(each.delivered, 1.0) for each in samples]),
        years=np.concatenate([wide(each.years, 0.0) for each in samples]),
        is_first=np.concatenate([wide(each.is_first.astype(np.float64), 0.0) > 0 for each in samples]),
        is_there=np.concatenate([wide(each.is_there.astype(np.float64), 0.0) > 0 for each in samples]),
    )


def learned(found: Sample, names: Sequence[str], believed: Mapping[str, Prior]) -> dict[str, Prior]:
    """Priors by model name, where `found.model` indexes `names`. Without intervals: what was believed."""
    if found.pumps == 0:
        return {name: believed[name] for name in names}
    before = _Figures(
        mean=np.array([believed[name].mean for name in names]),
        variance=np.array([believed[name].sd ** 2 for name in names]),
        noise=float(np.mean([believed[name].noise_ml ** 2 for name in names])),
        first=0.0,
        drift=0.0,
    )
    figures = _fitted(found, before)
    return {
        name: replace(
            believed[name],
            mean=float(figures.mean[place]),
            sd=CAUTION * float(np.sqrt(figures.variance[place])),
            noise_ml=CAUTION * float(np.sqrt(figures.noise)),
            first_ml=float(np.sqrt(figures.first)),
            drift=float(np.sqrt(figures.drift)),
        )
        for place, name in enumerate(names)
    }


def _fitted(found: Sample, before: _Figures) -> _Figures:
    figures = replace(before, mean=before.mean.copy(), variance=before.variance.copy())
    for number in range(ITERATIONS):
        smooth = _smoothed(found, figures)
        _maximise(found, smooth, before, figures)
        if number == ITERATIONS // 3:
            # By now the noise is known well enough to tell a drift, or a noisy first interval, from chance.
            figures.drift, figures.first = _drift(found, smooth, figures), _first(found, smooth, figures)
    return figures


@dataclass(frozen=True)
class _Smoothed:
    """Mean and variance of each pump's ratio at each interval given all of them, and which intervals fit."""

    mean: Floats
    variance: Floats
    fits: Flags


def _smoothed(found: Sample, figures: _Figures) -> _Smoothed:
    """The filter forward, then the smoother backward, all pumps together."""
    mean, variance = figures.mean[found.model], figures.variance[found.model]
    size = found.programmed.shape
    means, variances, grown = np.empty(size), np.empty(size), np.empty(size)
    fits = found.is_there.copy()
    is_whole = np.ones(found.pumps, dtype=np.bool_)
    noise = figures.noise + np.where(found.is_first, figures.first, 0.0)
    for place in range(size[1]):
        variance = variance + figures.drift * found.years[:, place]
        grown[:, place] = variance
        programmed = found.programmed[:, place]
        off = found.delivered[:, place] - mean * programmed
        spread = noise[:, place] + programmed**2 * variance
        is_whole &= ~found.is_there[:, place] | (off**2 <= DEVIATION_Z**2 * spread)
        fits[:, place] &= is_whole
        gain = np.where(fits[:, place], variance * programmed / spread, 0.0)
        mean = mean + gain * off
        variance = variance - gain * programmed * variance
        means[:, place], variances[:, place] = mean, variance
    for place in range(size[1] - 2, -1, -1):
        back = variances[:, place] / grown[:, place + 1]
        means[:, place] += back * (means[:, place + 1] - means[:, place])
        variances[:, place] += back**2 * (variances[:, place + 1] - grown[:, place + 1])
    return _Smoothed(means, variances, fits)


def _maximise(found: Sample, smooth: _Smoothed, before: _Figures, figures: _Figures) -> None:
    """The figures most likely given the smoothed ratios. A pump's prior is of its first interval."""
    counts = smooth.fits.any(axis=1)
    model, models = found.model[counts], len(figures.mean)
    mean, variance = smooth.mean[counts, 0], smooth.variance[counts, 0]
    pumps = np.bincount(model, minlength=models)
    total = np.bincount(model, weights=mean, minlength=models)
    figures.mean = (BELIEF_PUMPS * before.mean + total) / (BELIEF_PUMPS + pumps)
    spread = np.bincount(model, weights=variance + (mean - figures.mean[model]) ** 2, minlength=models)
    figures.variance = (BELIEF_PUMPS * before.variance + spread) / (BELIEF_PUMPS + pumps)
    used = smooth.fits & ~(found.is_first & (figures.first > 0))
    squares = _squares(found, smooth)[used]
    figures.noise = (BELIEF_INTERVALS * before.noise + squares.sum() / KEPT_VARIANCE) / (
        BELIEF_INTERVALS + len(squares)
    )


def _squares(found: Sample, smooth: _Smoothed) -> Floats:
    """Expected squares of the measurement errors, mL^2."""
    return (found.delivered - smooth.mean * found.programmed) ** 2 + found.programmed**2 * smooth.variance


def _first(found: Sample, smooth: _Smoothed, figures: _Figures) -> float:
    """By how much the variance of first intervals exceeds the noise, mL^2; 0 if by chance."""
    squares = _squares(found, smooth)[smooth.fits & found.is_first]
    if len(squares) == 0:
        return 0.0
    excess = float(squares.mean()) / KEPT_VARIANCE - figures.noise
    return excess if excess > CLEARLY * figures.noise * np.sqrt(2 / len(squares)) else 0.0


def _drift(found: Sample, smooth: _Smoothed, figures: _Figures) -> float:
    """Variance a year by which ratios change, 0 if by chance.

    Each pump's first measured ratio against its last: what their difference varies beyond the noise of both, over the
    time between their middles.
    """
    fits = smooth.fits & ~found.is_first
    pumps = np.flatnonzero(fits.sum(axis=1) >= 2)
    if len(pumps) == 0:
        return 0.0
    first = fits[pumps].argmax(axis=1)
    last = fits.shape[1] - 1 - fits[pumps][:, ::-1].argmax(axis=1)
    ratio = found.delivered / found.programmed
    until = np.cumsum(found.years, axis=1) - found.years / 2
    apart = until[pumps, last] - until[pumps, first]
    noise = figures.noise * (1 / found.programmed[pumps, first] ** 2 + 1 / found.programmed[pumps, last] ** 2)
    excess = (ratio[pumps, last] - ratio[pumps, first]) ** 2 - noise
    # Least squares of the excess on the time apart, each weighted by how well it is known.
    weight = 1 / noise**2
    slope = float((weight * apart * excess).sum() / (weight * apart**2).sum())
    error = float(np.sqrt(2 / (weight * apart**2).sum()))
    return slope if slope > CLEARLY * error else 0.0

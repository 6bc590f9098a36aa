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
from clinical.depletion import measure
from clinical.ledger import LedgerEvent, Prior, PumpFacts

# What is believed beforehand counts as so many pumps (mean and spread of a model) or intervals (noise).
BELIEF_PUMPS = 10.0
BELIEF_INTERVALS = 30.0
# Steps of the maximisation at each stage, at most; it has settled once no figure moves by more than this part of it.
ITERATIONS, SETTLED = 50, 1e-7
# Of a normal variable cut off at DEVIATION_Z standard deviations, the part of the variance that is left.
_DENSITY = float(np.exp(-(DEVIATION_Z**2) / 2) / np.sqrt(2 * np.pi))
KEPT_VARIANCE = 1 - 2 * DEVIATION_Z * _DENSITY
# The learned spread and noise are handed on this much above the most likely: they are estimates, no pump is quite
# normal, and the earliest date has to hold for 99 of 100.
CAUTION = 1.05
# A drift, or first intervals that are off, count only where they stand out of chance by so many standard errors.
CLEARLY = 2.5


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


_NO_NUMBERS, _NO_FLAGS = np.zeros((0, 0)), np.zeros((0, 0), dtype=np.bool_)
EMPTY = Sample(np.zeros(0, dtype=np.int64), _NO_NUMBERS, _NO_NUMBERS, _NO_NUMBERS, _NO_FLAGS, _NO_FLAGS)


@dataclass
class _Figures:
    """What is to be learned; mean and variance by model, the rest of the whole fleet. Variances, not deviations; but
    `first` is a mean, mL."""

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
    return learned(sample(columns, measure(columns).intervals, places), names, believed)


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
            first_ml=figures.first,
            drift=float(np.sqrt(figures.drift)),
        )
        for place, name in enumerate(names)
    }


def _fitted(found: Sample, before: _Figures) -> _Figures:
    """In three stages: what is 0 stays 0 in every step, so whether there is a drift, and whether first intervals are
    off, is asked once the rest has settled."""
    figures = replace(before, mean=before.mean.copy(), variance=before.variance.copy())
    smooth = _settle(found, before, figures)
    figures.drift = _first_drift(found, smooth)
    smooth = _settle(found, before, figures)
    figures.first = _first_offset(found, smooth, figures)
    _settle(found, before, figures)
    return figures


def _settle(found: Sample, before: _Figures, figures: _Figures) -> "_Smoothed":
    """Improve the figures until they stand; the ratios smoothed with them."""
    smooth = _smoothed(found, figures)
    for _ in range(ITERATIONS):
        last = _numbers(figures)
        _maximise(found, smooth, before, figures)
        smooth = _smoothed(found, figures)
        if np.allclose(_numbers(figures), last, rtol=SETTLED, atol=0.0):
            break
    return smooth


def _numbers(figures: _Figures) -> Floats:
    return np.array([*figures.mean, *figures.variance, figures.noise, figures.first, figures.drift])


@dataclass(frozen=True)
class _Smoothed:
    """Mean and variance of each pump's ratio at each interval given all of them, its covariance with the one before,
    and which intervals fit."""

    mean: Floats
    variance: Floats
    covariance: Floats
    fits: Flags


def _smoothed(found: Sample, figures: _Figures) -> _Smoothed:
    """The filter forward, then the smoother backward, all pumps together."""
    mean, variance = figures.mean[found.model], figures.variance[found.model]
    size = found.programmed.shape
    means, variances, grown, covariances = np.empty(size), np.empty(size), np.empty(size), np.zeros(size)
    fits = found.is_there.copy()
    is_whole = np.ones(found.pumps, dtype=np.bool_)
    delivered = _delivered(found, figures)
    for place in range(size[1]):
        variance = variance + (figures.drift * found.years[:, place] if place else 0.0)
        grown[:, place] = variance
        programmed = found.programmed[:, place]
        off = delivered[:, place] - mean * programmed
        spread = figures.noise + programmed**2 * variance
        is_whole &= ~found.is_there[:, place] | (off**2 <= DEVIATION_Z**2 * spread)
        fits[:, place] &= is_whole
        gain = np.where(fits[:, place], variance * programmed / spread, 0.0)
        mean = mean + gain * off
        variance = variance - gain * programmed * variance
        means[:, place], variances[:, place] = mean, variance
    for place in range(size[1] - 2, -1, -1):
        back = variances[:, place] / grown[:, place + 1]
        means[:, place] += back * (means[:, place + 1] - means[:, place])
        covariances[:, place + 1] = back * variances[:, place + 1]
        variances[:, place] += back**2 * (variances[:, place + 1] - grown[:, place + 1])
    return _Smoothed(means, variances, covariances, fits)


def _delivered(found: Sample, figures: _Figures) -> Floats:
    return found.delivered - np.where(found.is_first, figures.first, 0.0)


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
    off = _delivered(found, figures) - smooth.mean * found.programmed
    squares = (off**2 + found.programmed**2 * smooth.variance)[smooth.fits]
    total_noise = BELIEF_INTERVALS * before.noise + float(squares.sum()) / KEPT_VARIANCE
    figures.noise = total_noise / (BELIEF_INTERVALS + len(squares))
    firsts = smooth.fits & found.is_first
    if figures.first != 0 and firsts.any():
        figures.first += float(off[firsts].mean())
    if figures.drift > 0:
        figures.drift = _drift(found, smooth)


def _first_offset(found: Sample, smooth: _Smoothed, figures: _Figures) -> float:
    """By how much first intervals are off on average, mL; 0 if by chance."""
    off = (found.delivered - smooth.mean * found.programmed)[smooth.fits & found.is_first]
    if len(off) < 2:
        return 0.0
    offset, error = float(off.mean()), float(np.sqrt(figures.noise / len(off)))
    return offset if abs(offset) > CLEARLY * error else 0.0


def _drift(found: Sample, smooth: _Smoothed) -> float:
    """Variance a year by which ratios change from one interval to the next."""
    both = smooth.fits[:, 1:] & smooth.fits[:, :-1]
    moved = (smooth.mean[:, 1:] - smooth.mean[:, :-1]) ** 2 + smooth.variance[:, 1:] + smooth.variance[:, :-1]
    moved -= 2 * smooth.covariance[:, 1:]
    return float(moved[both].sum() / found.years[:, 1:][both].sum()) if both.any() else 0.0


def _first_drift(found: Sample, smooth: _Smoothed) -> float:
    """A first guess of the drift, variance a year; 0 if by chance.

    Of each pump, two measured ratios differ by the noise of both and by what the pump changed in between: least squares
    of the squared differences of neighbours, and of the first and the last, on both. First intervals are left out.
    """
    fits = smooth.fits & ~found.is_first
    pump, place = np.nonzero(fits[:, 1:] & fits[:, :-1])
    many = np.flatnonzero(fits.sum(axis=1) >= 3)
    if len(many) < 3:
        return 0.0
    last = fits.shape[1] - 1 - fits[many][:, ::-1].argmax(axis=1)
    pump = np.concatenate((pump, many))
    start, end = np.concatenate((place, fits[many].argmax(axis=1))), np.concatenate((place + 1, last))
    ratio = found.delivered / found.programmed
    until = np.cumsum(found.years, axis=1) - found.years / 2
    squared = (ratio[pump, end] - ratio[pump, start]) ** 2
    of_noise = 1 / found.programmed[pump, start] ** 2 + 1 / found.programmed[pump, end] ** 2
    design = np.stack([of_noise, until[pump, end] - until[pump, start]])
    if not design[1].any():
        return 0.0
    # Squares vary as their own expectation does; the noise is most of it.
    weight = 1 / of_noise**2
    normal = (design * weight) @ design.T
    noise, drift = np.linalg.solve(normal, (design * weight) @ squared)
    error = float(np.sqrt(2 * np.linalg.inv(normal)[1, 1])) * max(float(noise), 0.0)
    return float(drift) if drift > CLEARLY * error else 0.0


# A prior within this of another moves no date by more than a few hours: it is no news.
SAME_MEAN, SAME_SPREAD = 0.001, 0.02


def is_news(new: Prior, old: Prior) -> bool:
    """Whether a newly learned prior differs from the one in use by so much that dates should follow."""
    if abs(new.mean - old.mean) > SAME_MEAN:
        return True
    if abs(new.first_ml - old.first_ml) > SAME_SPREAD:
        return True
    pairs = ((new.sd, old.sd), (new.noise_ml, old.noise_ml), (new.drift, old.drift))
    return any(abs(mine - theirs) > SAME_SPREAD * max(mine, theirs) for mine, theirs in pairs)

"""What is measured of a judged fleet. Errors are forecast less truth, in days; positive is late, which is dangerous."""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from bench._judged import Judged
from bench._simulated_fleet import AFTER_JUMP
from bench._simulated_lives import Flags, Floats, Ints

# Shares of pumps that a bound is to leave below it.
NOMINAL = (0.5, 0.25, 0.1, 0.05, 0.025, 0.01, 0.005)
# Refills behind a forecast: from, to.
BEHIND = ((0, 0), (1, 1), (2, 2), (3, 3), (4, 6), (7, 10), (11, 14))


@dataclass(frozen=True)
class Score:
    """Healthy pumps at their last fill; `false_findings` per 1,000 of all their refills. Shares are of 1.

    `early` is the mean of true low - `earliest_low_at`; `best_*` is of the learner at the information limit.
    """

    pumps: int
    rmse: float
    programmed_rmse: float
    bias: float
    low_before: float
    early: float
    best_rmse: float
    best_low_before: float
    best_early: float
    false_findings: float

    @property
    def ratio(self) -> float:
        return self.rmse / self.programmed_rmse

    @property
    def best_ratio(self) -> float:
        return self.best_rmse / self.programmed_rmse


def score(found: Judged) -> Score:
    pumps = np.flatnonzero(found.is_healthy)
    return _score(found, pumps, found.refills[pumps], _false_findings(found))


def score_at(found: Judged, behind: tuple[int, int]) -> Score | None:
    """The same at every fill of the healthy pumps with so many refills behind it (from, to)."""
    fills = np.arange(found.is_there.shape[1])
    within = (fills >= behind[0]) & (fills <= behind[1])
    pump, fill = np.nonzero(found.is_there & within & found.is_healthy[:, None])
    return _score(found, pump, fill, np.nan) if len(pump) else None


def score_of_model(found: Judged, model: int) -> Score:
    pumps = np.flatnonzero(found.is_healthy & (found.model == model))
    return _score(found, pumps, found.refills[pumps], np.nan)


def _score(found: Judged, pump: Ints, fill: Ints, false_findings: float) -> Score:
    truth = found.true_low[pump, fill]

    def rmse(table: Floats) -> float:
        return float(np.sqrt(np.mean((table[pump, fill] - truth) ** 2)))

    def low_before(table: Floats) -> float:
        return float(np.mean(truth < table[pump, fill]))

    def early(table: Floats) -> float:
        return float(np.mean(truth - table[pump, fill]))

    return Score(
        pumps=len(pump),
        rmse=rmse(found.low),
        programmed_rmse=rmse(found.programmed_low),
        bias=-early(found.low),
        low_before=low_before(found.earliest_low),
        early=early(found.earliest_low),
        best_rmse=rmse(found.best_low),
        best_low_before=low_before(found.best_earliest_low),
        best_early=early(found.best_earliest_low),
        false_findings=false_findings,
    )


def _false_findings(found: Judged) -> float:
    """Per 1,000 refills of healthy pumps: findings that were not there at the fill before."""
    begins = found.deviates[:, 1:] & ~found.deviates[:, :-1] & found.is_there[:, 1:]
    healthy = found.is_healthy
    return float(1000 * begins[healthy].sum() / found.refills[healthy].sum())


def coverage(found: Judged) -> list[float]:
    """The share of healthy pumps that are low before the bound meant for each of NOMINAL, at their last fill.

    The bounds are made of the forecast's mean and standard deviation of the ratio; that of 1 % is `earliest_low_at`
    where no change is unsettled.
    """
    pumps = np.flatnonzero(found.is_healthy)
    fill = found.refills[pumps]
    mean, sd = found.ratio[pumps, fill], found.ratio_sd[pumps, fill]
    shares = []
    for nominal in NOMINAL:
        bound = found.full_ml_per_ml_day[pumps, fill] / (mean + NormalDist().inv_cdf(1 - nominal) * sd)
        shares.append(float(np.mean(found.true_low[pumps, fill] < bound)))
    return shares


@dataclass(frozen=True)
class JumpScore:
    """Jumps of one kind or of several. Entry n - 1 is of the n-th refill after the jump.

    `flagged` is the share with the finding `calibrated_deviation` at one of the refills until then, `with_dry` with
    that or `aspirated_zero`. `low_before` is the share truly low before `earliest_low_at`, `early` the mean of what
    the bound is early, in days; nan where most never get low.
    """

    cases: int
    flagged: list[float]
    with_dry: list[float]
    low_before: list[float]
    early: list[float]


def score_jumps(found: Judged, kinds: tuple[int, ...]) -> JumpScore:
    pumps = np.flatnonzero(np.isin(found.kind, kinds))
    fills = found.jump[pumps, None] + 1 + np.arange(AFTER_JUMP)
    row = pumps[:, None]

    def until(flags: Flags) -> list[float]:
        return [float(share) for share in np.maximum.accumulate(flags[row, fills], axis=1).mean(axis=0)]

    truth, bound = found.true_low[row, fills], found.earliest_low[row, fills]
    is_finite = bool(np.isfinite(truth).all() and np.isfinite(bound).all())
    return JumpScore(
        cases=len(pumps),
        flagged=until(found.deviates),
        with_dry=until(found.deviates | found.is_dry),
        low_before=[float(share) for share in (truth < bound).mean(axis=0)],
        early=[float(days) for days in np.median(truth - bound, axis=0)] if is_finite else [np.nan] * AFTER_JUMP,
    )

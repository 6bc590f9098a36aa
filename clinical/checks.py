"""Every refill checked: what was aspirated against what was expected, by the program and by the pump's own ratio.

About one refill in ten of a healthy pump is more than 2 mL off what its program makes it, so that alone is no finding:
only a deviation from what the pump itself has shown is (clinical rules, section 2: discrepancy, ASRA 2017).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

import numpy as np

from clinical.calibration import SMALLEST_RATIO, Expected, Intervals, Ratios, calibrate
from clinical.columns import FILL, PART, REST, Fleet, Ints, fleet
from clinical.depletion import calibration_intervals
from clinical.ledger import Fill, LedgerEvent, PumpFacts, in_order
from clinical.residual import DISCREPANCY_ML, Residual, is_outside_accuracy, residual
from clinical.segments import Segments, cut

# The trend compares the ratio of so many refills with those before. It informs, so chance may play in it now and then:
# beyond so many standard errors it is said to rise or fall (our own bounds; ASRA 2017 asks to follow the trend).
TREND_REFILLS = 3
TREND_ERRORS = 2.5
# Decimals of volumes that were summed in float64: no syringe shows more.
THOUSANDTH = Decimal("0.001")


class Uncounted(StrEnum):
    """Why a refill said nothing of the pump's flow ratio (`depletion.calibration_intervals`)."""

    FIRST_FILL = "first_fill"
    NOT_EMPTIED = "not_emptied"
    NOT_MEASURED = "not_measured"
    FLOW_UNKNOWN = "flow_unknown"
    DOSE_UNSEEN = "dose_unseen"
    OPEN_STALL = "open_stall"
    PATIENT_BOLUSES = "patient_boluses_unread"
    NOTHING_FLOWED = "nothing_flowed"
    DRY = "dry"


class Trend(StrEnum):
    """How the ratio of the last three measured refills compares with those before."""

    TOO_FEW = "too_few"
    STEADY = "steady"
    RISING = "rising"
    FALLING = "falling"


@dataclass(frozen=True)
class RefillCheck:
    """One refill. Volumes in mL, rounded to 0.01; None where they cannot be said.

    `expected_ml` is at the programmed flow, `calibrated_ml` at the pump's own ratio as believed just before the refill.
    `discrepancy_ml` is expected - aspirated, `flow_ratio` delivered / programmed since the last emptying; both None
    unless the reservoir was emptied and measured. `z` is how many standard deviations it was off the pump's own
    expectation, positive where more was delivered; None where it could not be compared. `uncounted` is None where the
    refill counted for the ratio. `is_finding`: the pump's flow had changed, by its own history. `trend` is as of then.
    """

    at: datetime
    aspirated_ml: Decimal | None
    expected_ml: Decimal | None
    calibrated_ml: Decimal | None
    discrepancy_ml: Decimal | None
    flow_ratio: Decimal | None
    accuracy_pct: Decimal
    is_within_accuracy: bool | None
    is_above_2_ml: bool | None
    z: float | None
    uncounted: Uncounted | None
    is_finding: bool
    trend: Trend


@dataclass(frozen=True)
class _Since:
    """What the ledger says of the time since the last emptying, just before a refill."""

    held_ml: float
    programmed_ml: float
    is_assumed: bool
    is_stalled: bool
    is_at_most: bool
    is_first: bool


def refill_checks(facts: PumpFacts, ledger: Sequence[LedgerEvent], *, accuracy_pct: Decimal) -> list[RefillCheck]:
    """A check of every fill of one pump, in ledger order. `accuracy_pct` is the device's, of what it delivers.

    Source: clinical rules, section 2 (discrepancy, device accuracy limits, flow ratio).
    """
    ordered = in_order(ledger)
    columns = fleet([facts], [ordered])
    if not len(columns.at):
        return []
    segments = cut(columns)
    intervals = calibration_intervals(columns, segments)
    found = _Checked(columns, segments, intervals, *calibrate(columns, intervals), accuracy_pct)
    fills = [place for place, event in enumerate(ordered) if isinstance(event, Fill)]
    return [found.check(place, fill) for place in fills if isinstance(fill := ordered[place], Fill)]


@dataclass(frozen=True)
class _Checked:
    fleet: Fleet
    segments: Segments
    intervals: Intervals
    ratios: Ratios
    expected: Expected
    accuracy_pct: Decimal

    def check(self, place: int, fill: Fill) -> RefillCheck:
        """The fill at a place of the ledger."""
        since = self._since(place)
        number = int(np.searchsorted(self.intervals.end, place))
        is_measured = number < len(self.intervals.end) and self.intervals.end[number] == place
        found = self._residual(since, number, fill) if since is not None else None
        is_compared = found is not None and fill.aspirated_ml is not None and self.fleet.what[place] == FILL
        off = found.discrepancy_ml if found is not None and is_compared else None
        return RefillCheck(
            at=fill.at,
            aspirated_ml=fill.aspirated_ml,
            expected_ml=found.expected_ml if found is not None else None,
            calibrated_ml=found.calibrated_ml if found is not None else None,
            discrepancy_ml=off,
            flow_ratio=found.flow_ratio if found is not None and is_compared else None,
            accuracy_pct=self.accuracy_pct,
            is_within_accuracy=self._is_within(since, found) if off is not None else None,
            is_above_2_ml=abs(off) > DISCREPANCY_ML if off is not None else None,
            z=float(self.expected.z[number]) if is_measured else None,
            uncounted=self._uncounted(place, fill, since, is_measured=is_measured),
            is_finding=bool(is_measured and self.expected.changed[number]),
            trend=_trend(self.fleet, self.intervals, number + 1 if is_measured else number),
        )

    def _since(self, place: int) -> _Since | None:
        """None before the first fill."""
        start = int(self.segments.fill[place - 1]) if place else -1
        if start < 0:
            return None
        between = slice(start, place)
        volume = self.segments.volume_ml[between]
        return _Since(
            held_ml=float(self.fleet.filled_ml[start] + self.fleet.added_ml[between].sum()),
            programmed_ml=float(volume.sum()),
            is_assumed=bool(self.segments.assumed[between].any()),
            is_stalled=bool((self.segments.stalled[between] >= 0).any()),
            is_at_most=bool((self.segments.at_most[between] & (volume != 0)).any()),
            is_first=bool(np.isnan(self.fleet.aspirated_ml[start])),
        )

    def _residual(self, since: _Since, number: int, fill: Fill) -> Residual | None:
        """`number` is of the first measured interval that does not end before the refill: what was believed then is
        what was believed at the refill."""
        if np.isnan(since.programmed_ml):
            return None
        known = number < len(self.expected.mean)
        ratio = float(self.expected.mean[number] if known else self.ratios.mean[0])
        return residual(
            held_ml=since.held_ml,
            programmed_ml=since.programmed_ml,
            ratio=max(ratio, SMALLEST_RATIO),
            aspirated_ml=fill.aspirated_ml if fill.aspirated_ml is not None else Decimal(0),
            first_ml=float(self.fleet.first_ml[0]) if since.is_first else 0.0,
        )

    def _is_within(self, since: _Since | None, found: Residual | None) -> bool | None:
        if since is None or found is None:
            return None
        held = Decimal(since.held_ml).quantize(THOUSANDTH)
        return not is_outside_accuracy(found.discrepancy_ml, held - found.expected_ml, self.accuracy_pct)

    def _uncounted(self, place: int, fill: Fill, since: _Since | None, *, is_measured: bool) -> Uncounted | None:
        if is_measured:
            return Uncounted.DRY if fill.aspirated_ml == 0 else None
        if since is None:
            return Uncounted.FIRST_FILL
        reasons = {
            Uncounted.NOT_EMPTIED: self.fleet.what[place] in (PART, REST),
            Uncounted.NOT_MEASURED: fill.aspirated_ml is None,
            Uncounted.FLOW_UNKNOWN: np.isnan(since.programmed_ml),
            Uncounted.DOSE_UNSEEN: since.is_assumed,
            Uncounted.OPEN_STALL: since.is_stalled,
            Uncounted.PATIENT_BOLUSES: since.is_at_most,
        }
        return next((reason for reason, holds in reasons.items() if holds), Uncounted.NOTHING_FLOWED)


def _trend(fleet: Fleet, intervals: Intervals, until: int) -> Trend:
    """Of the measured intervals before number `until`: the ratio of the last three against that of those before.

    Ratios are sums of what was delivered over sums of what was programmed; their error is the measurements' alone.
    """
    measured: Ints = np.flatnonzero(~intervals.is_dry[:until])
    before, last = measured[:-TREND_REFILLS], measured[-TREND_REFILLS:]
    if not len(before):
        return Trend.TOO_FEW
    first_ml = np.where(intervals.is_first, fleet.first_ml[intervals.pump], 0.0)
    delivered = intervals.delivered_ml - first_ml

    def ratio(which: Ints) -> tuple[float, float]:
        programmed = float(intervals.programmed_ml[which].sum())
        return float(delivered[which].sum()) / programmed, len(which) / programmed**2

    (now, now_variance), (then, then_variance) = ratio(last), ratio(before)
    error = float(fleet.noise_ml[0]) * (now_variance + then_variance) ** 0.5
    if abs(now - then) <= TREND_ERRORS * error:
        return Trend.STEADY
    return Trend.RISING if now > then else Trend.FALLING

"""The forecast of a pump: every date, why it is that date, and what a person should know.

The same pump, ledger, rules and prior give the same forecast for ever; nothing here depends on now.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from clinical.calibration import Ratios
from clinical.columns import Fleet, Floats, fleet
from clinical.dates import LIMITS, REASONS, Dates, Limit, dates
from clinical.depletion import Measured, deplete, since_fill
from clinical.findings import Finding
from clinical.judging import Watched, judge
from clinical.ledger import LedgerEvent, PumpFacts, in_order
from clinical.terms import ClinicRules, Device, Terms, terms
from clinical.units import to_seconds


@dataclass(frozen=True)
class FlowRatio:
    """Calibrated delivered / programmed and the number of refills behind it."""

    mean: float
    sd: float
    refills: int


@dataclass(frozen=True)
class Forecast:
    """Design, section 2. Moments in UTC, whole seconds; None where a level is never reached or not known.

    `unknown_reason` is empty, or `no_fill`, `no_dose`, `dose_unseen`, `no_factory_flow`, `stall`, `stopped`,
    `flow_changed`.
    `filled_at` is the last fill. `stopped_at` is set while the pump is stopped, or a stop is planned; `stalled_at`
    while a stall has no recovery. `flow_ml_per_day` is programmed after the last event. `ratio_high` is the ratio's
    99th percentile.
    """

    programmed_low_at: datetime | None
    programmed_empty_at: datetime | None
    flow_ratio: FlowRatio
    ratio_high: float
    ratio_low: float
    low_at: datetime | None
    empty_at: datetime | None
    earliest_low_at: datetime | None
    drug_expires_at: datetime | None
    max_interval_at: datetime | None
    refill_by: datetime | None
    limiting_factor: Limit
    service_ends_at: datetime | None
    unknown_reason: str
    filled_at: datetime | None
    stopped_at: datetime | None
    stalled_at: datetime | None
    flow_ml_per_day: float | None
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Forecasts:
    """Forecasts of many pumps in columns, one entry a pump; see `Forecast` for what each is."""

    dates: Dates
    ratios: Ratios
    service_ends: Floats
    flow: Floats
    findings: list[tuple[Finding, ...]]


def forecasts(columns: Fleet, found: Terms, watched: Watched, measured: Measured | None = None) -> Forecasts:
    """Forecasts of a fleet. `watched` holds, by pump, the ledgers that have to be read event by event (`judging`);
    `measured` is the fleet's, where the caller has it."""
    depletion = deplete(columns, measured)
    days = dates(columns, found, depletion)
    findings, indicated = judge(columns, found, depletion, days, watched)
    return Forecasts(days, depletion.ratios, np.fmin(found.life_ends_at, indicated), depletion.flow, findings)


def forecast_fleet(
    devices: Sequence[Device], ledgers: Sequence[Sequence[LedgerEvent]], rules: Sequence[ClinicRules]
) -> list[Forecast]:
    """Forecasts of many pumps at once; `ledgers[i]` and `rules[i]` belong to `devices[i]`."""
    ordered = [in_order(ledger) for ledger in ledgers]
    watched = {
        place: (ledger, device.mri_behaviour)
        for place, (device, ledger) in enumerate(zip(devices, ordered, strict=True))
    }
    columns = fleet([device.facts for device in devices], ordered)
    together = forecasts(columns, terms(devices, ordered, rules), watched)
    return [_single(together, place) for place in range(columns.pumps)]


def forecast(device: Device, ledger: Sequence[LedgerEvent], rules: ClinicRules) -> Forecast:
    """The forecast of one pump: a fleet of one."""
    return forecast_fleet([device], [ledger], [rules])[0]


def _single(together: Forecasts, place: int) -> Forecast:
    """One pump's entries in Python's types."""
    days, ratios = together.dates, together.ratios
    flow = float(together.flow[place])
    return Forecast(
        programmed_low_at=_moment(days.programmed_low[place]),
        programmed_empty_at=_moment(days.programmed_empty[place]),
        flow_ratio=FlowRatio(float(ratios.mean[place]), float(ratios.sd[place]), int(ratios.refills[place])),
        ratio_high=float(ratios.high[place]),
        ratio_low=float(ratios.low[place]),
        low_at=_moment(days.low[place]),
        empty_at=_moment(days.empty[place]),
        earliest_low_at=_moment(days.earliest_low[place]),
        drug_expires_at=_moment(days.drug_expires[place]),
        max_interval_at=_moment(days.max_interval[place]),
        refill_by=_moment(days.refill_by[place]),
        limiting_factor=LIMITS[days.limit[place]],
        service_ends_at=_moment(together.service_ends[place]),
        unknown_reason=REASONS[days.reason[place]],
        filled_at=_moment(days.filled[place]),
        stopped_at=_moment(days.stopped[place]),
        stalled_at=_moment(days.stalled[place]),
        flow_ml_per_day=None if np.isnan(flow) else flow,
        findings=together.findings[place],
    )


def _moment(seconds: float) -> datetime | None:
    return None if np.isnan(seconds) else datetime.fromtimestamp(float(seconds), tz=UTC)


@dataclass(frozen=True)
class VolumeCurve:
    """Reservoir volume at moments, mL: programmed, at the calibrated mean, and the 98 % range. nan before a fill.

    `held_ml` is what was filled and added, `programmed_ml` what was programmed to flow since the fill.
    """

    programmed: list[float]
    expected: list[float]
    low: list[float]
    high: list[float]
    flow_ml_per_day: list[float]
    held_ml: list[float]
    programmed_ml: list[float]


@dataclass(frozen=True)
class Believed:
    """A pump's flow ratio: the mean, and the ends of its 98 % range."""

    mean: float
    high: float
    low: float


def volumes(
    facts: PumpFacts, ledger: Sequence[LedgerEvent], moments: Sequence[datetime], believed: Believed | None = None
) -> VolumeCurve:
    """What one pump holds at each moment, mL: filled and added - ratio x programmed since the fill, never below 0.

    `believed` is the ratio of that ledger where it is known already; else it is learned here.
    """
    columns = fleet([facts], [ledger])
    if believed is None:
        ratios = deplete(columns).ratios
        believed = Believed(float(ratios.mean[0]), float(ratios.high[0]), float(ratios.low[0]))
    since = since_fill(columns, np.array([to_seconds(moment) for moment in moments]))
    if len(columns.at):
        held = np.where(since.fill >= 0, columns.filled_ml[since.fill], np.nan) + since.added_ml
    else:
        held = since.added_ml

    def left(ratio: float) -> list[float]:
        return [float(value) for value in np.maximum(held - ratio * since.programmed_ml, 0.0)]

    return VolumeCurve(
        programmed=left(1.0),
        expected=left(believed.mean),
        low=left(believed.high),
        high=left(believed.low),
        flow_ml_per_day=[float(value) for value in since.flow],
        held_ml=[float(value) for value in held],
        programmed_ml=[float(value) for value in since.programmed_ml],
    )

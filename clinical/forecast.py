"""The forecast of a pump: every date, why it is that date, and what a person should know.

The same pump, ledger, rules and prior give the same forecast for ever; nothing here depends on now.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from zoneinfo import ZoneInfo

import numpy as np

from clinical import findings
from clinical.depletion import Depletion, deplete, programmed_since_fill
from clinical.findings import Finding
from clinical.ledger import Fill, LedgerEvent, ProgramChange, PumpFacts, fleet, in_order
from clinical.programs import Mode
from clinical.units import days, start_of_day, to_moment, to_seconds


class Limit(StrEnum):
    """What binds `refill_by`."""

    VOLUME = "volume"
    STABILITY = "stability"
    LOT_EXPIRY = "lot_expiry"
    MAX_INTERVAL = "max_interval"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class ClinicRules:
    """What the clinic sets. Margin and interval in days; the timezone turns calendar days into moments."""

    timezone: ZoneInfo
    margin_days: int
    max_refill_interval_days: int


@dataclass(frozen=True)
class Device:
    """A pump as the forecast needs it. Flow limits in mL/day, None where the catalogue has none."""

    facts: PumpFacts
    implanted_on: date
    service_life_years: int | None
    min_flow_ml_per_day: Decimal | None
    max_flow_ml_per_day: Decimal | None


@dataclass(frozen=True)
class FlowRatio:
    """Calibrated delivered / programmed and the number of refills behind it."""

    mean: float
    sd: float
    refills: int


@dataclass(frozen=True)
class Forecast:
    """Design, section 2. Moments in UTC, whole seconds; None where a level is never reached or not known.

    `unknown_reason` is empty, or `no_fill`, `no_dose`, `dose_unseen`, `no_factory_flow`, `stopped`.
    `filled_at` is the last fill.
    `stopped_at` is set while the last program is a stop. `ratio_high` is the ratio's 99th percentile.
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
    findings: tuple[Finding, ...]


def forecast_fleet(
    devices: Sequence[Device], ledgers: Sequence[Sequence[LedgerEvent]], rules: Sequence[ClinicRules]
) -> list[Forecast]:
    """Forecasts of many pumps at once; `ledgers[i]` and `rules[i]` belong to `devices[i]`."""
    ordered = [in_order(ledger) for ledger in ledgers]
    depletion = deplete(fleet([device.facts for device in devices], ordered))
    events = [event for ledger in ordered for event in ledger]
    return [
        _assemble(device, rule, _Row(depletion, place, events))
        for place, (device, rule) in enumerate(zip(devices, rules, strict=True))
    ]


def forecast(device: Device, ledger: Sequence[LedgerEvent], rules: ClinicRules) -> Forecast:
    """The forecast of one pump: a fleet of one."""
    return forecast_fleet([device], [ledger], [rules])[0]


class _Row:
    """One pump's entries of the kernel's arrays, back in Python's types."""

    def __init__(self, depletion: Depletion, place: int, events: Sequence[LedgerEvent]) -> None:
        fill = events[depletion.fill[place]] if depletion.fill[place] >= 0 else None
        program = events[depletion.program[place]] if depletion.program[place] >= 0 else None
        self.fill = fill if isinstance(fill, Fill) else None
        self.program = program if isinstance(program, ProgramChange) else None
        self.flow = float(depletion.flow[place])
        self.assumed = bool(depletion.assumed[place])
        self.programmed_low = to_moment(depletion.programmed_low[place])
        self.programmed_empty = to_moment(depletion.programmed_empty[place])
        self.low = to_moment(depletion.low[place])
        self.empty = to_moment(depletion.empty[place])
        self.earliest_low = to_moment(depletion.earliest_low[place])
        ratios = depletion.ratios
        self.ratio = FlowRatio(float(ratios.mean[place]), float(ratios.sd[place]), int(ratios.refills[place]))
        self.ratio_high = float(ratios.high[place])
        self.ratio_low = float(ratios.low[place])
        self.deviation = float(ratios.deviation[place])


def _assemble(device: Device, rules: ClinicRules, row: _Row) -> Forecast:
    reason = _unknown_reason(device, row)
    deadlines = _deadlines(row, rules)
    stopped_at = row.program.at if _is_stopped(device, row) and row.program is not None else None
    refill_by, limit = _refill_by(deadlines, reason, stopped_at, rules.margin_days)
    return Forecast(
        programmed_low_at=row.programmed_low,
        programmed_empty_at=row.programmed_empty,
        flow_ratio=row.ratio,
        ratio_high=row.ratio_high,
        ratio_low=row.ratio_low,
        low_at=row.low,
        empty_at=row.empty,
        earliest_low_at=row.earliest_low,
        drug_expires_at=_earliest(deadlines.get(Limit.STABILITY), deadlines.get(Limit.LOT_EXPIRY)),
        max_interval_at=deadlines.get(Limit.MAX_INTERVAL),
        refill_by=refill_by,
        limiting_factor=limit,
        service_ends_at=_service_end(device, rules),
        unknown_reason=reason,
        filled_at=row.fill.at if row.fill is not None else None,
        stopped_at=stopped_at,
        findings=_findings(device, row, reason, deadlines),
    )


def _is_stopped(device: Device, row: _Row) -> bool:
    return device.facts.programmable and row.program is not None and row.program.program.mode is Mode.STOPPED


def _unknown_reason(device: Device, row: _Row) -> str:
    if row.fill is None:
        return "no_fill"
    if not device.facts.programmable:
        return "no_factory_flow" if device.facts.factory_flow_ml_per_day is None else ""
    if row.program is None:
        return "no_dose"
    if row.assumed:
        return "dose_unseen"
    # A stop planned for later leaves the dates of a reservoir that is low before it.
    return "stopped" if _is_stopped(device, row) and row.programmed_low is None else ""


def _deadlines(row: _Row, rules: ClinicRules) -> dict[Limit, datetime]:
    """Every deadline that is known, before the margin."""
    deadlines = {}
    volume = _earliest(row.programmed_low, row.earliest_low)
    if volume is not None:
        deadlines[Limit.VOLUME] = volume
    if row.fill is not None:
        if row.fill.stability_days is not None:
            deadlines[Limit.STABILITY] = _whole(row.fill.at + days(row.fill.stability_days))
        if row.fill.drug_expires_on is not None:
            # The day's first moment: the drug is not relied on for any part of its last day.
            deadlines[Limit.LOT_EXPIRY] = start_of_day(row.fill.drug_expires_on, rules.timezone)
        deadlines[Limit.MAX_INTERVAL] = _whole(row.fill.at + days(rules.max_refill_interval_days))
    return deadlines


def _whole(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)


def _earliest(*moments: datetime | None) -> datetime | None:
    known = [moment for moment in moments if moment is not None]
    return min(known) if known else None


def _refill_by(
    deadlines: dict[Limit, datetime], reason: str, stopped_at: datetime | None, margin_days: int
) -> tuple[datetime | None, Limit]:
    """The date everyone works to.

    A stopped pump has none: it needs somebody now, not by a date. What falls due before a planned stop does count.
    """
    if not deadlines:
        return None, Limit.UNKNOWN
    limit = min(deadlines, key=lambda key: deadlines[key])
    refill_by = deadlines[limit] - timedelta(days=margin_days)
    if reason == "stopped" and stopped_at is not None and refill_by >= stopped_at:
        return None, Limit.UNKNOWN
    return refill_by, Limit.UNKNOWN if reason else limit


def _service_end(device: Device, rules: ClinicRules) -> datetime | None:
    if device.service_life_years is None:
        return None
    start = device.implanted_on
    last_day = 28 if (start.month, start.day) == (2, 29) else start.day
    return start_of_day(date(start.year + device.service_life_years, start.month, last_day), rules.timezone)


def _findings(device: Device, row: _Row, reason: str, deadlines: dict[Limit, datetime]) -> tuple[Finding, ...]:
    found = [findings.of_unknown(reason)] if reason else []
    if row.fill is not None:
        found += findings.of_fill(row.fill)
        found += findings.of_shelf_life(Limit.STABILITY in deadlines or Limit.LOT_EXPIRY in deadlines)
    if row.program is not None and device.facts.programmable:
        found += findings.of_program(row.program)
    if not np.isnan(row.flow):
        found += findings.of_flow(row.flow, device.min_flow_ml_per_day, device.max_flow_ml_per_day)
    found += findings.of_deviation(row.deviation)
    return tuple(found)


@dataclass(frozen=True)
class VolumeCurve:
    """Reservoir volume at moments, mL: programmed, at the calibrated mean, and the 98 % range. nan before a fill."""

    programmed: list[float]
    expected: list[float]
    low: list[float]
    high: list[float]
    flow_ml_per_day: list[float]


def volumes(facts: PumpFacts, ledger: Sequence[LedgerEvent], moments: Sequence[datetime]) -> VolumeCurve:
    """What one pump holds at each moment, mL: filled - ratio x programmed since the fill, never below 0."""
    columns = fleet([facts], [ledger])
    ratios = deplete(columns).ratios
    fill, programmed, flow = programmed_since_fill(columns, np.array([to_seconds(moment) for moment in moments]))
    filled = np.where(fill >= 0, columns.filled_ml[fill], np.nan) if len(columns.at) else np.full(len(fill), np.nan)

    def left(ratio: float) -> list[float]:
        return [float(value) for value in np.maximum(filled - ratio * programmed, 0.0)]

    return VolumeCurve(
        programmed=left(1.0),
        expected=left(float(ratios.mean[0])),
        low=left(float(ratios.high[0])),
        high=left(float(ratios.low[0])),
        flow_ml_per_day=[float(value) for value in flow],
    )

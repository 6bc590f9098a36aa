"""The forecast of a pump: every date, why it is that date, and what a person should know.

The same pump, ledger, rules and prior give the same forecast for ever; nothing here depends on now.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from zoneinfo import ZoneInfo

import numpy as np

from clinical import findings, watching
from clinical.columns import Ints, fleet
from clinical.depletion import Depletion, deplete, since_fill
from clinical.findings import Finding
from clinical.labels import LABEL_SETS, LabelSet
from clinical.ledger import Fill, LedgerEvent, ProgramChange, PumpFacts, in_order
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
class Product:
    """What a clinic has set for a drug product: days it is stable in a pump, the longest interval; None where unset."""

    name: str
    stability_days: int | None = None
    max_refill_interval_days: int | None = None


@dataclass(frozen=True)
class ClinicRules:
    """What the clinic sets. Margin and interval in days; the timezone turns calendar days into moments.

    `products` is by name in lower case, as `product_key` makes it.
    """

    timezone: ZoneInfo
    margin_days: int
    max_refill_interval_days: int
    labels: LabelSet = LABEL_SETS["us"]
    products: Mapping[str, Product] = field(default_factory=dict)

    def product_of(self, fill: Fill) -> Product | None:
        """The clinic's product that was filled, None where it has set none of that name."""
        return self.products.get(product_key(fill.formulation))

    def stability_of(self, fill: Fill) -> int | None:
        """Days the drug of a fill is stable in the pump: as recorded with it, else as set for the product."""
        if fill.stability_days is not None:
            return fill.stability_days
        product = self.product_of(fill)
        return product.stability_days if product is not None else None

    def longest_interval_of(self, fill: Fill) -> int:
        """The longest interval after a fill in days: the product's, else the clinic's."""
        product = self.product_of(fill)
        if product is None or product.max_refill_interval_days is None:
            return self.max_refill_interval_days
        return product.max_refill_interval_days


def product_key(name: str) -> str:
    """Names of products are the same whatever their case and spaces."""
    return " ".join(name.split()).casefold()


@dataclass(frozen=True)
class Device:
    """A pump as the forecast needs it. Flow limits in mL/day, None where the catalogue has none."""

    facts: PumpFacts
    implanted_on: date
    service_life_years: int | None
    min_flow_ml_per_day: Decimal | None
    max_flow_ml_per_day: Decimal | None
    mri_behaviour: str = "verify"


@dataclass(frozen=True)
class FlowRatio:
    """Calibrated delivered / programmed and the number of refills behind it."""

    mean: float
    sd: float
    refills: int


@dataclass(frozen=True)
class Forecast:
    """Design, section 2. Moments in UTC, whole seconds; None where a level is never reached or not known.

    `unknown_reason` is empty, or `no_fill`, `no_dose`, `dose_unseen`, `no_factory_flow`, `stall`, `stopped`.
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


def forecast_fleet(
    devices: Sequence[Device], ledgers: Sequence[Sequence[LedgerEvent]], rules: Sequence[ClinicRules]
) -> list[Forecast]:
    """Forecasts of many pumps at once; `ledgers[i]` and `rules[i]` belong to `devices[i]`."""
    ordered = [in_order(ledger) for ledger in ledgers]
    depletion = deplete(fleet([device.facts for device in devices], ordered))
    events = [event for ledger in ordered for event in ledger]
    return [
        _assemble(device, rule, ledger, _Row(depletion, place, events))
        for place, (device, rule, ledger) in enumerate(zip(devices, rules, ordered, strict=True))
    ]


def forecast(device: Device, ledger: Sequence[LedgerEvent], rules: ClinicRules) -> Forecast:
    """The forecast of one pump: a fleet of one."""
    return forecast_fleet([device], [ledger], [rules])[0]


class _Row:
    """One pump's entries of the kernel's arrays, back in Python's types."""

    def __init__(self, depletion: Depletion, place: int, events: Sequence[LedgerEvent]) -> None:
        def event(column: Ints) -> LedgerEvent | None:
            return events[column[place]] if column[place] >= 0 else None

        fill, program = event(depletion.fill), event(depletion.program)
        stopped, stalled = event(depletion.stopped), event(depletion.stalled)
        self.fill = fill if isinstance(fill, Fill) else None
        self.program = program if isinstance(program, ProgramChange) else None
        self.stopped_at = stopped.at if stopped is not None else None
        self.stalled_at = stalled.at if stalled is not None else None
        self.read_gap = float(depletion.read_gap[place])
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


def _assemble(device: Device, rules: ClinicRules, ledger: Sequence[LedgerEvent], row: _Row) -> Forecast:
    stopped_at = _stopped_at(device, row)
    reason = _unknown_reason(device, row, stopped_at)
    deadlines = _deadlines(row, rules)
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
        service_ends_at=_service_end(device, ledger, rules),
        unknown_reason=reason,
        filled_at=row.fill.at if row.fill is not None else None,
        stopped_at=stopped_at,
        stalled_at=row.stalled_at,
        flow_ml_per_day=None if np.isnan(row.flow) else row.flow,
        findings=_findings(device, rules, ledger, row, reason, deadlines, stopped_at),
    )


def _stopped_at(device: Device, row: _Row) -> datetime | None:
    """Since when the pump is stopped, by an event of its own or by its program."""
    if not device.facts.programmable or row.stopped_at is not None:
        return row.stopped_at
    is_program = row.program is not None and row.program.program.mode is Mode.STOPPED
    return row.program.at if row.program is not None and is_program else None


def _unknown_reason(device: Device, row: _Row, stopped_at: datetime | None) -> str:
    if row.fill is None:
        return "no_fill"
    if not device.facts.programmable and device.facts.factory_flow_ml_per_day is None:
        return "no_factory_flow"
    if device.facts.programmable and row.program is None:
        return "no_dose"
    # A stop planned for later leaves the dates of a reservoir that is low before it.
    if stopped_at is not None and row.programmed_low is None:
        return "dose_unseen" if row.assumed else "stopped"
    if row.stalled_at is not None:
        return "stall"
    return "dose_unseen" if row.assumed else ""


def _deadlines(row: _Row, rules: ClinicRules) -> dict[Limit, datetime]:
    """Every deadline that is known, before the margin."""
    deadlines = {}
    volume = _earliest(row.programmed_low, row.earliest_low)
    if volume is not None:
        deadlines[Limit.VOLUME] = volume
    if row.fill is not None:
        stability = rules.stability_of(row.fill)
        if stability is not None:
            deadlines[Limit.STABILITY] = _whole(row.fill.at + days(stability))
        if row.fill.drug_expires_on is not None:
            # The day's first moment: the drug is not relied on for any part of its last day.
            deadlines[Limit.LOT_EXPIRY] = start_of_day(row.fill.drug_expires_on, rules.timezone)
        deadlines[Limit.MAX_INTERVAL] = _whole(row.fill.at + days(rules.longest_interval_of(row.fill)))
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


def _service_end(device: Device, ledger: Sequence[LedgerEvent], rules: ClinicRules) -> datetime | None:
    """The earlier of the end of the device's life and 90 days after its replacement indicator was first seen."""
    indicated = watching.replacement_indicated_at(ledger)
    stops_at = _whole(indicated + watching.STOPS_AFTER_INDICATOR) if indicated is not None else None
    if device.service_life_years is None:
        return stops_at
    start = device.implanted_on
    last_day = 28 if (start.month, start.day) == (2, 29) else start.day
    life = start_of_day(date(start.year + device.service_life_years, start.month, last_day), rules.timezone)
    return _earliest(life, stops_at)


def _findings(
    device: Device,
    rules: ClinicRules,
    ledger: Sequence[LedgerEvent],
    row: _Row,
    reason: str,
    deadlines: Mapping[Limit, datetime],
    stopped_at: datetime | None,
) -> tuple[Finding, ...]:
    since = {"stopped": stopped_at, "stall": row.stalled_at}.get(reason)
    found = [findings.of_unknown(reason, since)] if reason else []
    found += watching.of_alarm(ledger)
    found += watching.of_mri(ledger, device.mri_behaviour)
    found += watching.of_reading(ledger, row.read_gap)
    if row.fill is not None:
        found += findings.of_fill(row.fill, rules.labels)
        found += findings.of_shelf_life(Limit.STABILITY in deadlines or Limit.LOT_EXPIRY in deadlines)
    if row.program is not None and device.facts.programmable:
        found += findings.of_program(row.program, rules.labels)
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
    """What one pump holds at each moment, mL: filled and added - ratio x programmed since the fill, never below 0."""
    columns = fleet([facts], [ledger])
    ratios = deplete(columns).ratios
    since = since_fill(columns, np.array([to_seconds(moment) for moment in moments]))
    if len(columns.at):
        held = np.where(since.fill >= 0, columns.filled_ml[since.fill], np.nan) + since.added_ml
    else:
        held = since.added_ml

    def left(ratio: float) -> list[float]:
        return [float(value) for value in np.maximum(held - ratio * since.programmed_ml, 0.0)]

    return VolumeCurve(
        programmed=left(1.0),
        expected=left(float(ratios.mean[0])),
        low=left(float(ratios.high[0])),
        high=left(float(ratios.low[0])),
        flow_ml_per_day=[float(value) for value in since.flow],
    )

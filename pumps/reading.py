"""Everything a page says about one pump, read once: the stored forecast and the ledger behind it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from math import nan
from zoneinfo import ZoneInfo

from clinical import forecast as clinical
from clinical.forecast import Believed, VolumeCurve
from clinical.ledger import (
    Emptying,
    Fill,
    Interrogation,
    LedgerEvent,
    MriScan,
    ProgramChange,
    ReservoirAccess,
    in_order,
)
from clinical.terms import ClinicRules, Device
from pumps import folding, forecasting
from pumps.models import Forecast, Pump

# Reasons for which nobody knows what flows.
UNKNOWN_FLOW = ("no_dose", "no_factory_flow")


@dataclass(frozen=True)
class Clock:
    """How far a pump's clock is ahead of UTC (seconds), from when, and whether it was read or set."""

    at: datetime
    offset_s: int
    was_read: bool


@dataclass(frozen=True)
class Reading:
    """`computed` is the kernel's answer for the stored prior version: equal to `row`, and holding the bounds too."""

    pump: Pump
    row: Forecast
    ledger: Sequence[LedgerEvent]
    device: Device
    rules: ClinicRules
    computed: clinical.Forecast
    now: datetime

    @property
    def zone(self) -> ZoneInfo:
        return self.pump.clinic.zone

    @property
    def fills(self) -> list[Fill]:
        return [event for event in self.ledger if isinstance(event, Fill)]

    @property
    def last_fill(self) -> Fill | None:
        return self.fills[-1] if self.fills else None

    @property
    def emptied_fill(self) -> Fill | None:
        """The last fill of an emptied reservoir, from which the volume counts; the first of all where none is said to
        be one."""
        emptied = [fill for fill in self.fills if fill.emptying is Emptying.EMPTIED or _is_on_unknown(fill)]
        return emptied[-1] if emptied else next(iter(self.fills), None)

    @property
    def emptied_by_scan(self) -> MriScan | None:
        """The scan the reservoir was emptied for, with no fill recorded since."""
        scans = [event for event in self.ledger if isinstance(event, MriScan) and event.reservoir_emptied]
        last = self.last_fill
        return scans[-1] if scans and (last is None or scans[-1].at > last.at) else None

    @property
    def added_ml(self) -> Decimal:
        """What was put in less what was taken out since then, mL: top-ups, partial fills, accesses."""
        start, total = self.emptied_fill, Decimal(0)
        for event in self.ledger:
            if start is None or event is start or event.at < start.at or event.at > self.now:
                continue
            if isinstance(event, ReservoirAccess):
                total += event.injected_ml - event.aspirated_ml
            elif isinstance(event, Fill):
                total += event.filled_ml - (event.aspirated_ml or 0)
        return total

    @property
    def programs(self) -> list[ProgramChange]:
        return [event for event in self.ledger if isinstance(event, ProgramChange)]

    @property
    def is_stopped(self) -> bool:
        """Whether the pump stands still now, by a stop or by its program."""
        stopped_at = self.computed.stopped_at
        return stopped_at is not None and stopped_at <= self.now

    @property
    def program_now(self) -> ProgramChange | None:
        """The dose that runs now; a planned one is not it."""
        begun = [change for change in self.programs if change.at <= self.now]
        return begun[-1] if begun else None

    @property
    def clock_now(self) -> Clock | None:
        """The pump's own clock: as set with the last program, or as read since."""
        found = None
        for event in self.ledger:
            if event.at <= self.now and isinstance(event, ProgramChange | Interrogation):
                if event.clock_offset_s is not None:
                    found = Clock(event.at, event.clock_offset_s, isinstance(event, Interrogation))
        return found

    def volumes(self, moments: Sequence[datetime]) -> VolumeCurve:
        ratio = self.computed.flow_ratio
        believed = Believed(ratio.mean, self.computed.ratio_high, self.computed.ratio_low)
        curve = clinical.volumes(self.device.facts, self.ledger, moments, believed)
        return curve if self.computed.unknown_reason not in UNKNOWN_FLOW else _unknown(curve)


def _unknown(curve: VolumeCurve) -> VolumeCurve:
    """Where nobody knows what flows, no volume is given: the last fill would look as if it were all there."""
    blank = [nan] * len(curve.expected)
    return replace(curve, programmed=blank, expected=blank, low=blank, high=blank)


def _is_on_unknown(fill: Fill) -> bool:
    """A partial emptying that nobody measured: what was left may be nothing, so it counts as emptied."""
    return fill.emptying is Emptying.PARTIAL and fill.aspirated_ml is None


def read(pump: Pump, row: Forecast, now: datetime) -> Reading:
    """`row.prior_version`, `pump.model` and `pump.clinic` are read. Two queries."""
    ledger = in_order(folding.ledgers([pump.pk]).get(pump.pk, []))
    device = folding.device(pump, row.prior_version)
    rules = folding.rules([pump.clinic])[pump.clinic_id]
    return Reading(pump, row, ledger, device, rules, clinical.forecast(device, ledger, rules), now)


def supposed(pump: Pump, ledger: Sequence[LedgerEvent], now: datetime) -> Reading:
    """The pump as it would be read if this were its ledger; nothing of it is stored. `pump` as for `read`, with its
    patient. Two queries."""
    version, clinic = forecasting.current_prior(), pump.clinic
    rules = folding.rules([clinic])
    [row] = forecasting.fresh([pump], [version], now=now, ledgers={pump.pk: ledger}, rules=rules)
    device = folding.device(pump, version)
    computed = clinical.forecast(device, ledger, rules[clinic.pk])
    return Reading(pump, row, ledger, device, rules[clinic.pk], computed, now)

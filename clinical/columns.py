"""Pumps and events in columns, as the kernel reads them.

One pump is a fleet of one, so a page, a task over a million pumps and a test run the same arithmetic in the same order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clinical.curves import UNIFORM, Curve, Knot, curve_of
from clinical.ledger import (
    AlarmReport,
    Bridge,
    BridgeEnd,
    Emptying,
    Fill,
    Interrogation,
    LedgerEvent,
    Motor,
    MotorChange,
    MriScan,
    ProgramChange,
    PumpBolus,
    PumpFacts,
    ReservoirAccess,
    in_order,
)
from clinical.programs import Mode, Program
from clinical.units import to_seconds

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

# Codes of the column `what`, in the order of events at one moment: a bridge ends, the pump is read, it is filled, then
# programmed. `PART` is a fill of a reservoir that was not emptied, `REST` one on top of what nobody measured (taken as
# nothing), `EMPTIED` an emptying without a fill.
BRIDGE_END, READING, FILL, PART, ACCESS, PROGRAM, STOPPED, RESTARTED, STALLED, RECOVERED, BOLUS, BRIDGE, NOTE = range(
    13
)
REST, EMPTIED = 13, 14
_MOTOR = {
    Motor.STOPPED: STOPPED,
    Motor.RESTARTED: RESTARTED,
    Motor.STALLED: STALLED,
    Motor.RECOVERED: RECOVERED,
}


@dataclass(frozen=True)
class Curves:
    """Curves as padded arrays of shape (curves, knots); row 0 is the uniform one. `days` is 1 or 7 (from Monday on)."""

    days: Floats
    second: Floats
    before: Floats
    after: Floats
    slope_per_s: Floats


# What every pump has, and every event. Events have nan for what they have no value for, but 0 in `curve`, `given_ml`
# and `given_mcg` (at once, beside the program), `added_ml` (put in less taken out, outside an emptying),
# `by_patient_mcg` (the most that may be called for a day) and `is_planned`. Moments and offsets are in seconds, flows
# in mL/day.
PUMP_COLUMNS = ("low_ml", "programmable", "factory_flow", "prior_mean", "prior_sd", "noise_ml", "first_ml", "drift")
EVENT_COLUMNS = (
    "at",
    "what",
    "filled_ml",
    "aspirated_ml",
    "concentration",
    "dose",
    "curve",
    "clock_offset_s",
    "given_ml",
    "given_mcg",
    "added_ml",
    "bridge_flow",
    "read_ml",
    "by_patient_mcg",
    "read_patient_mcg",
    "is_planned",
)
Columns = dict[str, Floats]


@dataclass(frozen=True)
class Fleet:
    """Columns of `pumps` rows, and columns of events sorted by pump, then moment (`ledger.in_order`).

    `first_event` has pumps + 1 entries: pump i owns the events first_event[i] to first_event[i + 1] - 1. `what` is a
    code from above; the rest is said there.
    """

    low_ml: Floats
    programmable: Flags
    factory_flow: Floats
    prior_mean: Floats
    prior_sd: Floats
    noise_ml: Floats
    first_ml: Floats
    drift: Floats
    first_event: Ints
    at: Floats
    what: Ints
    filled_ml: Floats
    aspirated_ml: Floats
    concentration: Floats
    dose: Floats
    curve: Ints
    clock_offset_s: Floats
    given_ml: Floats
    given_mcg: Floats
    added_ml: Floats
    bridge_flow: Floats
    read_ml: Floats
    by_patient_mcg: Floats
    read_patient_mcg: Floats
    is_planned: Floats
    curves: Curves

    @property
    def pumps(self) -> int:
        return len(self.low_ml)

    def is_any(self, *codes: int) -> Flags:
        """Whether each event is of one of these kinds."""
        found: Flags = self.what == codes[0]
        for code in codes[1:]:
            found |= self.what == code
        return found


def fleet(pumps: Sequence[PumpFacts], ledgers: Sequence[Sequence[LedgerEvent]]) -> Fleet:
    """Columns for `pumps`, where `ledgers[i]` holds pump i's events in any order."""
    ordered = [in_order(ledger) for ledger in ledgers]
    curves = CurveTable()
    return from_columns(
        table(PUMP_COLUMNS, [_pump_numbers(pump) for pump in pumps]),
        table(EVENT_COLUMNS, [event_numbers(event, curves) for ledger in ordered for event in ledger]),
        [len(ledger) for ledger in ordered],
        curves,
    )


def from_columns(pumps: Columns, events: Columns, sizes: Sequence[int] | Ints, curves: "CurveTable") -> Fleet:
    """A fleet from float columns, `sizes[i]` events for pump i, in order."""
    first_event = np.concatenate(([0], np.cumsum(sizes, dtype=np.int64))).astype(np.int64)
    what = events["what"].astype(np.int64)
    unknown = begins_unknown(first_event, what)
    columns: dict[str, Any] = {
        **pumps,
        "programmable": pumps["programmable"].astype(np.bool_),
        **events,
        "what": what,
        "curve": events["curve"].astype(np.int64),
        "added_ml": np.where(unknown, 0.0, events["added_ml"]),
    }
    return Fleet(**columns, first_event=first_event, curves=curves.columns())


def begins_unknown(first_event: Ints, what: Ints) -> Flags:
    """Fills of a reservoir not emptied, of which nothing is known before: each is taken for the first fill."""
    parts: Flags = what == PART
    if not parts.any():
        return parts
    filled = np.concatenate(([0], np.cumsum(np.isin(what, (FILL, REST, EMPTIED)) | parts)))
    before = np.repeat(filled[first_event[:-1]], np.diff(first_event))
    is_unknown: Flags = parts & (filled[:-1] == before)
    return is_unknown


def table(names: Sequence[str], rows: Sequence[Sequence[float]]) -> Columns:
    """Rows of numbers as columns by name."""
    numbers = np.array(rows, dtype=np.float64).reshape(len(rows), len(names)).T
    return dict(zip(names, numbers, strict=True))


def _pump_numbers(pump: PumpFacts) -> tuple[float, ...]:
    """A row in the order of PUMP_COLUMNS."""
    flow = np.nan if pump.factory_flow_ml_per_day is None else float(pump.factory_flow_ml_per_day)
    prior = pump.prior
    low = float(pump.low_reservoir_ml)
    return low, pump.programmable, flow, prior.mean, prior.sd, prior.noise_ml, prior.first_ml, prior.drift


_NONE = float("nan")


def event_numbers(event: LedgerEvent, curves: "CurveTable") -> tuple[float, ...]:
    """A row in the order of EVENT_COLUMNS."""
    at = to_seconds(event.at)
    filled = aspirated = concentration = dose = offset = bridge_flow = read = read_patient = _NONE
    curve, given_ml, given_mcg, added, by_patient, is_planned = 0, 0.0, 0.0, 0.0, 0.0, False
    what = NOTE
    match event:
        case Fill():
            what, filled = FILL, float(event.filled_ml)
            aspirated = _NONE if event.aspirated_ml is None else float(event.aspirated_ml)
            concentration = float(event.programmed_concentration_mcg_per_ml)
            if event.emptying is Emptying.PARTIAL and event.aspirated_ml is None:
                what = REST
            elif event.emptying is not Emptying.EMPTIED:
                what, added = PART, filled - (aspirated if event.aspirated_ml is not None else 0.0)
        case ProgramChange():
            what, curve, offset = PROGRAM, curves.index(event.program), event.clock_offset_s
            dose = 0.0 if event.program.mode is Mode.STOPPED else float(event.program.daily_dose_mcg)
            by_patient = float(event.program.patient_bolus_mcg) * event.program.patient_boluses_per_day
            is_planned = event.is_planned
        case MotorChange():
            what = _MOTOR[event.motor]
        case PumpBolus():
            what, given_ml, given_mcg = BOLUS, float(event.volume_ml or 0), float(event.dose_mcg or 0)
        case Bridge():
            what, bridge_flow = BRIDGE, float(event.volume_ml) / (float(event.duration_hours) / 24)
        case BridgeEnd():
            what = BRIDGE_END
        case ReservoirAccess():
            what, added = ACCESS, float(event.injected_ml) - float(event.aspirated_ml)
        case Interrogation():
            what = READING
            read = _NONE if event.volume_ml is None else float(event.volume_ml)
            offset = _NONE if event.clock_offset_s is None else event.clock_offset_s
            read_patient = _NONE if event.patient_bolus_mcg is None else float(event.patient_bolus_mcg)
        case MriScan(reservoir_emptied=True):
            what, filled = EMPTIED, 0.0
        case MriScan() | AlarmReport():
            what = NOTE
    return (
        at, what, filled, aspirated, concentration, dose, curve, offset, given_ml, given_mcg, added, bridge_flow, read,
        by_patient, read_patient, is_planned,
    )  # fmt: skip


class CurveTable:
    """The curves of a fleet; most pumps share the uniform one."""

    def __init__(self) -> None:
        self._rows = 0
        # Days, knots a curve and the knots of all, of one or of many.
        self._parts: list[tuple[Sequence[int] | Ints, Sequence[int] | Ints, Sequence[Knot] | Floats]] = []
        self.add(UNIFORM)
        self._index: dict[Program, int] = {}

    def index(self, program: Program) -> int:
        """The row of a program's curve."""
        if not program.steps and not program.boluses:
            return 0
        if program not in self._index:
            self._index[program] = self.add(curve_of(program))
        return self._index[program]

    def add(self, curve: Curve) -> int:
        """The row of a curve, a new one."""
        return self._added([curve.days], [len(curve.knots)], curve.knots)

    def add_stepped(self, sizes: Ints, knots: Floats) -> int:
        """The row of the first of many new curves, one row after the other, from `curves.stepped`."""
        return self._added(np.ones_like(sizes), sizes, knots)

    def _added(self, days: Sequence[int] | Ints, sizes: Sequence[int] | Ints, knots: Sequence[Knot] | Floats) -> int:
        row = self._rows
        self._parts.append((days, sizes, knots))
        self._rows += len(sizes)
        return row

    def columns(self) -> Curves:
        days, sizes, knots = (np.concatenate(column) for column in zip(*self._parts, strict=True))
        shape = (len(sizes), int(sizes.max()))
        row = np.repeat(np.arange(len(sizes)), sizes)
        place = np.arange(len(row)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        # Beyond a curve's last knot nothing may match: infinite start, infinite level.
        found = [np.full(shape, empty) for empty in (np.inf, np.inf, np.inf, 0.0)]
        for column, values in zip(found, knots.T, strict=True):
            column[row, place] = values
        return Curves(days.astype(np.float64), *found)

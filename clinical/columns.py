"""Pumps and events in columns, as the kernel reads them.

One pump is a fleet of one, so a page, a task over a million pumps and a test run the same arithmetic in the same order.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clinical.curves import UNIFORM, Curve, curve_of
from clinical.ledger import (
    Bridge,
    BridgeEnd,
    Fill,
    Interrogation,
    LedgerEvent,
    Motor,
    MotorChange,
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

# Codes of the column `what`.
FILL, PROGRAM, STOPPED, RESTARTED, STALLED, RECOVERED, BOLUS, BRIDGE, BRIDGE_END, ACCESS, READING, NOTE = range(12)
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


@dataclass(frozen=True)
class Fleet:
    """Columns of `pumps` rows, and columns of events sorted by pump, then moment (`ledger.in_order`).

    `first_event` has pumps + 1 entries: pump i owns the events first_event[i] to first_event[i + 1] - 1. `what` is a
    code from above. Columns that an event has no value for hold nan, but 0: `curve`, `given_ml` and `given_mcg` (at
    once, beside the program), `added_ml` (put in less taken out, outside a refill).
    """

    low_ml: Floats
    programmable: Flags
    factory_flow: Floats
    prior_mean: Floats
    prior_sd: Floats
    noise_ml: Floats
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
    curves: Curves

    @property
    def pumps(self) -> int:
        return len(self.low_ml)

    def is_any(self, *codes: int) -> Flags:
        """Whether each event is of one of these kinds."""
        return np.isin(self.what, codes)


def fleet(pumps: Sequence[PumpFacts], ledgers: Sequence[Sequence[LedgerEvent]]) -> Fleet:
    """Columns for `pumps`, where `ledgers[i]` holds pump i's events in any order."""
    ordered = [in_order(ledger) for ledger in ledgers]
    events = [event for ledger in ordered for event in ledger]
    curves = CurveTable()
    numbers = [_event_numbers(event, curves) for event in events]
    columns = np.array(numbers, dtype=np.float64).reshape(len(events), _WIDTH).T
    facts = np.array([_pump_numbers(pump) for pump in pumps], dtype=np.float64).reshape(len(pumps), 6).T
    sizes = [len(ledger) for ledger in ordered]
    return Fleet(
        low_ml=facts[0],
        programmable=facts[1].astype(np.bool_),
        factory_flow=facts[2],
        prior_mean=facts[3],
        prior_sd=facts[4],
        noise_ml=facts[5],
        first_event=np.concatenate(([0], np.cumsum(sizes, dtype=np.int64))).astype(np.int64),
        at=columns[0],
        what=columns[1].astype(np.int64),
        filled_ml=columns[2],
        aspirated_ml=columns[3],
        concentration=columns[4],
        dose=columns[5],
        curve=columns[6].astype(np.int64),
        clock_offset_s=columns[7],
        given_ml=columns[8],
        given_mcg=columns[9],
        added_ml=columns[10],
        bridge_flow=columns[11],
        read_ml=columns[12],
        curves=curves.columns(),
    )


def _pump_numbers(pump: PumpFacts) -> tuple[float, ...]:
    flow = np.nan if pump.factory_flow_ml_per_day is None else float(pump.factory_flow_ml_per_day)
    prior = pump.prior
    return float(pump.low_reservoir_ml), pump.programmable, flow, prior.mean, prior.sd, prior.noise_ml


_WIDTH = 13
_NONE = float("nan")


def _event_numbers(event: LedgerEvent, curves: "CurveTable") -> tuple[float, ...]:
    """A row of the event columns, in the order of `fleet`."""
    at = to_seconds(event.at)
    filled = aspirated = concentration = dose = offset = bridge_flow = read = _NONE
    curve, given_ml, given_mcg, added, what = 0, 0.0, 0.0, 0.0, NOTE
    match event:
        case Fill():
            what, filled = FILL, float(event.filled_ml)
            aspirated = _NONE if event.aspirated_ml is None else float(event.aspirated_ml)
            concentration = float(event.programmed_concentration_mcg_per_ml)
        case ProgramChange():
            what, curve, offset = PROGRAM, curves.index(event.program), event.clock_offset_s
            dose = 0.0 if event.program.mode is Mode.STOPPED else float(event.program.daily_dose_mcg)
        case MotorChange():
            what = _MOTOR[event.motor]
        case PumpBolus():
            what, given_ml, given_mcg = BOLUS, float(event.volume_ml or 0), float(event.dose_mcg or 0)
        case Bridge():
            what, bridge_flow = BRIDGE, float(event.volume_ml) / (float(event.duration_hours) / 24)
        case BridgeEnd():
            what = BRIDGE_END
        case ReservoirAccess():
            what, added = ACCESS, float(event.injected_ml - event.aspirated_ml)
        case Interrogation():
            what = READING
            read = _NONE if event.volume_ml is None else float(event.volume_ml)
            offset = _NONE if event.clock_offset_s is None else event.clock_offset_s
    return (
        at, what, filled, aspirated, concentration, dose, curve, offset, given_ml, given_mcg, added, bridge_flow, read
    )  # fmt: skip


class CurveTable:
    """The distinct curves of a fleet; most pumps share the uniform one."""

    def __init__(self) -> None:
        self._index: dict[Curve, int] = {UNIFORM: 0}

    def index(self, program: Program) -> int:
        return self._index.setdefault(curve_of(program), len(self._index))

    def columns(self) -> Curves:
        rows = list(self._index)
        shape = (len(rows), max(len(row.knots) for row in rows))
        # Beyond a curve's last knot nothing may match: infinite start, infinite level.
        second, before = np.full(shape, np.inf), np.full(shape, np.inf)
        after, slope = np.full(shape, np.inf), np.zeros(shape)
        for number, row in enumerate(rows):
            for place, knot in enumerate(row.knots):
                second[number, place] = knot.second
                before[number, place] = knot.before
                after[number, place] = knot.after
                slope[number, place] = knot.slope_per_s
        days = np.array([row.days for row in rows], dtype=np.float64)
        return Curves(days, second, before, after, slope)

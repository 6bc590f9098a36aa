"""The facts about pumps as the kernel reads them: one row per pump, one row per event, in columns.

One pump is a fleet of one, so a page, a task over a million pumps and a test run the same arithmetic in the same order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from clinical.programs import UNIFORM, Knot, Mode, Program, daily_curve
from clinical.units import to_seconds

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Prior:
    """What is believed of a pump's flow ratio before its own refills speak.

    Flow ratio (delivered / programmed) ~ N(mean, sd^2); noise_ml is the standard deviation of one
    measured residual volume in mL. Source: clinical-rules, section 2, calibration model.
    """

    mean: float
    sd: float
    noise_ml: float


@dataclass(frozen=True)
class PumpFacts:
    """What does not change between events.

    `factory_flow_ml_per_day` is set for constant-flow pumps only; `programmable` says which kind it is.
    """

    low_reservoir_ml: Decimal
    prior: Prior
    programmable: bool = True
    factory_flow_ml_per_day: Decimal | None = None


@dataclass(frozen=True)
class Fill:
    """A refill. `aspirated_ml` is None at the first fill; the residue after emptying is taken as 0.

    `concentration_mcg_per_ml` is of the drug that went in, the programmed one is what the pump was told.
    """

    at: datetime
    filled_ml: Decimal
    aspirated_ml: Decimal | None
    concentration_mcg_per_ml: Decimal
    programmed_concentration_mcg_per_ml: Decimal
    stability_days: int | None = None
    drug_expires_on: date | None = None


@dataclass(frozen=True)
class ProgramChange:
    """A dose program, running on a clock `clock_offset_s` seconds ahead of UTC."""

    at: datetime
    program: Program
    clock_offset_s: int


LedgerEvent = Fill | ProgramChange


@dataclass(frozen=True)
class Curves:
    """Daily curves as padded arrays of shape (curves, knots); row 0 is the uniform one."""

    second: Floats
    before: Floats
    after: Floats
    slope_per_s: Floats


@dataclass(frozen=True)
class Fleet:
    """Columns of `pumps` rows, and columns of events sorted by pump, then moment, fills first.

    `first_event` has pumps + 1 entries: pump i owns the events first_event[i] to first_event[i + 1] - 1.
    Columns that an event has no value for hold nan (floats) or 0 (curve).
    """

    low_ml: Floats
    programmable: Flags
    factory_flow: Floats
    prior_mean: Floats
    prior_sd: Floats
    noise_ml: Floats
    first_event: Ints
    at: Floats
    is_fill: Flags
    filled_ml: Floats
    aspirated_ml: Floats
    concentration: Floats
    dose: Floats
    curve: Ints
    clock_offset_s: Floats
    curves: Curves

    @property
    def pumps(self) -> int:
        return len(self.low_ml)


def fleet(pumps: Sequence[PumpFacts], ledgers: Sequence[Sequence[LedgerEvent]]) -> Fleet:
    """Columns for `pumps`, where `ledgers[i]` holds pump i's events in any order."""
    ordered = [in_order(ledger) for ledger in ledgers]
    events = [event for ledger in ordered for event in ledger]
    curves = _CurveTable()
    numbers = [_event_numbers(event, curves) for event in events]
    columns = np.array(numbers, dtype=np.float64).reshape(len(events), 7).T
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
        is_fill=~np.isnan(columns[1]),
        filled_ml=columns[1],
        aspirated_ml=columns[2],
        concentration=columns[3],
        dose=columns[4],
        curve=columns[5].astype(np.int64),
        clock_offset_s=columns[6],
        curves=curves.columns(),
    )


def in_order(ledger: Sequence[LedgerEvent]) -> list[LedgerEvent]:
    """By moment, a fill before a program of the same moment."""
    return sorted(ledger, key=lambda event: (event.at, isinstance(event, ProgramChange)))


def _pump_numbers(pump: PumpFacts) -> tuple[float, ...]:
    flow = np.nan if pump.factory_flow_ml_per_day is None else float(pump.factory_flow_ml_per_day)
    prior = pump.prior
    return float(pump.low_reservoir_ml), pump.programmable, flow, prior.mean, prior.sd, prior.noise_ml


def _event_numbers(event: LedgerEvent, curves: "_CurveTable") -> tuple[float, ...]:
    """at, filled, aspirated, concentration, dose, curve, clock offset."""
    seconds = to_seconds(event.at)
    if isinstance(event, Fill):
        aspirated = np.nan if event.aspirated_ml is None else float(event.aspirated_ml)
        concentration = float(event.programmed_concentration_mcg_per_ml)
        return seconds, float(event.filled_ml), aspirated, concentration, np.nan, 0, 0
    dose = 0.0 if event.program.mode is Mode.STOPPED else float(event.program.daily_dose_mcg)
    return seconds, np.nan, np.nan, np.nan, dose, curves.index(event.program), event.clock_offset_s


class _CurveTable:
    """The distinct daily curves of a fleet; most pumps share the uniform one."""

    def __init__(self) -> None:
        self._index: dict[tuple[Knot, ...], int] = {UNIFORM: 0}

    def index(self, program: Program) -> int:
        return self._index.setdefault(daily_curve(program), len(self._index))

    def columns(self) -> Curves:
        rows = list(self._index)
        shape = (len(rows), max(len(row) for row in rows))
        # Beyond a curve's last knot nothing may match: infinite start, infinite level.
        second, before = np.full(shape, np.inf), np.full(shape, np.inf)
        after, slope = np.full(shape, np.inf), np.zeros(shape)
        for number, row in enumerate(rows):
            for place, knot in enumerate(row):
                second[number, place] = knot.second
                before[number, place] = knot.before
                after[number, place] = knot.after
                slope[number, place] = knot.slope_per_s
        return Curves(second, before, after, slope)

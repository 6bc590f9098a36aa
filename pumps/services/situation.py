"""What the ledger says of a pump just before an entry, read once for its checks and its consequences."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from math import isnan

import numpy as np

from clinical.columns import fleet
from clinical.depletion import deplete, since_fill
from clinical.ledger import (
    Emptying,
    Fill,
    LedgerEvent,
    Motor,
    MotorChange,
    ProgramChange,
    PumpFacts,
    in_order,
)
from clinical.patient_boluses import most_called_for
from clinical.residual import Residual, residual
from clinical.units import to_seconds
from clinical.watching import of_alarm
from pumps.services.doubts import Known
from pumps.services.entries import Entry, EventEntry, RefillEntry

JUST_BEFORE = timedelta(milliseconds=1)


@dataclass(frozen=True)
class Situation:
    """The standing events of a pump, in order, seen from a moment. What happened at the moment itself is not before."""

    facts: PumpFacts
    events: Sequence[LedgerEvent]
    at: datetime

    @property
    def before(self) -> list[LedgerEvent]:
        return [event for event in self.events if event.at < self.at]

    def last_fill(self) -> Fill | None:
        return next((event for event in reversed(self.before) if isinstance(event, Fill)), None)

    def next_fill(self) -> Fill | None:
        return next((event for event in self.events if isinstance(event, Fill) and event.at > self.at), None)

    def last_program(self) -> ProgramChange | None:
        return next((event for event in reversed(self.before) if isinstance(event, ProgramChange)), None)

    def is_in(self, begun: Motor, ended: Motor, *, ends_with_a_program: bool) -> bool:
        """Whether a stop or a stall holds."""
        for event in reversed(self.before):
            if isinstance(event, MotorChange) and event.motor in (begun, ended):
                return event.motor is begun
            if ends_with_a_program and isinstance(event, ProgramChange):
                return False
        return False


def situation(facts: PumpFacts, events: Sequence[LedgerEvent], at: datetime) -> Situation:
    return Situation(facts, in_order(events), at)


def known(found: Situation, entry: Entry) -> Known:
    """What doubts are judged by. The kernel is asked only where an entry is held against a volume."""
    fill, program = found.last_fill(), found.last_program()
    measured = _measure(found, entry) if _has_volume(entry) and fill is not None else None
    compared: Residual | None = None
    # Where only part could be taken out, the rest is still there: that is no measurement.
    aspirated: Decimal | None = None
    if isinstance(entry, RefillEntry) and entry.emptying == Emptying.EMPTIED:
        aspirated = entry.aspirated_ml
    if measured is not None and aspirated is not None:
        compared = residual(
            held_ml=measured.held_ml,
            programmed_ml=measured.programmed_ml,
            ratio=measured.ratio,
            first_ml=measured.first_ml,
            aspirated_ml=aspirated,
        )
    return Known(
        daily_dose_mcg=program.program.daily_dose_mcg if program is not None else None,
        concentration_mcg_per_ml=fill.concentration_mcg_per_ml if fill is not None else None,
        residual=compared,
        volume_ml=measured.left_at(1.0) if measured is not None else None,
        expected_ml=measured.left_at(measured.ratio) if measured is not None else None,
        patient_boluses_most_mcg=most_called_for(found.before, found.at),
        is_stopped=found.is_in(Motor.STOPPED, Motor.RESTARTED, ends_with_a_program=True),
        is_stalled=found.is_in(Motor.STALLED, Motor.RECOVERED, ends_with_a_program=False),
        has_alarm=bool(of_alarm(found.before)),
    )


def _has_volume(entry: Entry) -> bool:
    if isinstance(entry, RefillEntry):
        return entry.aspirated_ml is not None or entry.emptying != Emptying.EMPTIED
    return isinstance(entry, EventEntry) and entry.volume_ml is not None


@dataclass(frozen=True)
class _Measured:
    """Held (filled and added) and programmed to flow since the last emptying, mL; the ratio believed; and what a very
    first interval seems to deliver beyond it, mL."""

    held_ml: float
    programmed_ml: float
    ratio: float
    first_ml: float

    def left_at(self, ratio: float) -> float:
        return max(self.held_ml - ratio * self.programmed_ml, 0.0)


def _measure(found: Situation, entry: Entry) -> _Measured | None:
    """None where the flow is not known."""
    before = found.before
    columns = fleet([found.facts], [before])
    depletion = deplete(columns)
    since = since_fill(columns, np.array([to_seconds(found.at)]))
    if isnan(depletion.flow[0]) or depletion.assumed[0] or depletion.stalled[0] >= 0:
        return None
    fill = since.fill[0]
    return _Measured(
        held_ml=float(columns.filled_ml[fill] + since.added_ml[0]),
        programmed_ml=float(since.programmed_ml[0]),
        ratio=float(depletion.ratios.mean[0]),
        first_ml=found.facts.prior.first_ml if np.isnan(columns.aspirated_ml[fill]) else 0.0,
    )

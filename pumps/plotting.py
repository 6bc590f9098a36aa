"""The reservoir over time, as numbers for the plot and as a small table for those who do not see it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import isnan
from typing import Any

from clinical.ledger import (
    AlarmReport,
    Bridge,
    Emptying,
    Fill,
    Interrogation,
    LedgerEvent,
    Motor,
    MotorChange,
    MriScan,
    ProgramChange,
    PumpBolus,
    ReservoirAccess,
)
from clinical.units import plain
from pumps.reading import Reading

FILLS_SHOWN = 3
POINTS = 240
WITHOUT_END = timedelta(days=30)
JUST = timedelta(seconds=1)


@dataclass(frozen=True)
class Volume:
    """What the reservoir holds at a moment, mL: as programmed, expected, and the 98 % range."""

    name: str
    at: datetime
    programmed: float
    expected: float
    low: float
    high: float


def volume_now(reading: Reading) -> Volume | None:
    """None before the first fill."""
    return next(iter(_volumes(reading, [("Now", reading.now)])), None)


def entries(reading: Reading) -> list[Volume]:
    """What else happened in the time of the plot, oldest first, and what the reservoir held just then."""
    fills = [fill for fill in reading.fills if fill.at <= reading.now][-FILLS_SHOWN:]
    if not fills:
        return []
    shown = [event for event in reading.ledger if fills[0].at <= event.at <= _end(reading)]
    return _volumes(reading, [(name, event.at) for event in shown if (name := _entry_words(event))])


def _entry_words(event: LedgerEvent) -> str:
    """What an entry is called beside the plot; nothing for what the plot shows by itself."""
    match event:
        case ProgramChange(program=program, is_planned=is_planned):
            return f"{plain(program.daily_dose_mcg)} mcg/day{' planned' if is_planned else ''}"
        case MotorChange(motor=motor):
            return _MOTOR_WORDS[motor]
        case PumpBolus():
            return "Bolus"
        case Bridge():
            return "Bridge bolus"
        case ReservoirAccess():
            return "Reservoir access"
        case Interrogation():
            return "Interrogation"
        case MriScan():
            return "MRI scan"
        case AlarmReport():
            return "Alarm reported"
        case Fill(emptying=emptying) if emptying is not Emptying.EMPTIED:
            return "Not emptied before this fill"
    return ""


_MOTOR_WORDS = {
    Motor.STOPPED: "Stopped",
    Motor.RESTARTED: "Restarted",
    Motor.STALLED: "Motor stall",
    Motor.RECOVERED: "Recovered from a stall",
}


def table(reading: Reading) -> list[Volume]:
    """The plot in numbers: what is left now and at each date that matters."""
    row = reading.row
    named = [
        ("Now", reading.now),
        ("Refill by", row.refill_by),
        ("Low, earliest", row.earliest_low_at),
        ("Low, as programmed", row.programmed_low_at),
        ("Low, expected", row.low_at),
        ("Empty, expected", row.empty_at),
    ]
    known = [(name, at) for name, at in named if at is not None]
    return _volumes(reading, sorted(known, key=lambda pair: pair[1]))


def _volumes(reading: Reading, named: Sequence[tuple[str, datetime]]) -> list[Volume]:
    curve = reading.volumes([at for _, at in named])
    columns = zip(named, curve.programmed, curve.expected, curve.low, curve.high, strict=True)
    return [Volume(name, at, *numbers) for (name, at), *numbers in columns if not isnan(numbers[0])]


def plot(reading: Reading) -> dict[str, Any] | None:
    """Columns for uPlot (seconds UTC, mL) from the last few fills to beyond empty; None without a fill."""
    fills = [fill for fill in reading.fills if fill.at <= reading.now][-FILLS_SHOWN:]
    if not fills:
        return None
    moments = _moments(reading, fills[0].at, _end(reading))
    curve = reading.volumes(moments)
    read = {
        event.at: float(event.volume_ml)
        for event in reading.ledger
        if isinstance(event, Interrogation) and event.volume_ml is not None
    }
    measured = {fill.at - JUST: float(fill.aspirated_ml) for fill in fills[1:] if fill.aspirated_ml is not None}
    return {
        "at": [moment.timestamp() for moment in moments],
        "programmed": _numbers(curve.programmed),
        "expected": _numbers(curve.expected),
        "low": _numbers(curve.low),
        "high": _numbers(curve.high),
        "measured": [measured.get(moment) for moment in moments],
        "read": [read.get(moment) for moment in moments],
        "entries": [entry.at.timestamp() for entry in entries(reading)],
        "low_level_ml": float(reading.pump.low_reservoir_alarm_ml),
        "reservoir_ml": float(reading.pump.model.reservoir_ml),
        "now": reading.now.timestamp(),
        "refill_by": reading.row.refill_by.timestamp() if reading.row.refill_by is not None else None,
        "timezone": reading.pump.clinic.timezone,
    }


def _end(reading: Reading) -> datetime:
    row = reading.row
    ends = [at for at in (row.empty_at, row.programmed_empty_at, row.refill_by) if at is not None]
    return max([*ends, reading.now + WITHOUT_END if not ends else reading.now]) + timedelta(days=2)


def _moments(reading: Reading, start: datetime, end: datetime) -> list[datetime]:
    """Evenly spaced, and at both sides of every event, where the line jumps or bends."""
    step = (end - start) / POINTS
    even = [start + step * number for number in range(POINTS + 1)]
    events = [event for event in reading.ledger if start <= event.at <= end]
    before = [event.at - JUST for event in events if isinstance(event, Fill) and event.at > start]
    return sorted({*even, *before, *(event.at for event in events)})


def _numbers(values: Sequence[float]) -> list[float | None]:
    return [None if isnan(value) else round(value, 3) for value in values]

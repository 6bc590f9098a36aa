"""An independent, slow depletion: minute by minute in whole numbers, sharing no code with the kernel's arithmetic.

It knows weekdays, patient boluses, stops, stalls, boluses, bridges, accesses, readings of the clock, and fills of all
sorts; all events, program steps and boluses must lie on whole minutes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from math import lcm
from typing import TypeVar

from clinical.ledger import (
    Bridge,
    Emptying,
    Fill,
    Interrogation,
    LedgerEvent,
    Motor,
    MotorChange,
    ProgramChange,
    PumpBolus,
    ReservoirAccess,
)
from clinical.programs import Mode, Program

MINUTE = timedelta(minutes=1)
DAY, WEEK = 1440, 7 * 1440
A_MONDAY = datetime(2024, 1, 1, tzinfo=UTC)
ORDER = (Interrogation, Fill, ReservoirAccess, ProgramChange, MotorChange, PumpBolus, Bridge)
E = TypeVar("E")


@dataclass(frozen=True)
class Week:
    """What flows in each minute of a pump's week from Monday on, in whole numbers, and what one of them is."""

    amounts: tuple[int, ...]
    unit: Fraction


NOTHING = Week((0,) * DAY, Fraction(1))


@lru_cache(maxsize=256)
def week_of(program: Program) -> Week:
    """mcg given by the program in each minute; boluses at the start of their minute."""
    if program.mode is Mode.STOPPED:
        return NOTHING
    dose = Fraction(program.daily_dose_mcg)
    if not program.steps and not program.boluses:
        return Week((1,) * DAY, dose / DAY)
    own = {day for step in program.steps for day in step.days} | {
        day for bolus in program.boluses for day in bolus.days
    }
    parts = [*(step.rate_mcg_per_h for step in program.steps), *(bolus.dose_mcg for bolus in program.boluses)]
    whole = 60 * lcm(*(Fraction(part).denominator for part in parts))
    rates: dict[int, int] = {}
    at_once = [0] * WEEK
    for day in range(7):
        for step in program.steps:
            if (day in step.days) if day in own else not step.days:
                rates[day * DAY + step.start_minute] = int(Fraction(step.rate_mcg_per_h) * whole / 60)
        for bolus in program.boluses:
            if (day in bolus.days) if day in own else not bolus.days:
                at_once[day * DAY + bolus.at_minute] += int(Fraction(bolus.dose_mcg) * whole)
    rate = rates[max(rates)] if rates else 0
    amounts = []
    for minute in range(WEEK):
        rate = rates.get(minute, rate)
        amounts.append(rate + at_once[minute])
    return Week(tuple(amounts), 7 * dose / sum(amounts))


@dataclass(frozen=True)
class Stretch:
    """What holds from `start` on: mL put in (or out, negative) at once, then taken in each minute of the pump's week.

    `by_patient` is allowed a minute, mL; the week's unit is mL.
    """

    start: datetime
    put_in: Fraction
    week: Week
    by_patient: Fraction
    offset: timedelta


def last_of(ledger: Sequence[LedgerEvent], kind: type[E]) -> E | None:
    return next((event for event in reversed(ledger) if isinstance(event, kind)), None)


def sorted_ledger(ledger: Sequence[LedgerEvent]) -> list[LedgerEvent]:
    counted = [event for event in ledger if isinstance(event, ORDER)]
    motors = list(Motor)
    return sorted(
        counted,
        key=lambda e: (e.at, ORDER.index(type(e)), motors.index(e.motor) if isinstance(e, MotorChange) else 0),
    )


def begins(ledger: Sequence[LedgerEvent]) -> Fill:
    """The last fill of an emptied reservoir, or the first fill where none was."""
    fills = [event for event in ledger if isinstance(event, Fill)]
    return next((fill for fill in reversed(fills) if counts_as_emptied(fill)), fills[0])


def counts_as_emptied(fill: Fill) -> bool:
    """What a partial emptying left that nobody measured may be nothing."""
    is_unknown = fill.emptying is Emptying.PARTIAL and fill.aspirated_ml is None
    return fill.emptying is Emptying.EMPTIED or is_unknown


def stretches(ledger: Sequence[LedgerEvent]) -> list[Stretch]:
    """From the last emptying on, one at each event and at each end of a bridge."""
    ordered = sorted_ledger(ledger)
    filled = begins(ordered)
    moments = {event.at for event in ordered if event.at >= filled.at}
    moments |= {end for bridge in ordered if isinstance(bridge, Bridge) and (end := ends(bridge)) >= filled.at}
    return [_stretch(ordered, filled, moment) for moment in sorted(moments)]


def ends(bridge: Bridge) -> datetime:
    return bridge.at + timedelta(hours=float(bridge.duration_hours))


def _stretch(ordered: Sequence[LedgerEvent], filled: Fill, moment: datetime) -> Stretch:
    now = [event for event in ordered if event.at <= moment]
    drug = last_of(now, Fill)
    assert drug is not None
    ml_per_mcg = 1 / Fraction(drug.programmed_concentration_mcg_per_ml)
    change = _running(ordered, now, filled)
    week, by_patient = NOTHING, Fraction(0)
    is_halted = _is_halted(ordered, now)
    if change is not None and not is_halted:
        week = week_of(change.program)
        week = Week(week.amounts, week.unit * ml_per_mcg)
        by_patient = _by_patient(ordered, change.program, moment) * ml_per_mcg
    bridge = _bridge(now, moment)
    if bridge is not None and not is_halted:
        week = Week((1,) * DAY, Fraction(bridge.volume_ml) / Fraction(bridge.duration_hours) / 60)
        by_patient = Fraction(0)
    offset = timedelta(seconds=_offset(now, change))
    return Stretch(moment, _put_in(ordered, now, filled, moment, ml_per_mcg), week, by_patient, offset)


def _running(ordered: Sequence[LedgerEvent], now: Sequence[LedgerEvent], filled: Fill) -> ProgramChange | None:
    change = last_of(now, ProgramChange)
    first = next((event for event in ordered if isinstance(event, ProgramChange)), None)
    if change is None and first is not None and first.at - filled.at > timedelta(days=1):
        return first
    return change


def _is_halted(ordered: Sequence[LedgerEvent], now: Sequence[LedgerEvent]) -> bool:
    is_stopped, is_stalled = False, False
    for event in now:
        if isinstance(event, ProgramChange):
            is_stopped = False
        elif isinstance(event, MotorChange):
            is_stopped = {Motor.STOPPED: True, Motor.RESTARTED: False}.get(event.motor, is_stopped)
            is_stalled = {Motor.STALLED: True, Motor.RECOVERED: False}.get(event.motor, is_stalled)
    later = ordered[len(now) :]
    recovers = any(isinstance(event, MotorChange) and event.motor is Motor.RECOVERED for event in later)
    return is_stopped or (is_stalled and recovers)


def _bridge(now: Sequence[LedgerEvent], moment: datetime) -> Bridge | None:
    found = None
    for event in now:
        if isinstance(event, Bridge):
            found = event
        elif isinstance(event, ProgramChange):
            found = None
    return found if found is not None and moment < ends(found) else None


def _offset(now: Sequence[LedgerEvent], change: ProgramChange | None) -> int:
    if change is None:
        return 0
    found = change.clock_offset_s
    for event in now:
        if event.at >= change.at and isinstance(event, ProgramChange):
            found = event.clock_offset_s
        elif event.at > change.at and isinstance(event, Interrogation) and event.clock_offset_s is not None:
            found = event.clock_offset_s
    return found


def _put_in(
    ordered: Sequence[LedgerEvent], now: Sequence[LedgerEvent], filled: Fill, moment: datetime, ml_per_mcg: Fraction
) -> Fraction:
    put_in = Fraction(0)
    for event in now:
        if event.at != moment:
            continue
        if isinstance(event, Fill):
            taken_out = 0 if event is filled else Fraction(event.aspirated_ml or 0)
            put_in += Fraction(event.filled_ml) - taken_out
        elif isinstance(event, ReservoirAccess):
            put_in += Fraction(event.injected_ml) - Fraction(event.aspirated_ml)
        elif isinstance(event, PumpBolus):
            put_in -= Fraction(event.volume_ml or 0) + Fraction(event.dose_mcg or 0) * ml_per_mcg
        elif isinstance(event, Interrogation) and event.patient_bolus_mcg and not _allowed(ordered, event):
            put_in -= Fraction(event.patient_bolus_mcg) * ml_per_mcg
    return put_in


def _by_patient(ordered: Sequence[LedgerEvent], program: Program, moment: datetime) -> Fraction:
    """mcg a minute: as the next reading says, unless a fill comes before it; else the most allowed."""
    most = Fraction(program.patient_bolus_mcg) * program.patient_boluses_per_day / DAY
    for event in ordered:
        if event.at <= moment:
            continue
        if isinstance(event, Fill):
            return most
        if isinstance(event, Interrogation) and event.patient_bolus_mcg is not None:
            allowed = _allowed(ordered, event) if most else Fraction(0)
            return most * Fraction(event.patient_bolus_mcg) / allowed if allowed else Fraction(0)
    return most


def _allowed(ordered: Sequence[LedgerEvent], reading: Interrogation) -> Fraction:
    """mcg that patients may call for from the last fill, or reading of it, until `reading`. For plain ledgers."""
    readings = [e for e in ordered if isinstance(e, Interrogation) and e.patient_bolus_mcg is not None]
    resets = [*(e.at for e in ordered if isinstance(e, Fill)), *(e.at for e in readings)]
    since = max((at for at in resets if at < reading.at), default=ordered[0].at)
    moments = [*(e.at for e in ordered), *(ends(e) for e in ordered if isinstance(e, Bridge))]
    cuts = sorted({since, reading.at, *(at for at in moments if since < at < reading.at)})
    allowed = Fraction(0)
    for start, end in pairwise(cuts):
        now = [event for event in ordered if event.at <= start]
        is_filled = any(isinstance(event, Fill) for event in now)
        change = _running(ordered, now, begins(now)) if is_filled else last_of(now, ProgramChange)
        if change is None or _is_halted(ordered, now) or _bridge(now, start) is not None:
            continue
        allowed += Fraction(change.program.most_by_patient_mcg) / DAY * ((end - start) // MINUTE)
    return allowed


@dataclass(frozen=True)
class Leg:
    """A stretch in whole numbers of `1 / one` mL: the volume at its beginning, and what each minute from then takes."""

    start: datetime
    minutes: int
    volume: int
    taken: tuple[int, ...]
    one: int
    may_rise: bool

    def left(self, minutes: int) -> int:
        """The volume so many minutes later."""
        weeks, rest = divmod(minutes, len(self.taken))
        return self.volume - weeks * sum(self.taken) - sum(self.taken[:rest])


def legs(ledger: Sequence[LedgerEvent], until: datetime) -> Iterator[Leg]:
    """The stretches up to `until`, with the volumes that follow."""
    found = [each for each in stretches(ledger) if each.start <= until]
    one = lcm(*(amount.denominator for each in found for amount in (each.put_in, each.by_patient, each.week.unit)))
    volume = 0
    for place, each in enumerate(found):
        end = found[place + 1].start if place + 1 < len(found) else until
        volume += int(each.put_in * one)
        unit, by_patient = int(each.week.unit * one), int(each.by_patient * one)
        minute = (each.start + each.offset - A_MONDAY) // MINUTE % len(each.week.amounts)
        amounts = each.week.amounts[minute:] + each.week.amounts[:minute]
        rises = any(later.put_in > 0 for later in found[place + 1 :])
        taken = tuple(amount * unit + by_patient for amount in amounts)
        leg = Leg(each.start, (end - each.start) // MINUTE, volume, taken, one, rises)
        yield leg
        volume = leg.left(leg.minutes)


def first_minute_at_or_below(
    ledger: Sequence[LedgerEvent], level: str, until: timedelta = timedelta(days=400)
) -> datetime | None:
    """The first whole minute, once the volume rises no more, at whose end it has come down to `level` mL."""
    for leg in legs(ledger, begins(sorted_ledger(ledger)).at + until):
        bound, week = Fraction(level) * leg.one, len(leg.taken)
        minutes = 0
        while minutes + week <= leg.minutes and leg.left(minutes + week) > bound:
            minutes += week
        volume = leg.left(minutes)
        while not leg.may_rise and volume > bound and minutes < leg.minutes:
            volume -= leg.taken[minutes % week]
            minutes += 1
        if not leg.may_rise and volume <= bound:
            return leg.start + minutes * MINUTE
    return None


def volumes_at(ledger: Sequence[LedgerEvent], moments: Sequence[datetime]) -> list[float]:
    """The programmed volume at whole minutes since the last emptying, mL, before any bolus then due; never below 0."""
    found = list(legs(ledger, max(moments)))
    running = [next(leg for leg in reversed(found) if leg.start <= moment) for moment in moments]
    return [
        max(leg.left((moment - leg.start) // MINUTE) / leg.one, 0.0)
        for leg, moment in zip(running, moments, strict=True)
    ]

"""Dose programs: what a pump is set to deliver over 24 hours of its own clock."""

from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise

from clinical.units import HOURS_PER_DAY, SECONDS_PER_DAY

MINUTES_PER_DAY = 1440
SUM_TOLERANCE = Decimal("0.005")


class Mode(StrEnum):
    SIMPLE_CONTINUOUS = "simple_continuous"
    FLEX = "flex"
    PERIODIC_BOLUS = "periodic_bolus"
    MINIMUM_RATE = "minimum_rate"
    STOPPED = "stopped"


@dataclass(frozen=True)
class Step:
    """A rate that holds from `start_minute` (of the pump's day) until the next step.

    `days` are the weekdays it is for (0 is Monday), in order; empty for every day that has no steps of its own.
    """

    start_minute: int
    rate_mcg_per_h: Decimal
    days: tuple[int, ...] = ()


@dataclass(frozen=True)
class Bolus:
    """A dose given at once at `at_minute` of the pump's day; `days` as a step's."""

    at_minute: int
    dose_mcg: Decimal
    days: tuple[int, ...] = ()


@dataclass(frozen=True)
class Program:
    """`daily_dose_mcg` is what the pump gives by itself in 24 hours, the average of a week where its days differ.

    Beside it a patient may call for `patient_boluses_per_day` boluses of `patient_bolus_mcg` each, at most.
    """

    mode: Mode
    daily_dose_mcg: Decimal
    steps: tuple[Step, ...] = ()
    boluses: tuple[Bolus, ...] = ()
    patient_bolus_mcg: Decimal = Decimal(0)
    patient_boluses_per_day: int = 0

    @property
    def most_by_patient_mcg(self) -> Decimal:
        """The most a patient can call for in 24 hours, mcg."""
        return self.patient_bolus_mcg * self.patient_boluses_per_day


class ProgramError(ValueError):
    """A program that no pump could run. `field` names the part to mend."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.message = message


def checked(program: Program) -> Program:
    """The program in pump order with its 24-hour sum scaled to exactly `daily_dose_mcg`.

    Raises:
        ProgramError: the dose, steps or boluses are impossible or do not add up within 0.5 %.
    """
    if program.mode is Mode.STOPPED:
        return _checked_stop(program)
    if program.daily_dose_mcg <= 0:
        raise ProgramError("daily_dose_mcg", "must be above 0; choose mode stopped for a stopped pump")
    if program.mode in (Mode.SIMPLE_CONTINUOUS, Mode.MINIMUM_RATE):
        return _checked_constant(program)
    if program.mode is Mode.FLEX and not program.steps:
        raise ProgramError("steps", "mode flex needs at least one step")
    if program.mode is Mode.PERIODIC_BOLUS and not program.boluses:
        raise ProgramError("boluses", "mode periodic_bolus needs at least one bolus")
    return _scaled(_in_order(program))


def _checked_stop(program: Program) -> Program:
    if program.daily_dose_mcg != 0:
        raise ProgramError("daily_dose_mcg", "must be 0 or blank when the pump is stopped")
    return _checked_constant(program)


def _checked_constant(program: Program) -> Program:
    if program.steps:
        raise ProgramError("steps", f"mode {program.mode} has none; choose mode flex")
    if program.boluses:
        raise ProgramError("boluses", f"mode {program.mode} has none; choose mode periodic_bolus or flex")
    return program


def _in_order(program: Program) -> Program:
    steps = tuple(sorted(program.steps, key=lambda step: step.start_minute))
    boluses = tuple(sorted(program.boluses, key=lambda bolus: bolus.at_minute))
    _check_times("steps", [step.start_minute for step in steps])
    _check_times("boluses", [bolus.at_minute for bolus in boluses])
    if any(step.rate_mcg_per_h < 0 for step in steps):
        raise ProgramError("steps", "a rate cannot be negative")
    if any(bolus.dose_mcg <= 0 for bolus in boluses):
        raise ProgramError("boluses", "a bolus must be above 0 mcg")
    return replace(program, steps=steps, boluses=boluses)


def _check_times(field: str, minutes: list[int]) -> None:
    if any(not 0 <= minute < MINUTES_PER_DAY for minute in minutes):
        raise ProgramError(field, "times run from 00:00 to 23:59")
    if len(set(minutes)) != len(minutes):
        raise ProgramError(field, "two entries start at the same time")


def _scaled(program: Program) -> Program:
    total = daily_sum_mcg(program)
    dose = program.daily_dose_mcg
    if abs(total - dose) > SUM_TOLERANCE * dose:
        field = "steps" if program.steps else "boluses"
        raise ProgramError(
            field,
            f"the 24 hours add up to {total:.4f} mcg, but daily_dose_mcg is {dose}; they must agree within 0.5 %",
        )
    factor = dose / total
    return replace(
        program,
        steps=tuple(Step(step.start_minute, step.rate_mcg_per_h * factor) for step in program.steps),
        boluses=tuple(Bolus(bolus.at_minute, bolus.dose_mcg * factor) for bolus in program.boluses),
    )


def daily_sum_mcg(program: Program) -> Decimal:
    """Steps and boluses of 24 hours, in mcg, as written (not scaled). Steps must be in order."""
    total = sum((bolus.dose_mcg for bolus in program.boluses), Decimal(0))
    for step, minutes in _lengths(program.steps):
        total += step.rate_mcg_per_h * Decimal(minutes) / 60
    return total


def _lengths(steps: tuple[Step, ...]) -> list[tuple[Step, int]]:
    """Each step with the minutes it holds; the last one runs past midnight to the first."""
    if not steps:
        return []
    ends = [step.start_minute for step in steps[1:]] + [steps[0].start_minute + MINUTES_PER_DAY]
    return [(step, end - step.start_minute) for step, end in zip(steps, ends, strict=True)]


def hourly_mcg(program: Program) -> Decimal:
    """The average hourly equivalent of the daily dose, in mcg/h."""
    return hourly_of(program.daily_dose_mcg)


def hourly_of(daily_dose_mcg: Decimal) -> Decimal:
    return daily_dose_mcg / HOURS_PER_DAY


@dataclass(frozen=True)
class Knot:
    """A bend of the cumulative daily curve: fractions of the daily dose, seconds of the pump's day.

    At `second` the fraction delivered since midnight jumps from `before` to `after` (a bolus, else equal) and then
    rises by `slope_per_s` each second until the next knot. The curve ends at exactly 1 at midnight.
    """

    second: float
    before: float
    after: float
    slope_per_s: float


UNIFORM = (Knot(0.0, 0.0, 0.0, 1.0 / SECONDS_PER_DAY),)


def daily_curve(program: Program) -> tuple[Knot, ...]:
    """The cumulative fraction of the daily dose over one pump day.

    Shape: at least one knot, the first at second 0. `program` comes from `checked`.
    """
    if not program.steps and not program.boluses:
        return UNIFORM
    total = float(daily_sum_mcg(program))
    minutes = sorted(
        {0} | {step.start_minute for step in program.steps} | {bolus.at_minute for bolus in program.boluses}
    )
    knots: list[Knot] = []
    level = 0.0
    for minute, end in pairwise([*minutes, MINUTES_PER_DAY]):
        after = level + sum(float(b.dose_mcg) for b in program.boluses if b.at_minute == minute) / total
        slope = _rate_at(program.steps, minute) / 3600.0 / total
        knots.append(Knot(minute * 60.0, level, after, slope))
        level = after + slope * (end - minute) * 60.0
    return tuple(knots)


def _rate_at(steps: tuple[Step, ...], minute: int) -> float:
    """The rate in mcg/h that holds at a minute; before the first step, the last one still holds."""
    if not steps:
        return 0.0
    current = [step for step in steps if step.start_minute <= minute]
    return float((current or steps)[-1].rate_mcg_per_h)

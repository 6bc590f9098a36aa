"""Dose programs: what a pump is set to deliver over 24 hours of its own clock."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise

from clinical.saying import say
from clinical.units import HOURS_PER_DAY

MINUTES_PER_DAY = 1440
DAYS_PER_WEEK = 7
SUM_TOLERANCE = Decimal("0.005")


class Mode(StrEnum):
    SIMPLE_CONTINUOUS = "simple_continuous"
    FLEX = "flex"
    PERIODIC_BOLUS = "periodic_bolus"
    MINIMUM_RATE = "minimum_rate"
    STOPPED = "stopped"


MODE_WORDS = {
    Mode.SIMPLE_CONTINUOUS: say("simple continuous"),
    Mode.FLEX: say("flex"),
    Mode.PERIODIC_BOLUS: say("periodic bolus"),
    Mode.MINIMUM_RATE: say("minimum rate"),
    Mode.STOPPED: say("stopped"),
}


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
    """The program in pump order. What its steps and boluses add up to counts as exactly `daily_dose_mcg`.

    Raises:
        ProgramError: the dose, steps or boluses are impossible or do not add up within 0.5 %.
    """
    _check_patient_boluses(program)
    if program.mode is Mode.STOPPED:
        return _checked_stop(program)
    if program.daily_dose_mcg <= 0:
        raise ProgramError("daily_dose_mcg", say("must be above 0; choose mode stopped for a stopped pump"))
    if program.mode in (Mode.SIMPLE_CONTINUOUS, Mode.MINIMUM_RATE):
        return _checked_constant(program)
    if program.mode is Mode.FLEX and not program.steps:
        raise ProgramError("steps", say("mode flex needs at least one step"))
    if program.mode is Mode.PERIODIC_BOLUS and not program.boluses:
        raise ProgramError("boluses", say("mode periodic_bolus needs at least one bolus"))
    return _adding_up(_in_order(program))


def _check_patient_boluses(program: Program) -> None:
    if program.patient_bolus_mcg < 0:
        raise ProgramError("patient_bolus_mcg", say("must be above 0, or blank where the patient can call for none"))
    if program.patient_boluses_per_day < 0:
        raise ProgramError("patient_boluses_per_day", say("must be above 0, or blank"))
    if (program.patient_bolus_mcg > 0) != (program.patient_boluses_per_day > 0):
        missing = "patient_boluses_per_day" if program.patient_bolus_mcg > 0 else "patient_bolus_mcg"
        raise ProgramError(missing, say("a patient bolus needs both its dose and the most allowed in 24 hours"))
    if program.mode is Mode.STOPPED and program.patient_boluses_per_day > 0:
        raise ProgramError("patient_boluses_per_day", say("a stopped pump gives none; leave it blank"))


def _checked_stop(program: Program) -> Program:
    if program.daily_dose_mcg != 0:
        raise ProgramError("daily_dose_mcg", say("must be 0 or blank when the pump is stopped"))
    return _checked_constant(program)


def _checked_constant(program: Program) -> Program:
    if program.steps:
        raise ProgramError("steps", say("mode %(mode)s has none; choose mode flex", mode=program.mode))
    if program.boluses:
        raise ProgramError(
            "boluses", say("mode %(mode)s has none; choose mode periodic_bolus or flex", mode=program.mode)
        )
    return program


def _in_order(program: Program) -> Program:
    steps = tuple(sorted(program.steps, key=lambda step: (step.days, step.start_minute)))
    boluses = tuple(sorted(program.boluses, key=lambda bolus: (bolus.days, bolus.at_minute)))
    ordered = replace(program, steps=steps, boluses=boluses)
    for days in _days_named(ordered):
        if any(not 0 <= day < DAYS_PER_WEEK for day in days) or len(set(days)) != len(days):
            raise ProgramError("steps", say("weekdays are mon to sun, each once"))
    for plan in day_plans(ordered):
        _check_times("steps", [step.start_minute for step in plan.steps])
        _check_times("boluses", [bolus.at_minute for bolus in plan.boluses])
        if program.mode is Mode.FLEX and not plan.steps:
            raise ProgramError(
                "steps", say("a weekday has no steps; give it some, or steps that are for every other day")
            )
    if any(step.rate_mcg_per_h < 0 for step in steps):
        raise ProgramError("steps", say("a rate cannot be negative"))
    if any(bolus.dose_mcg <= 0 for bolus in boluses):
        raise ProgramError("boluses", say("a bolus must be above 0 mcg"))
    return ordered


def _check_times(field: str, minutes: list[int]) -> None:
    if any(not 0 <= minute < MINUTES_PER_DAY for minute in minutes):
        raise ProgramError(field, say("times run from 00:00 to 23:59"))
    if len(set(minutes)) != len(minutes):
        raise ProgramError(field, say("two entries start at the same time"))


@dataclass(frozen=True)
class DayPlan:
    """The steps and boluses of one day, in order."""

    steps: tuple[Step, ...]
    boluses: tuple[Bolus, ...]


def day_plans(program: Program) -> list[DayPlan]:
    """The plan of every day, or of Monday to Sunday where days differ.

    A weekday that some step or bolus names has exactly those that name it; every other day has those that name none.
    """
    named = {day for days in _days_named(program) for day in days}
    if not named:
        return [DayPlan(program.steps, program.boluses)]
    return [
        DayPlan(
            tuple(step for step in program.steps if is_for(step.days, day, named)),
            tuple(bolus for bolus in program.boluses if is_for(bolus.days, day, named)),
        )
        for day in range(DAYS_PER_WEEK)
    ]


def _days_named(program: Program) -> list[tuple[int, ...]]:
    return [*(step.days for step in program.steps), *(bolus.days for bolus in program.boluses)]


def is_for(days: tuple[int, ...], day: int, named: set[int]) -> bool:
    """Whether what is for `days` is for one day, where `named` are the days that have something of their own."""
    return day in days if day in named else not days


def _adding_up(program: Program) -> Program:
    total = daily_sum_mcg(program)
    dose = program.daily_dose_mcg
    if total == 0 or abs(total - dose) > SUM_TOLERANCE * dose:
        field = "steps" if program.steps else "boluses"
        values = {"total": f"{total:.4f}", "dose": dose}
        told = (
            say(
                "the 24 hours add up to %(total)s mcg, but daily_dose_mcg is %(dose)s; they must agree within 0.5 %%",
                **values,
            )
            if len(day_plans(program)) == 1
            else say(
                "the days add up, on the average of a week, to %(total)s mcg, but daily_dose_mcg is %(dose)s; "
                "they must agree within 0.5 %%",
                **values,
            )
        )
        raise ProgramError(field, told)
    return program


def daily_sum_mcg(program: Program) -> Decimal:
    """Steps and boluses of 24 hours, the average of a week where days differ, in mcg, as written."""
    plans = day_plans(program)
    total = Decimal(0)
    for number, plan in enumerate(plans):
        total += sum((bolus.dose_mcg for bolus in plan.boluses), Decimal(0))
        for rate, minutes in _stretches(plans, number):
            total += rate * Decimal(minutes) / 60
    return total / len(plans)


def _stretches(plans: Sequence[DayPlan], number: int) -> list[tuple[Decimal, int]]:
    """Rates (mcg/h) of one day with the minutes each holds."""
    starts = [0, *(step.start_minute for step in plans[number].steps), MINUTES_PER_DAY]
    rates = [_rate_at_midnight(plans, number), *(step.rate_mcg_per_h for step in plans[number].steps)]
    return [(rate, end - start) for rate, (start, end) in zip(rates, pairwise(starts), strict=True)]


def _rate_at_midnight(plans: Sequence[DayPlan], number: int) -> Decimal:
    """The rate (mcg/h) with which a day begins: until its first step, the last step before it still holds."""
    before = [plans[number - back].steps for back in range(1, len(plans) + 1)]
    return next((steps[-1].rate_mcg_per_h for steps in before if steps), Decimal(0))


def hourly_mcg(program: Program) -> Decimal:
    """The average hourly equivalent of the daily dose, in mcg/h."""
    return hourly_of(program.daily_dose_mcg)


def hourly_of(daily_dose_mcg: Decimal) -> Decimal:
    return daily_dose_mcg / HOURS_PER_DAY

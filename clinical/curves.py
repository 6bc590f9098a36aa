"""The course of a program over the pump's day or week, as fractions of its daily dose."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from clinical.programs import MINUTES_PER_DAY, DayPlan, Program, daily_sum_mcg, day_plans, rate_at_midnight
from clinical.units import SECONDS_PER_DAY


@dataclass(frozen=True)
class Knot:
    """A bend of the cumulative curve: parts of the daily dose, seconds of the pump's day or week.

    At `second` what was delivered since the curve began jumps from `before` to `after` (a bolus, else equal) and then
    rises by `slope_per_s` each second until the next knot.
    """

    second: float
    before: float
    after: float
    slope_per_s: float


@dataclass(frozen=True)
class Curve:
    """It repeats after `days` (1, or 7 from Monday on) and delivers exactly `days` daily doses in them.

    At least one knot, the first at second 0.
    """

    days: int
    knots: tuple[Knot, ...]


UNIFORM = Curve(1, (Knot(0.0, 0.0, 0.0, 1.0 / SECONDS_PER_DAY),))


def curve_of(program: Program) -> Curve:
    """The curve of a program from `checked`. What a patient may call for has no hour, and is no part of it."""
    if not program.steps and not program.boluses:
        return UNIFORM
    plans = day_plans(program)
    total = float(daily_sum_mcg(program))
    knots: list[Knot] = []
    level = 0.0
    for number in range(len(plans)):
        level = _add_day(knots, level, plans, number, total)
    return Curve(len(plans), tuple(knots))


def _add_day(knots: list[Knot], level: float, plans: Sequence[DayPlan], number: int, total: float) -> float:
    """Append the knots of one day, which begins at `level`; returns the level at its end."""
    plan = plans[number]
    minutes = sorted({0} | {step.start_minute for step in plan.steps} | {bolus.at_minute for bolus in plan.boluses})
    for minute, end in pairwise([*minutes, MINUTES_PER_DAY]):
        after = level + sum(float(b.dose_mcg) for b in plan.boluses if b.at_minute == minute) / total
        slope = _rate_at(plans, number, minute) / 3600.0 / total
        knots.append(Knot(number * SECONDS_PER_DAY + minute * 60.0, level, after, slope))
        level = after + slope * (end - minute) * 60.0
    return level


def _rate_at(plans: Sequence[DayPlan], number: int, minute: int) -> float:
    """The rate in mcg/h that holds at a minute of a day."""
    current = [step for step in plans[number].steps if step.start_minute <= minute]
    return float(current[-1].rate_mcg_per_h if current else rate_at_midnight(plans, number))

"""The course of a program over the pump's day or week, as fractions of its daily dose."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from clinical.programs import DAYS_PER_WEEK, MINUTES_PER_DAY, Program, is_for
from clinical.units import SECONDS_PER_DAY

# A step or bolus in numbers: minute of the day, mcg/h or mcg, weekdays (see `programs.Step`).
Part = tuple[int, float, tuple[int, ...]]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class Knot(NamedTuple):
    """A bend of the cumulative curve: parts of the daily dose, seconds of the pump's day or week.

    At `second` what was delivered since the curve began jumps from `before` to `after` (a bolus, else equal) and then
    rises by `slope_per_s` each second until the next knot.
    """

    second: float
    before: float
    after: float
    slope_per_s: float


class Curve(NamedTuple):
    """It repeats after `days` (1, or 7 from Monday on) and delivers exactly `days` daily doses in them.

    At least one knot, the first at second 0.
    """

    days: int
    knots: tuple[Knot, ...]


UNIFORM = Curve(1, (Knot(0.0, 0.0, 0.0, 1.0 / SECONDS_PER_DAY),))


def curve_of(program: Program) -> Curve:
    """The curve of a program from `checked`. What a patient may call for has no hour, and is no part of it."""
    return curve(
        [(step.start_minute, float(step.rate_mcg_per_h), step.days) for step in program.steps],
        [(bolus.at_minute, float(bolus.dose_mcg), bolus.days) for bolus in program.boluses],
    )


def curve(steps: Sequence[Part], boluses: Sequence[Part]) -> Curve:
    """The curve of steps and boluses, whatever they add up to: that is the daily dose."""
    if not steps and not boluses:
        return UNIFORM
    plans = _plans(steps, boluses)
    bends = [bend for number in range(len(plans)) for bend in _bends(plans, number)]
    total = 0.0
    # One after the other, as `stepped` has it: the last bits of `sum` depend on Python's version.
    for _, dose, rate, hours in bends:
        total += dose + rate * hours
    total /= len(plans)
    knots: list[Knot] = []
    level = 0.0
    for second, dose, rate, hours in bends:
        after = level + dose / total
        knots.append(Knot(second, level, after, rate / 3600.0 / total))
        level = after + rate * hours / total
    return Curve(len(plans), tuple(knots))


def stepped(program: Ints, minute: Ints, rate: Floats) -> tuple[Ints, Floats]:
    """The curves of many programs that have steps of the day alone, to the bit what `curve` gives for each.

    A row a step: the number of its program (from 0, none left out), its minute of the day, mcg/h; in order of program
    and minute. Returns how many knots each program has, and the knots of all, a row each.
    """
    sizes = np.bincount(program)
    first = np.cumsum(sizes) - sizes
    # Until its first step a day goes on as the last one ended.
    late = np.flatnonzero(minute[first] > 0)
    minute = np.insert(minute, first[late], 0)
    rate = np.insert(rate, first[late], rate[first[late] + sizes[late] - 1])
    sizes[late] += 1
    first = np.cumsum(sizes) - sizes
    ends = np.append(minute[1:], MINUTES_PER_DAY)
    ends[first[1:] - 1] = MINUTES_PER_DAY
    given = rate * ((ends - minute) / 60.0)
    total, level = np.zeros(len(sizes)), np.zeros(len(sizes))
    knots = np.empty((len(rate), 4))
    for which, rows in _by_place(first, sizes):
        total[which] += given[rows]
    for which, rows in _by_place(first, sizes):
        knots[rows, 1] = level[which]
        level[which] += given[rows] / total[which]
    knots[:, 0] = minute * 60.0
    knots[:, 2] = knots[:, 1]
    knots[:, 3] = rate / 3600.0 / np.repeat(total, sizes)
    return sizes, knots


def _by_place(first: Ints, sizes: Ints) -> Iterator[tuple[Ints, Ints]]:
    """The programs that have a first, a second, ... row, with those rows."""
    for place in range(int(sizes.max(initial=0))):
        which = np.flatnonzero(sizes > place)
        yield which, first[which] + place


Plans = list[tuple[list[Part], list[Part]]]


def _plans(steps: Sequence[Part], boluses: Sequence[Part]) -> Plans:
    """Steps and boluses of the day, or of Monday to Sunday, each in order."""
    named = {day for part in (*steps, *boluses) for day in part[2]}
    if not named:
        return [(sorted(steps), sorted(boluses))]
    return [
        (
            sorted(step for step in steps if is_for(step[2], day, named)),
            sorted(bolus for bolus in boluses if is_for(bolus[2], day, named)),
        )
        for day in range(DAYS_PER_WEEK)
    ]


def _bends(plans: Plans, number: int) -> list[tuple[float, float, float, float]]:
    """Where the rate of one day changes or a bolus falls: second, mcg at once, then mcg/h, for so many hours."""
    steps, boluses = plans[number]
    rates, doses = {0: _before(plans, number)}, {minute: dose for minute, dose, _ in boluses}
    for minute, rate, _ in steps:
        rates[minute] = rate
    minutes = sorted({*rates, *doses})
    minutes.append(MINUTES_PER_DAY)
    rate, bends, midnight = 0.0, [], number * SECONDS_PER_DAY
    for minute, end in pairwise(minutes):
        rate = rates.get(minute, rate)
        bends.append((midnight + minute * 60.0, doses.get(minute, 0.0), rate, (end - minute) / 60.0))
    return bends


def _before(plans: Plans, number: int) -> float:
    """The rate with which a day begins: until its first step, the last step before it still holds."""
    for back in range(1, len(plans) + 1):
        steps = plans[number - back][0]
        if steps:
            return steps[-1][1]
    return 0.0

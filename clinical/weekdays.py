"""Weekdays in a program: how they are written, and what runs on each.

A weekday that any step or bolus names has its own day, of exactly the steps and boluses that name it. All other days
have those that name none.
"""

from collections.abc import Iterable, Sequence
from typing import TypeVar

from clinical.programs import Bolus, Program, ProgramError, Step
from clinical.saying import say

# Monday is 0.
CODES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_PLACES = {code: place for place, code in enumerate(CODES)}
R = TypeVar("R", Step, Bolus)


def days_of(codes: Iterable[str], field: str) -> tuple[int, ...]:
    """Weekdays as a program holds them: each once, in order.

    Raises:
        ProgramError: something that is no weekday, in `field`.
    """
    found = set()
    for code in codes:
        if not isinstance(code, str) or code not in _PLACES:
            raise ProgramError(
                field, say("%(code)s is not a weekday; write %(codes)s", code=f"{code!r:.60}", codes=", ".join(CODES))
            )
        found.add(_PLACES[code])
    return tuple(sorted(found))


def codes_of(days: Iterable[int]) -> list[str]:
    return [CODES[day] for day in days]


def words(days: Sequence[int]) -> str:
    """`Mon-Fri`, `Sat and Sun`, `Mon, Wed and Fri`; empty for every day that has none of its own."""
    names = [CODES[day].capitalize() for day in days]
    if len(days) > 2 and days[-1] - days[0] == len(days) - 1:
        return f"{names[0]}-{names[-1]}"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def on_day(rows: Sequence[R], program: Program, day: int) -> list[R]:
    """Those of the program's steps (or boluses) that run on a weekday."""
    named = any(day in step.days for step in program.steps) or any(day in bolus.days for bolus in program.boluses)
    return [row for row in rows if (day in row.days if named else not row.days)]


def most_steps_in_a_day(program: Program) -> int:
    """The number of steps of the weekday that has most."""
    return max(len(on_day(program.steps, program, day)) for day in range(len(CODES)))

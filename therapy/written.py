"""A program that runs, written as it is stored and entered: rows of steps and timed boluses."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from clinical.programs import Program
from clinical.units import plain
from clinical.weekdays import codes_of


def _as_it_is(amount: Decimal) -> Decimal:
    return amount


def steps_json(program: Program, of: Callable[[Decimal], Decimal] = _as_it_is) -> list[dict[str, Any]]:
    """`of` makes another rate of each."""
    return [
        _row("start", step.start_minute, "rate_mcg_per_h", of(step.rate_mcg_per_h), step.days) for step in program.steps
    ]


def boluses_json(program: Program, of: Callable[[Decimal], Decimal] = _as_it_is) -> list[dict[str, Any]]:
    return [_row("at", bolus.at_minute, "dose_mcg", of(bolus.dose_mcg), bolus.days) for bolus in program.boluses]


def _row(clock: str, minute: int, number: str, amount: Decimal, days: tuple[int, ...]) -> dict[str, Any]:
    written = {clock: f"{minute // 60:02}:{minute % 60:02}", number: plain(amount)}
    return {**written, "days": codes_of(days)} if days else written

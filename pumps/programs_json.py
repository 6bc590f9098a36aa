"""Programs as stored and as the API writes them: steps `{"start": "06:00", "rate_mcg_per_h": "4.0"}`,
boluses `{"at": "08:00", "dose_mcg": "20"}`."""

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import lru_cache

from clinical.programs import Bolus, Mode, Program, ProgramError, Step, checked

_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


def minute_of(clock: str, field: str) -> int:
    """Minutes since midnight of `HH:MM`."""
    match = _CLOCK.fullmatch(clock)
    if match is None:
        raise ProgramError(field, f"{clock!r} is not a time; write HH:MM, 00:00 to 23:59")
    return int(match[1]) * 60 + int(match[2])


def program_of(
    mode: str,
    daily_dose_mcg: Decimal,
    steps: Iterable[Mapping[str, str]],
    boluses: Iterable[Mapping[str, str]],
) -> Program:
    """The checked program of a stored or received dose change.

    Raises:
        ProgramError: see `clinical.programs.checked`.
    """
    return _program(
        mode,
        daily_dose_mcg,
        tuple((step["start"], step["rate_mcg_per_h"]) for step in steps),
        tuple((bolus["at"], bolus["dose_mcg"]) for bolus in boluses),
    )


@lru_cache(maxsize=4096)
def _program(
    mode: str, dose: Decimal, steps: tuple[tuple[str, str], ...], boluses: tuple[tuple[str, str], ...]
) -> Program:
    return checked(
        Program(
            mode=Mode(mode),
            daily_dose_mcg=dose,
            steps=tuple(Step(minute_of(start, "steps"), Decimal(rate)) for start, rate in steps),
            boluses=tuple(Bolus(minute_of(at, "boluses"), Decimal(amount)) for at, amount in boluses),
        )
    )

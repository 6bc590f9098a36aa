"""Programs as stored and as the API writes them: steps `{"start": "06:00", "rate_mcg_per_h": "4.0"}`,
boluses `{"at": "08:00", "dose_mcg": "20"}`, either with the weekdays it is for, `"days": ["mon", "tue"]`."""

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

from clinical.curves import Curve, Part, curve
from clinical.programs import Bolus, Mode, Program, ProgramError, Step, checked
from clinical.saying import say
from clinical.weekdays import days_of

_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
# A row of either: time, amount, weekdays.
_Row = tuple[str, str, tuple[int, ...]]
# How many patient boluses a day a pump can be told to allow.
MOST_PATIENT_BOLUSES = 50


def minute_of(clock: str, field: str) -> int:
    """Minutes since midnight of `HH:MM`."""
    match = _CLOCK.fullmatch(clock)
    if match is None:
        raise ProgramError(field, say("%(cell)s is not a time; write HH:MM, 00:00 to 23:59", cell=f"{clock!r}"))
    return int(match[1]) * 60 + int(match[2])


def program_of(
    mode: str,
    daily_dose_mcg: Decimal,
    steps: Iterable[Mapping[str, Any]],
    boluses: Iterable[Mapping[str, Any]],
    patient_bolus_mcg: Decimal | None = None,
    patient_boluses_per_day: int | None = None,
) -> Program:
    """The checked program of a stored or received dose change. Patient boluses: mcg each, and how many in 24 hours.

    Raises:
        ProgramError: see `clinical.programs.checked`; or one of the two patient bolus fields without the other.
    """
    _check_patient_boluses(mode, patient_bolus_mcg, patient_boluses_per_day)
    return _program(
        mode,
        daily_dose_mcg,
        tuple((step["start"], step["rate_mcg_per_h"], days_of(step.get("days", ()), "steps")) for step in steps),
        tuple((bolus["at"], bolus["dose_mcg"], days_of(bolus.get("days", ()), "boluses")) for bolus in boluses),
        patient_bolus_mcg or Decimal(0),
        patient_boluses_per_day or 0,
    )


def _check_patient_boluses(mode: str, bolus_mcg: Decimal | None, per_day: int | None) -> None:
    if bolus_mcg is None and per_day is None:
        return
    if mode == Mode.STOPPED:
        raise ProgramError("patient_bolus_mcg", say("a stopped pump gives none; leave the patient boluses out"))
    if bolus_mcg is None:
        raise ProgramError(
            "patient_bolus_mcg", say("say how much one patient bolus is, or leave out how many there may be")
        )
    if per_day is None:
        raise ProgramError("patient_boluses_per_day", say("say how many a day, or leave the patient bolus out"))
    if bolus_mcg <= 0:
        raise ProgramError("patient_bolus_mcg", say("must be above 0 mcg; leave it out where there are none"))
    if not 1 <= per_day <= MOST_PATIENT_BOLUSES:
        raise ProgramError(
            "patient_boluses_per_day",
            say("must be a whole number from 1 to %(most_patient_boluses)s", most_patient_boluses=MOST_PATIENT_BOLUSES),
        )


@lru_cache(maxsize=4096)
def _program(
    mode: str, dose: Decimal, steps: tuple[_Row, ...], boluses: tuple[_Row, ...], bolus_mcg: Decimal, per_day: int
) -> Program:
    return checked(
        Program(
            mode=Mode(mode),
            daily_dose_mcg=dose,
            steps=tuple(Step(minute_of(start, "steps"), Decimal(rate), days) for start, rate, days in steps),
            boluses=tuple(Bolus(minute_of(at, "boluses"), Decimal(amount), days) for at, amount, days in boluses),
            patient_bolus_mcg=bolus_mcg,
            patient_boluses_per_day=per_day,
        )
    )


def curve_of_json(steps: Iterable[Mapping[str, Any]], boluses: Iterable[Mapping[str, Any]]) -> Curve:
    """The curve of a stored program, which was checked when it was recorded; the same as its `Program` has."""
    return curve(
        [_part(step["start"], step["rate_mcg_per_h"], step.get("days", ()), "steps") for step in steps],
        [_part(bolus["at"], bolus["dose_mcg"], bolus.get("days", ()), "boluses") for bolus in boluses],
    )


def _part(clock: str, amount: str, days: Iterable[str], field: str) -> Part:
    return int(clock[:2]) * 60 + int(clock[3:]), float(amount), days_of(days, field) if days else ()

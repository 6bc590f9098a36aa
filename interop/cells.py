"""Text of one cell to its value.

Each parser takes text that is not blank, and says how to write it where it is wrong.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import TypeVar
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from clinical.programs import ProgramError
from clinical.saying import say
from clinical.weekdays import days_of
from clinics.opening import WEEKDAYS
from clinics.validators import FIRST_YEAR, LAST_YEAR, validate_timezone
from pumps.programs_json import minute_of

T = TypeVar("T")
# A day beyond these years is a slip of the pen: any, as births are among them; and one of a pump's life.
DAY_YEARS = (1900, 2100)
PUMP_YEARS = (FIRST_YEAR, LAST_YEAR)
# Days that a drug is stable in a pump, at most; as in the API.
LONGEST_STABILITY = 1000
# A long cell is not repeated in full in a message.
SHOWN = 60
# Exports repeat the same few volumes, doses, serial numbers and days; each is parsed and kept once.
CACHED = 16_384
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:?\d\d)?", re.ASCII | re.IGNORECASE)


class BadCell(ValueError):
    """A cell that cannot be read; the message says why and what to write."""


@dataclass(frozen=True)
class Timed:
    """An entry of `steps` or `boluses`: `HH:MM` on the pump's clock, mcg/h or mcg, and the weekdays it is for."""

    clock: str
    amount: Decimal
    days: tuple[int, ...] = ()


def shortened(cell: str) -> str:
    return cell if len(cell) <= SHOWN else cell[:SHOWN] + "..."


def quoted(cell: str) -> str:
    """A cell as a message repeats it."""
    return repr(shortened(cell))


def text(longest: int) -> Callable[[str], str]:
    """Text of at most so many characters."""

    def parse(cell: str) -> str:
        if "\0" in cell:
            raise BadCell(say("holds a NUL character; type the text again"))
        if len(cell) > longest:
            raise BadCell(say("has %(count)s characters; at most %(longest)s fit", count=len(cell), longest=longest))
        return cell

    return lru_cache(maxsize=CACHED)(parse)


def number(*, whole: int, places: int, most: int | None = None) -> Callable[[str], Decimal]:
    """A decimal number with so many digits before and after the point. What it may mean is checked elsewhere."""

    def parse(cell: str) -> Decimal:
        if _NUMBER.fullmatch(cell) is None:
            raise BadCell(say("%(cell)s is not a number; write it like 12.5", cell=quoted(cell)))
        value = Decimal(cell)
        if most is not None and value > most:
            raise BadCell(say("%(cell)s is too large; at most %(most)s", cell=quoted(cell), most=most))
        if abs(value) >= Decimal(10) ** whole:
            raise BadCell(say("%(cell)s is too large; it must be below %(limit)s", cell=quoted(cell), limit=10**whole))
        if value != value.quantize(Decimal(1).scaleb(-places)):
            raise BadCell(
                say("%(cell)s has too many decimal places; at most %(places)s", cell=quoted(cell), places=places)
            )
        return value

    return lru_cache(maxsize=CACHED)(parse)


# The rates and doses of `steps` and `boluses`.
_amount = number(whole=6, places=4)


def whole(lowest: int, highest: int, what: str = "number") -> Callable[[str], int]:
    """A whole number within bounds."""

    def parse(cell: str) -> int:
        sign, digits = (-1, cell[1:]) if cell.startswith("-") else (1, cell)
        is_number = digits.isascii() and digits.isdigit() and len(digits) < 9
        if not is_number or not lowest <= sign * int(digits) <= highest:
            raise BadCell(
                say(
                    "%(cell)s is not a %(what)s; write a whole number from %(lowest)s to %(highest)s",
                    cell=quoted(cell),
                    what=what,
                    lowest=lowest,
                    highest=highest,
                )
            )
        return sign * int(digits)

    return lru_cache(maxsize=CACHED)(parse)


def several(parse_one: Callable[[str], T], limit: int = 1000) -> Callable[[str], tuple[T, ...]]:
    """Values separated by semicolons, each once, in order."""

    def parse(cell: str) -> tuple[T, ...]:
        parts = [part.strip() for part in cell.strip("; ").split(";")]
        if len(parts) > limit:
            raise BadCell(say("has %(count)s entries; at most %(limit)s fit", count=len(parts), limit=limit))
        return tuple(dict.fromkeys(parse_one(part) for part in parts))

    return lru_cache(maxsize=CACHED)(parse)


def weekday(cell: str) -> int:
    """A weekday by its English name or its first three letters, as Monday 0 to Sunday 6."""
    names = {name.lower(): place for place, name in enumerate(WEEKDAYS)}
    names |= {name[:3]: place for name, place in names.items()}
    if cell.lower() not in names:
        raise BadCell(say("%(cell)s is not a weekday; write Mon to Sun", cell=quoted(cell)))
    return names[cell.lower()]


def day(years: tuple[int, int] = DAY_YEARS) -> Callable[[str], date]:
    """A date in these years, the last one included."""

    def parse(cell: str) -> date:
        if _DATE.fullmatch(cell) is None:
            raise BadCell(say("%(cell)s is not a date; write YYYY-MM-DD", cell=quoted(cell)))
        try:
            value = date.fromisoformat(cell)
        except ValueError as error:
            raise BadCell(say("%(cell)s is not in the calendar", cell=quoted(cell))) from error
        _check_year(cell, value.year, years)
        return value

    return lru_cache(maxsize=CACHED)(parse)


def _check_year(cell: str, year: int, years: tuple[int, int]) -> None:
    first, last = years
    if not first <= year <= last:
        raise BadCell(
            say(
                "%(cell)s is not between the years %(first)s and %(last)s",
                cell=quoted(cell),
                first=first,
                last=last,
            )
        )


def moment(cell: str) -> datetime:
    """ISO 8601. Without an offset the result is naive: the clinic's local time."""
    if _MOMENT.fullmatch(cell) is None:
        raise BadCell(
            say("%(cell)s is not a time; write it like 2026-03-05T18:15:00Z or 2026-03-05T13:15", cell=quoted(cell))
        )
    try:
        value = datetime.fromisoformat(cell.upper())
    except ValueError as error:
        raise BadCell(say("%(cell)s is not in the calendar or on the clock", cell=quoted(cell))) from error
    _check_year(cell, value.year, PUMP_YEARS)
    return value


def in_utc(value: datetime, zone: ZoneInfo) -> datetime:
    """A moment in UTC; without an offset it is local time in `zone`.

    Raises:
        BadCell: a change of the clocks makes the local time ambiguous or impossible.
    """
    if value.tzinfo is not None:
        return value.astimezone(UTC)
    early, late = value.replace(tzinfo=zone, fold=0), value.replace(tzinfo=zone, fold=1)
    if early.utcoffset() == late.utcoffset():
        return early.astimezone(UTC)
    told = {"time": value.isoformat(timespec="minutes"), "zone": zone.key}
    if early.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == value:
        raise BadCell(
            say(
                "%(time)s in %(zone)s is ambiguous: the clocks went back and it came twice; add the UTC offset, "
                "%(early)s or %(late)s",
                **told,
                early=early.isoformat()[-6:],
                late=late.isoformat()[-6:],
            )
        )
    raise BadCell(
        say(
            "%(time)s in %(zone)s is impossible: the clocks went forward over it; correct the time or add its UTC "
            "offset",
            **told,
        )
    )


def choice(*allowed: str) -> Callable[[str], str]:
    known = {name: name for name in allowed}

    def parse(cell: str) -> str:
        if cell not in known:
            raise BadCell(say("%(cell)s is none of %(allowed)s", cell=quoted(cell), allowed=", ".join(allowed)))
        return known[cell]

    return parse


def yes_or_no(cell: str) -> bool:
    if cell.lower() not in ("yes", "no"):
        raise BadCell(say("%(cell)s is neither yes nor no", cell=quoted(cell)))
    return cell.lower() == "yes"


# Days that a drug is stable in a pump.
whole_days = whole(1, LONGEST_STABILITY, say("number of days"))


def timezone(cell: str) -> str:
    try:
        validate_timezone(cell)
    except ValidationError as error:
        raise BadCell(
            say("%(cell)s is not a timezone; use an IANA name such as Europe/London", cell=quoted(cell))
        ) from error
    return cell


def email(fitting: Callable[[str], str]) -> Callable[[str], str]:
    """An address, of a text that fits."""

    def parse(cell: str) -> str:
        try:
            validate_email(fitting(cell))
        except ValidationError as error:
            raise BadCell(say("%(cell)s is not an e-mail address", cell=quoted(cell))) from error
        return cell

    return parse


def timed(column: str) -> Callable[[str], tuple[Timed, ...]]:
    """`HH:MM=amount;...`, or `mon+tue@HH:MM=amount` for some weekdays; a last semicolon does no harm."""

    def parse(cell: str) -> tuple[Timed, ...]:
        return tuple(_one_timed(part.strip(), column) for part in cell.rstrip("; ").split(";"))

    return lru_cache(maxsize=CACHED)(parse)


def _one_timed(part: str, column: str) -> Timed:
    when, equals, amount = part.partition("=")
    if not equals:
        raise BadCell(say("%(cell)s is not HH:MM=amount", cell=quoted(part)))
    named, at, clock = when.rpartition("@")
    try:
        days = days_of((code.strip().lower() for code in named.split("+")), column) if at else ()
    except ProgramError as error:
        raise BadCell(say("%(cell)s are no weekdays; write them like mon+tue@06:00=4.0", cell=quoted(named))) from error
    try:
        minute_of(clock.strip(), column)
    except ProgramError as error:
        raise BadCell(say("%(cell)s is not a time; write HH:MM, 00:00 to 23:59", cell=quoted(clock.strip()))) from error
    return Timed(clock.strip(), _amount(amount.strip()), days)

"""The same key must mean the same values: of two rows of a file, and of a row and what is stored."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from clinical.saying import say
from clinical.units import plain
from clinical.weekdays import codes_of, days_of
from interop.cells import SHOWN, Timed, quoted
from interop.problems import Problems
from interop.reading import Sheet
from interop.tables import R, Row
from pumps.models import Event

# A column, what is stored in it and what the row has.
Difference = tuple[str, Any, Any]
# Characters shown before the place where two long texts differ.
ALIKE = 10


def written(entries: Iterable[Timed]) -> str:
    """Steps or boluses as the file writes them."""
    return ";".join(f"{_days(entry)}{entry.clock}={plain(entry.amount)}" for entry in entries)


def _days(entry: Timed) -> str:
    return f"{'+'.join(codes_of(entry.days))}@" if entry.days else ""


def listed(values: tuple[Any, ...]) -> str:
    """Several values of one cell as the file writes them."""
    if values and isinstance(values[0], Timed):
        return written(values)
    return ";".join(str(value) for value in values)


def both(one: Any, other: Any) -> tuple[str, str]:
    """Two different values as a message shows them; long texts from a little before where they differ."""
    one, other = (listed(value) if isinstance(value, tuple) else value for value in (one, other))
    if isinstance(one, str) and isinstance(other, str) and max(len(one), len(other)) > SHOWN:
        pairs = enumerate(zip(one, other, strict=False))
        differ = next((place for place, (a, b) in pairs if a != b), min(len(one), len(other)))
        if differ > ALIKE:
            one, other = (f"...{text[differ - ALIKE :]}" for text in (one, other))
    return shown(one), shown(other)


def shown(value: Any) -> str:
    """A value as a message shows it, so that it can be found in the file and on the page."""
    if value is None or value == "":
        return "blank"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    return quoted(str(value))


def check_same_rows(sheet: Sheet[R], first: R, again: R, key: str, problems: Problems) -> None:
    """Two rows of a file with the same key: a repetition does no harm, a contradiction is a problem."""
    if problems.is_bad(sheet.file, first.line) or problems.is_bad(sheet.file, again.line):
        return
    for column, one, other in zip(first._fields[1:], first[1:], again[1:], strict=True):
        if one != other:
            there, here = both(one, other)
            message = say(
                "line %(line)s has %(there)s for the same %(key)s, this line has %(here)s",
                line=first.line,
                there=there,
                key=key,
                here=here,
            )
            problems.add(sheet.file, again.line, column, message)


def check_same_as_stored(sheet: Sheet[R], row: R, differences: Iterable[Difference], problems: Problems) -> None:
    """`differences` are of columns that the file has."""
    if problems.is_bad(sheet.file, row.line):
        return
    for column, stored, ours in differences:
        there, here = both(stored, ours)
        problems.add(
            sheet.file, row.line, column, say("stored is %(there)s, the file has %(here)s", there=there, here=here)
        )


def differing(columns: Sequence[str], row: Row, stored: object) -> Iterator[Difference]:
    """Columns in which a row says something else than a stored row of the same field names."""
    for column in columns:
        there = getattr(stored, column)
        ours = getattr(row, column)
        if isinstance(stored, Event) and column in ("steps", "boluses"):
            there, ours = from_json(there), in_clock_order(ours)
        if isinstance(there, list) and isinstance(ours, tuple):
            there, ours = tuple(sorted(there)), tuple(sorted(ours))
        if ours != there:
            yield column, there, ours


def in_clock_order(entries: Iterable[Timed]) -> tuple[Timed, ...]:
    return tuple(sorted(entries, key=lambda entry: (entry.days, entry.clock)))


def from_json(stored: Iterable[dict[str, Any]]) -> tuple[Timed, ...]:
    """Stored steps or boluses, as `pumps.programs_json` describes them."""
    return in_clock_order(
        Timed(
            entry.get("start") or entry["at"],
            Decimal(entry.get("rate_mcg_per_h") or entry["dose_mcg"]),
            days_of(entry.get("days", ()), "days"),
        )
        for entry in stored
    )


def steps_json(entries: Iterable[Timed]) -> list[dict[str, Any]]:
    return [_json("start", "rate_mcg_per_h", entry) for entry in entries]


def boluses_json(entries: Iterable[Timed]) -> list[dict[str, Any]]:
    return [_json("at", "dose_mcg", entry) for entry in entries]


def _json(clock: str, amount: str, entry: Timed) -> dict[str, Any]:
    days = {"days": codes_of(entry.days)} if entry.days else {}
    return {clock: entry.clock, amount: plain(entry.amount), **days}

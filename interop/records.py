"""The records of a CSV file. One that is no CSV, or not UTF-8, is told, and reading goes on behind it."""

import csv
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from clinical.saying import say

# A record that runs on for more lines than this has a quote that is not closed.
MOST_LINES = 100


@dataclass(frozen=True, slots=True)
class Record:
    """`line` is where it begins. With a `problem`, `cells` are as good as they can be told, or empty."""

    line: int
    cells: list[str]
    problem: str = ""


class _Lines:
    """The lines of a file; `taken` are those of the record being read, as they stand in the file."""

    def __init__(self, stream: Iterable[str]) -> None:
        self._stream = iter(stream)
        self._again: deque[str] = deque()
        self.taken: list[str] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if len(self.taken) == MOST_LINES:
            raise csv.Error("too many lines")
        self.taken.append(self._again.popleft() if self._again else next(self._stream))
        return _readable(self.taken[-1])

    def give_back_all_but_the_first(self) -> None:
        self._again.extendleft(reversed(self.taken[1:]))
        del self.taken[1:]


def records(path: Path) -> Iterator[Record]:
    """The records that are not blank. After a broken one, reading goes on with the line after the one it begins on.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as stream:
        lines, start = _Lines(stream), 1
        reader = csv.reader(lines, strict=True)
        while True:
            try:
                cells = next(reader, None)
            except csv.Error as error:
                record = _broken(start, lines.taken, error)
                lines.give_back_all_but_the_first()
                reader = csv.reader(lines, strict=True)
            else:
                if cells is None:
                    return
                record = Record(start, cells, _encoding_problem(lines.taken))
            if record.problem or any(cell.strip() for cell in record.cells):
                yield record
            start += len(lines.taken)
            lines.taken.clear()


def _readable(line: str) -> str:
    """The line with a replacement character for each byte that is not UTF-8, which PostgreSQL would not take."""
    return line if line.isascii() else line.encode(errors="surrogateescape").decode(errors="replace")


def _encoding_problem(lines: Iterable[str]) -> str:
    return "" if all(_readable(line) == line for line in lines) else say("is not UTF-8; save the file as CSV UTF-8")


def _broken(start: int, lines: list[str], error: csv.Error) -> Record:
    try:
        # Cells as they may have been meant, so that what else is wrong with them is told now.
        cells = next(csv.reader([_readable(lines[0])]), [])
    except csv.Error:
        return Record(
            start,
            [],
            say(
                "has a cell of more than %(limit)s characters; shorten it",
                limit=f"{csv.field_size_limit():,}",
            ),
        )
    if len(lines) > 1 or "unexpected end" in str(error):
        return Record(
            start, cells, say("is not CSV: a quote that opens on this line is not closed; close or remove it")
        )
    return Record(start, cells, say("is not CSV: text follows a closing quote; write a quote within a cell twice"))

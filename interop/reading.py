"""A folder of CSV files to rows. Cells are parsed one by one; what rows mean together is checked elsewhere."""

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic

from clinics.errors import Impossible
from interop.cells import BadCell
from interop.problems import FILE_ORDER, WHOLE_ROW, Problems
from interop.tables import (
    CLINICS,
    DOSE_CHANGES,
    PATIENTS,
    PUMPS,
    REFILLS,
    ClinicRow,
    Column,
    DoseRow,
    PatientRow,
    PumpRow,
    R,
    RefillRow,
    Table,
)

PROGRESS_EVERY = 10_000
# What is being done, how far it is, and out of how many; 0 where that is not known yet.
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Sheet(Generic[R]):
    """The rows of one file, and which columns its header has."""

    file: str
    columns: frozenset[str]
    rows: list[R]


@dataclass(frozen=True)
class Folder:
    """A file that is not there has no rows. `files` names those that are."""

    files: tuple[str, ...]
    clinics: Sheet[ClinicRow]
    patients: Sheet[PatientRow]
    pumps: Sheet[PumpRow]
    refills: Sheet[RefillRow]
    dose_changes: Sheet[DoseRow]


def read(folder: Path, problems: Problems, progress: Progress) -> Folder:
    """Read everything of a folder that is in the import format.

    Raises:
        Impossible: there is no such folder, or none of the files is in it.
    """
    if not folder.is_dir():
        raise Impossible({"folder": [f"{folder} is not a folder."]})
    names = sorted(path.name for path in folder.iterdir())
    present = tuple(name for name in FILE_ORDER if name in names)
    if not present:
        raise Impossible({"folder": [f"{folder} holds none of {', '.join(FILE_ORDER)}."]})
    problems.warnings += [f"{name}: ignored, not a file of the import format" for name in names if name not in present]
    return Folder(
        present,
        _sheet(folder, CLINICS, problems, progress),
        _sheet(folder, PATIENTS, problems, progress),
        _sheet(folder, PUMPS, problems, progress),
        _sheet(folder, REFILLS, problems, progress),
        _sheet(folder, DOSE_CHANGES, problems, progress),
    )


def _sheet(folder: Path, table: Table[R], problems: Problems, progress: Progress) -> Sheet[R]:
    path = folder / table.file
    if not path.exists():
        return Sheet(table.file, frozenset(), [])
    records = _records(path, problems)
    first = next(records, None)
    header = [name.strip() for name in first[1]] if first is not None else []
    places = _places(table, header, problems)
    if places is None:
        problems.unfinished.add(table.file)
        return Sheet(table.file, frozenset(), [])
    rows = []
    for number, (line, record) in enumerate(records, start=1):
        if len(record) == len(header):
            rows.append(_row(table, line, record, places, problems))
        else:
            message = f"has {len(record)} values, but the header has {len(header)} columns"
            problems.add(table.file, line, WHOLE_ROW, message)
            problems.unfinished.add(table.file)
        if number % PROGRESS_EVERY == 0:
            progress(f"reading {table.file}", number, 0)
    progress(f"reading {table.file}", len(rows), len(rows))
    return Sheet(table.file, frozenset(header), rows)


def _records(path: Path, problems: Problems) -> Iterator[tuple[int, list[str]]]:
    """The records of a CSV file, each with the line it begins on. Ends early, with a problem, where it is no CSV."""
    start = 1
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream, strict=True)
            for record in reader:
                if any(cell.strip() for cell in record):
                    yield start, record
                start = reader.line_num + 1
    except UnicodeDecodeError:
        message = "is not UTF-8; save the file as CSV UTF-8"
        problems.add(path.name, _first_line_not_utf8(path), WHOLE_ROW, message)
        problems.unfinished.add(path.name)
    except csv.Error as error:
        problems.add(path.name, start, WHOLE_ROW, f"is not CSV ({error}); look for a quote that is not closed")
        problems.unfinished.add(path.name)


def _first_line_not_utf8(path: Path) -> int:
    with path.open("rb") as stream:
        for number, line in enumerate(stream, start=1):
            try:
                line.decode()
            except UnicodeDecodeError:
                return number
    return 1


def _places(table: Table[R], header: Sequence[str], problems: Problems) -> list[tuple[Column, int | None]] | None:
    """Where each column stands in a record, None if it is absent. None if the header will not do."""
    if table.file in problems.unfinished:
        return None
    known = {column.name for column in table.columns}
    missing = [column.name for column in table.columns if column.required and column.name not in header]
    hint = "; separate the columns by commas" if len(header) == 1 and ";" in header[0] else ""
    for name in missing:
        problems.add(table.file, 1, name, f"this column is required and missing{hint}")
    twice = {name for name in header if header.count(name) > 1 and name in known}
    for name in sorted(twice):
        problems.add(table.file, 1, name, "this column is there twice; keep one")
    unknown = [name or "(no name)" for name in header if name not in known]
    if unknown and not missing:
        problems.warnings.append(f"{table.file}: ignored unknown columns {', '.join(unknown)}")
    elif unknown:
        problems.warnings.append(f"{table.file}: unknown columns {', '.join(unknown)}; is one of them misspelt?")
    if missing or twice:
        return None
    return [(c, header.index(c.name) if c.name in header else None) for c in table.columns]


def _row(
    table: Table[R], line: int, record: Sequence[str], places: Sequence[tuple[Column, int | None]], problems: Problems
) -> R:
    values: list[Any] = [line]
    for column, place in places:
        text = record[place].strip() if place is not None else ""
        if text:
            try:
                values.append(column.parse(text))
            except BadCell as error:
                problems.add(table.file, line, column.name, str(error))
                values.append(None)
        else:
            if not column.may_be_blank:
                problems.add(table.file, line, column.name, "must not be blank")
            values.append(column.blank)
    return table.row(*values)

"""A folder of CSV files to rows. Cells are parsed one by one; what rows mean together is checked elsewhere."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic

from django.utils.translation import gettext as _

from clinical.saying import say
from clinics.errors import Impossible
from interop.cells import BadCell, shortened
from interop.problems import FILE_ORDER, WHOLE_ROW, Problems
from interop.records import Record, records
from interop.tables import (
    CLINICS,
    CONTACTS,
    DOSE_CHANGES,
    EVENTS,
    PATIENTS,
    PRODUCTS,
    PUMPS,
    REFILLS,
    ClinicRow,
    Column,
    ContactRow,
    DoseRow,
    OtherRow,
    PatientRow,
    ProductRow,
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
    products: Sheet[ProductRow]
    patients: Sheet[PatientRow]
    contacts: Sheet[ContactRow]
    pumps: Sheet[PumpRow]
    refills: Sheet[RefillRow]
    dose_changes: Sheet[DoseRow]
    events: Sheet[OtherRow]


def read(folder: Path, problems: Problems, progress: Progress) -> Folder:
    """Read everything of a folder that is in the import format.

    Raises:
        Impossible: there is no such folder, or none of the files is in it.
    """
    if not folder.is_dir():
        raise Impossible({"folder": [_("%(folder)s is not a folder.") % {"folder": folder}]})
    try:
        # A name that is not UTF-8 could not be printed.
        names = sorted(os.fsencode(path.name).decode(errors="replace") for path in folder.iterdir())
    except OSError as error:
        raise Impossible(
            {"folder": [_("%(folder)s cannot be read: %(why)s.") % {"folder": folder, "why": error.strerror}]}
        ) from error
    present = tuple(name for name in FILE_ORDER if name in names)
    if not present:
        raise Impossible(
            {"folder": [_("%(folder)s holds none of %(files)s.") % {"folder": folder, "files": ", ".join(FILE_ORDER)}]}
        )
    problems.warnings += [
        say("%(name)s: ignored, not a file of the import format", name=name) for name in names if name not in present
    ]
    return Folder(
        present,
        _sheet(folder, CLINICS, present, problems, progress),
        _sheet(folder, PRODUCTS, present, problems, progress),
        _sheet(folder, PATIENTS, present, problems, progress),
        _sheet(folder, CONTACTS, present, problems, progress),
        _sheet(folder, PUMPS, present, problems, progress),
        _sheet(folder, REFILLS, present, problems, progress),
        _sheet(folder, DOSE_CHANGES, present, problems, progress),
        _sheet(folder, EVENTS, present, problems, progress),
    )


def _sheet(folder: Path, table: Table[R], present: Sequence[str], problems: Problems, progress: Progress) -> Sheet[R]:
    path = folder / table.file
    if table.file not in present:
        return Sheet(table.file, frozenset(), [])
    try:
        if path.is_file():
            return _rows(table, records(path), problems, progress)
        problems.add(table.file, 1, WHOLE_ROW, say("is not a file, or a link to a file that is gone"))
    except OSError as error:
        problems.add(table.file, 1, WHOLE_ROW, say("the file cannot be read: %(why)s", why=error.strerror))
    problems.unfinished.add(table.file)
    return Sheet(table.file, frozenset(), [])


def _rows(table: Table[R], found: Iterator[Record], problems: Problems, progress: Progress) -> Sheet[R]:
    first = next(found, Record(1, []))
    _note(table.file, first, len(first.cells), problems)
    header = [name.strip() for name in first.cells]
    places = _places(table, header, problems)
    if places is None:
        problems.unfinished.add(table.file)
        return Sheet(table.file, frozenset(), [])
    rows = []
    for number, record in enumerate(found, start=1):
        _note(table.file, record, len(header), problems)
        if len(record.cells) == len(header):
            rows.append(_row(table, record, places, problems))
        if number % PROGRESS_EVERY == 0:
            progress(say("reading %(file)s", file=table.file), number, 0)
    progress(say("reading %(file)s", file=table.file), len(rows), len(rows))
    return Sheet(table.file, frozenset(header), rows)


def _note(file: str, record: Record, columns: int, problems: Problems) -> None:
    """A record that could not be read may be a row that others refer to."""
    problem = record.problem
    if not problem and len(record.cells) != columns:
        problem = say(
            "has %(count)s values, but the header has %(columns)s columns", count=len(record.cells), columns=columns
        )
    if problem:
        problems.add(file, record.line, WHOLE_ROW, problem)
        problems.unfinished.add(file)


def _places(table: Table[R], header: Sequence[str], problems: Problems) -> list[tuple[Column, int | None]] | None:
    """Where each column stands in a record, None if it is absent. None if the header will not do."""
    known = {column.name for column in table.columns}
    missing = [column.name for column in table.columns if column.required and column.name not in header]
    if missing and table.file in problems.unfinished:
        # What is wrong with the whole line has been told.
        return None
    wrong = say("this column is required and missing")
    if len(header) == 1 and ";" in header[0]:
        wrong = say("this column is required and missing; separate the columns by commas")
    for name in missing:
        problems.add(table.file, 1, name, wrong)
    twice = {name for name in header if header.count(name) > 1 and name in known}
    for name in sorted(twice):
        problems.add(table.file, 1, name, say("this column is there twice; keep one"))
    unknown = [shortened(name) or say("(no name)") for name in header if name not in known]
    if unknown and not missing:
        problems.warnings.append(
            say("%(file)s: ignored unknown columns %(columns)s", file=table.file, columns=", ".join(unknown))
        )
    elif unknown:
        told = say(
            "%(file)s: unknown columns %(columns)s; is one of them misspelt?",
            file=table.file,
            columns=", ".join(unknown),
        )
        problems.warnings.append(told)
    if missing or twice:
        return None
    return [(c, header.index(c.name) if c.name in header else None) for c in table.columns]


def _row(table: Table[R], record: Record, places: Sequence[tuple[Column, int | None]], problems: Problems) -> R:
    values: list[Any] = [record.line]
    for column, place in places:
        text = record.cells[place].strip() if place is not None else ""
        if text:
            try:
                values.append(column.parse(text))
            except BadCell as error:
                problems.add(table.file, record.line, column.name, str(error))
                values.append(None)
        else:
            if not column.may_be_blank:
                problems.add(table.file, record.line, column.name, say("must not be blank"))
            values.append(column.blank)
    return table.row(*values)

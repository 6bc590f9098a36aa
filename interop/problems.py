"""What is wrong with a folder, placed so that a person finds the cell."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from clinics.errors import DomainError

# Stands for the column where a whole row is meant.
WHOLE_ROW = "row"
FILE_ORDER = (
    "clinics.csv",
    "products.csv",
    "patients.csv",
    "contacts.csv",
    "pumps.csv",
    "refills.csv",
    "dose_changes.csv",
    "events.csv",
)


@dataclass(frozen=True, slots=True)
class Problem:
    """One cell (or row) that cannot be stored. The header is line 1."""

    file: str
    line: int
    column: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {self.column}: {self.message}"


class ImportRefused(DomainError):
    """The folder has problems, so nothing of it was stored."""

    def __init__(self, problems: Sequence[Problem], warnings: Sequence[str]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = list(problems)
        self.warnings = list(warnings)


@dataclass
class Problems:
    """Everything found so far. `unfinished` are files with rows that could not be read: others may refer to them."""

    found: list[Problem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    unfinished: set[str] = field(default_factory=set)
    _bad_rows: set[tuple[str, int]] = field(default_factory=set)
    _bad_cells: set[tuple[str, int, str]] = field(default_factory=set)

    def add(self, file: str, line: int, column: str, message: str) -> None:
        self.found.append(Problem(file, line, column, message))
        self._bad_rows.add((file, line))
        self._bad_cells.add((file, line, column))

    def is_bad_cell(self, file: str, line: int, column: str) -> bool:
        return (file, line, column) in self._bad_cells

    def is_bad(self, file: str, line: int) -> bool:
        return (file, line) in self._bad_rows

    def raise_if_any(self) -> None:
        """
        Raises:
            ImportRefused: there are problems; in the order of files and lines.
        """
        if self.found:
            ordered = sorted(self.found, key=lambda problem: (FILE_ORDER.index(problem.file), problem.line))
            raise ImportRefused(ordered, self.warnings)

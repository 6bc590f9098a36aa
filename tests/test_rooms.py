"""The house's order: imports point downwards only, and stand at the top of a file."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# From the roof to the cellar: a room may import from those below it and from itself.
ROOMS = [
    "config",
    "frame",
    "interop",
    "portal",
    "therapy",
    "pumps",
    "scheduling",
    "alerts",
    "patients",
    "clinics",
    "clinical",
]
OUTSIDE_TOOLS = {"launch", "bench", "tests"}


def sources() -> list[Path]:
    return sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))


def imports(path: Path) -> Iterator[tuple[ast.Import | ast.ImportFrom, str, bool]]:
    """Statement, first part of the imported name, and whether it stands inside a function."""
    tree = ast.parse(path.read_text())
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
        for name in names:
            yield node, name.split(".")[0], id(node) in inside


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_downwards(path: Path) -> None:
    room = path.relative_to(ROOT).parts[0]
    for statement, target, is_inside in imports(path):
        if target in OUTSIDE_TOOLS:
            pytest.fail(f"{path}:{statement.lineno} a room imports {target}")
        if target in ROOMS:
            assert ROOMS.index(target) >= ROOMS.index(room), f"{path}:{statement.lineno} {room} imports {target}"
            assert not is_inside, f"{path}:{statement.lineno} own code imported inside a function"


def test_the_clinical_room_is_pure() -> None:
    allowed = {"clinical", "numpy", "collections", "dataclasses", "datetime", "decimal", "enum", "itertools", "math",
               "typing", "zoneinfo"}  # fmt: skip
    # Label sets and the list of interactions are read from the room's own files, once, when they are imported.
    reads = {"labels.py": {"pathlib", "tomllib"}, "interactions.py": {"pathlib", "tomllib", "re", "unicodedata"}}
    for path in (ROOT / "clinical").rglob("*.py"):
        for statement, target, _ in imports(path):
            assert target in allowed | reads.get(path.name, set()), f"{path}:{statement.lineno} imports {target}"


def test_rules_do_not_read_the_clock() -> None:
    for path in (ROOT / "clinical").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute):
                assert node.attr not in {"now", "today", "utcnow"}, f"{path}:{node.lineno} reads the clock"


def test_no_reminder_hangs_on_a_celery_eta() -> None:
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                given = {keyword.arg for keyword in node.keywords}
                assert not given & {"eta", "countdown"}, f"{path}:{node.lineno}"


def test_every_room_is_on_the_list() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert packages - OUTSIDE_TOOLS == set(ROOMS)

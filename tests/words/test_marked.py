"""Every text of the templates is marked for translation, and code marks texts in such a way that they are found."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from launch.bootstrap import ROOT
from launch.catalogue import ROOMS
from tests.words.marked import TEMPLATES, unmarked

MARKERS = {"_", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy", "pgettext", "pgettext_lazy"}
# Texts these take by a name are marked where they are written.
BY_NAME = {
    "clinics/pages/progress.py",
    "interop/job_pages.py",
    "pumps/pages/why/deadlines.py",
    "portal/emergency_card.py",
    "portal/words.py",
    "alerts/services/rotas.py",
    "clinics/saying.py",
    "clinics/words.py",
    "interop/pages.py",
}


@pytest.mark.parametrize("path", sorted(TEMPLATES.rglob("*.*")), ids=lambda path: str(path.relative_to(TEMPLATES)))
def test_a_template_says_nothing_that_is_not_marked(path: Path) -> None:
    assert unmarked(path) == []


def calls(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MARKERS:
            yield node


@pytest.mark.parametrize("path", sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py")),
                         ids=lambda path: str(path.relative_to(ROOT)))  # fmt: skip
def test_marked_texts_stand_in_the_call_and_not_within_an_f_string(path: Path) -> None:
    tree = ast.parse(path.read_text())
    within = {id(call) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for call in calls(node)}
    for call in calls(tree):
        is_text = isinstance(call.args[0], ast.Constant) or str(path.relative_to(ROOT)) in BY_NAME
        assert is_text, f"{path}:{call.lineno} takes its text by a name"
        assert id(call) not in within, f"{path}:{call.lineno} within an f-string"

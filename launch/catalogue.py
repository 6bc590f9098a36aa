"""`locale/collect`: what code and templates say, collected into the catalogue of each language.

A text that is new stands there with nothing beside it, one that is gone is left out, and nothing is guessed.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po
from django.utils.translation import template as django_template

from launch.bootstrap import ROOT

ROOMS = (
    "alerts",
    "clinical",
    "clinics",
    "config",
    "frame",
    "interop",
    "patients",
    "portal",
    "pumps",
    "scheduling",
    "therapy",
)
ONE, MANY = None, (1, 2)
KEYWORDS = {
    **dict.fromkeys(("_", "gettext", "gettext_lazy", "gettext_noop"), ONE),
    **dict.fromkeys(("ngettext", "ngettext_lazy"), MANY),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), ((1, "c"), 2)),
    **dict.fromkeys(("npgettext", "npgettext_lazy"), ((1, "c"), 2, 3)),
}


def main() -> None:
    said = collected(ROOT)
    for path in sorted((ROOT / "locale").glob("*/LC_MESSAGES/django.po")):
        path.write_bytes(updated(path, said))
        sys.stderr.write(f"{path.relative_to(ROOT)}: {len(said)} texts\n")


def collected(root: Path) -> Catalog:
    catalogue = Catalog(charset="utf-8")
    for path in sources(root):
        place = str(path.relative_to(root))
        for _, message, _, context in extract("python", as_python(path), keywords=KEYWORDS):
            catalogue.add(message, locations=[(place, 0)], context=context)
    return catalogue


def sources(root: Path) -> Iterator[Path]:
    for room in ROOMS:
        yield from sorted(path for path in (root / room).rglob("*.py") if "migrations" not in path.parts)
    yield from sorted(path for path in (root / "templates").rglob("*") if path.suffix in (".html", ".txt"))


def as_python(path: Path) -> io.BytesIO:
    """The file, or for a template the calls Django makes of its tags, each line from its first column."""
    if path.suffix == ".py":
        return io.BytesIO(path.read_bytes())
    calls = django_template.templatize(path.read_text())
    return io.BytesIO(re.sub(r"(?m)^\s+", "", calls).encode())


def updated(path: Path, said: Catalog) -> bytes:
    """The catalogue as it should stand: its own head, and each text in the order of the files that say it."""
    before = path.read_bytes()
    catalogue = read_po(io.BytesIO(before))
    catalogue.update(said, no_fuzzy_matching=True)
    written = io.BytesIO()
    write_po(
        written, catalogue, width=0, omit_header=True, include_lineno=False, sort_by_file=True, ignore_obsolete=True
    )
    head, _, _ = before.partition(b"\n\n")
    return head + b"\n\n" + written.getvalue()


if __name__ == "__main__":
    main()

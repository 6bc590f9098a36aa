"""Medicines that interact with baclofen, found by whatever name stands on the box.

The list is data (`interactions.toml`), read and checked once, when this module is imported. A medicine that is not on
it may interact all the same: any depressant of the central nervous system does (clinical rules, section 5).
"""

import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clinical.findings import Finding, Severity
from clinical.saying import say

FILE = Path(__file__).resolve().parent / "interactions.toml"
_WORD = re.compile(r"[^\W\d_]+")
WORDS = {
    "avoid": say("usually not recommended together with baclofen: more sedation, or slower breathing"),
    "care": say("to be used with care together with baclofen: more sedation, or lower blood pressure"),
}


@dataclass(frozen=True)
class Interaction:
    """A substance of the list. `degree` is `avoid` or `care`; `by_name` the word of the name it was found by."""

    substance: str
    degree: str
    by_name: str
    source: str

    @property
    def finding(self) -> Finding:
        severity = Severity.WARN if self.degree == "avoid" else Severity.INFO
        brand = f" ({self.substance})" if self.by_name != self.substance else ""
        name = self.by_name.capitalize() + brand
        message = (
            say(
                "%(medicine)s is usually not recommended together with baclofen: more sedation, or slower breathing.",
                medicine=name,
            )
            if self.degree == "avoid"
            else say(
                "%(medicine)s is to be used with care together with baclofen: more sedation, or lower blood pressure.",
                medicine=name,
            )
        )
        return Finding("medicine_interacts", severity, message, self.source)


@dataclass(frozen=True)
class _List:
    forms: frozenset[str]
    # By the words of a name, in their order: substance, degree and the name.
    names: Mapping[tuple[str, ...], tuple[str, str, str]]
    source: str


def words_of(name: str) -> tuple[str, ...]:
    """The words of a name, without case, figures, accents and signs that nobody sees."""
    letters = unicodedata.normalize("NFKD", name)
    kept = "".join(sign for sign in letters if unicodedata.category(sign) not in ("Mn", "Cf"))
    return tuple(_WORD.findall(kept.casefold()))


def read(data: Mapping[str, Any]) -> _List:
    """
    Raises:
        ValueError: a table is missing, or a name stands twice in one degree and the other.
    """
    names: dict[tuple[str, ...], tuple[str, str, str]] = {}
    for degree in WORDS:
        for substance, brands in data[degree].items():
            for name in (substance, *brands):
                known = names.get(words_of(name))
                if known is not None and known[1] != degree:
                    raise ValueError(f"interactions.toml: {name} stands under {known[1]} and {degree}")
                names.setdefault(words_of(name), (substance, degree, name))
    # A salt that is part of a name (calcium oxybate) says more than in which form it comes.
    forms = frozenset(data["forms"]) - {word for name in names for word in name}
    return _List(forms, names, str(data["source"]))


_LIST = read(tomllib.loads(FILE.read_text()))


def interactions_of(name: str) -> list[Interaction]:
    """What a medicine's name says of interactions; empty if it is not on the list.

    A name matches by whole words, whatever else it says: dose, salt, form. Where a longer name matches, the shorter
    within it does not count (gabapentin enacarbil).
    """
    words = tuple(word for word in words_of(name) if word not in _LIST.forms)
    longest = max(map(len, _LIST.names))
    found: list[Interaction] = []
    place = 0
    while place < len(words):
        size = next((n for n in range(longest, 0, -1) if words[place : place + n] in _LIST.names), 0)
        if size:
            substance, degree, by_name = _LIST.names[words[place : place + size]]
            found.append(Interaction(substance, degree, by_name, _LIST.source))
        place += max(size, 1)
    return found


def findings_of(names: Sequence[str]) -> list[Finding]:
    """A finding for each interacting substance of a medicines list, once."""
    found: dict[str, Finding] = {}
    for each in (each for name in names for each in interactions_of(name)):
        found.setdefault(each.substance, each.finding)
    return list(found.values())

"""Sentences that are kept in English, in the reader's language.

Alerts, forecasts and findings are stored in English, and the API gives them so. A page finds the template that a
sentence was made from with `clinical.saying.say`, and says that in the reader's language with the same values.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache

from django.utils.functional import lazy
from django.utils.translation import get_language, gettext

from clinics.sentences import TEMPLATES
from clinics.words import calendar_day

_FIGURE = re.compile(r"[-\d.]+")
# Letters that are too few to know a template by.
FEW = 2
_VALUE = re.compile(r"%\((\w+)\)s")
_DAY = re.compile(
    r"\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) (\d{1,2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4})\b"
)
_MOMENT = re.compile(_DAY.pattern + r"(, \d\d:\d\d)?")


@dataclass(frozen=True)
class Made:
    """A sentence taken apart: the template it was made from, and its values."""

    template: str
    values: dict[str, str]


def is_english() -> bool:
    return (get_language() or "en").split("-")[0] == "en"


def said(text: str) -> str:
    """The sentence in the reader's language; as it is where no template is known."""
    return text if is_english() else _translated(text) or text


def _said_later(text: str, before: str = "") -> str:
    return before + said(text)


# As `said`, when it is read: for the choices of a form. `before` stands in front of it.
said_later = lazy(_said_later, str)


def said_list(texts: Sequence[str]) -> str:
    """`this, that and the other`, each in the reader's language."""
    each = [said(text) for text in texts]
    if len(each) < 2:
        return "".join(each)
    return gettext("%(first)s and %(last)s") % {"first": ", ".join(each[:-1]), "last": each[-1]}


def said_by_field(wrong: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """What is wrong, by field, in the reader's language."""
    return {field: [said(text) for text in texts] for field, texts in wrong.items()}


def is_known(text: str) -> bool:
    """Whether a sentence was made from a known template, or of words that are known."""
    return _translated(text) is not None


def _translated(text: str) -> str | None:
    made = taken_apart(text)
    if made is not None:
        values = {name: _value(value) for name, value in made.values.items()}
        return gettext(made.template) % values
    if _MOMENT.fullmatch(text):
        return _DAY.sub(lambda found: _day(found[1]), text)
    for between in ("; ", ", "):
        parts = text.split(between)
        if len(parts) > 1:
            found = [_translated(part) for part in parts]
            # What somebody wrote may follow on what is known; in a list each has to be known.
            if all(found) or (between == "; " and found[0]):
                return between.join(known or part for known, part in zip(found, parts, strict=True))
    return None


def _value(text: str) -> str:
    """A value within a sentence: words that are known, in the middle of a sentence as well as alone; days; numbers."""
    known = _translated(text) or _otherwise_written(text)
    return _DAY.sub(lambda found: _day(found[1]), text) if known is None else known


def _otherwise_written(text: str) -> str | None:
    """Words that begin large or small, or end with a point, where the template has it the other way."""
    end = "." if text.endswith(".") else ""
    bare = text.removesuffix(".")
    for variant in (bare, bare[:1].swapcase() + bare[1:]):
        known = _translated(variant)
        if known:
            first = known[:1].upper() if bare[:1].isupper() else known[:1].lower()
            return f"{first}{known[1:]}{end}"
    return None


def _day(text: str) -> str:
    return calendar_day(datetime.strptime(text, "%d %b %Y").date())  # noqa: DTZ007  # a day, in no timezone


@lru_cache(maxsize=4096)
def taken_apart(text: str) -> Made | None:
    """The template a sentence was made from: the one with most words of its own, where several would do."""
    whole, others = _known()
    if text in whole:
        return Made(whole[text], {})
    for template, between, names in others:
        values = _values_of(text, between, names)
        if values is not None and (_is_telling(between) or any(map(_is_a_value, values.values()))):
            return Made(template, values)
    return None


def _is_telling(between: Sequence[str]) -> bool:
    """Whether the words of a template are enough to know it by: ` on ` alone stands in anybody's note."""
    return bool(between[0]) or sum(map(str.isalpha, "".join(between))) > FEW


def _is_a_value(text: str) -> bool:
    """Whether a value is one that templates are given: a figure, a moment, or words that are known."""
    return (_FIGURE.fullmatch(text) or _MOMENT.fullmatch(text) or taken_apart(text)) is not None


def _values_of(text: str, between: Sequence[str], names: Sequence[str]) -> dict[str, str] | None:
    """What stands between the words of a template, each value as short as it can be; None if they are not its words.

    Word after word, without going back, so that no text however long takes long.
    """
    if not text.startswith(between[0]) or not text.endswith(between[-1]):
        return None
    values: dict[str, str] = {}
    start, end = len(between[0]), len(text) - len(between[-1])
    for place, name in enumerate(names, 1):
        stop = text.find(between[place], start + 1, end) if place < len(names) else end
        if stop <= start or values.setdefault(name, text[start:stop]) != text[start:stop]:
            return None
        start = stop + len(between[place])
    return values


@cache
def _known() -> tuple[dict[str, str], list[tuple[str, list[str], list[str]]]]:
    """Templates without values by what they say; the others with their words and names, those with most words first."""
    whole = {template % (): template for template in TEMPLATES if not _VALUE.search(template)}
    others = sorted((each for each in TEMPLATES if _VALUE.search(each)), key=lambda each: -len(_VALUE.sub("", each)))
    parts = [(template, _VALUE.split(template)) for template in others]
    return whole, [(template, [words % () for words in each[::2]], each[1::2]) for template, each in parts]

"""A language in which every translated text stands in brackets, so that what nobody translated can be seen."""

from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from typing import Any
from zoneinfo import available_timezones

import pytest
from django.apps import apps
from django.conf import settings
from django.db import models
from django.utils import translation
from django.utils.translation import trans_real

from clinics import saying, words
from tests.words.marked import READ_OUT, has_words

OPEN, CLOSE = "⟦", "⟧"
SHORTEST = 3


def speak(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on, until the test ends, each translated text is in brackets; what is kept in English is translated."""
    chosen = vars(translation)["_trans"]
    for name in ("gettext", "ngettext", "pgettext", "npgettext"):
        monkeypatch.setattr(chosen, name, _bracketed(getattr(trans_real, name)))
    monkeypatch.setattr(saying, "is_english", lambda: False)
    # Without what it remembers, which would outlast the test.
    monkeypatch.setattr(words, "_day_words", words._day_words.__wrapped__)


def _bracketed(real: Callable[..., str]) -> Callable[..., str]:
    return lambda *args: f"{OPEN}{real(*args)}{CLOSE}" if any(map(str.strip, args[:1])) else real(*args)


def outside(text: str, depth: int = 0) -> tuple[str, int]:
    """What stands outside of brackets, of which so many are open before; and how many are open behind it."""
    found = ""
    for sign in text:
        depth += (sign == OPEN) - (sign == CLOSE)
        found += sign if depth == 0 and sign != CLOSE else " "
    return found, depth


def kept_texts() -> list[str]:
    """Every text in the database, the longest first: what a page shows of it is nobody's to translate."""
    # Languages and places are called by their own names.
    found = {name for _, name in settings.LANGUAGES} | available_timezones()
    for model in apps.get_models():
        columns = [field for field in model._meta.fields if _is_text(field)]
        for row in model._default_manager.values_list(*(field.name for field in columns)):
            for value in row:
                found.update(_texts(value))
    return sorted(
        (text for text in found if len(text) >= SHORTEST or text in available_timezones()), key=len, reverse=True
    )


def _is_text(field: Any) -> bool:
    is_written = isinstance(field, models.CharField | models.TextField | models.JSONField)
    return is_written and not field.choices


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield from (value, *value.splitlines())
    elif isinstance(value, dict):
        for each in (*value, *value.values()):
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)


class Seen(HTMLParser):
    """What a page shows and reads out, in pieces, each with what of it is not translated.

    An element that is marked as English is English.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.pieces: list[tuple[str, str]] = []
        self.depth = 0
        self.silent: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        is_silent = tag in ("script", "style", "code", "svg", "kbd", "pre", "textarea") or values.get("lang") == "en"
        if (self.silent and tag == self.silent[0]) or (not self.silent and is_silent and tag != "html"):
            self.silent.append(tag)
        if not self.silent and tag not in ("meta", "link"):
            read = [value or "" for name, value in attrs if name in READ_OUT]
            self.pieces += [(value, outside(value)[0]) for value in read]

    def handle_endtag(self, tag: str) -> None:
        if self.silent and tag == self.silent[0]:
            self.silent.pop()

    def handle_data(self, data: str) -> None:
        # A text may hold a link, and so go on behind it.
        rest, self.depth = outside(data, self.depth)
        if not self.silent and not data.strip().startswith(("http://", "https://")):
            self.pieces.append((data, rest))


def untranslated(page: str, kept: list[str]) -> list[str]:
    """The pieces of a page with letters that are neither translated nor data."""
    found = []
    for piece, rest in Seen(page).pieces:
        for text in kept if has_words(rest) else ():
            rest = rest.replace(text, " ") if text in rest else rest
        if has_words(rest):
            found.append(" ".join(piece.split()))
    return found

"""The catalogue of each language is whole: what code and templates say, all said, with the same values and links."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

from launch.bootstrap import ROOT
from launch.catalogue import collected

CATALOGUES = sorted((ROOT / "locale").glob("*/LC_MESSAGES/django.po"))
VALUES = re.compile(r"%\(\w+\)s|%%|</?[a-z][^>]*>")


def read(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file)


def texts(catalogue: Catalog) -> Iterator[Message]:
    return (message for message in catalogue if message.id)


def keys(catalogue: Catalog) -> set[tuple[str | None, str]]:
    return {(message.context, first(message.id)) for message in texts(catalogue)}


def first(text: str | Sequence[str]) -> str:
    return text if isinstance(text, str) else text[0]


def said(message: Message) -> tuple[str, ...]:
    return (message.string,) if isinstance(message.string, str) else tuple(message.string or ())


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parts[-3])
def test_a_catalogue_holds_what_code_and_templates_say(path: Path) -> None:
    assert keys(read(path)) ^ keys(collected(ROOT)) == set(), "run locale/collect, translate, run locale/compile"


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parts[-3])
def test_every_text_is_said_and_none_is_a_guess(path: Path) -> None:
    messages = list(texts(read(path)))
    assert [message.id for message in messages if not all(said(message))] == []
    assert [message.id for message in messages if message.fuzzy] == []


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parts[-3])
def test_a_translation_has_the_values_and_links_of_its_text(path: Path) -> None:
    for message in texts(read(path)):
        # Of a plural, the form of one may leave out its number.
        wanted = Counter(VALUES.findall(message.id if isinstance(message.id, str) else message.id[-1]))
        for text in said(message)[-1:]:
            assert Counter(VALUES.findall(text)) == wanted, message.id
            assert text[:1].isspace() == first(message.id)[:1].isspace(), message.id


def in_context(message: Message) -> tuple[str, str]:
    """The same words may be said in two ways. The context of a compiled text is read as bytes."""
    context: str | bytes = message.context or ""
    return context.decode() if isinstance(context, bytes) else context, first(message.id)


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parts[-3])
def test_what_is_used_is_what_is_written(path: Path) -> None:
    with path.with_suffix(".mo").open("rb") as file:
        used = {in_context(message): said(message) for message in texts(read_mo(file))}
    written = {in_context(message): said(message) for message in texts(read(path))}
    assert used == written, "run locale/compile"

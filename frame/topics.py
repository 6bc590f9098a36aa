"""The help: its topics, each a template in templates/help/topics/, and the search through their words."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from html.parser import HTMLParser

from django.template.loader import render_to_string
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Topic:
    slug: str
    title: Promise
    summary: Promise

    @property
    def template(self) -> str:
        return f"help/topics/{self.slug}.html"


_ALL = (
    Topic("start", _("Finding your way"), _("The pages, the search, and what the colours say.")),
    Topic("day", _("A day in each role"), _("Scheduler, nurse, prescriber, pharmacist, administrator, auditor.")),
    Topic(
        "patients", _("Patients and contacts"), _("Enter a patient, who may be written to, transfer and end of care.")
    ),
    Topic("refill", _("A refill visit"), _("Check, aspirate, fill, program, next date, book, print.")),
    Topic("booking", _("Booking and the call list"), _("Free times, late visits, missed visits, who is to be phoned.")),
    Topic("dates", _("Why this date"), _("Refill-by, low and empty: inputs, formula, range and source.")),
    Topic("alerts", _("Alerts and acknowledging"), _("Who is told, how often, and what stops it.")),
    Topic("danger", _("Withdrawal and overdose"), _("Signs, pump alarms, and what to do at once.")),
    Topic("titration", _("Dose and titration"), _("Screening, proposing, signing, reading back, tapering.")),
    Topic("corrections", _("Entered in error"), _("Undo a slip without losing what was written.")),
    Topic("devices", _("Pumps and models"), _("Implant, replace, explant, low level, figures of a model.")),
    Topic("import", _("Import and export"), _("From spreadsheets to patients, and everything out again.")),
    Topic("clinic", _("Running a clinic"), _("Settings, people, reminder tiers, going live, the engine.")),
    Topic("accounts", _("Accounts and second factor"), _("Invitations, passwords, passkeys, language and look.")),
    Topic("keys", _("Keyboard"), _("Every key, and how to switch keys off.")),
    Topic("words", _("Words, units and states"), _("What each word, unit and state means.")),
)
TOPICS = {topic.slug: topic for topic in _ALL}


@dataclass(frozen=True)
class Hit:
    topic: Topic
    title: SafeString
    excerpt: SafeString


@dataclass(frozen=True)
class _Text:
    topic: Topic
    blocks: tuple[str, ...]


def search(query: str) -> list[Hit]:
    """Topics in which every word of the query begins some word; a word in the title counts most."""
    words = [folded(word) for word in query.split()][:MOST_WORDS]
    if not words:
        return []
    scored = []
    for place, text in enumerate(_texts(get_language() or "en")):
        title = str(text.topic.title)
        whole = [folded(part) for part in (title, str(text.topic.summary), *text.blocks)]
        if all(any(_begins(word, part) for part in whole) for word in words):
            score = 100 * _count(words, [whole[0]]) + 10 * _count(words, [whole[1]]) + _count(words, whole[2:])
            score += 20 * any(all(_begins(word, part) for word in words) for part in whole[2:] if len(words) > 1)
            scored.append((-score, place, text))
    return [_hit(text, words) for _, _, text in sorted(scored, key=lambda one: one[:2])]


MOST_WORDS = 8
EXCERPT = 220


def _hit(text: _Text, words: Sequence[str]) -> Hit:
    best = max(text.blocks, key=lambda block: _count(words, [folded(block)]), default="")
    shown = best if _count(words, [folded(best)]) else str(text.topic.summary)
    return Hit(text.topic, marked(str(text.topic.title), words), marked(_cut(shown, words), words))


def _cut(block: str, words: Sequence[str]) -> str:
    """About EXCERPT characters of a block, around its first hit."""
    if len(block) <= EXCERPT:
        return block
    first = min((found.start() for word in words if (found := _pattern(word).search(folded(block)))), default=0)
    begin = block.rfind(" ", 0, max(first - 60, 0)) + 1
    end = block.rfind(" ", begin, begin + EXCERPT)
    return ("… " if begin else "") + block[begin:end] + " …"


def marked(text: str, words: Sequence[str]) -> SafeString:
    """The text, escaped, with each word that begins like one of the query's in a <mark>."""
    parts = re.split(r"(\w+)", text)
    return format_html_join(
        "", "{}", ((format_html("<mark>{}</mark>", part) if _is_hit(part, words) else part,) for part in parts)
    )


def _is_hit(part: str, words: Sequence[str]) -> bool:
    return folded(part).startswith(tuple(words))


def folded(text: str) -> str:
    """Lower case without accents, of the same length wherever a letter has one accent at most."""
    return "".join(unicodedata.normalize("NFD", sign)[0] for sign in text).casefold()


def _pattern(word: str) -> re.Pattern[str]:
    return re.compile(rf"\b{re.escape(word)}")


def _begins(word: str, text: str) -> bool:
    return _pattern(word).search(text) is not None


def _count(words: Sequence[str], texts: Sequence[str]) -> int:
    return sum(len(_pattern(word).findall(text)) for word in words for text in texts)


@lru_cache(maxsize=8)
def _texts(language: str) -> list[_Text]:
    """The words of every topic in a language; they change with a new version of Brim only."""
    return [_Text(topic, tuple(_blocks(render_to_string(topic.template)))) for topic in _ALL]


def _blocks(html: str) -> Iterator[str]:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    reader.end()
    yield from reader.blocks


class _Reader(HTMLParser):
    """The text of a page, a block for each paragraph, heading, item and cell."""

    BLOCKS = frozenset({"p", "li", "h2", "h3", "td", "th", "dt", "dd", "caption"})

    def __init__(self) -> None:
        super().__init__()
        self.blocks: list[str] = []
        self.parts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self.BLOCKS:
            self.end()

    def handle_endtag(self, tag: str) -> None:
        if tag in self.BLOCKS:
            self.end()

    def handle_data(self, data: str) -> None:
        self.parts.append(data)

    def end(self) -> None:
        text = " ".join("".join(self.parts).split())
        if text:
            self.blocks.append(text)
        self.parts = []

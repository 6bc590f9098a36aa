"""The pages are read at about twelve, in the reader's language, on the clinic's clock."""

import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client

from portal.language import spoken
from portal.words import place, when
from pumps.models import Pump
from tests.pages.test_markup import check
from tests.portal.links import a_caregiver, a_message, a_patients_pump, a_visit, path_of

SENT: tuple[tuple[str, dict[str, str]], ...] = (
    ("", {"answer": "call_me"}),
    ("sound/", {"sound": "one"}),
    ("sound/", {"sound": "two"}),
    ("sound/", {}),
    ("unwell/", {"symptoms": "fever"}),
    ("unwell/", {"symptoms": "itching"}),
    ("unwell/", {}),
    ("unsubscribe/", {"wish": "stop"}),
    ("unsubscribe/", {"wish": "start"}),
)


class Sentences(HTMLParser):
    """The sentences of a page; a block that ends without a full stop is one too."""

    BLOCKS = frozenset({"p", "h1", "h2", "button", "label", "legend", "li", "strong", "title"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = ""
        self.feed(text)
        self.found = [part.strip() for part in re.split(r"[.?!:;]\s|\n\n", self.text) if re.search("[a-z]", part)]

    def handle_data(self, data: str) -> None:
        self.text += re.sub(r"\s+", " ", data)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.BLOCKS:
            self.text += "\n\n"


def syllables(word: str) -> int:
    """About as many as the groups of vowels, without a silent e at the end."""
    groups = len(re.findall(r"[aeiouy]+", word))
    return max(groups - (word.endswith("e") and not word.endswith("le") and groups > 1), 1)


def grade(text: str) -> float:
    """The school year that reads it, by Flesch and Kincaid (1975); a twelve-year-old is in the seventh."""
    sentences = Sentences(text).found
    words = [word.lower() for sentence in sentences for word in re.findall(r"[A-Za-z]+", sentence)]
    return 0.39 * len(words) / len(sentences) + 11.8 * sum(map(syllables, words)) / len(words) - 15.59


def pages(client: Client, pump: Pump) -> list[str]:
    """Every page in every state, of the patient and of a contact."""
    found = []
    visits = [path_of(a_message(pump)), path_of(a_message(pump, contact=a_caregiver(pump.patient)))]
    for visit in (None, a_visit(pump)):
        for path in visits:
            found += [client.get(path + page).text for page in ("", "times/", "sound/", "unwell/", "unsubscribe/")]
            found += [client.post(path + page, values).text for page, values in SENT]
        assert visit is None or "You have a visit to Harbor" in client.get(visits[0]).text
    return [*found, client.get("/v/wrong/").text]


@pytest.mark.django_db
def test_each_page_is_whole_and_read_at_twelve(client: Client) -> None:
    for page in pages(client, a_patients_pump()):
        check(page)
        assert grade(page) < 7, (grade(page), Sentences(page).found)


def test_the_grade_would_notice_hard_words() -> None:
    hard = "<p>Intrathecal administration necessitates considerable anticipatory organisational responsibility.</p>"
    assert grade(hard) > 12


def test_a_language_brim_has_no_words_in_is_read_in_english(settings: Any, tmp_path: Path) -> None:
    settings.LOCALE_PATHS = [str(tmp_path)]
    (tmp_path / "es").mkdir()
    assert spoken("es") == spoken("es-MX") == spoken(" ES ") == "es"
    for code in ("en", "de", "", "../es", "x" * 16, "es/..", "\x00"):
        assert spoken(code) == "en", code


def test_a_time_is_said_on_the_clinics_wall() -> None:
    moment = datetime(2026, 12, 4, 19, 30, tzinfo=UTC)
    assert when(moment, ZoneInfo("America/New_York")) == "Friday, 4 December 2026, 2:30 p.m."
    assert when(moment, ZoneInfo("Europe/London")) == "Friday, 4 December 2026, 7:30 p.m."


@pytest.mark.django_db
def test_the_place_of_a_clock_is_a_city() -> None:
    pump = a_patients_pump(timezone="America/Argentina/Buenos_Aires")
    assert place(pump.clinic) == "Buenos Aires"

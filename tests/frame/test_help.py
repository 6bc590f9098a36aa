"""Every page has a help topic, every topic is a page, and the search finds it by the beginnings of its words."""

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from clinics.models import Clinic
from clinics.roles import Role
from frame import places
from frame.topics import TOPICS, folded, marked, search
from tests.builders import a_clinic, a_user

pytestmark = pytest.mark.django_db

# Answered to programs, patients, or whoever is not logged in: no page with a frame.
NO_PAGE = (
    "api/",
    "health/",
    "callbacks/",
    "v/",
    "c/",
    "calendar/<str:token>",
    "session/",
    "login/",
    "logout/",
    "password/",
    "sw.js",
)


def names_of_pages() -> list[str]:
    found = []

    def walk(patterns: list[URLPattern | URLResolver], prefix: str) -> None:
        for pattern in patterns:
            route = prefix + str(pattern.pattern)
            if isinstance(pattern, URLResolver):
                walk(pattern.url_patterns, route)
            elif pattern.name and not route.startswith(NO_PAGE):
                found.append(pattern.name)

    walk(get_resolver().url_patterns, "")
    return sorted(set(found))


@pytest.fixture
def reader() -> Client:
    client = Client()
    client.force_login(a_user(Role.NURSE, a_clinic()))
    return client


@pytest.mark.parametrize("name", names_of_pages())
def test_every_page_has_a_topic(name: str) -> None:
    place = places.find(name)
    assert place is not None, f"{name}: name its section and help topic in frame/places.py"
    assert place.topic in TOPICS


def test_no_page_has_two_topics() -> None:
    named = [name for topics in places._PLACES.values() for names in topics.values() for name in names.split()]
    assert len(named) == len(set(named))


def test_every_topic_that_is_named_is_there() -> None:
    assert {place.topic for place in places.PLACES.values()} <= set(TOPICS)
    assert places.place_of(None) == places.NOWHERE


@pytest.mark.parametrize("slug", TOPICS)
def test_a_topic_is_a_page(reader: Client, slug: str) -> None:
    page = reader.get(reverse("help_topic", args=[slug]))
    assert page.status_code == 200
    assert str(TOPICS[slug].title) in page.text
    assert page.text.count("<h1>") == 1


def test_no_topic_by_another_name(reader: Client) -> None:
    assert reader.get(reverse("help_topic", args=["nothing"])).status_code == 404


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("refill visit", "refill"),
        ("withdr", "danger"),
        ("OVERDOSE", "danger"),
        ("acknowledge", "alerts"),
        ("bridge bolus", "refill"),
        ("passkey", "accounts"),
        ("go live", "clinic"),
        ("keyboard", "keys"),
        ("two tones", "danger"),
        ("why date", "dates"),
    ],
)
def test_a_topic_is_found_by_the_beginnings_of_its_words(query: str, first: str) -> None:
    assert search(query)[0].topic.slug == first


@pytest.mark.parametrize("query", ["", "   ", "zebra", "refill zebra", "(", "\\b", "<script>"])
def test_what_is_in_no_topic_finds_none(query: str) -> None:
    assert search(query) == []


def test_the_title_ranks_over_the_text() -> None:
    slugs = [hit.topic.slug for hit in search("dose")]
    assert slugs[0] == "titration"
    assert len(slugs) > 3


def test_hits_are_marked_and_all_else_is_escaped() -> None:
    assert marked("a <b> Dose & dosing", ["dos"]) == "a &lt;b&gt; <mark>Dose</mark> &amp; <mark>dosing</mark>"
    assert "<mark>Withdrawal</mark>" in search("withdrawal")[0].title
    assert folded("Ángel Ñandú") == "angel nandu"


def test_the_search_page(reader: Client) -> None:
    page = reader.get(reverse("help"), {"q": "withdrawal"})
    assert "<mark>Withdrawal</mark>" in page.text
    assert "No topic has all of these words" in reader.get(reverse("help"), {"q": "zebra"}).text
    assert reader.get(reverse("help"), {"q": "\x00" + "x" * 5000}).status_code == 200


def test_a_page_links_to_its_own_topic(reader: Client) -> None:
    assert reverse("help_topic", args=["alerts"]) in reader.get(reverse("alerts")).text
    assert reader.get(reverse("keyboard")).headers["Location"] == reverse("help_topic", args=["keys"])


def test_help_needs_a_log_in(client: Client) -> None:
    assert client.get(reverse("help")).status_code == 302


def test_a_clinic_is_not_needed(client: Client) -> None:
    client.force_login(a_user())
    assert Clinic.objects.count() == 0
    assert client.get(reverse("help")).status_code == 200

"""Every page, in a language that shows what was forgotten: whatever has letters is translated, or is data."""

import pytest
from django.test import Client

from clinics.roles import Role
from tests.builders import PASSWORD
from tests.test_routes import OPEN, ROUTES, address, read, theirs
from tests.words import pseudo

pytestmark = pytest.mark.django_db
# Not pages, or not of this language: the API's own, what a token opens, what ends the log-in, what needs a device.
NO_PAGES = (
    "api/",
    "health/",
    "callbacks/",
    "v/",
    "calendar/<",
    "session/",
    "logout/",
    "account/second-factor/webauthn/",
)
PAGES = [route for route in ROUTES if not route.startswith(NO_PAGES) and (route not in OPEN or "<" not in route)]


def a_member() -> tuple[Client, dict[str, str]]:
    pump, ids = theirs()
    member = pump.clinic.memberships.get(role=Role.ADMINISTRATOR).user
    member.language = "es"
    member.save()
    client = Client()
    assert client.login(username=member.email, password=PASSWORD)
    return client, ids


def test_no_page_says_a_word_that_cannot_be_translated(monkeypatch: pytest.MonkeyPatch) -> None:
    client, ids = a_member()
    kept = pseudo.kept_texts()
    pseudo.speak(monkeypatch)
    pages = []
    for ask in (client.get, client.post):
        for route in PAGES:
            # Forms left blank say what is missing.
            with read(ask(address(route, ids))) as answer:
                if answer.status_code in {200, 400} and answer.headers["Content-Type"].startswith("text/html"):
                    pages.append((route, answer.text))
    assert len(pages) > 150
    # What was there at first, and what the pages themselves have noted since.
    kept = [*kept, *pseudo.kept_texts()]
    found = {f"{route}: {said}" for route, page in pages for said in pseudo.untranslated(page, kept)}
    assert "\n".join(sorted(found)) == ""

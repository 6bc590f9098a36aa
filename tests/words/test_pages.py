"""Every page, in a language that shows what was forgotten: whatever has letters is translated, or is data."""

import pytest
from django.test import Client

from clinics.roles import Role
from tests.builders import PASSWORD
from tests.test_routes import OPEN, ROUTES, address, theirs
from tests.words import pseudo

pytestmark = pytest.mark.django_db
# Not pages, or another's: the API's own, files, what a token opens, and what ends the log-in.
NO_PAGES = ("api/", "health/", "callbacks/", "v/", "calendar/", "session/", "logout/", "static/")
PAGES = [route for route in ROUTES if not route.startswith(NO_PAGES) and (route not in OPEN or "<" not in route)]


def a_member() -> tuple[Client, dict[str, str]]:
    pump, ids = theirs()
    member = pump.clinic.memberships.get(role=Role.ADMINISTRATOR).user
    client = Client(raise_request_exception=False)
    assert client.login(username=member.email, password=PASSWORD)
    return client, ids


def test_no_page_says_a_word_that_cannot_be_translated(monkeypatch: pytest.MonkeyPatch) -> None:
    client, ids = a_member()
    kept = pseudo.kept_texts()
    pseudo.speak(monkeypatch)
    found = {}
    for route in PAGES:
        answer = client.get(address(route, ids), headers={"accept": "text/html"})
        if answer.headers.get("Content-Type", "").startswith("text/html") and not answer.streaming:
            found[route] = pseudo.untranslated(answer.text, kept)
    assert len(found) > 100
    assert {route: said for route, said in found.items() if said} == {}

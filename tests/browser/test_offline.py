"""Without a connection, in a real browser: one page that says so, what is kept, and going on when it is back."""

import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from clinics.models import Clinic
from clinics.roles import Role
from frame import offline
from pumps.models import Pump, VisitDraft
from pumps.pages import today
from tests.browser.accessible import violations
from tests.browser.conftest import DESK, PHONE
from tests.browser.people import enter
from tests.builders import a_running_pump, a_user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# Waits until the page is kept, and this window is answered for.
KEPT = """async () => {
  const isKept = async () => Boolean(await caches.match("/offline/", { ignoreSearch: true }));
  while (!navigator.serviceWorker.controller || !(await isKept())) await new Promise((done) => setTimeout(done, 50));
}"""
LET_GO = """async () => {
  while ((await caches.keys()).length) await new Promise((done) => setTimeout(done, 50));
}"""


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offline, "PATIENCE", 1500)


@pytest.fixture(params=[DESK, PHONE], ids=["desk", "phone"])
def away(chromium: Browser, live_server: Any, clinic: Clinic, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A nurse, logged in, whose device has kept the page. A browser without a connection complains of that by itself,
    so what its console says is not looked at; what the page's own script throws is."""
    context = chromium.new_context(viewport=request.param, base_url=live_server.url)
    page = context.new_page()
    thrown: list[str] = []
    page.on("pageerror", lambda error: thrown.append(str(error)))
    enter(page, a_user(Role.NURSE, clinic))
    page.goto("/today/")
    page.evaluate(KEPT)
    yield page
    context.close()
    assert thrown == []


@pytest.fixture
def pump(clinic: Clinic) -> Pump:
    return a_running_pump(clinic, filled_days_ago=80, now=timezone.now(), serial_number="ABC-7712")


def says_so(page: Page) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text("No connection")
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_another_page_without_a_connection_and_back(clinic: Clinic, away: Page) -> None:
    away.context.set_offline(True)
    away.goto("/patients/")
    says_so(away)
    expect(away.get_by_text("do not wait for Brim")).to_be_visible()
    away.context.set_offline(False)
    expect(away.get_by_role("heading", level=1)).to_have_text("Patients")


def test_a_server_that_hangs_is_as_good_as_none(
    clinic: Clinic, hurried: None, away: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = threading.Event()

    def hang(*_: object) -> dict[str, Any]:
        answers.wait(20)
        return {}

    monkeypatch.setattr(today, "recent", hang)
    away.goto("/today/")
    expect(away.locator("#offline-state")).to_contain_text("this page does not come", timeout=15_000)
    says_so(away)
    answers.set()
    away.get_by_role("button", name="Try again").click()
    expect(away.get_by_role("heading", level=1)).to_have_text("Today")


def test_a_visit_that_was_being_typed_is_named_without_anybody(pump: Pump, away: Page) -> None:
    away.goto(f"/pumps/{pump.pk}/guided/")
    away.context.set_offline(True)
    away.get_by_label("Name, date of birth").check()
    expect(away.locator("#visit-kept")).to_contain_text("kept on this device")
    away.goto("/today/")
    says_so(away)
    expect(away.locator("#drafts li")).to_have_text(re.compile(r"A refill visit, last typed at \d\d:\d\d"))
    assert pump.patient.family_name not in away.content()
    expect(away.locator("#drafts a")).to_be_hidden()
    away.goto("/offline/")
    expect(away.locator("#drafts li")).to_be_visible()
    expect(away.locator("#drafts a")).to_be_hidden()
    away.context.set_offline(False)
    expect(away.locator("#drafts a")).to_be_visible()
    away.context.set_offline(True)
    away.goto("/today/")
    away.context.set_offline(False)
    expect(away.get_by_role("heading", level=1)).to_have_text("Today")


def test_a_visit_written_down_meanwhile_is_offered_to_its_pump_alone(clinic: Clinic, pump: Pump, away: Page) -> None:
    other = a_running_pump(clinic, filled_days_ago=80, now=timezone.now(), serial_number="ABC-1111")
    away.context.set_offline(True)
    away.goto(f"/pumps/{pump.pk}/guided/")
    says_so(away)
    away.get_by_label("Last four").fill("7712")
    away.get_by_label("Aspirated").fill("8.1")
    away.get_by_label("Filled").fill("40")
    away.get_by_label("Daily dose").fill("210")
    expect(away.locator("#sheet-kept")).to_have_text(re.compile(r"Kept on this device at \d\d:\d\d"))
    away.context.set_offline(False)
    expect(away.locator("#offline-state")).to_contain_text("Brim answers again")
    expect(away.get_by_label("Filled")).to_have_value("40")

    away.goto(f"/pumps/{other.pk}/guided/")
    expect(away.locator("#visit-form")).to_be_visible()
    assert away.locator("#visit-sheet").is_hidden()
    away.goto(f"/pumps/{pump.pk}/guided/")
    expect(away.locator("#visit-sheet li")).to_have_text(
        ["Aspirated: 8.1 mL", "Filled: 40 mL", "Daily dose: 210 mcg/day"]
    )
    assert violations(away) == []
    away.get_by_role("button", name="Put it into this visit").click()
    expect(away.locator("#visit-sheet")).to_be_hidden()
    expect(away.locator("#visit-kept")).to_contain_text("Saved")
    values = VisitDraft.objects.get(pump=pump).values
    assert (values["aspirated_ml"], values["filled_ml"], values["program"]) == (["8.1"], ["40"], ["changed"])
    assert values["dose-daily_dose_mcg"] == ["210"]
    away.reload()
    assert away.locator("#visit-sheet").is_hidden()


def test_several_sheets(pump: Pump, away: Page) -> None:
    away.context.set_offline(True)
    away.goto("/today/")
    away.get_by_label("Last four").fill("7712")
    away.get_by_role("button", name="Another sheet").click()
    expect(away.get_by_label("Last four")).to_have_value("")
    away.get_by_label("Last four").fill("1111")
    expect(away.locator("#drafts li")).to_contain_text("pump ending in 7712")
    says_so(away)
    away.locator("#drafts").get_by_role("button", name="Open it").click()
    expect(away.get_by_label("Last four")).to_have_value("7712")
    away.locator("#drafts").get_by_role("button", name="Throw away").click()
    expect(away.locator("#drafts")).to_be_hidden()
    away.reload()
    expect(away.get_by_label("Last four")).to_have_value("7712")
    # On another page another visit is written down, and this one stays as it is.
    away.goto("/patients/")
    expect(away.get_by_label("Last four")).to_have_value("")
    away.get_by_label("Last four").fill("1111")
    away.reload()
    expect(away.get_by_label("Last four")).to_have_value("1111")
    expect(away.locator("#drafts li")).to_contain_text("pump ending in 7712")


def test_logging_out_leaves_nothing_on_the_device(clinic: Clinic, away: Page) -> None:
    away.evaluate(
        "localStorage.setItem(`brim-visit:${localStorage['brim-person']}:sheet:1`, JSON.stringify({at: Date.now()}))"
    )
    away.locator(".menu summary").click()
    away.get_by_role("button", name="Log out").click()
    away.wait_for_url(re.compile("/login/"))
    away.evaluate(LET_GO)
    assert away.evaluate("Object.keys(localStorage).filter(key => key.startsWith('brim-'))") == []


def test_a_patients_link_is_never_answered_from_here(clinic: Clinic, away: Page) -> None:
    away.context.set_offline(True)
    with pytest.raises(Exception, match="ERR_INTERNET_DISCONNECTED"):
        away.goto("/v/some-token/")

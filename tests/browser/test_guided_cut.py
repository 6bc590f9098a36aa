"""The guided visit where answers come late, or not at all: nothing is promised that is not kept, nothing overlooked."""

import threading
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from clinics.models import Clinic
from clinics.roles import Role
from pumps.models import Pump, VisitDraft
from pumps.services import visit_checks
from tests.browser.conftest import DESK, PHONE
from tests.browser.people import enter
from tests.browser.test_guided import at, forward, kept, leave_on_device, on_device, saved, to_aspirate
from tests.builders import a_running_pump, a_user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def pump(clinic: Clinic) -> Pump:
    return a_running_pump(clinic, filled_days_ago=80, now=timezone.now(), serial_number="ABC-7712")


@pytest.fixture(params=[DESK, PHONE], ids=["desk", "phone"])
def cut(chromium: Browser, live_server: Any, clinic: Clinic, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A nurse, logged in. A browser complains of lost answers by itself, so its console is not looked at."""
    context = chromium.new_context(viewport=request.param, base_url=live_server.url, service_workers="block")
    page = context.new_page()
    thrown: list[str] = []
    page.on("pageerror", lambda error: thrown.append(str(error)))
    enter(page, a_user(Role.NURSE, clinic))
    yield page
    context.close()
    assert thrown == []


def leave_sheet(page: Page) -> None:
    """What was written down for this pump where there was no connection."""
    page.evaluate(
        """() => {
          const { user } = document.getElementById("visit-form").dataset;
          const typed = [["aspirated_ml", "8.1"], ["dose-daily_dose_mcg", "210"]];
          const sheet = { at: Date.now(), end: "7712", typed };
          localStorage.setItem(`brim-visit:${user}:sheet:1`, JSON.stringify(sheet));
        }"""
    )


def undecided(page: Page, pump: Pump) -> None:
    """A page before which the person has not said what becomes of what was typed earlier."""
    page.goto(f"/pumps/{pump.pk}/guided/")
    page.get_by_label("Name, date of birth").check()
    kept(page)
    leave_on_device(page, pump, str(uuid4()))
    leave_sheet(page)
    page.reload()
    expect(page.locator("#visit-older")).to_be_visible()


def test_what_is_not_kept_is_said_to_be_so_until_the_person_has_decided(pump: Pump, cut: Page) -> None:
    undecided(cut, pump)
    cut.context.set_offline(True)
    cut.get_by_label("Allergies were asked").check()
    expect(cut.locator("#visit-kept")).to_contain_text("decide first")
    assert "drug_checked" not in on_device(cut)
    cut.get_by_role("button", name="Drop it").click()
    assert "drug_checked" in on_device(cut)
    cut.get_by_label("Allergies were asked").uncheck()
    expect(cut.locator("#visit-kept")).to_contain_text("kept on this device")
    cut.context.set_offline(False)
    kept(cut)


def test_a_device_that_keeps_nothing_is_not_said_to(pump: Pump, cut: Page) -> None:
    cut.goto(f"/pumps/{pump.pk}/guided/")
    cut.evaluate("() => { Storage.prototype.setItem = () => { throw new Error('full'); }; }")
    cut.context.set_offline(True)
    cut.get_by_label("Name, date of birth").check()
    expect(cut.locator("#visit-kept")).to_contain_text("Leave this page open")


def test_a_sheet_stays_written_down_until_the_visit_is_kept(pump: Pump, cut: Page) -> None:
    undecided(cut, pump)
    cut.context.set_offline(True)
    cut.get_by_role("button", name="Put it into this visit").click()
    expect(cut.locator("#visit-kept")).to_contain_text("decide first")
    assert "8.1" in on_device(cut)
    cut.context.set_offline(False)
    kept(cut)
    assert VisitDraft.objects.get().values["aspirated_ml"] == ["8.1"]
    assert "8.1" not in on_device(cut)
    cut.reload()
    expect(cut.locator("#visit-older")).to_be_visible()
    expect(cut.locator("#visit-sheet")).to_be_hidden()


def test_a_volume_changed_while_the_server_is_asked_is_looked_at_too(
    pump: Pump, cut: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_asked, answers = threading.Event(), threading.Event()
    compare = visit_checks.emptied

    def late(*given: Any, **values: Any) -> Any:
        is_asked.set()
        answers.wait(5)
        return compare(*given, **values)

    to_aspirate(cut, pump)
    monkeypatch.setattr(visit_checks, "emptied", late)
    cut.get_by_label("Aspirated").fill("8")
    cut.get_by_label("Aspirated").press("Tab")
    assert is_asked.wait(5)
    cut.get_by_label("Aspirated").fill("14")
    cut.get_by_role("button", name="Next").click()
    answers.set()
    expect(cut.locator("#emptied [data-look]")).to_be_focused()
    expect(cut.locator("#emptied")).to_contain_text("14 mL")
    forward(cut)
    at(cut, "Fill")


def test_without_an_answer_about_the_volume_the_visit_goes_on(pump: Pump, cut: Page) -> None:
    to_aspirate(cut, pump)
    cut.route("**/guided/emptied/", lambda route: route.abort())
    cut.get_by_label("Aspirated").fill("14")
    forward(cut)
    at(cut, "Fill")


def test_what_could_not_be_compared_is_said_and_compared_once_there_is_a_connection(pump: Pump, cut: Page) -> None:
    to_aspirate(cut, pump)
    kept(cut)
    cut.get_by_label("Aspirated").fill("8")
    cut.get_by_label("Aspirated").press("Tab")
    expect(cut.locator("#emptied")).to_contain_text("As expected")
    expect(cut.locator("#emptied-waits")).to_be_hidden()
    cut.context.set_offline(True)
    cut.get_by_label("Aspirated").fill("14")
    cut.get_by_label("Aspirated").press("Tab")
    expect(cut.locator("#emptied-waits")).to_contain_text("Not compared yet")
    expect(cut.locator("#emptied")).to_be_empty()
    cut.context.set_offline(False)
    expect(cut.locator("#emptied")).to_contain_text("More than expected")
    expect(cut.locator("#emptied-waits")).to_be_hidden()


def test_what_could_not_be_compared_is_compared_once_the_server_answers_again(pump: Pump, cut: Page) -> None:
    to_aspirate(cut, pump)
    saved(cut)
    cut.route("**/guided/emptied/", lambda route: route.abort(), times=1)
    cut.route("**/guided/draft/", lambda route: route.abort(), times=1)
    cut.get_by_label("Aspirated").fill("14")
    cut.get_by_label("Aspirated").press("Tab")
    expect(cut.locator("#emptied-waits")).to_be_visible()
    expect(cut.locator("#visit-kept")).to_contain_text("kept on this device")
    cut.locator("#id_reason").evaluate("(one) => one.dispatchEvent(new Event('input', { bubbles: true }))")
    expect(cut.locator("#emptied")).to_contain_text("More than expected")
    expect(cut.locator("#emptied-waits")).to_be_hidden()


def test_a_press_of_next_counts_though_what_appears_meanwhile_moves_it(pump: Pump, cut: Page) -> None:
    to_aspirate(cut, pump)
    kept(cut)
    cut.context.set_offline(True)
    cut.get_by_label("Aspirated").fill("14")
    following = cut.get_by_role("button", name="Next")
    following.hover()
    cut.mouse.down()
    expect(cut.locator("#emptied-waits")).to_be_visible()  # on a desk the buttons are lower now
    cut.mouse.up()
    at(cut, "Fill")
    back = cut.get_by_role("button", name="Back")
    back.hover()
    cut.mouse.down()
    cut.mouse.move(5, 5, steps=5)  # drawn away from it: not meant
    cut.mouse.up()
    expect(cut.get_by_role("heading", name="Fill", level=2)).to_be_visible()


def test_a_finding_that_comes_after_the_filling_was_begun_is_looked_at_too(pump: Pump, cut: Page) -> None:
    to_aspirate(cut, pump)
    kept(cut)
    cut.context.set_offline(True)
    cut.get_by_label("Aspirated").fill("14")
    forward(cut)
    at(cut, "Fill")
    cut.context.set_offline(False)
    cut.get_by_label("As usual").check()
    expect(cut.locator("#emptied")).to_contain_text("More than expected")
    forward(cut)
    expect(cut.locator("#emptied [data-look]")).to_be_focused()
    forward(cut)
    at(cut, "Fill")
    forward(cut)
    at(cut, "Program")

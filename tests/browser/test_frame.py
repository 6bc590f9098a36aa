"""The frame in a real browser: keys, menu, looks, a language from the right, help, and what a swap says and focuses."""

import re
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from clinics.models import Clinic, User
from clinics.roles import Role
from frame.topics import TOPICS
from tests.browser.accessible import violations
from tests.browser.conftest import DESK, PHONE
from tests.browser.people import enter
from tests.builders import a_running_pump, a_user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SIDEWAYS = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


def is_at(page: Page, path: str) -> None:
    expect(page).to_have_url(re.compile(f"{re.escape(path)}$"))
    page.wait_for_load_state()


def test_keys_lead_everywhere(clinic: Clinic, nurse: Page) -> None:
    pump = a_running_pump(clinic, filled_days_ago=90, now=timezone.now())
    a_running_pump(clinic, filled_days_ago=3, now=timezone.now())
    nurse.goto("/")
    for keys, path in (("gp", "/patients/"), ("ga", "/alerts/"), ("gw", "/")):
        for key in keys:
            nurse.keyboard.press(key)
        is_at(nurse, path)
    nurse.keyboard.press("/")
    expect(nurse.locator("#find")).to_be_focused()
    nurse.keyboard.type("gp")
    is_at(nurse, "/")
    assert nurse.locator("#find").input_value() == "gp"

    nurse.goto("/")
    nurse.keyboard.press("j")
    expect(nurse.locator(".worklist .whole").nth(0)).to_be_focused()
    nurse.keyboard.press("j")
    expect(nurse.locator(".worklist .whole").nth(1)).to_be_focused()
    nurse.keyboard.press("k")
    nurse.keyboard.press("Enter")
    is_at(nurse, f"/pumps/{pump.pk}/")
    nurse.keyboard.press("d")
    is_at(nurse, f"/pumps/{pump.pk}/dose/")
    nurse.go_back()
    nurse.keyboard.press("r")
    expect(nurse).to_have_url(re.compile(f"/pumps/{pump.pk}/(guided|refill)/$"))


def test_the_list_of_keys_opens_closes_and_switches_them_off(clinic: Clinic, nurse: Page) -> None:
    nurse.goto("/patients/")
    nurse.keyboard.press("?")
    dialog = nurse.get_by_role("dialog", name="Keyboard shortcuts")
    expect(dialog).to_be_visible()
    assert violations(nurse) == []
    nurse.keyboard.press("g")
    nurse.keyboard.press("w")
    is_at(nurse, "/patients/")
    dialog.get_by_label("Keys are on").uncheck()
    nurse.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    nurse.reload()
    nurse.keyboard.press("?")
    expect(dialog).to_be_hidden()
    nurse.locator(".menu summary").click()
    nurse.get_by_role("link", name="Keyboard shortcuts").click()
    expect(dialog).to_be_visible()
    dialog.get_by_label("Keys are on").check()
    dialog.get_by_role("button", name="Close").click()
    expect(nurse.locator(".menu summary")).to_be_focused()
    nurse.keyboard.press("g")
    nurse.keyboard.press("w")
    is_at(nurse, "/")


def test_the_menu_by_keyboard(clinic: Clinic, nurse: Page) -> None:
    nurse.goto("/")
    summary = nurse.locator(".menu summary")
    summary.focus()
    nurse.keyboard.press("Enter")
    expect(nurse.get_by_role("link", name="Help with this page")).to_be_visible()
    assert violations(nurse) == []
    nurse.keyboard.press("Tab")
    expect(nurse.locator(".menu-sheet a:visible").first).to_be_focused()
    nurse.keyboard.press("Escape")
    expect(summary).to_be_focused()
    expect(nurse.get_by_role("link", name="Help with this page")).to_be_hidden()


def test_skipping_to_the_content_comes_first(clinic: Clinic, nurse: Page) -> None:
    nurse.goto("/patients/")
    nurse.keyboard.press("Tab")
    expect(nurse.get_by_text("Skip to the content")).to_be_focused()
    nurse.keyboard.press("Enter")
    expect(nurse.locator("main")).to_be_focused()


def test_a_finger_hits_the_navigation(clinic: Clinic, nurse: Page) -> None:
    nurse.goto("/")
    for link in nurse.locator(".main-nav a:visible, .menu summary").all():
        box = link.bounding_box()
        assert box is not None
        assert box["height"] >= 44


def test_every_help_page(clinic: Clinic, nurse: Page) -> None:
    found = {}
    for path in ("/help/", "/help/?q=dose", "/help/?q=zebra", *(f"/help/{slug}/" for slug in TOPICS)):
        nurse.goto(path)
        said = violations(nurse)
        if nurse.evaluate(SIDEWAYS):
            said.append("scrolls sideways")
        if said:
            found[path] = said
    assert found == {}


def test_help_leads_to_the_topic_of_the_page(clinic: Clinic, nurse: Page) -> None:
    nurse.goto("/alerts/")
    nurse.locator(".menu summary").click()
    nurse.get_by_role("link", name="Help with this page").click()
    expect(nurse.get_by_role("heading", level=1)).to_have_text("Alerts and acknowledging")
    nurse.get_by_label("Search the help").fill("withdr")
    nurse.keyboard.press("Enter")
    expect(nurse.locator("mark").first).to_have_text("Withdrawal")


def test_pages_that_are_not_there_say_what_to_do(
    page: Page, clinic: Clinic, chromium: Browser, live_server: Any
) -> None:
    context = chromium.new_context(base_url=live_server.url, viewport=page.viewport_size)
    window = context.new_page()  # a missing page is an error on the console by itself
    enter(window, a_user(Role.NURSE, clinic))
    for path, words in (("/nothing/", "There is nothing here"), (f"/guide/{clinic.pk}/", "This is not yours to do")):
        window.goto(path)
        expect(window.get_by_role("heading", level=1)).to_have_text(words)
        assert violations(window) == []
        expect(window.get_by_role("link", name="To the worklist")).to_be_visible()
    context.close()


def test_a_lost_connection_is_said(clinic: Clinic, nurse: Page) -> None:
    nurse.goto("/")
    expect(nurse.locator("#unreached")).to_be_hidden()
    nurse.context.set_offline(True)
    expect(nurse.locator("#unreached")).to_contain_text("No connection")
    nurse.context.set_offline(False)
    expect(nurse.locator("#unreached")).to_be_hidden()


def test_a_swap_is_said_and_the_focus_follows(clinic: Clinic, nurse: Page) -> None:
    nurse.goto("/")
    part = '<section id="part"><p data-said>Booked Wed 3 Dec 2026, 09:30</p><a href="/" data-focus>Undo</a></section>'
    nurse.route("**/swapped/", lambda route: route.fulfill(body=part, content_type="text/html"))
    nurse.evaluate(
        """() => {
          const button = document.createElement("button");
          button.id = "swap"; button.textContent = "Swap";
          button.setAttribute("hx-get", "/swapped/");
          button.setAttribute("hx-swap", "outerHTML");
          document.querySelector("main").append(button);
          htmx.process(button);
        }"""
    )
    nurse.locator("#swap").focus()
    nurse.keyboard.press("Enter")
    expect(nurse.get_by_role("link", name="Undo")).to_be_focused()
    expect(nurse.locator("#said")).to_have_text("Booked Wed 3 Dec 2026, 09:30")


@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize(
    "look",
    [
        {},
        {"color_scheme": "dark"},
        {"contrast": "more"},
        {"contrast": "more", "color_scheme": "dark"},
        {"forced_colors": "active"},
    ],
    ids=["light", "dark", "contrast", "contrast in the dark", "forced"],
)
def test_axe_finds_nothing_in_any_look(
    clinic: Clinic, chromium: Browser, live_server: Any, viewport: Any, look: dict[str, Any]
) -> None:
    pump = a_running_pump(clinic, filled_days_ago=90, now=timezone.now())
    context = chromium.new_context(viewport=viewport, base_url=live_server.url, **look)
    page = context.new_page()
    enter(page, a_user(Role.NURSE, clinic))
    found = {}
    for path in ("/", f"/pumps/{pump.pk}/", f"/pumps/{pump.pk}/refill/", "/account/", "/help/words/"):
        page.goto(path)
        said = violations(page)
        if said:
            found[path] = said
    assert found == {}
    context.close()


def test_a_look_that_was_chosen_stays(clinic: Clinic, nurse: Page) -> None:
    nurse.goto("/account/")
    nurse.get_by_label("Name").fill("Nora")
    nurse.get_by_label("Look").select_option("dark")
    nurse.get_by_role("button", name="Save").click()
    nurse.goto("/")
    assert nurse.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(15, 24, 27)"
    nurse.emulate_media(media="print")
    assert (
        nurse.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--surface').trim()") == "#ffffff"
    )


@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
def test_a_language_from_the_right_turns_the_pages_round(
    clinic: Clinic, chromium: Browser, live_server: Any, settings: Any, viewport: Any
) -> None:
    """Hebrew has no catalogue of ours: the words stay English, the page is laid out from the right."""
    settings.LANGUAGES = [*settings.LANGUAGES, ("he", "Hebrew")]
    pump = a_running_pump(clinic, filled_days_ago=90, now=timezone.now())
    user = a_user(Role.NURSE, clinic)
    User.objects.filter(pk=user.pk).update(language="he")
    context = chromium.new_context(viewport=viewport, base_url=live_server.url)
    page = context.new_page()
    enter(page, user)
    for path in ("/", f"/pumps/{pump.pk}/", f"/pumps/{pump.pk}/refill/", "/patients/", "/alerts/", "/help/words/"):
        page.goto(path)
        assert page.locator("html").get_attribute("dir") == "rtl"
        assert page.locator("html").get_attribute("lang") == "he"
        assert not page.evaluate(SIDEWAYS), path
        brand, main = page.locator(".brand").bounding_box(), page.locator("h1").first.bounding_box()
        assert brand is not None
        assert main is not None
        assert brand["x"] > viewport["width"] / 2
        assert violations(page) == []
    context.close()

"""Finding somebody by the keyboard alone, at the desk and on a phone."""

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from clinics.models import Clinic
from patients.models import Patient
from pumps.models import Pump
from tests.browser.accessible import violations
from tests.builders import a_patient, a_running_pump

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def linds(clinic: Clinic) -> list[Patient]:
    """Three of a name, in the order of their given names; one has a pump."""
    found = [a_patient(clinic, given_name=name, family_name="Lind") for name in ("Ada", "Bela", "Cora")]
    a_running_pump(clinic, patient=found[1], serial_number="NGP77", now=timezone.now())
    return found


def test_arrows_enter_and_escape(linds: list[Patient], nurse: Page) -> None:
    box = nurse.get_by_role("combobox", name="Find a patient or pump")
    options = nurse.locator("#found").get_by_role("option")
    expect(box).to_have_attribute("aria-expanded", "false")
    box.press_sequentially("lin", delay=30)
    expect(options).to_have_count(3)
    expect(box).to_have_attribute("aria-expanded", "true")
    expect(nurse.locator("#said")).to_have_text("3 found")
    assert violations(nurse) == []
    box.press("ArrowDown")
    box.press("ArrowDown")
    expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    expect(box).to_have_attribute("aria-activedescendant", "found-2")
    expect(box).to_be_focused()
    assert violations(nurse) == []
    box.press("ArrowUp")
    box.press("ArrowUp")
    expect(options.nth(2)).to_have_attribute("aria-selected", "true")
    box.press("Escape")
    expect(options).to_have_count(0)
    expect(box).to_have_value("lin")
    expect(box).to_have_attribute("aria-expanded", "false")
    box.press("ArrowDown")
    box.press("ArrowDown")
    box.press("Enter")
    nurse.wait_for_url(f"**/patients/{linds[1].pk}/")


def test_enter_without_a_choice_opens_the_page_of_results(linds: list[Patient], nurse: Page) -> None:
    box = nurse.get_by_role("combobox", name="Find a patient or pump")
    box.fill("lind")
    box.press("Enter")
    nurse.wait_for_url("**/search/?q=lind")
    expect(nurse.get_by_role("heading", name="3 found")).to_be_visible()
    assert violations(nurse) == []
    assert nurse.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_nobody_is_said_and_a_serial_leads_to_its_pump(linds: list[Patient], nurse: Page) -> None:
    box = nurse.get_by_role("combobox", name="Find a patient or pump")
    box.fill("zzz")
    expect(nurse.locator("#found")).to_contain_text("Nobody matches")
    expect(nurse.locator("#said")).to_have_text("Nobody found")
    expect(box).to_have_attribute("aria-expanded", "false")
    assert violations(nurse) == []
    box.fill("ngp7 lind")
    nurse.locator("#found").get_by_role("option").first.click()
    nurse.wait_for_url(f"**/pumps/{Pump.objects.get().pk}/")


def test_those_opened_last_are_there_before_a_word_is_typed(linds: list[Patient], nurse: Page) -> None:
    nurse.goto(f"/patients/{linds[2].pk}/")
    box = nurse.get_by_role("combobox", name="Find a patient or pump")
    box.focus()
    expect(nurse.locator("#found").get_by_role("option")).to_have_count(1)
    expect(nurse.locator("#found").get_by_role("option")).to_contain_text("Lind, Cora")
    assert violations(nurse) == []
    nurse.keyboard.press("Shift+Tab")
    expect(nurse.locator("#found").get_by_role("option")).to_have_count(0)


def test_without_script_the_form_opens_the_same_page(linds: list[Patient], nurse: Page) -> None:
    cookies = nurse.context.cookies()
    browser = nurse.context.browser
    assert browser is not None
    plain = browser.new_context(java_script_enabled=False)
    plain.add_cookies(cookies)  # type: ignore[arg-type]  # as they were given
    page = plain.new_page()
    page.goto(nurse.url)
    page.get_by_label("Find a patient or pump").fill("cora lind")
    page.get_by_label("Find a patient or pump").press("Enter")
    page.wait_for_url("**/search/?q=cora+lind")
    expect(page.get_by_role("heading", name="1 found")).to_be_visible()
    plain.close()

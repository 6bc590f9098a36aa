"""Pictures and explanations at a real browser: pointer, arrow keys, another span, why a date."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from clinics.models import Clinic
from pumps.models import Pump
from tests.browser.accessible import violations
from tests.builders import a_dose, a_refill, a_running_pump

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def pump(clinic: Clinic) -> Pump:
    now = timezone.now()
    found = a_running_pump(clinic, filled_days_ago=120, now=now)
    a_refill(found, now - timedelta(days=60), now=now, aspirated_ml=Decimal(16))
    a_refill(found, now - timedelta(days=20), now=now, aspirated_ml=Decimal(24))
    a_dose(found, now + timedelta(days=5), now=now, daily_dose_mcg=Decimal(220))
    return found


def test_values_by_arrow_keys_and_by_pointer(pump: Pump, nurse: Page) -> None:
    nurse.goto(f"/pumps/{pump.pk}/")
    slider = nurse.get_by_role("slider")
    expect(nurse.locator("[data-values]")).to_contain_text("now")
    slider.focus()
    nurse.keyboard.press("Home")
    expect(slider).to_have_attribute("aria-valuenow", "0")
    expect(nurse.locator("[data-values]")).to_contain_text("Expected 40.0 mL")
    nurse.keyboard.press("ArrowRight")
    expect(slider).to_have_attribute("aria-valuenow", "1")
    nurse.keyboard.press("End")
    assert "Expected 0.0 mL" in (slider.get_attribute("aria-valuetext") or "")
    nurse.locator("[data-frame]").scroll_into_view_if_needed()
    box = slider.bounding_box()
    assert box is not None
    nurse.mouse.move(box["x"] + 2, box["y"] + 60)
    expect(nurse.locator("[data-values]")).to_contain_text(re.compile(r"Expected (40|39)\."))
    # Links that the sticky head half covers while one scrolls are no smaller for it.
    nurse.evaluate("scrollTo(0, 0)")
    assert violations(nurse) == []


def test_another_span_is_swapped_in_and_focus_follows(pump: Pump, nurse: Page) -> None:
    nurse.goto(f"/pumps/{pump.pk}/")
    nurse.get_by_role("link", name="Last 3 fills").focus()
    nurse.keyboard.press("Enter")
    chosen = nurse.locator(".pic-spans a[aria-current]")
    expect(chosen).to_have_text("Last 3 fills")
    expect(chosen).to_be_focused()
    expect(nurse.locator("#said")).to_contain_text("The picture now shows")
    expect(nurse.locator(".pic-mark.pic-measured").first).to_be_attached()
    expect(nurse.get_by_role("slider")).to_be_visible()
    nurse.get_by_role("slider").focus()
    nurse.keyboard.press("Home")
    expect(nurse.locator("[data-values]")).to_contain_text("Expected")
    assert violations(nurse) == []


def test_why_a_date_opens_in_place(pump: Pump, nurse: Page) -> None:
    nurse.goto(f"/pumps/{pump.pk}/")
    for summary in nurse.locator(".why-this > summary").all():
        summary.focus()
        nurse.keyboard.press("Enter")
    expect(nurse.locator(".why-said")).to_have_count(nurse.locator(".why-this").count())
    expect(nurse.locator("#said")).to_contain_text("Explained")
    expect(nurse.locator(".why-said").first).to_contain_text("refill by = the earliest deadline - margin")
    assert violations(nurse) == []
    assert not nurse.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    nurse.locator(".why-said a").first.click()
    nurse.wait_for_url("**/?ledger=all#event-*")


def test_without_script_the_numbers_are_in_the_table(pump: Pump, nurse: Page) -> None:
    nurse.route("**/*.js", lambda route: route.fulfill(body="", content_type="text/javascript"))
    nurse.goto(f"/pumps/{pump.pk}/")
    expect(nurse.get_by_role("img", name="Volume in the reservoir")).to_be_visible()
    nurse.get_by_text("The same in numbers").click()
    expect(nurse.get_by_role("rowheader", name="Refill by", exact=True)).to_be_visible()


@pytest.mark.parametrize("scheme", ["dark", "forced", "print"])
def test_the_picture_in_other_looks(pump: Pump, nurse: Page, scheme: str) -> None:
    if scheme == "dark":
        nurse.emulate_media(color_scheme="dark")
    elif scheme == "forced":
        nurse.emulate_media(forced_colors="active")
    else:
        nurse.emulate_media(media="print")
    nurse.goto(f"/pumps/{pump.pk}/?span=three")
    expect(nurse.locator(".pic-svg")).to_be_visible()
    stroke = nurse.locator(".pic-shapes .pic-expected").first.evaluate("line => getComputedStyle(line).stroke")
    ground = nurse.locator("#reservoir").evaluate("part => getComputedStyle(part).backgroundColor")
    assert stroke not in ("none", ground)
    if scheme == "print":
        expect(nurse.locator("[data-values]")).to_be_hidden()
    else:
        assert violations(nurse) == []

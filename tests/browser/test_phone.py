"""In one hand: how much lies over the page at the foot of a phone, and how soon the first patient is seen."""

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from clinics.models import Clinic
from pumps.models import Pump
from tests.browser.accessible import violations
from tests.browser.conftest import PHONE
from tests.builders import a_running_pump

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.parametrize("page", [PHONE], indirect=True, ids=["phone"]),
]

# How much of the foot of the window is covered by what does not scroll along, px.
AT_THE_FOOT = """() => {
  const fixed = [...document.querySelectorAll("body *")].filter((one) => getComputedStyle(one).position === "fixed");
  const boxes = fixed.map((one) => one.getBoundingClientRect());
  const low = boxes.filter((box) => box.height && box.bottom > innerHeight - 5);
  return Math.max(0, ...low.map((box) => innerHeight - box.top));
}"""
MOST = 64


@pytest.fixture
def pump(clinic: Clinic) -> Pump:
    return a_running_pump(clinic, filled_days_ago=90, now=timezone.now())


def test_a_forms_buttons_and_the_navigation_are_never_both_under_the_thumb(pump: Pump, nurse: Page) -> None:
    found = {}
    for path in ("/", f"/pumps/{pump.pk}/", *(f"/pumps/{pump.pk}/{page}/" for page in ("guided", "refill", "dose"))):
        nurse.goto(path)
        covered = nurse.evaluate(AT_THE_FOOT)
        if not 0 < covered <= MOST:
            found[path] = covered
    assert found == {}


def test_the_navigation_of_a_form_is_behind_more(pump: Pump, nurse: Page) -> None:
    nurse.goto(f"/pumps/{pump.pk}/refill/")
    summary = nurse.locator(".menu summary")
    box = summary.bounding_box()
    assert box is not None
    assert box["y"] < 80
    assert box["height"] >= 44
    summary.click()
    assert violations(nurse) == []
    nurse.locator(".menu-links").get_by_role("link", name="Patients").click()
    expect(nurse.get_by_role("heading", level=1)).to_have_text("Patients")
    nurse.locator(".menu summary").click()
    expect(nurse.locator(".menu-links").get_by_role("link", name="Patients")).to_have_count(0)


def test_the_first_patient_is_seen_at_once(pump: Pump, nurse: Page) -> None:
    nurse.goto("/")
    nurse.wait_for_load_state("networkidle")
    box = nurse.locator(".worklist tbody .whole").first.bounding_box()
    silence = nurse.locator(".banner").bounding_box()  # nothing beats in a test, and the page says so
    assert box is not None
    assert box["y"] - (silence["height"] if silence is not None else 0) < PHONE["height"] / 2


def test_the_filters_say_what_is_shown_and_open(pump: Pump, nurse: Page) -> None:
    nurse.goto("/")
    fold = nurse.get_by_role("button", name="Filter: all pumps")
    expect(nurse.get_by_label("Urgency")).to_be_hidden()
    fold.focus()
    nurse.keyboard.press("Enter")
    expect(fold).to_have_attribute("aria-expanded", "true")
    nurse.get_by_label("Visit", exact=True).select_option("none")
    assert violations(nurse) == []
    nurse.get_by_role("button", name="Show").click()
    expect(nurse.get_by_role("button", name="Filter: Due, without a visit")).to_have_attribute("aria-expanded", "false")
    assert violations(nurse) == []

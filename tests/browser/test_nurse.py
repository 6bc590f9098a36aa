"""What a nurse does all day, at the desk and on a phone held in one hand."""

import re
from datetime import datetime

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from alerts.models import Alert
from clinics.models import Clinic, User
from pumps.models import Event, Pump
from pumps.services import fleet
from tests.builders import a_patient, a_running_pump

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def a_named_pump(clinic: Clinic, name: str, filled_days_ago: float, now: datetime) -> Pump:
    patient = a_patient(clinic, family_name=name, phone="+1 555 0100")
    return a_running_pump(clinic, patient=patient, filled_days_ago=filled_days_ago, now=now)


@pytest.fixture
def pumps(clinic: Clinic) -> list[Pump]:
    """One past its date, one due soon, one just filled."""
    now = timezone.now()
    found = [a_named_pump(clinic, name, days, now) for name, days in (("Past", 90), ("Soon", 70), ("Full", 2))]
    fleet.tick(now)
    return found


def names(page: Page) -> list[str]:
    return [name.split(",")[0] for name in page.locator(".worklist .whole").all_inner_texts()]


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


def test_a_refill_logged_moves_the_pump_down_and_closes_its_alert(pumps: list[Pump], nurse: Page) -> None:
    nurse.goto("/")
    assert names(nurse) == ["Past", "Soon", "Full"]
    nurse.get_by_role("link", name="Past, Ada").first.click()
    expect(nurse.get_by_text("Past refill-by").or_(nurse.get_by_text("Reservoir low")).first).to_be_visible()
    expect(nurse.get_by_role("slider")).to_be_visible()
    nurse.get_by_role("link", name="Log refill").click()
    nurse.get_by_label("Aspirated").fill("4,2")
    nurse.get_by_role("button", name="Check before saving").click()
    expect(nurse.get_by_role("heading", name="Check before saving")).to_be_visible()
    nurse.get_by_role("button", name="Save").last.click()
    expect(nurse.get_by_role("status")).to_contain_text("Refill by moved from")
    expect(nurse.get_by_role("status")).to_contain_text("Reminder closed: Refill due.")
    nurse.goto("/")
    assert names(nurse) == ["Soon", "Full", "Past"]
    refill = pumps[0].events.latest("pk")
    assert Alert.objects.get(pump=pumps[0], kind="refill_due").closed_by_event == refill


def test_a_slip_is_voided(pumps: list[Pump], nurse: Page) -> None:
    nurse.goto(f"/pumps/{pumps[2].pk}/")
    nurse.get_by_role("link", name="Undo (entered in error) Refill").click()
    nurse.get_by_label("What was wrong with it?").fill("another patient's")
    nurse.get_by_role("button", name="Mark as entered in error").click()
    expect(nurse.get_by_role("status")).to_contain_text("Marked as entered in error")
    expect(nurse.locator(".voided .title")).to_have_css("text-decoration-line", "line-through")
    assert Event.objects.get(kind="void").reason == "another patient's"


def test_an_hourly_slip_is_shown_asked_about_and_confirmed(pumps: list[Pump], nurse: Page) -> None:
    nurse.goto(f"/pumps/{pumps[2].pk}/dose/")
    nurse.get_by_label("Daily dose").fill("8.4")
    expect(nurse.locator("#hourly")).to_have_text("= 0.35 mcg/h on average")
    nurse.get_by_role("button", name="Check before saving").last.click()
    for box in nurse.get_by_role("checkbox").all():
        box.check()
    nurse.get_by_role("button", name="Save").last.click()
    expect(nurse.get_by_role("status")).to_contain_text("Dose: 8.4 mcg/day")


def test_rows_are_added_as_needed(pumps: list[Pump], nurse: Page) -> None:
    nurse.goto(f"/pumps/{pumps[2].pk}/dose/")
    expect(nurse.get_by_role("group", name="Steps")).to_be_hidden()
    nurse.get_by_label("Mode").select_option("flex")
    nurse.get_by_label("Daily dose").fill("240")
    nurse.get_by_role("group", name="Steps").get_by_role("button", name="More rows").click()
    nurse.get_by_label("Step 4, time").fill("06:00")
    nurse.get_by_label("Step 4, mcg/h").fill("10")
    nurse.get_by_role("button", name="Check before saving").last.click()
    for box in nurse.get_by_role("checkbox").all():
        box.check()
    nurse.get_by_role("button", name="Save").last.click()
    expect(nurse.get_by_role("status")).to_contain_text("Dose: 240 mcg/day")
    assert pumps[2].events.latest("pk").steps == [{"start": "06:00", "rate_mcg_per_h": "10"}]


def test_a_row_beside_one_with_an_error_has_none(pumps: list[Pump], nurse: Page) -> None:
    nurse.goto(f"/pumps/{pumps[2].pk}/dose/")
    nurse.get_by_label("Mode").select_option("flex")
    nurse.get_by_label("Step 3, mcg/h").fill("many")
    nurse.get_by_role("button", name="Check before saving").last.click()
    expect(nurse.get_by_label("Step 3, mcg/h")).to_have_accessible_description("Write a number, such as 12.5.")
    nurse.get_by_role("group", name="Steps").get_by_role("button", name="More rows").click()
    expect(nurse.get_by_label("Step 4, mcg/h")).not_to_have_attribute("aria-describedby", re.compile("."))
    expect(nurse.get_by_label("Step 4, mcg/h")).not_to_have_attribute("aria-invalid", "true")


def test_the_hourly_dose_is_said_in_the_readers_language(pumps: list[Pump], nurse: Page) -> None:
    User.objects.update(language="es")
    for path in (f"/pumps/{pumps[2].pk}/dose/", f"/pumps/{pumps[2].pk}/propose/"):
        nurse.goto(path)
        nurse.locator("#id_daily_dose_mcg").fill("8.4")
        expect(nurse.locator("#hourly")).to_have_text("= 0.35 mcg/h de media")


def test_pages_fit_the_screen_and_name_every_input(pumps: list[Pump], nurse: Page) -> None:
    base = f"/pumps/{pumps[0].pk}/"
    for path in ("/", base, base + "refill/", base + "dose/", "/alerts/", "/messages/", "/clinics/", "/pump-models/"):
        nurse.goto(path)
        assert fits(nurse), path
        unnamed = nurse.evaluate(
            "[...document.querySelectorAll('main input:not([type=hidden]), main select, main textarea')]"
            ".filter((input) => !input.labels.length).map((input) => input.name)"
        )
        assert unnamed == [], path


def test_the_log_buttons_are_under_the_thumb(pumps: list[Pump], nurse: Page) -> None:
    nurse.goto(f"/pumps/{pumps[0].pk}/")
    button = nurse.get_by_role("link", name="Log refill")
    box, size = button.bounding_box(), nurse.viewport_size
    assert box is not None
    assert size is not None
    assert box["height"] >= 44
    if size["width"] < 768:
        assert box["y"] > size["height"] * 0.8

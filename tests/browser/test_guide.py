"""A new clinic's administrator follows the guide from nothing to the first forecast and a test message."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from clinics.models import Clinic
from clinics.roles import Role
from clinics.services import account_mail
from pumps.models import Forecast, PumpModel
from tests.browser.accessible import violations
from tests.browser.people import enter
from tests.builders import a_user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def next_is(page: Page, title: str) -> None:
    expect(page.locator(".guide .next h2")).to_contain_text(title)
    assert violations(page) == []
    assert not page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")


def back(page: Page) -> None:
    page.get_by_role("link", name="Back to the guide for Harbor").click()


def go_on(page: Page, name: str) -> None:
    page.locator(".guide .next").get_by_role("link", name=name).click()


def test_from_an_empty_brim_to_the_first_forecast(page: Page, committed: None) -> None:
    page.set_default_timeout(10_000)
    administrator = a_user(Role.ADMINISTRATOR)
    enter(page, administrator)
    page.goto("/clinics/")
    page.get_by_role("link", name="Open the first one").click()
    page.get_by_label("Name").fill("Harbor")
    page.get_by_label("Timezone").select_option("America/New_York")
    page.get_by_role("button", name="Open the clinic").click()

    next_is(page, "Settings")
    go_on(page, "Open the settings")
    page.get_by_label("Phone for patients").fill("+1 555 0100")
    page.get_by_role("button", name="See what it changes").click()
    page.get_by_role("button", name="Save").click()
    back(page)

    next_is(page, "People")
    go_on(page, "Invite people")
    page.get_by_label("E-mail").fill("nurse@example.org")
    page.locator("input[name=roles][value=nurse]").check()
    page.get_by_role("button", name="Send the invitation").click()
    back(page)

    next_is(page, "Import, or the first patient")
    go_on(page, "Enter the first patient")
    page.get_by_label("Given name").fill("Ada")
    page.get_by_label("Family name").fill("Rossi")
    page.get_by_label("MRN").fill("M-77")
    page.get_by_label("Born on").fill("1980-05-17")
    page.get_by_label("Origin of the spasticity").select_option("spinal")
    page.get_by_role("button", name="Save the patient").click()
    back(page)

    next_is(page, "The first forecast")
    go_on(page, "Enter the pump")
    page.get_by_label("Model").select_option(str(PumpModel.objects.get(slug="synchromed-ii-40").pk))
    page.get_by_label("Serial number").fill("NGP123456H")
    page.get_by_label("Implanted on").fill((timezone.now() - timedelta(days=300)).strftime("%Y-%m-%d"))
    page.locator("main form").last.get_by_role("button").last.click()
    page.get_by_role("heading", name="Rossi").first.wait_for()
    back(page)

    zone = Clinic.objects.get().zone
    moment = (timezone.now() - timedelta(days=30)).astimezone(zone)
    go_on(page, "Log the last refill")
    page.get_by_label("Refilled at").fill(moment.strftime("%Y-%m-%dT%H:%M"))
    page.get_by_label("Filled", exact=True).fill("40")
    page.get_by_label("Concentration of the drug").select_option("500")
    page.get_by_role("button", name="Check before saving").click()
    save(page)
    back(page)

    go_on(page, "Log the present dose")
    page.get_by_label("In effect from").fill((moment + timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M"))
    page.get_by_label("Daily dose").fill("200")
    page.get_by_role("button", name="Check before saving").last.click()
    save(page)
    back(page)
    assert Forecast.objects.filter(refill_by__isnull=False).exists()

    next_is(page, "Test message")
    page.get_by_role("button", name="Send me a test message").click()
    expect(page.locator(".guide")).to_contain_text("It is on its way")
    assert violations(page) == []
    account_mail.send_due(for_at_most=timedelta(seconds=5))
    expect(page.locator(".guide")).to_contain_text(f"A test message left for {administrator.email}")
    page.reload()
    expect(page.get_by_text("All done")).to_be_visible()
    page.goto("/")
    expect(page.get_by_role("link", name="Back to the guide for Harbor")).to_have_count(0)


def save(page: Page) -> None:
    expect(page.get_by_role("heading", name="What it changes")).to_be_visible()
    for box in page.get_by_role("checkbox").all():
        if box.is_visible():
            box.check()
    page.get_by_role("button", name="Save").last.click()
    expect(page.get_by_role("status").filter(has_text="Saved")).to_be_visible()

"""A prescriber's, an administrator's and an auditor's first minutes, by their main path, at the desk and on a phone."""

from decimal import Decimal

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from clinics.models import Clinic, User
from clinics.roles import Role
from pumps.models import Pump
from tests.browser.accessible import violations
from tests.builders import PASSWORD, a_running_pump, a_user
from therapy.services import proposals
from therapy.wanted import Wanted

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def pump(clinic: Clinic) -> Pump:
    return a_running_pump(clinic, filled_days_ago=60, now=timezone.now())


def log_in(page: Page, role: Role, clinic: Clinic, home: str) -> User:
    user = a_user(role, clinic)
    page.goto("/")
    page.get_by_label("E-mail").fill(user.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in", exact=True).click()
    page.get_by_role("heading", name=home, level=1).wait_for()
    fits(page)
    return user


def fits(page: Page) -> None:
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert page.locator("h1").count() == 1


def test_a_prescriber_signs_what_waits(clinic: Clinic, pump: Pump, page: Page) -> None:
    nurse = a_user(Role.NURSE, clinic)
    wanted = Wanted(mode="simple_continuous", daily_dose_mcg=Decimal(210), reason="stiff")
    proposals.propose(pump_id=pump.pk, wanted=wanted, by=nurse, now=timezone.now())
    log_in(page, Role.PRESCRIBER, clinic, "Prescribing")
    expect(page.get_by_text("Not gone through yet")).to_be_visible()
    page.get_by_role("link", name="210 mcg/day").click()
    page.get_by_role("button", name="Sign", exact=True).click()
    expect(page.get_by_role("status").first).to_contain_text("Signed")
    page.get_by_role("link", name="Brim", exact=True).click()
    page.get_by_role("heading", name="Prescribing", level=1).wait_for()
    expect(page.get_by_role("link", name="210 mcg/day")).to_have_count(0)
    fits(page)


def test_an_administrator_puts_right_what_is_missing(clinic: Clinic, pump: Pump, page: Page) -> None:
    log_in(page, Role.ADMINISTRATOR, clinic, "Administration")
    page.get_by_role("link", name="Nobody signs doses").click()
    page.get_by_role("heading", level=1).wait_for()
    a_user(Role.PRESCRIBER, clinic)
    page.get_by_role("link", name="Brim", exact=True).click()
    expect(page.get_by_role("link", name="Nobody is on call")).to_be_visible()
    expect(page.get_by_text("Nobody signs doses")).to_have_count(0)
    page.locator("main").get_by_role("link", name="Who did what").first.click()
    page.get_by_role("heading", name="Who did what", level=1).wait_for()
    fits(page)


def test_an_auditor_finds_who_saw_a_patient(clinic: Clinic, pump: Pump, page: Page) -> None:
    log_in(page, Role.AUDITOR, clinic, "Who did what")
    page.goto(f"/pumps/{pump.pk}/")
    page.get_by_role("link", name="Brim", exact=True).click()
    page.locator("#id_mrn").fill(pump.patient.mrn)
    page.locator("#id_kind").select_option("viewing")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("main .items > .item")).to_have_count(1)
    expect(page.locator("main .items > .item")).to_contain_text("The pump's page")
    fits(page)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download as CSV").click()
    assert "The pump's page" in download.value.path().read_text()
    page.locator("#id_mrn").fill("nobody")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("No patient of this clinic has this MRN.")).to_be_visible()
    fits(page)

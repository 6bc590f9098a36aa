"""A date that is typed is said in words beside it, in the page's language; the clinic's zone where that is another."""

from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from clinics.models import Clinic, User
from clinics.roles import Role
from pumps.models import Pump
from tests.browser.accessible import violations
from tests.browser.people import enter
from tests.builders import a_running_pump, a_user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def pump(clinic: Clinic) -> Pump:
    return a_running_pump(clinic, filled_days_ago=90, now=timezone.now())


def test_a_day_is_said_as_it_is_typed(pump: Pump, nurse: Page) -> None:
    nurse.goto(f"/pumps/{pump.pk}/refill/")
    said = nurse.locator("output[for=id_drug_expires_on]")
    expect(said).to_have_text("")
    before = nurse.evaluate("document.documentElement.scrollHeight")
    nurse.locator("#id_drug_expires_on").fill("2027-08-19")
    expect(said).to_have_text("Thu 19 Aug 2027")
    assert nurse.evaluate("document.documentElement.scrollHeight") == before
    assert violations(nurse) == []
    nurse.locator("#id_drug_expires_on").fill("")
    expect(said).to_have_text("")
    User.objects.update(language="es")
    nurse.goto("/visits/?day=2026-08-19")
    expect(nurse.locator("output[for=day]")).to_have_text("mié 19 ago 2026")


@pytest.mark.parametrize(
    ("zone", "said"),
    [
        ("America/Chicago", "Wed 19 Aug 2026, 14:30"),
        ("Europe/Madrid", "Wed 19 Aug 2026, 14:30, on the clinic's clock (America/Chicago)"),
    ],
)
def test_a_moment_names_the_clinics_zone_where_the_device_has_another(
    chromium: Browser, live_server: Any, clinic: Clinic, pump: Pump, zone: str, said: str
) -> None:
    Clinic.objects.update(timezone="America/Chicago")
    context = chromium.new_context(base_url=live_server.url, timezone_id=zone)
    page = context.new_page()
    enter(page, a_user(Role.NURSE, clinic))
    page.goto(f"/pumps/{pump.pk}/refill/")
    page.locator("#id_refilled_at").fill("2026-08-19T14:30")
    expect(page.locator("output[for=id_refilled_at]")).to_have_text(said)
    context.close()

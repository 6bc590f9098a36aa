"""What is said where an answer is lost: what was asked changed nothing; of what was sent nobody knows."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from clinics.models import Clinic
from clinics.roles import Role
from pumps.models import Pump
from pumps.services import fleet
from scheduling.models import Appointment
from tests.browser.accessible import violations
from tests.browser.conftest import DESK, PHONE
from tests.browser.people import enter
from tests.builders import a_running_pump, a_user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def pump(clinic: Clinic) -> Pump:
    now = timezone.now()
    found = a_running_pump(clinic, filled_days_ago=70, now=now)
    fleet.tick(now)
    return found


@pytest.fixture(params=[DESK, PHONE], ids=["desk", "phone"])
def scheduler(
    chromium: Browser, live_server: Any, clinic: Clinic, pump: Pump, request: pytest.FixtureRequest
) -> Iterator[Page]:
    """A browser complains of lost answers by itself, so its console is not looked at."""
    context = chromium.new_context(viewport=request.param, base_url=live_server.url, service_workers="block")
    page = context.new_page()
    enter(page, a_user(Role.SCHEDULER, clinic))
    page.goto(reverse("worklist"))
    yield page
    context.close()


def test_a_page_denies_nothing_that_may_have_been_done(pump: Pump, scheduler: Page) -> None:
    page, said = scheduler, scheduler.locator("#unreached")
    path = f"**{reverse('book_in_place', args=[pump.pk])}*"
    page.route(path, lambda route: route.abort(), times=1)
    page.locator(f"#of-{pump.pk} .w-visit a").click()
    expect(said).to_contain_text("Nothing was changed")
    page.locator(f"#of-{pump.pk} .w-visit a").click()
    panel = page.locator(f"#panel-{pump.pk}")
    expect(panel.locator(".slot").first).to_be_focused()
    expect(said).to_be_hidden()
    # The time is booked, and the answer is lost on the way.
    page.route(path, lambda route: (route.fetch(), route.abort())[-1], times=1)
    panel.locator(".slot").first.click()
    expect(said).to_contain_text("it is not known whether this arrived")
    assert Appointment.objects.filter(pump=pump).count() == 1
    assert violations(page) == []
    # What is asked meanwhile, and a connection that comes and goes, do not take it back; an answered press does.
    page.context.set_offline(True)
    page.context.set_offline(False)
    panel.get_by_role("link", name="Close").press("Enter")
    expect(panel).to_be_hidden()
    expect(said).to_contain_text("it is not known whether this arrived")
    page.reload()
    expect(said).to_be_hidden()
    expect(page.locator(f"#of-{pump.pk}")).to_contain_text("booked")


@pytest.mark.parametrize(("status", "words"), [(500, "not known whether this arrived"), (403, "Nothing was changed")])
def test_an_error_may_have_come_after_something_was_stored(
    pump: Pump, scheduler: Page, status: int, words: str
) -> None:
    page = scheduler
    page.locator(f"#of-{pump.pk} .w-visit a").click()
    panel = page.locator(f"#panel-{pump.pk}")
    path = f"**{reverse('book_in_place', args=[pump.pk])}*"
    page.route(path, lambda route: route.fulfill(status=status), times=1)
    panel.locator(".slot").first.click()
    expect(page.locator("#unreached")).to_contain_text(words)
    panel.locator(".slot").first.click()
    expect(page.locator("#said")).to_contain_text("Booked")
    expect(page.locator("#unreached")).to_be_hidden()

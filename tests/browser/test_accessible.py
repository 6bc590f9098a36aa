"""Every page of the staff in every role's hands: axe-core finds nothing, and nothing scrolls sideways."""

import pytest
from django.utils import timezone
from playwright.sync_api import Page

from clinics.models import Clinic, Membership, User
from clinics.roles import Role
from pumps.models import Pump
from pumps.services import fleet
from pumps.services.kinds import FORMS
from tests.browser.accessible import violations
from tests.builders import a_running_pump

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


# What an opened part fetches has come: it begins to in the task after the one that opened it.
SETTLED = """async () => {
  const turn = () => new Promise((done) => setTimeout(done, 30));
  await turn();
  while (document.querySelector(".htmx-request")) await turn();
}"""


def of_everybody(pump: Pump) -> list[str]:
    patient, one = f"/patients/{pump.patient_id}", f"/pumps/{pump.pk}"
    return [
        "/", "/?q=nobody", "/visits/", "/patients/", "/patients/?q=Ada", "/alerts/", "/messages/", "/clinics/",
        "/on-call/", "/call-list/", "/calculators/", "/pump-models/", "/account/", f"{patient}/", f"{one}/",
        f"{one}/visit/", "/worklist/now/", "/calendar/week/", "/calendar/month/", "/calendar/load/",
        f"/calendar/week/?for={pump.pk}",
        "/search/", "/search/?q=Ada", "/search/?q=nobody", "/offline/",
    ]  # fmt: skip


def of_care(pump: Pump) -> list[str]:
    patient, one, event = f"/patients/{pump.patient_id}", f"/pumps/{pump.pk}", pump.events.earliest("pk").pk
    return [
        f"{one}/guided/", f"{one}/events/{event}/visit/", "/today/",
        f"{one}/refill/", f"{one}/dose/", f"{one}/log/", *(f"{one}/log/{kind}/" for kind in FORMS),
        f"{one}/events/{event}/void/", f"{one}/events/{event}/correct/", f"{one}/what-if/", f"{one}/known/",
        f"{one}/report/", f"{one}/owner/", f"{one}/change/", f"{one}/explant/", f"{one}/replace/", f"{one}/low-level/",
        f"{patient}/change/", f"{patient}/status/", f"{patient}/contacts/new/", f"{patient}/pumps/new/",
        f"{patient}/transfer/", "/patients/new/", "/fleet/", f"{patient}/emergency-card/",
        f"{one}/events/{event}/void/?all=1",
        f"{one}/reservoir/?span=all", f"{one}/why/volume/", f"{one}/why/earliest_low_at/",
    ]  # fmt: skip


def of_administration(pump: Pump) -> list[str]:
    clinic = f"/clinics/{pump.clinic_id}"
    pages = (
        "", "settings/", "products/", "tiers/", "closed-days/", "visits/", "go-live/", "history/", "people/",
        "on-call/", "webhooks/", "call-list/", "protocol/",
    )  # fmt: skip
    homes = ("/administration/", "/preparing/", "/audit/", "/audit/?since=soon")
    return [
        *(f"{clinic}/{page}" for page in pages),
        "/imports/",
        "/pump-models/synchromed-ii-40/",
        *homes,
        f"/guide/{pump.clinic_id}/",
        "/engine/",
    ]


def look(page: Page, paths: list[str]) -> None:
    found = {}
    for path in paths:
        page.goto(path)
        page.evaluate("document.querySelectorAll('main details').forEach(part => part.open = true)")
        page.evaluate(SETTLED)
        said = violations(page)
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            said.append("scrolls sideways")
        if page.locator("h1").count() != 1:
            said.append("not one heading")
        if said:
            found[path] = said
    assert found == {}


@pytest.fixture
def pump(clinic: Clinic) -> Pump:
    """Of a clinic with something on every page: due, alerted, told."""
    now = timezone.now()
    found = a_running_pump(clinic, filled_days_ago=90, now=now)
    a_running_pump(clinic, filled_days_ago=3, now=now)
    fleet.tick(now)
    return found


def as_role(role: Role) -> None:
    """The person at the browser has another role from now on."""
    user = User.objects.get(memberships__role=Role.NURSE.value)
    Membership.objects.filter(user=user).update(role=role.value)


def test_the_pages_of_a_nurse(pump: Pump, nurse: Page) -> None:
    look(nurse, [*of_everybody(pump), *of_care(pump)])


def test_the_pages_of_a_scheduler(pump: Pump, nurse: Page) -> None:
    as_role(Role.SCHEDULER)
    look(nurse, of_everybody(pump))


def test_the_pages_of_an_administrator(pump: Pump, nurse: Page) -> None:
    as_role(Role.ADMINISTRATOR)
    look(nurse, of_administration(pump))

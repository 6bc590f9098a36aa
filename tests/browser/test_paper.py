"""The emergency card, and long work that is watched and stopped: in a real browser, at a desk and on a phone."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from clinics.models import Clinic, Job, Membership, User
from clinics.roles import Role
from clinics.services.meter import Meter
from portal.card_links import address_of
from portal.models import CardLink
from pumps import tasks
from pumps.models import Pump
from pumps.services import long_work
from tests.browser.accessible import violations
from tests.browser.conftest import DESK, PHONE
from tests.builders import a_running_pump, a_user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
# Slow enough that somebody reads along and has time to press a button.
PAUSE_S = 0.6


def check(page: Page) -> None:
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert page.locator("h1").count() == 1


@pytest.fixture
def pump(clinic: Clinic) -> Pump:
    clinic.phone = "+1 555 0100"
    clinic.save()
    return a_running_pump(clinic, now=timezone.now())


@pytest.fixture
def administrator(nurse: Page) -> Page:
    user = User.objects.get(memberships__role=Role.NURSE.value)
    Membership.objects.filter(user=user).update(role=Role.ADMINISTRATOR.value)
    nurse.set_default_timeout(15_000)
    return nurse


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A worker beside the server, which takes a pump at a time."""
    workers: list[threading.Thread] = []
    stored = Meter.stored

    def slowly(self: Meter, *counts: Any, **more: Any) -> None:
        time.sleep(PAUSE_S)
        stored(self, *counts, **more)

    def run() -> None:
        try:
            tasks.run_jobs()
        finally:
            connection.close()

    def hurry() -> None:
        workers.append(threading.Thread(target=run))
        workers[-1].start()

    monkeypatch.setattr(long_work, "BATCH", 1)
    monkeypatch.setattr(Meter, "stored", slowly)
    monkeypatch.setattr("pumps.pages.long_work.hurry", hurry)
    yield
    for each in workers:
        each.join(timeout=30)


def test_a_card_is_turned_on_printed_shown_and_ended(pump: Pump, administrator: Page) -> None:
    page = administrator
    page.goto(f"/patients/{pump.patient_id}/")
    page.get_by_role("link", name="Emergency card").click()
    check(page)
    page.get_by_label("Consent").fill("Ada herself, in writing")
    page.get_by_role("button", name="Turn the page on").click()
    expect(page.get_by_role("status").first).to_contain_text("The page is on")
    check(page)
    with page.expect_download() as downloading:
        page.evaluate(
            """address => { const link = document.createElement("a"); link.href = address; link.download = "card.pdf";
            document.body.append(link); link.click(); link.remove(); }""",
            f"/patients/{pump.patient_id}/emergency-card/print/?paper=a4",
        )
    assert downloading.value.path().read_bytes().startswith(b"%PDF")
    path = f"/c/{address_of(CardLink.objects.get()).rpartition('/c/')[2]}"
    page.goto(path)
    expect(page.get_by_text("200 mcg per day (8.33 mcg per hour)")).to_be_visible()
    check(page)
    page.goto(f"/patients/{pump.patient_id}/emergency-card/")
    page.get_by_role("button", name="Turn the page off").click()
    expect(page.get_by_role("status").first).to_contain_text("The page is off")
    check(page)


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_an_ended_card_says_so(chromium: Browser, live_server: Any, pump: Pump, size: Any) -> None:
    now = timezone.now()
    link = CardLink.objects.create(
        patient=pump.patient, nonce="x", consent="yes", turned_on_at=now, renewed_at=now, turned_off_at=now,
        turned_on_by=a_user(Role.NURSE, pump.clinic),
    )  # fmt: skip
    # A window whose console is not held against it: a browser complains there of each answer that is no 200.
    context = chromium.new_context(viewport=size, base_url=live_server.url)
    page = context.new_page()
    answer = page.goto(f"/c/{address_of(link).rpartition('/c/')[2]}")
    assert answer is not None
    assert answer.status == 410
    expect(page.get_by_role("heading", name="This card is no longer valid")).to_be_visible()
    check(page)
    assert context.cookies() == []
    context.close()


def test_forecasts_are_made_anew_watched_and_stopped(
    clinic: Clinic, pump: Pump, administrator: Page, worker: None
) -> None:
    for _ in range(11):
        a_running_pump(clinic, now=timezone.now())
    page = administrator
    page.goto(f"/clinics/{clinic.pk}/settings/")
    page.get_by_role("button", name="Compute all forecasts now").click()
    expect(page.locator("#progress-words")).to_contain_text("of 12 pumps")
    check(page)
    expect(page.locator("#progress-left")).to_contain_text("less than a minute left")
    expect(page.locator("#progress-said")).to_contain_text("%. Computing forecasts")
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Forecasts computed anew: cancelled")
    expect(page.locator("main")).to_contain_text("of 12 pumps have a new forecast. The other")
    assert 0 < Job.objects.get().report["pumps"] < 12
    check(page)
    page.goto("/jobs/")
    expect(page.locator(".tier", has_text="Cancelled")).to_be_visible()
    check(page)


def test_a_report_is_watched_to_its_end_and_downloaded(
    clinic: Clinic, pump: Pump, administrator: Page, worker: None
) -> None:
    page = administrator
    page.goto(f"/clinics/{clinic.pk}/fleet-report/")
    check(page)
    page.get_by_label("Month").fill(f"{timezone.now():%Y-%m}")
    page.get_by_role("button", name="Make the report").click()
    with page.expect_download() as downloading:
        page.get_by_role("link", name="Download the report (PDF)").click()
    assert downloading.value.path().read_bytes().startswith(b"%PDF")
    check(page)

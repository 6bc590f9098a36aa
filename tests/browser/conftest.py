"""A real Chromium against a live server. `BRIM_CHROMIUM` names the browser; CI never skips these tests."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from clinics.models import Clinic
from clinics.roles import Role
from tests.builders import PASSWORD, a_clinic, a_user

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESK, PHONE = {"width": 1280, "height": 900}, {"width": 360, "height": 740}


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = os.environ.get("BRIM_CHROMIUM")
    if not path:
        said = "NO BROWSER TEST RUNS: set BRIM_CHROMIUM to a Chromium's path."
        if os.environ.get("CI"):
            pytest.fail(said)
        pytest.skip(said)
    # Playwright keeps an event loop in this thread, which is no reason to refuse the database.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture(params=[DESK, PHONE], ids=["desk", "phone"])
def page(chromium: Browser, request: pytest.FixtureRequest, live_server: Any) -> Iterator[Page]:
    """A fresh browser window; whatever it complains of on its console fails the test.

    Without a service worker, past which a test cannot answer in the server's place; test_offline.py has one.
    """
    context = chromium.new_context(viewport=request.param, base_url=live_server.url, service_workers="block")
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    assert complaints == []


@pytest.fixture
def clinic(committed: None) -> Clinic:
    return a_clinic("Harbor")


@pytest.fixture
def nurse(clinic: Clinic, page: Page) -> Page:
    """A nurse of the clinic, logged in through the page, at whichever home is theirs."""
    user = a_user(Role.NURSE, clinic)
    page.goto("/")
    page.get_by_label("E-mail").fill(user.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in", exact=True).click()
    # Their home comes first, whatever their role's is.
    page.wait_for_url(lambda address: "/login/" not in address)
    page.goto("/")
    page.get_by_role("heading", name="Worklist").wait_for()
    return page

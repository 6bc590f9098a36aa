"""A real Chromium against a live server. `BRIM_CHROMIUM` names the browser; CI never skips these tests."""

import os
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from playwright.sync_api import Browser, Page, sync_playwright

from clinics.models import Clinic
from clinics.roles import Role
from tests.browser.people import enter
from tests.builders import a_clinic, a_user

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Each request has a session of its own in the database, and ends it.
AT_WORK = """
SELECT pid FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND backend_start > %s
"""
PATIENCE_S = 10.0
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


@pytest.fixture(autouse=True)
def _answered(transactional_db: None) -> Iterator[None]:
    """What the server still answers when a window closes is answered before the database is emptied under it."""
    [(begun,)] = _asked("SELECT clock_timestamp()")
    yield
    end = time.monotonic() + PATIENCE_S
    while _asked(AT_WORK, begun) and time.monotonic() < end:
        time.sleep(0.02)


def _asked(sql: str, *parameters: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())


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
    """A nurse of the clinic, logged in, before the worklist."""
    enter(page, a_user(Role.NURSE, clinic))
    page.goto("/")
    page.get_by_role("heading", name="Worklist").wait_for()
    return page

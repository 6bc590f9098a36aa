"""The smallest phone there is: 320 px, which is also a desk at 400 %. Nothing is cut off or scrolls sideways."""

import pytest
from django.utils import timezone
from playwright.sync_api import Page

from clinics.models import Clinic
from tests.builders import a_pump, a_running_pump

pytestmark = pytest.mark.browser


def test_no_page_is_wider_than_the_smallest_phone(clinic: Clinic, nurse: Page) -> None:
    now = timezone.now()
    pumps = [a_running_pump(clinic, filled_days_ago=days, now=now) for days in (5, 90)]
    pumps.append(a_pump(clinic, now=now))
    nurse.set_viewport_size({"width": 320, "height": 640})
    of_pumps = [f"/pumps/{pump.pk}/" for pump in pumps]
    for path in [
        "/",
        *of_pumps,
        f"{of_pumps[0]}refill/",
        f"{of_pumps[0]}dose/",
        "/alerts/",
        "/clinics/",
        f"{of_pumps[0]}what-if/?daily_dose_mcg=250&concentration_mcg_per_ml=2000",
        "/calculators/",
        "/calendar/week/",
        "/calendar/month/",
        "/calendar/load/",
    ]:
        nurse.goto(path)
        nurse.evaluate("document.querySelectorAll('main details').forEach(part => part.open = true)")
        assert nurse.evaluate("document.documentElement.scrollWidth") == 320, path

"""What a scheduler does all day: books in place, moves in the calendar, calls, prints; at the desk and by phone."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from clinics.models import Clinic, Membership, User
from clinics.roles import Role
from pumps.models import Pump
from pumps.services import booking, fleet
from scheduling.models import Appointment, Call
from tests.browser.accessible import violations
from tests.browser.conftest import DESK
from tests.builders import a_patient, a_running_pump
from tests.scheduling.visits import a_visit

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def pumps(clinic: Clinic) -> dict[str, Pump]:
    now = timezone.now()
    found = {}
    for name, days in (("Past", 82.0), ("Soon", 70.0), ("Next", 68.0), ("Full", 2.0)):
        patient = a_patient(clinic, family_name=name, phone="+1 555 0100")
        found[name] = a_running_pump(clinic, patient=patient, filled_days_ago=days, now=now)
    fleet.tick(now)
    return found


@pytest.fixture
def scheduler(pumps: dict[str, Pump], nurse: Page) -> Page:
    user = User.objects.get(memberships__role=Role.NURSE.value)
    Membership.objects.filter(user=user).update(role=Role.SCHEDULER.value)
    nurse.goto(reverse("worklist"))
    return nurse


def look(page: Page) -> None:
    """Nothing that axe-core finds, and nothing wider than the window."""
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def row_of(page: Page, pump: Pump) -> str:
    return f"#of-{pump.pk}"


def open_row(page: Page, pump: Pump) -> None:
    page.locator(f"#of-{pump.pk} .w-visit a").click()
    expect(page.locator(f"#panel-{pump.pk}")).to_be_visible()


def test_the_day_of_a_scheduler(scheduler: Page, pumps: dict[str, Pump]) -> None:
    page, soon = scheduler, pumps["Soon"]
    expect(page.locator(".chip").first).to_be_visible()
    expect(page.locator("#now")).to_contain_text("To call now")
    look(page)

    open_row(page, soon)
    panel = page.locator(f"#panel-{soon.pk}")
    expect(panel.locator(".slot").first).to_be_focused()
    look(page)
    panel.locator(".slot").first.click()
    expect(page.locator(row_of(page, soon))).to_contain_text("booked")
    expect(page.locator("#said")).to_contain_text("Booked")
    expect(panel.locator("[data-focus]")).to_be_focused()
    look(page)
    visit = Appointment.objects.get(pump=soon)
    panel.get_by_role("button", name="Undo").click()
    expect(page.locator("#said")).to_contain_text("is cancelled")
    visit.refresh_from_db()
    assert visit.state == "cancelled"
    panel.locator(".slot").nth(1).click()
    expect(page.locator("#said")).to_contain_text("Booked")

    panel.get_by_role("link", name="See the week").click()
    expect(page.get_by_role("heading", name="Calendar")).to_be_visible()
    look(page)
    page.locator(".cal-free a").nth(2).click()
    expect(page.get_by_text("The visit is now on")).to_be_visible()
    look(page)
    page.get_by_role("button", name="Move").click()
    expect(page.get_by_role("status").first).to_contain_text("moved")
    assert Appointment.objects.get(pump=soon, state="booked").sequence == 1
    for view in ("Month", "Six weeks"):
        page.locator(".cal-views").get_by_role("link", name=view, exact=True).click()
        page.get_by_role("link", name="Next").click()
        look(page)

    page.goto(reverse("worklist"))
    page.get_by_role("link", name="Call list").first.click()
    expect(page.get_by_role("heading", name="Call list")).to_be_visible()
    look(page)
    page.goto(reverse("worklist"))
    with page.expect_download() as download:
        page.get_by_role("link", name="Print (PDF)").click()
    assert download.value.suggested_filename.startswith("worklist-")


def test_what_stands_in_the_way_is_said_in_the_row(scheduler: Page, pumps: dict[str, Pump]) -> None:
    page, past = scheduler, pumps["Past"]
    open_row(page, past)
    panel = page.locator(f"#panel-{past.pk}")
    expect(panel).to_contain_text("Refill-by is past: the earliest times")
    meanwhile = a_visit(past, timezone.now() + timedelta(days=5), now=timezone.now(), late_reason="on holiday")
    panel.locator(".slot").first.click()
    expect(page.locator("#said")).to_contain_text("A visit is booked for this pump already")
    expect(page.locator(f"#panel-{past.pk} .said").first).to_be_focused()
    look(page)
    booking.cancel(appointment_id=meanwhile.pk, reason="a mistake", by=None, now=timezone.now())
    page.goto(reverse("worklist"))
    open_row(page, past)
    panel.locator(".slot").first.click()
    expect(page.locator("#said")).to_contain_text("Booked")
    expect(page.locator(f"#of-{past.pk} .w-visit")).to_contain_text("After refill-by")
    assert "before refill-by" in Appointment.objects.get(pump=past, state="booked").late_reason


def test_a_call_is_kept_where_it_is_made_and_taken_back(
    scheduler: Page, clinic: Clinic, pumps: dict[str, Pump]
) -> None:
    page, past = scheduler, pumps["Past"]
    page.locator(".to-call-all > summary").click()
    row = page.locator("#now .called").first
    row.get_by_role("button", name="Nobody answered").click()
    expect(row).to_contain_text("nobody answered ·")
    expect(page.locator("#said")).to_contain_text("nobody answered")
    expect(row.locator("[data-focus]")).to_be_focused()
    box = row.locator("[data-focus]").bounding_box()
    assert box is not None
    assert box["height"] > 10, "where the keyboard goes on is seen"
    assert row.locator(".called-last").count() == 1
    look(page)
    assert Call.objects.get().pump == past

    page.goto(reverse("clinic_call_list", args=[clinic.pk]))
    cells = page.locator(".called", has_text="nobody answered ·")
    expect(cells).to_have_count(2)
    first = page.locator(".called").first
    first.locator("summary").click()
    first.get_by_label("Note").fill("on Tuesday")
    look(page)
    first.get_by_role("button", name="Will call back").click()
    # In both tables of the page.
    expect(page.locator(".called", has_text="will call back: on Tuesday ·")).to_have_count(2)
    expect(page.locator("#said")).to_contain_text("will call back")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(first.get_by_role("button", name="Undo")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_contain_text("marked as entered in error")
    expect(cells).to_have_count(2)
    page.goto(reverse("visit", args=[past.pk]))
    expect(page.locator("s")).to_contain_text("on Tuesday")
    look(page)


def test_a_move_is_taken_back_in_the_row(scheduler: Page, pumps: dict[str, Pump]) -> None:
    page, soon = scheduler, pumps["Soon"]
    panel = page.locator(f"#panel-{soon.pk}")
    open_row(page, soon)
    panel.locator(".slot").first.click()
    expect(page.locator("#said")).to_contain_text("Booked")
    was = Appointment.objects.get(pump=soon).starts_at
    panel.get_by_role("link", name="Close").click()
    expect(panel).to_be_hidden()
    open_row(page, soon)
    panel.locator(".slot").nth(2).click()
    expect(page.locator("#said")).to_contain_text("Moved to")
    panel.get_by_role("button", name="Undo").click()
    expect(page.locator("#said")).to_contain_text("The visit is again on")
    look(page)
    assert Appointment.objects.get(pump=soon).starts_at == was


def test_a_visit_is_booked_by_keyboard_alone(scheduler: Page, pumps: dict[str, Pump]) -> None:
    page, next_one = scheduler, pumps["Next"]
    page.locator(f"#of-{next_one.pk} .w-visit a").focus()
    page.keyboard.press("Enter")
    expect(page.locator(f"#panel-{next_one.pk} .slot").first).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_contain_text("Booked")
    assert Appointment.objects.get(pump=next_one).state == "booked"
    page.keyboard.press("Tab")
    expect(page.locator(f"#panel-{next_one.pk}").get_by_role("button", name="Undo")).to_be_focused()
    page.locator(f"#panel-{next_one.pk}").get_by_role("link", name="Close").press("Enter")
    expect(page.locator(f"#of-{next_one.pk} .w-visit a")).to_be_focused()


@pytest.mark.parametrize("page", [DESK], ids=["desk"], indirect=True)
def test_a_dozen_rows_stand_above_the_fold(scheduler: Page, clinic: Clinic) -> None:
    for _ in range(12):
        a_running_pump(clinic, filled_days_ago=72, now=timezone.now())
    scheduler.goto(reverse("worklist"))
    expect(scheduler.locator(".chip").first).to_be_visible()
    # No engine runs in a test, which the page says above everything else.
    scheduler.evaluate("document.querySelector('.banner')?.remove()")
    rows = "[...document.querySelectorAll('.line')]"
    bottoms = scheduler.evaluate(f"{rows}.map((row) => row.getBoundingClientRect().bottom)")
    size = scheduler.viewport_size
    assert size is not None
    assert len([bottom for bottom in bottoms if bottom <= size["height"]]) >= 12

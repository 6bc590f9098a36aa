"""A clinic's first day, without a spreadsheet and without a shell: from an empty Brim to a pump that is watched."""

from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from clinics.models import Clinic
from clinics.roles import Role
from pumps.models import Event, Pump, PumpModel
from tests.builders import PASSWORD, a_user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

NEW_PASSWORD = "a calm green pump"


def log_in(page: Page, email: str, password: str = PASSWORD) -> None:
    page.goto("/")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in", exact=True).click()
    page.wait_for_url(lambda address: "/login/" not in address)


def log_out(page: Page) -> None:
    page.context.clear_cookies()


def told(page: Page, words: str) -> None:
    expect(page.locator(".said[role=status]")).to_contain_text(words)


def invite(page: Page, clinic: Clinic, email: str, role: Role) -> str:
    """The address of the invitation, which the page shows where there is no mail server."""
    page.goto(f"/clinics/{clinic.pk}/people/")
    page.get_by_label("E-mail").fill(email)
    page.locator(f"input[name=roles][value={role.value}]").check()
    page.get_by_role("button", name="Send the invitation").click()
    told(page, f"Invited: {email}")
    shown = page.locator(".item", has_text=email).get_by_role("link").inner_text()
    return urlsplit(shown).path


def accept(page: Page, address: str, name: str) -> None:
    log_out(page)
    page.goto(address)
    page.get_by_label("Your name").fill(name)
    page.get_by_label("Password", exact=True).fill(NEW_PASSWORD)
    page.get_by_label("Password again").fill(NEW_PASSWORD)
    page.locator("main").get_by_role("button").last.click()
    page.wait_for_url(lambda address: "/invitations/" not in address)


def refill(page: Page, pump: Pump, days_ago: int, aspirated: str) -> None:
    moment = (timezone.now() - timedelta(days=days_ago)).astimezone(pump.clinic.zone)
    page.goto(f"/pumps/{pump.pk}/refill/")
    page.get_by_label("Refilled at").fill(moment.strftime("%Y-%m-%dT%H:%M"))
    if aspirated:
        page.get_by_label("Aspirated").fill(aspirated)
    page.get_by_label("Filled", exact=True).fill("40")
    page.get_by_label("Concentration of the drug").select_option("500")
    page.get_by_role("button", name="Check before saving").click()
    save(page)


def save(page: Page) -> None:
    expect(page.get_by_role("heading", name="What it changes")).to_be_visible()
    for box in page.get_by_role("checkbox").all():
        box.check()
    page.get_by_role("button", name="Save").last.click()
    told(page, "Saved.")


def test_from_an_empty_clinic_to_a_pump_found_by_its_serial(page: Page, committed: None) -> None:
    page.set_default_timeout(10_000)
    administrator = a_user(Role.ADMINISTRATOR)
    log_in(page, administrator.email)
    page.goto("/clinics/new/")
    page.get_by_label("Name").fill("Harbor")
    page.get_by_label("Timezone").select_option("America/New_York")
    page.locator("main").get_by_role("button").last.click()
    told(page, "Harbor is open")
    clinic = Clinic.objects.get()
    nurse = invite(page, clinic, "nurse@example.org", Role.NURSE)
    scheduler = invite(page, clinic, "scheduler@example.org", Role.SCHEDULER)

    accept(page, nurse, "Nora Nurse")
    page.goto("/patients/new/")
    page.get_by_label("Given name").fill("Ada")
    page.get_by_label("Family name").fill("Rossi")
    page.get_by_label("MRN").fill("M-77")
    page.get_by_label("Born on").fill("1980-05-17")
    page.get_by_label("Origin of the spasticity").select_option("spinal")
    page.get_by_role("button", name="Save the patient").click()
    told(page, "Rossi")

    page.get_by_label("Model").select_option(str(PumpModel.objects.get(slug="synchromed-ii-40").pk))
    page.get_by_label("Serial number").fill("NGP123456H")
    page.get_by_label("Implanted on").fill((timezone.now() - timedelta(days=300)).strftime("%Y-%m-%d"))
    page.locator("main").get_by_role("button").last.click()
    expect(page.get_by_role("heading", name="Rossi").first).to_be_visible()
    pump = Pump.objects.get()

    refill(page, pump, 200, "")
    page.goto(f"/pumps/{pump.pk}/dose/")
    started = (timezone.now() - timedelta(days=200)).astimezone(pump.clinic.zone) + timedelta(minutes=1)
    page.get_by_label("In effect from").fill(started.strftime("%Y-%m-%dT%H:%M"))
    page.get_by_label("Daily dose").fill("200")
    page.get_by_role("button", name="Check before saving").last.click()
    save(page)
    refill(page, pump, 130, "12")
    refill(page, pump, 60, "12")
    assert pump.events.filter(kind="refill").count() == 3

    page.goto(f"/pumps/{pump.pk}/dose/")
    page.get_by_label("Daily dose").fill("4800")
    page.get_by_role("button", name="Check before saving").last.click()
    expect(page.get_by_text("about 24 times the present 200 mcg/day")).to_be_visible()
    assert pump.events.filter(kind="dose_change").count() == 1
    save(page)
    slip = pump.events.latest("pk")
    page.goto(f"/pumps/{pump.pk}/events/{slip.pk}/void/")
    page.get_by_label("What was wrong with it?").fill("an hourly rate, typed as a daily dose")
    page.get_by_role("button", name="Mark as entered in error").click()
    told(page, "Marked as entered in error")
    assert Event.objects.get(voids=slip).reason == "an hourly rate, typed as a daily dose"
    expect(page.locator(".voided .title")).to_have_css("text-decoration-line", "line-through")

    accept(page, scheduler, "Sam Scheduler")
    if page.locator(".filter-fold").is_visible():
        page.locator(".filter-fold").click()
    page.get_by_role("searchbox").first.fill("NGP1234")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Rossi, Ada").first).to_be_visible()

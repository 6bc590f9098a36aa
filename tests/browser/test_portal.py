"""The pages behind a patient's link, on a phone and at a desk, with scripts and without: usable, and accessible by
axe-core's rules for WCAG 2.2 AA."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from alerts.models import Report
from pumps.models import Pump
from scheduling.models import Appointment
from tests.browser.accessible import violations
from tests.portal.links import a_caregiver, a_message, a_patients_pump, a_visit, path_of

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
TAP = 44
# What a finger aims at. A radio button or a box is reached through its label.
TARGETS = "a, button, textarea, audio, fieldset label"


@pytest.fixture(params=[{"width": 390, "height": 844}, {"width": 1280, "height": 900}], ids=["phone", "desk"])
def size(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def opened(chromium: Browser, live_server: Any, size: Any) -> Iterator[Callable[..., Page]]:
    """Opens a window, with scripts or without. Nothing may go to another server, and nothing may be complained of."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []
    elsewhere: list[str] = []

    def window(*, scripts: bool) -> Page:
        context = chromium.new_context(viewport=size, base_url=live_server.url, java_script_enabled=scripts)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("request", lambda asked: elsewhere.append(asked.url) if live_server.url not in asked.url else None)
        return page

    yield window
    for context in contexts:
        assert context.cookies() == []
        context.close()
    assert [one for one in complaints if "410 (Gone)" not in one and "404 (Not Found)" not in one] == []
    assert elsewhere == []


@pytest.fixture
def pump(committed: None) -> Pump:
    return a_patients_pump()


def go_by(page: Page, target: Locator) -> None:
    """Each button and link behind a patient's link opens a page: it is waited for."""
    with page.expect_navigation():
        target.click()


def press(page: Page, name: str) -> None:
    go_by(page, page.get_by_role("button", name=name, exact=True))


def follow(page: Page, name: str) -> None:
    go_by(page, page.get_by_role("link", name=name, exact=True))


def small(page: Page) -> list[str]:
    boxes = [(target, target.bounding_box()) for target in page.locator(TARGETS).all()]
    return [
        target.inner_text() for target, box in boxes if box is not None and (box["height"] < TAP or box["width"] < TAP)
    ]


def look_at(page: Page, place: str) -> None:
    assert violations(page) == [], place
    assert small(page) == [], place
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), place
    assert page.locator("h1").count() == 1, place


# How to reach every page and state from the first page: links followed and buttons pressed, in order.
WAYS: dict[str, tuple[tuple[Callable[[Page, str], None], str], ...]] = {
    "the first page": (),
    "called back": ((press, "Please call me back"),),
    "unwell": ((follow, "I feel unwell"),),
    "unwell, nothing ticked": ((follow, "I feel unwell"), (press, "Tell the clinic")),
    "alarm": ((follow, "I hear an alarm"),),
    "one tone": ((follow, "I hear an alarm"), (press, "I hear one tone")),
    "two tones": ((follow, "I hear an alarm"), (press, "I hear two tones")),
    "unsubscribing": ((follow, "Stop these e-mails"),),
    "unsubscribed": ((follow, "Stop these e-mails"), (press, "Stop the e-mails")),
    "the first page, without e-mail": (),
    "e-mail again?": ((follow, "Send me e-mails again"),),
    "e-mail again": ((follow, "Send me e-mails again"), (press, "Send me e-mails again")),
}


def walk(page: Page, start: str) -> None:
    for place, steps in WAYS.items():
        page.goto(start)
        for how, name in steps:
            how(page, name)
        look_at(page, place)


def test_each_page_without_a_visit_passes(opened: Callable[..., Page], pump: Pump) -> None:
    page, path = opened(scripts=True), path_of(a_message(pump))
    walk(page, path)
    for signs, place in (("I am sweating", "unwell, told"), ("I have a fever", "emergency")):
        page.goto(path)
        follow(page, "I feel unwell")
        page.get_by_label(signs).check()
        press(page, "Tell the clinic")
        look_at(page, place)
    page.goto(path)
    press(page, "A visit is booked already")
    look_at(page, "said to be booked")
    page.goto(path)
    follow(page, "Choose a time")
    look_at(page, "times")
    go_by(page, page.get_by_role("button").first)
    look_at(page, "booked")


def test_each_page_with_a_visit_passes(opened: Callable[..., Page], pump: Pump) -> None:
    page, path = opened(scripts=True), path_of(a_message(pump, visit=a_visit(pump)))
    page.goto(path)
    look_at(page, "visit")
    follow(page, "No, I cannot come then")
    look_at(page, "other times")
    go_by(page, page.get_by_role("button").first)
    look_at(page, "moved")
    page.goto(path)
    press(page, "Yes, I will come")
    look_at(page, "confirmed")
    follow(page, "Back to the first page")
    look_at(page, "visit, confirmed")


def test_each_page_of_a_contact_passes(opened: Callable[..., Page], pump: Pump) -> None:
    page = opened(scripts=True)
    path = path_of(a_message(pump, contact=a_caregiver(pump.patient), visit=a_visit(pump)))
    page.goto(path)
    look_at(page, "visit")
    follow(page, "Ada feels unwell")
    look_at(page, "unwell")
    page.get_by_label("Cannot be woken, or passed out").check()
    press(page, "Tell the clinic")
    look_at(page, "emergency")
    assert Report.objects.get().contact is not None


def test_a_link_that_ended_or_never_was_passes(opened: Callable[..., Page], pump: Pump) -> None:
    page, row = opened(scripts=True), a_message(pump)
    pump.patient.status, pump.patient.status_on = "deceased", pump.implanted_on
    pump.patient.save()
    for path in (path_of(row), "/v/wrong/"):
        page.goto(path)
        expect(page.get_by_role("heading")).to_have_text("This link has ended")
        look_at(page, path)


def test_everything_works_without_scripts(opened: Callable[..., Page], pump: Pump) -> None:
    page, path = opened(scripts=False), path_of(a_message(pump))
    page.goto(path)
    follow(page, "Choose a time")
    go_by(page, page.get_by_role("button").first)
    expect(page.get_by_role("status")).to_contain_text("The visit is booked")
    follow(page, "Back to the first page")
    press(page, "Yes, I will come")
    assert Appointment.objects.get().state == "confirmed"
    follow(page, "Back to the first page")
    follow(page, "I feel unwell")
    page.get_by_label("Ada is, and I write for them").check()
    page.get_by_label("I have a fever").check()
    page.get_by_label("1 to 6 hours ago").check()
    page.get_by_label("Something else?").fill("very hot")
    press(page, "Tell the clinic")
    expect(page.get_by_role("heading").first).to_have_text("Call the emergency number now")
    expect(page.get_by_role("link", name="Call 911")).to_have_attribute("href", "tel:911")
    follow(page, "Back to the first page")
    follow(page, "I hear an alarm")
    press(page, "I hear two tones")
    expect(page.get_by_role("heading").first).to_have_text("Call the emergency number now")
    assert sorted(Report.objects.values_list("kind", flat=True)) == ["two_tones", "withdrawal"]


def test_both_sounds_play(opened: Callable[..., Page], pump: Pump) -> None:
    page = opened(scripts=True)
    page.goto(path_of(a_message(pump)) + "sound/")
    lengths = page.evaluate(
        """Promise.all([...document.querySelectorAll('audio')].map(audio => new Promise((done, fail) => {
            audio.addEventListener('loadedmetadata', () => done(audio.duration));
            audio.addEventListener('error', () => fail(audio.error.message));
            audio.load(); audio.preload = 'metadata';
        })))"""
    )
    assert [round(length, 1) for length in lengths] == [0.9, 2.6]


def test_a_printed_visit_has_its_time_and_the_phone_and_no_buttons(opened: Callable[..., Page], pump: Pump) -> None:
    page = opened(scripts=True)
    page.goto(path_of(a_message(pump, visit=a_visit(pump))))
    page.emulate_media(media="print")
    expect(page.get_by_text("New York time")).to_be_visible()
    expect(page.get_by_text(re.compile("Call Harbor"))).to_be_visible()
    for button in page.get_by_role("button").all():
        expect(button).to_be_hidden()

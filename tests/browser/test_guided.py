"""The guided refill visit in a real browser, at the desk and in one hand: the whole way, and without a connection."""

import re
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from clinics.models import Clinic, User
from clinics.roles import Role
from pumps.models import Pump, VisitDraft
from pumps.services import booking
from scheduling.models import Appointment
from tests.browser.accessible import violations
from tests.browser.conftest import DESK, PHONE
from tests.browser.people import enter
from tests.builders import a_pump, a_running_pump, a_user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
TAP = 44


@pytest.fixture
def pump(clinic: Clinic) -> Pump:
    return a_running_pump(clinic, filled_days_ago=80, now=timezone.now())


def look(page: Page, place: str) -> None:
    assert violations(page) == [], place
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), place
    assert page.locator("h1").count() == 1, place
    buttons = [
        one.bounding_box()
        for one in page.locator("main button:not(.visually-hidden):visible, .visit-steps a:visible").all()
    ]
    assert all(box is not None and box["height"] >= TAP for box in buttons), place


def in_one_hand(page: Page) -> None:
    page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})


def forward(page: Page) -> None:
    page.get_by_role("button", name="Next").click()


def at(page: Page, name: str) -> None:
    expect(page.get_by_role("heading", name=name, level=2)).to_be_visible()
    expect(page.get_by_role("heading", name=name, level=2)).to_be_focused()
    look(page, name)


def to_aspirate(page: Page, pump: Pump) -> None:
    page.goto(f"/pumps/{pump.pk}/guided/")
    page.get_by_label("Name, date of birth").check()
    page.get_by_label("Allergies were asked").check()
    forward(page)
    at(page, "Needle")
    page.get_by_label("Firm stop felt").check()
    forward(page)
    at(page, "Aspirate")


def to_filling(page: Page, pump: Pump) -> None:
    """At the fill, with 8 mL taken out, and nothing odd."""
    to_aspirate(page, pump)
    page.get_by_label("Aspirated").fill("8")
    forward(page)
    at(page, "Fill")
    page.get_by_label("As usual").check()


def kept(page: Page) -> None:
    expect(page.locator("#visit-kept")).to_contain_text(re.compile(r"Saved \d\d:\d\d"))


def test_the_whole_visit_from_the_nurses_day_to_the_printed_report(pump: Pump, nurse: Page) -> None:
    now = timezone.now()
    booking.book(pump_id=pump.pk, starts_at=now + timedelta(days=1), late_reason="away", by=a_user(), now=now)
    Appointment.objects.update(starts_at=now)
    nurse.goto("/today/")
    expect(nurse.get_by_text("40 mL of 500 mcg/mL")).to_be_visible()
    look(nurse, "today")
    nurse.get_by_role("button", name="Arrived").click()
    expect(nurse.get_by_role("heading", name="Today", exact=True)).to_be_visible()
    nurse.get_by_role("link", name=re.compile("Refill visit")).first.click()
    look(nurse, "check")
    forward(nurse)
    expect(nurse.get_by_role("heading", name="Check", level=2)).to_be_visible()
    to_aspirate(nurse, pump)
    nurse.get_by_label("Aspirated").fill("14")
    nurse.get_by_label("Aspirated").press("Tab")
    expect(nurse.locator("#emptied")).to_contain_text("More than expected")
    look(nurse, "a residue that is off")
    nurse.get_by_label("Aspirated").fill("8")
    nurse.get_by_label("Aspirated").press("Enter")
    at(nurse, "Fill")
    nurse.get_by_role("button", name="Back").click()
    expect(nurse.locator("#emptied")).to_contain_text("As expected")
    forward(nurse)
    nurse.get_by_label("Lot number").fill("L-77")
    nurse.get_by_label("As usual").check()
    forward(nurse)
    at(nurse, "Program")
    nurse.get_by_label("Changed at this visit").check()
    nurse.get_by_label("Daily dose").fill("220")
    expect(nurse.locator("#hourly")).to_contain_text("9.167 mcg/h")
    nurse.get_by_label("Why the dose was changed").fill("stiff")
    assert nurse.locator("#visit-newer").is_hidden()
    look(nurse, "program, changed")
    nurse.get_by_role("button", name="Check before storing").last.click()
    at(nurse, "What follows")
    assert pump.events.count() == 2
    nurse.get_by_role("button", name="Store the visit").click()
    expect(nurse.get_by_role("heading", name="Refill visit stored")).to_be_visible()
    expect(nurse.get_by_role("status").first).to_contain_text("Dose: 220 mcg/day")
    look(nurse, "stored")
    nurse.locator(".slots button").first.click()
    expect(nurse.get_by_role("status").first).to_contain_text("Booked for")
    look(nurse, "booked")
    report = nurse.get_by_role("link", name="Print the visit report").get_attribute("href")
    assert report is not None
    assert nurse.request.get(report).headers["content-type"] == "application/pdf"
    assert [event.kind for event in pump.events.order_by("pk")[2:]] == ["refill", "dose_change"]
    assert nurse.evaluate("Object.keys(localStorage).filter(key => key.startsWith('brim-visit'))") == []


def test_what_is_wrong_is_marked_at_its_step_and_a_question_is_answered(pump: Pump, nurse: Page) -> None:
    to_aspirate(nurse, pump)
    nurse.get_by_label("Aspirated").fill("0")
    nurse.get_by_label("Aspirated").press("Tab")
    expect(nurse.locator("#emptied")).to_contain_text("Nothing came out")
    forward(nurse)
    expect(nurse.locator("#emptied [data-look]")).to_be_focused()
    forward(nurse)
    nurse.get_by_label("Stable in the pump").fill("0")
    nurse.get_by_label("As usual").check()
    forward(nurse)
    nurse.get_by_role("button", name="Check before storing").last.click()
    at(nurse, "Not stored: please mend this")
    nurse.get_by_role("link", name="Stable in the pump").click()
    expect(nurse.get_by_label("Stable in the pump")).to_be_focused()
    stable = nurse.get_by_label("Stable in the pump")
    expect(stable).to_have_attribute("aria-invalid", "true")
    expect(nurse.locator("#id_stability_days_error")).to_be_visible()
    expect(stable).to_have_accessible_description(re.compile("^Write 1 or more. Blank: as your clinic"))
    look(nurse, "what is wrong, beside its field")
    nurse.get_by_label("Stable in the pump").fill("180")
    nurse.get_by_label("Stable in the pump").press("Tab")
    expect(nurse.locator("#id_stability_days_error")).to_have_count(0)
    expect(stable).to_have_accessible_description(re.compile("^Blank: as your clinic"))
    assert stable.get_attribute("aria-invalid") is None
    forward(nurse)
    nurse.get_by_role("button", name="Check before storing").last.click()
    at(nurse, "What follows")
    nurse.get_by_role("button", name="Store the visit").click()
    expect(nurse.get_by_text("Tick this to save").first).to_be_visible()
    look(nurse, "asked")
    for box in nurse.locator(".doubts input").all():
        box.check()
    nurse.get_by_role("button", name="Store the visit").click()
    expect(nurse.get_by_role("heading", name="Refill visit stored")).to_be_visible()
    assert pump.events.latest("pk").aspirated_ml == Decimal(0)


def to_program(page: Page, pump: Pump, aspirated: str = "8") -> None:
    to_aspirate(page, pump)
    page.get_by_label("Aspirated").fill(aspirated)
    forward(page)
    page.get_by_label("Concentration of the drug").select_option("500")
    page.get_by_label("As usual").check()
    forward(page)
    at(page, "Program")


def saved(page: Page) -> None:
    """Until the server has all of it."""
    while on_device(page):
        page.wait_for_timeout(100)


def test_a_visit_that_is_opened_again_goes_on_where_it_was(pump: Pump, nurse: Page) -> None:
    to_filling(nurse, pump)
    saved(nurse)
    forward(nurse)
    at(nurse, "Program")
    saved(nurse)
    nurse.reload()
    expect(nurse.get_by_role("heading", name="Program", level=2)).to_be_visible()
    nurse.get_by_role("button", name="Back").click()
    at(nurse, "Fill")
    nurse.get_by_label("Lot number").fill("L-77")
    saved(nurse)
    nurse.reload()
    expect(nurse.get_by_role("heading", name="Program", level=2)).to_be_visible()
    nurse.locator(".visit-steps a").nth(1).click()
    nurse.get_by_label("It is not certain").check()
    saved(nurse)
    nurse.reload()
    expect(nurse.get_by_role("heading", name="Needle", level=2)).to_be_visible()


def test_an_unchanged_dose_is_stored_where_none_is_recorded(clinic: Clinic, nurse: Page) -> None:
    pump = a_pump(clinic, now=timezone.now())
    to_program(nurse, pump, aspirated="")
    nurse.get_by_role("button", name="Check before storing").last.click()
    at(nurse, "What follows")


def test_the_row_that_is_wrong_and_a_choice_not_made_are_marked_in_their_place(pump: Pump, nurse: Page) -> None:
    to_program(nurse, pump)
    nurse.get_by_label("Changed at this visit").check()
    nurse.get_by_label("Mode", exact=True).select_option("flex")
    nurse.get_by_label("Daily dose").fill("240")
    nurse.get_by_label("Step 2, time").fill("08:00")
    nurse.evaluate("document.querySelectorAll('[name=fill]').forEach((one) => { one.checked = false; })")
    for _each in range(2):  # what is written beside a field stands there once
        nurse.locator("#visit-form").evaluate("(form) => form.requestSubmit()")
        at(nurse, "Not stored: please mend this")
    nurse.get_by_role("link", name="Step 2").click()
    number = nurse.get_by_label("Step 2, mcg/h")
    expect(number).to_be_focused()
    expect(number).to_have_accessible_description("Fill in both the time and the number, or neither.")
    look(nurse, "a row that is wrong")
    nurse.get_by_role("button", name="Check before storing").last.click()
    at(nurse, "Not stored: please mend this")
    nurse.get_by_role("link", name="How did it go in?").click()
    group = nurse.get_by_role("group", name="How did it go in?")
    expect(group).to_have_accessible_description("Say how the filling went.")
    nurse.get_by_label("Something was odd").check()
    expect(group).to_have_accessible_description("")
    ids = nurse.evaluate("[...document.querySelectorAll('[id]')].map((one) => one.id)")
    assert len(ids) == len(set(ids))


def test_a_hidden_part_is_shown_where_something_in_it_is_to_be_mended(pump: Pump, nurse: Page) -> None:
    to_program(nurse, pump)
    nurse.get_by_label("Changed at this visit").check()
    nurse.get_by_label("Daily dose").fill("much")
    nurse.get_by_label("Unchanged: the pump goes on").check()
    nurse.get_by_role("button", name="Check before storing").last.click()
    at(nurse, "Not stored: please mend this")
    nurse.get_by_role("link", name="Daily dose").click()
    expect(nurse.get_by_label("Daily dose")).to_be_focused()


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_a_cut_connection_and_a_closed_tab_lose_nothing_and_store_nothing_twice(
    chromium: Browser, live_server: object, clinic: Clinic, pump: Pump, size: dict[str, int]
) -> None:
    """No complaint of the console is looked for here: a browser without a connection complains of that."""
    context = chromium.new_context(viewport=size, base_url=live_server.url, service_workers="block")  # type: ignore[attr-defined,arg-type]  # pytest-django's, Playwright's
    page = context.new_page()
    user = a_user(Role.NURSE, clinic)
    enter(page, user)
    to_aspirate(page, pump)
    kept(page)
    context.set_offline(True)
    page.get_by_label("Aspirated").fill("7.9")
    expect(page.locator("#visit-kept")).to_contain_text("kept on this device")
    on_device = page.evaluate("Object.values(localStorage).join()")
    assert "7.9" in on_device
    assert pump.patient.family_name not in on_device
    page.close()
    context.set_offline(False)
    page = context.new_page()
    page.goto(f"/pumps/{pump.pk}/")
    page.get_by_role("link", name=re.compile("Go on with the visit begun")).click()
    expect(page.get_by_label("Aspirated")).to_have_value("7.9")
    expect(page.get_by_role("heading", name="Aspirate", level=2)).to_be_visible()
    assert VisitDraft.objects.get().values["aspirated_ml"] == ["7.9"]
    assert pump.events.count() == 2
    forward(page)
    page.get_by_label("As usual").check()
    forward(page)
    page.get_by_role("button", name="Check before storing").last.click()
    expect(page.get_by_role("heading", name="What follows")).to_be_visible()
    # The visit is stored, and its answer is lost on the way.
    page.route("**/guided/", lambda route: (route.fetch(max_redirects=0), route.abort())[-1], times=1)
    page.get_by_role("button", name="Store the visit").click()
    expect(page.locator("#visit-trouble")).to_contain_text("the visit is stored once")
    assert pump.events.count() == 3
    page.get_by_role("button", name="Store the visit").click()
    expect(page.get_by_role("heading", name="Refill visit stored")).to_be_visible()
    assert pump.events.count() == 3
    assert page.evaluate("Object.keys(localStorage).filter(key => key.startsWith('brim-visit'))") == []
    context.close()


def test_what_is_on_the_device_goes_with_its_person(pump: Pump, nurse: Page) -> None:
    nurse.goto(f"/pumps/{pump.pk}/guided/")
    nurse.evaluate("localStorage.setItem('brim-visit:999999:1', JSON.stringify({at: Date.now(), typed: []}))")
    nurse.goto("/today/")
    assert nurse.evaluate("localStorage.getItem('brim-visit:999999:1')") is None
    nurse.goto(f"/pumps/{pump.pk}/guided/")
    nurse.get_by_label("Name, date of birth").check()
    kept(nurse)
    nurse.evaluate(
        "(key) => localStorage.setItem(key, JSON.stringify({at: Date.now(), typed: []}))",
        f"brim-visit:{User.objects.get(memberships__role='nurse').pk}:1",
    )
    nurse.evaluate("document.querySelector('form[action$=\"/logout/\"] button').click()")
    nurse.wait_for_url(re.compile("/login/"))
    assert nurse.evaluate("Object.keys(localStorage).filter(key => key.startsWith('brim-visit'))") == []


def on_device(page: Page) -> str:
    return str(page.evaluate("Object.entries(localStorage).filter(([key]) => key.startsWith('brim-visit')).join()"))


def leave_on_device(page: Page, pump: Pump, token: str, minutes: int = 1) -> None:
    """What an earlier window has typed and could not send."""
    page.evaluate(
        """([pump, token, minutes]) => {
          const { user } = document.getElementById("visit-form").dataset;
          const typed = [["identity", "on"], ["aspirated_ml", "6.5"], ["place", "step-aspirate"]];
          const found = { token, counter: 7, base: 0, sent: [], at: Date.now() - minutes * 60000, typed };
          localStorage.setItem(`brim-visit:${user}:${pump}`, JSON.stringify(found));
        }""",
        [pump.pk, token, minutes],
    )


def test_a_window_that_is_behind_overwrites_nothing_until_its_person_chooses(pump: Pump, nurse: Page) -> None:
    first = nurse
    first.goto(f"/pumps/{pump.pk}/guided/")
    first.get_by_label("Name, date of birth").check()
    kept(first)
    second = nurse.context.new_page()
    second.goto(f"/pumps/{pump.pk}/guided/")
    second.get_by_label("Allergies were asked").check()
    kept(second)
    for _each in range(3):
        first.get_by_label("Name, date of birth").click()
    expect(first.locator("#visit-newer")).to_be_visible()
    newest = VisitDraft.objects.get()
    assert "drug_checked" in newest.values
    first.get_by_label("Name, date of birth").click()
    first.wait_for_timeout(1000)
    assert VisitDraft.objects.get().counter == newest.counter
    first.get_by_role("button", name="Keep what is here").click()
    expect(first.locator("#visit-newer")).to_be_hidden()
    first.wait_for_timeout(1500)
    assert VisitDraft.objects.get().counter > newest.counter
    assert "drug_checked" not in VisitDraft.objects.get().values
    second.close()


def test_what_is_on_the_device_stays_until_it_is_decided_about(pump: Pump, nurse: Page) -> None:
    nurse.goto(f"/pumps/{pump.pk}/guided/")
    nurse.get_by_label("Name, date of birth").check()
    kept(nurse)
    leave_on_device(nurse, pump, str(uuid4()), minutes=40)
    nurse.reload()
    expect(nurse.locator("#visit-older")).to_be_visible()
    nurse.get_by_label("Allergies were asked").check()
    kept(nurse)
    assert "6.5" in on_device(nurse)
    nurse.route(
        "**/guided/draft/", lambda route: route.fulfill(json={"state": "refused", "said": "Too long."}), times=1
    )
    nurse.get_by_role("button", name="Go on with what is on this device").click()
    expect(nurse.locator("#visit-kept")).to_contain_text("Too long.")
    expect(nurse.locator("#visit-older")).to_be_visible()
    assert "6.5" in on_device(nurse)
    with nurse.expect_navigation():
        nurse.get_by_role("button", name="Go on with what is on this device").click()
    expect(nurse.get_by_role("heading", name="Check", level=2)).to_be_visible()
    expect(nurse.get_by_label("Name, date of birth")).not_to_be_checked()
    assert VisitDraft.objects.get().values == {"aspirated_ml": ["6.5"]}
    assert on_device(nurse) == ""


def test_what_is_on_the_device_is_dropped_when_asked(pump: Pump, nurse: Page) -> None:
    nurse.goto(f"/pumps/{pump.pk}/guided/")
    nurse.get_by_label("Name, date of birth").check()
    kept(nurse)
    leave_on_device(nurse, pump, str(uuid4()))
    nurse.reload()
    nurse.get_by_role("button", name="Drop it").click()
    expect(nurse.locator("#visit-older")).to_be_hidden()
    assert on_device(nurse) == ""
    expect(nurse.get_by_label("Name, date of birth")).to_be_checked()


def test_a_fresh_visit_is_saved_where_the_device_holds_one_that_is_stored(pump: Pump, nurse: Page) -> None:
    token, user = uuid4(), User.objects.get(memberships__role="nurse")
    refill = pump.events.filter(kind="refill").latest("pk")
    now = timezone.now()
    VisitDraft.objects.create(
        clinic=pump.clinic, pump=pump, user=user, token=token, refill=refill, begun_at=now, saved_at=now
    )
    nurse.goto(f"/pumps/{pump.pk}/guided/")
    leave_on_device(nurse, pump, str(token))
    with nurse.expect_response("**/guided/draft/"):
        nurse.reload()
    nurse.get_by_label("Name, date of birth").check()
    kept(nurse)
    assert VisitDraft.objects.get(refill=None).values["identity"] == ["on"]
    assert on_device(nurse) == ""


def test_each_date_says_why_in_its_place(pump: Pump, nurse: Page) -> None:
    nurse.goto(f"/pumps/{pump.pk}/guided/")
    nurse.get_by_text("Why: Refill by").click()
    expect(nurse.locator("#step-check .why-body").nth(1)).to_contain_text("With its numbers")
    look(nurse, "why, at the check")
    to_aspirate(nurse, pump)
    nurse.locator("#step-aspirate .why-this summary").click()
    expect(nurse.locator("#step-aspirate .why-body")).to_contain_text("Entries used")
    nurse.get_by_label("Aspirated").fill("8")
    forward(nurse)
    nurse.get_by_label("As usual").check()
    forward(nurse)
    nurse.get_by_role("button", name="Check before storing").last.click()
    at(nurse, "What follows")
    nurse.locator("#review .why-this summary").click()
    expect(nurse.locator("#review .why-body")).to_contain_text("With its numbers")
    look(nurse, "why, of what follows")


def test_what_is_not_ticked_is_said_at_its_box(pump: Pump, nurse: Page) -> None:
    in_one_hand(nurse)
    nurse.goto(f"/pumps/{pump.pk}/guided/")
    box = nurse.get_by_label("Name, date of birth")
    for _each in range(2):
        forward(nurse)
        expect(box).to_be_focused()
        expect(box).to_have_accessible_description("Say them aloud with the patient, compare, then tick this.")
        expect(nurse.locator(".entry-error:visible")).to_have_count(1)
    expect(nurse.locator(".entry-error:visible")).to_be_in_viewport()
    look(nurse, "a box that is not ticked")
    box.check()
    expect(box).to_have_accessible_description("")
    forward(nurse)
    expect(nurse.locator("#id_drug_checked_error")).to_have_text(
        "Read the vial and the allergies aloud, then tick this."
    )
    nurse.get_by_label("Allergies were asked").check()
    forward(nurse)
    at(nurse, "Needle")
    forward(nurse)
    group = nurse.get_by_role("group", name="How do you know that the needle is in the port?")
    expect(group).to_have_accessible_description("Say how you know where the needle is.")


def test_a_needle_that_is_not_certain_holds_the_visit_at_once(pump: Pump, nurse: Page) -> None:
    in_one_hand(nurse)
    nurse.goto(f"/pumps/{pump.pk}/guided/")
    nurse.get_by_label("Name, date of birth").check()
    nurse.get_by_label("Allergies were asked").check()
    forward(nurse)
    expect(nurse.locator("#needle-stop")).to_be_hidden()
    nurse.get_by_label("It is not certain").check()
    expect(nurse.locator("#needle-stop")).to_contain_text("Do not aspirate or fill until it is certain")
    look(nurse, "a needle that is not certain")
    forward(nurse)
    expect(nurse.get_by_role("heading", name="Needle", level=2)).to_be_visible()
    expect(nurse.locator("#needle-stop")).to_be_focused()
    expect(nurse.locator("#needle-stop")).to_be_in_viewport(ratio=1)
    nurse.get_by_label("Seen in the port").check()
    expect(nurse.locator("#needle-stop")).to_be_hidden()
    forward(nurse)
    at(nurse, "Aspirate")


def test_an_odd_filling_is_warned_of_at_once_and_its_question_is_answered(pump: Pump, nurse: Page) -> None:
    in_one_hand(nurse)
    to_aspirate(nurse, pump)
    nurse.get_by_label("Aspirated").fill("8")
    forward(nurse)
    at(nurse, "Fill")
    stop = nurse.locator("#fill-stop")
    expect(stop).to_be_hidden()
    nurse.get_by_label("Something was odd").check()
    expect(stop).to_have_attribute("role", "alert")
    expect(stop).to_contain_text("Stop filling, call the prescriber now")
    expect(stop).to_contain_text("pocket fill notice 2011")
    expect(stop).to_be_in_viewport()
    look(nurse, "an odd filling")
    nurse.get_by_label("As usual").check()
    expect(stop).to_be_hidden()
    nurse.get_by_label("Something was odd").check()
    forward(nurse)
    expect(stop).to_be_focused()
    expect(nurse.get_by_role("heading", name="Fill", level=2)).to_be_visible()
    forward(nurse)
    at(nurse, "Program")
    nurse.get_by_role("button", name="Check before storing").last.click()
    at(nurse, "What follows")
    nurse.get_by_label("The filling was stopped, the prescriber was called, and the patient is watched").check()
    nurse.get_by_role("button", name="Store the visit").click()
    expect(nurse.get_by_role("heading", name="Refill visit stored")).to_be_visible()


def test_a_finding_is_looked_at_before_anything_is_filled(pump: Pump, nurse: Page) -> None:
    to_aspirate(nurse, pump)
    nurse.get_by_label("Aspirated").fill("14")
    forward(nurse)
    expect(nurse.locator("#emptied [data-look]")).to_be_focused()
    expect(nurse.locator("#emptied")).to_contain_text("More than expected")
    expect(nurse.locator("#said")).to_contain_text("More than expected")
    saved(nurse)
    nurse.reload()
    expect(nurse.locator("#emptied")).to_contain_text("More than expected")
    nurse.get_by_label("Aspirated").fill("15")
    nurse.get_by_label("Aspirated").press("Enter")
    expect(nurse.locator("#emptied [data-look]")).to_be_focused()
    expect(nurse.locator("#emptied")).to_contain_text("15 mL")
    look(nurse, "a finding to look at")
    forward(nurse)
    at(nurse, "Fill")


def test_a_volume_that_does_not_fit_is_held_at_its_step(pump: Pump, nurse: Page) -> None:
    to_filling(nurse, pump)
    for typed, said in (("41", "The reservoir holds 40 mL"), ("forty", "Write a number")):
        nurse.get_by_label("Filled", exact=True).fill(typed)
        forward(nurse)
        expect(nurse.get_by_role("heading", name="Fill", level=2)).to_be_visible()
        expect(nurse.locator("#id_filled_ml_error")).to_contain_text(said)
    nurse.get_by_label("Filled", exact=True).fill("39,5")
    forward(nurse)
    at(nurse, "Program")


def test_what_came_out_is_a_volume_that_the_pump_can_hold(pump: Pump, nurse: Page) -> None:
    in_one_hand(nurse)
    to_aspirate(nurse, pump)
    volume = nurse.get_by_label("Aspirated")
    for typed, said in (
        ("", "Write how much came out; 0 if nothing did."),
        ("99", "The reservoir holds 40 mL"),
        ("abc", "Write a number"),
        ("-1", "Write a number"),
    ):
        volume.fill(typed)
        forward(nurse)
        expect(volume).to_be_focused()
        expect(nurse.locator("#id_aspirated_ml_error")).to_contain_text(said)
        expect(nurse.get_by_role("heading", name="Aspirate", level=2)).to_be_visible()
    look(nurse, "a volume that cannot be")
    volume.fill("")
    forward(nurse)
    expect(nurse.locator("#id_aspirated_ml_error")).to_be_visible()
    nurse.locator("#step-aspirate input[type=radio]:not([value=emptied])").first.check()
    expect(nurse.locator("#id_aspirated_ml_error")).to_have_count(0)
    forward(nurse)
    at(nurse, "Fill")


def test_thrown_away_in_two_steps_and_allergies_written_in_a_tab_beside(pump: Pump, nurse: Page) -> None:
    nurse.goto(f"/pumps/{pump.pk}/guided/")
    nurse.get_by_label("Name, date of birth").check()
    with nurse.expect_popup() as opened:
        nurse.get_by_role("link", name="Write down the answer about allergies").click()
    beside = opened.value
    beside.get_by_label("As listed").check()
    beside.locator("#id_allergies").fill("latex")
    beside.get_by_role("button", name="Save").last.click()
    expect(beside.get_by_text("latex").first).to_be_visible()
    beside.close()
    nurse.evaluate("dispatchEvent(new Event('focus'))")
    expect(nurse.locator("#visit-allergies")).to_have_text("latex")
    kept(nurse)
    nurse.goto("/today/")
    look(nurse, "today, with a visit that is begun")
    nurse.goto(f"/pumps/{pump.pk}/guided/")
    expect(nurse.get_by_label("Name, date of birth")).to_be_checked()
    expect(nurse.locator("#visit-discard button")).to_be_hidden()
    nurse.locator("#visit-discard summary").click()
    look(nurse, "throwing away")
    nurse.locator("#visit-discard button").click()
    expect(nurse.get_by_role("status").first).to_contain_text("Thrown away")
    assert not VisitDraft.objects.exists()

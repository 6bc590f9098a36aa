"""A dose on its way into a pump, at the desk and on a phone: a slip is stopped by typing what the pump shows."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from clinical.scales import Grade
from clinical.weaning import Down
from clinics.models import Clinic, User
from clinics.roles import Role
from pumps.models import Event, Pump
from tests.browser.accessible import violations
from tests.builders import a_patient, a_running_pump, a_user
from tests.therapy.builders import a_proposal
from therapy.models import Phase, PhaseChange, Proposal
from therapy.services import proposals, records, screening, weaning

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def pump(clinic: Clinic) -> Pump:
    return a_running_pump(clinic, filled_days_ago=20, now=timezone.now(), catheter_volume_ml=Decimal("0.15"))


@pytest.fixture
def prescriber(clinic: Clinic) -> User:
    return a_user(Role.PRESCRIBER, clinic)


def signed(pump: Pump, prescriber: User) -> Proposal:
    now = timezone.now()
    made = a_proposal(pump, prescriber, "220", now=now)
    return proposals.sign(proposal_id=made.pk, override_reason="", by=prescriber, now=now)


def read(page: Page, dose: str) -> None:
    page.get_by_label("Mode shown").select_option("simple_continuous")
    page.get_by_label("Daily dose shown").fill(dose)
    page.get_by_label("Concentration shown").fill("500")
    page.get_by_role("button", name="It shows this").click()


def test_a_24_fold_and_a_4_fold_slip_stop_at_the_read_back(pump: Pump, prescriber: User, nurse: Page) -> None:
    made = signed(pump, prescriber)
    nurse.goto(f"/proposals/{made.pk}/")
    for shown, share in (("5280", "about 24 times it"), ("9.17", "about 1/24 of it"), ("880", "about 4 times it")):
        read(nurse, shown)
        expect(nurse.locator(".entry-error").first).to_contain_text(share)
        expect(nurse.get_by_label("Daily dose shown")).to_have_attribute("aria-invalid", "true")
        assert not Event.objects.filter(pump=pump, daily_dose_mcg=220).exists()
    assert violations(nurse) == []
    expect(nurse.get_by_text("The pump showed something else").first).to_be_visible()
    read(nurse, "220")
    expect(nurse.get_by_role("status").first).to_contain_text("Programmed, and in the ledger.")
    made.refresh_from_db()
    assert made.state == "programmed"
    assert len(made.mismatches) == 3


def test_a_dose_is_proposed_with_the_keyboard_alone(pump: Pump, nurse: Page) -> None:
    nurse.goto(f"/pumps/{pump.pk}/propose/")
    nurse.get_by_label("Daily dose").fill("261")
    expect(nurse.locator("#hourly")).to_have_text("= 10.875 mcg/h on average")
    nurse.get_by_label("Why the dose is changed").fill("still stiff")
    nurse.get_by_label("Daily dose").press("Enter")
    expect(nurse.get_by_role("heading", name="Check before proposing")).to_be_visible()
    expect(nurse.get_by_text("30.5 % against the present dose")).to_be_visible()
    expect(nurse.get_by_text("Band: 160 to 260 mcg/day")).to_be_visible()
    assert violations(nurse) == []
    nurse.get_by_role("button", name="Propose").last.press("Enter")
    expect(nurse.get_by_role("status").first).to_contain_text("A prescriber signs it next.")
    assert Proposal.objects.get(pump=pump).findings[0]["code"] == "step_above_band"


def test_every_page_of_a_course_is_accessible_and_fits(
    clinic: Clinic, pump: Pump, prescriber: User, nurse: Page
) -> None:
    now, patient = timezone.now(), pump.patient
    long_ago = now - timedelta(days=400)
    for phase, days in ((Phase.TITRATION, 0), (Phase.MAINTENANCE, 200)):
        at = long_ago + timedelta(days=days)
        PhaseChange.objects.create(
            patient=patient, phase=phase, began_at=at, recorded_by=prescriber, reason="as planned"
        )
    for days, pain in ((19, 7), (10, 4), (1, 3)):
        records.assess(
            patient=patient, measured_at=now - timedelta(days=days), by=prescriber, now=now, pain=pain,
            spasm_frequency=2, spasm_severity=1, ashworth=[Grade("hip_adductors", "left", "1+")],
            vitals={"pulse_per_min": 70},
        )  # fmt: skip
    records.add_medicine(patient=patient, name="Valium", dose="5 mg", started_on=None, by=prescriber, now=now)
    records.write_rescue_plan(patient=patient, text="Baclofen by mouth.", by=prescriber, now=now)
    made = a_proposal(pump, prescriber, "261", now=now)
    plan = weaning.draft(
        pump_id=pump.pk, steps=[Down(now + timedelta(days=7), Decimal(150))], reason="infection", by=prescriber, now=now
    )
    candidate = a_patient(clinic)
    trial = screening.begin(patient=candidate, starts_small=False, by=prescriber, now=now)
    screening.give(trial=trial, dose_mcg=Decimal(50), given_at=now, by=prescriber, now=now)
    of = f"/patients/{patient.pk}"
    for path in (
        f"{of}/course/", f"{of}/measure/", f"{of}/phase/", f"{of}/adverse-event/", f"{of}/medicines/new/",
        f"{of}/rescue-plan/", f"{of}/emergency-card/", f"/proposals/{made.pk}/", f"/weaning-plans/{plan.pk}/",
        f"/pumps/{pump.pk}/propose/", f"/pumps/{pump.pk}/wean/", f"/patients/{candidate.pk}/screenings/{trial.pk}/",
        f"/patients/{candidate.pk}/course/", "/to-sign/", f"/clinics/{clinic.pk}/program-templates/", "/label-sets/",
    ):  # fmt: skip
        nurse.goto(path)
        nurse.evaluate("document.querySelectorAll('main details').forEach(part => part.open = true)")
        assert violations(nurse) == [], path
        assert nurse.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), path
        assert nurse.locator("h1").count() == 1, path

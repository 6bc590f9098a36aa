"""One patient from the first test dose to the taper, through pages alone."""

from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from django.test import Client
from pypdf import PdfReader

from clinics.models import Clinic, User
from clinics.roles import Role
from patients.models import Patient
from pumps.models import Event, Pump, PumpModel
from tests.builders import a_clinic, a_patient, a_user
from tests.therapy.clock import Clock
from therapy.models import Proposal, Trial, WeaningPlan

pytestmark = pytest.mark.django_db
ROWS = {f"{name}-{part}_FORMS": "0" for name in ("steps", "boluses") for part in ("TOTAL", "INITIAL")}


@dataclass
class Person:
    """Somebody at a browser, logged in anew each time: a course lasts longer than a session."""

    user: User

    def ask(self, path: str) -> str:
        client = Client()
        client.force_login(self.user)
        answer = client.get(path)
        assert answer.status_code == 200, (path, answer.status_code)
        return answer.text

    def paper(self, path: str) -> str:
        """The text of a PDF, on one line."""
        client = Client()
        client.force_login(self.user)
        answer = client.get(path)
        assert answer["Content-Type"] == "application/pdf"
        return " ".join(" ".join(page.extract_text() for page in PdfReader(BytesIO(answer.content)).pages).split())

    def send(self, path: str, **values: Any) -> str:
        """What stands on the page after the form is sent, wherever it leads."""
        client = Client()
        client.force_login(self.user)
        answer = client.post(path, values, follow=True)
        assert answer.status_code == 200, (path, answer.status_code)
        return answer.text


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def clinic() -> Clinic:
    return a_clinic(timezone="UTC")


@pytest.fixture
def nurse(clinic: Clinic) -> Person:
    return Person(a_user(Role.NURSE, clinic))


@pytest.fixture
def prescriber(clinic: Clinic) -> Person:
    return Person(a_user(Role.PRESCRIBER, clinic))


def wall(clock: Clock, **ahead: float) -> str:
    return f"{clock.now + timedelta(**ahead):%Y-%m-%dT%H:%M}"


def screened(clock: Clock, patient: Patient, nurse: Person) -> None:
    """50 mcg does nothing, too soon is refused, 75 mcg works for exactly 8 hours."""
    of = f"/patients/{patient.pk}"
    nurse.send(f"{of}/screening/")
    trial = Trial.objects.get()
    at = f"{of}/screenings/{trial.pk}/"
    assert "begin with 50 mcg" in nurse.ask(at).lower()
    nurse.send(at, **{"bolus-dose_mcg": "50", "bolus-given_at": wall(clock)})
    nurse.send(f"{of}/measure/?bolus={trial.boluses.get().pk}", measured_at=wall(clock), pain="4",
               **{"hip_adductors-left": "1+", "pulse_per_min": "72"})  # fmt: skip
    assert "tone 1+" in nurse.ask(at)
    clock.pass_time(hours=6)
    nurse.send(at, **{"judge-responded": "no"})
    assert "at least 24 h" in nurse.send(at, **{"bolus-dose_mcg": "75", "bolus-given_at": wall(clock)})
    assert trial.boluses.count() == 1
    clock.pass_time(hours=18)
    nurse.send(at, **{"bolus-dose_mcg": "75", "bolus-given_at": wall(clock)})
    clock.pass_time(hours=8)
    assert "First daily dose of a pump: 150 mcg/day" in nurse.send(
        at, **{"judge-responded": "yes", "judge-effect_hours": "8"}
    )


def implanted(clock: Clock, patient: Patient, nurse: Person) -> Pump:
    clock.pass_time(days=30)
    today = f"{clock.now:%Y-%m-%d}"
    nurse.send(
        f"/patients/{patient.pk}/pumps/new/",
        model=PumpModel.objects.get(slug="synchromed-ii-40").pk,
        serial_number="NGV1",
        implanted_on=today,
        catheter_volume_ml="0.15",
    )
    pump = Pump.objects.get(patient=patient)
    clock.pass_time(hours=1)
    nurse.send(
        f"/pumps/{pump.pk}/refill/", step="save", seen="0", refilled_at=wall(clock), filled_ml="40",
        concentration="500",
    )  # fmt: skip
    assert Event.objects.filter(pump=pump, kind="refill").exists()
    clock.pass_time(minutes=1)
    return pump


def propose(nurse: Person, pump: Pump, dose: str, **fields: str) -> tuple[str, Proposal | None]:
    given = {"mode": "simple_continuous", "daily_dose_mcg": dose, "reason": "stiff", **ROWS, **fields}
    reviewed = nurse.send(f"/pumps/{pump.pk}/propose/", **given)
    assert "Check before proposing" in reviewed, reviewed
    nurse.send(f"/pumps/{pump.pk}/propose/", **given, step="propose")
    return reviewed, Proposal.objects.filter(pump=pump, state="proposed").first()


def programmed(nurse: Person, prescriber: Person, pump: Pump, dose: str) -> None:
    _, made = propose(nurse, pump, dose)
    assert made is not None
    at = f"/proposals/{made.pk}/"
    assert str(made.patient) in prescriber.ask("/to-sign/")
    prescriber.send(at, **{"sign-sent": "1"})
    read = {
        "confirm-mode": "simple_continuous",
        "confirm-daily_dose_mcg": dose,
        "confirm-concentration_mcg_per_ml": "500",
    }
    stored = nurse.send(at, **read)
    assert "Programmed, and in the ledger" in stored
    assert f"/pumps/{pump.pk}/events/{pump.events.latest('pk').pk}/void/" in stored, "what was entered can be corrected"


def test_a_whole_course(clock: Clock, clinic: Clinic, nurse: Person, prescriber: Person) -> None:
    patient = a_patient(clinic)
    of = f"/patients/{patient.pk}"
    nurse.send(f"{of}/phase/", phase="candidate", began_at=wall(clock), reason="referred")
    screened(clock, patient, nurse)
    pump = implanted(clock, patient, nurse)
    nurse.send(f"{of}/phase/", phase="implanted", began_at=wall(clock), reason="implanted")
    reviewed, _ = propose(nurse, pump, "200")
    assert "above the first dose of 150 mcg/day" in reviewed
    Proposal.objects.all().delete()
    programmed(nurse, prescriber, pump, "150")

    # an increase too soon is blocked; the override is a prescriber's and stays
    reviewed, made = propose(nurse, pump, "180")
    assert made is not None
    assert "Band:" in reviewed
    at = f"/proposals/{made.pk}/"
    assert "24 h" in prescriber.send(at, **{"sign-sent": "1"})
    made.refresh_from_db()
    assert made.state == "proposed"
    assert "Withdrawn" in nurse.send(at, **{"withdraw-reason": "tomorrow"})
    clock.pass_time(days=2)
    nurse.send(f"{of}/phase/", phase="titration", began_at=wall(clock), reason="looking for the dose")
    programmed(nurse, prescriber, pump, "180")
    clock.pass_time(days=40)
    nurse.send(f"{of}/phase/", phase="maintenance", began_at=wall(clock), reason="goals met")

    # outside the workflow, and signed after the fact
    given = {"effective_at": wall(clock), "mode": "simple_continuous", "daily_dose_mcg": "170", **ROWS}
    nurse.send(f"/pumps/{pump.pk}/dose/", **given, step="save", seen=str(Event.objects.latest("pk").pk))
    event = Event.objects.filter(kind="dose_change").latest("pk")
    assert event.daily_dose_mcg == 170
    assert "Not signed: 170 mcg/day" in nurse.ask(f"{of}/course/")
    assert "not signed" in nurse.ask(f"/pumps/{pump.pk}/")
    prescriber.send(f"{of}/doses/{event.pk}/sign/", note="agreed by phone")
    assert "signed after the fact by" in nurse.ask(f"/pumps/{pump.pk}/")

    # what is around it
    assert "not recommended" in nurse.send(f"{of}/medicines/new/", name="Valium 5 mg")
    nurse.send(f"{of}/adverse-event/", began_at=wall(clock), kind="drug", severity="mild", relatedness="possible",
               outcome="recovered")  # fmt: skip
    nurse.send(f"{of}/rescue-plan/", text="Baclofen 20 mg by mouth, three times.")
    assert "Baclofen 20 mg by mouth" in nurse.paper(f"{of}/emergency-card/print/")
    course = nurse.ask(f"{of}/course/")
    assert course.count("<polyline") > 5
    assert "Side effect of the drug" in course

    # the taper
    clock.pass_time(days=1)
    stop, _ = propose(nurse, pump, "", mode="stopped")
    assert "Abrupt stop" in stop
    Proposal.objects.filter(state="proposed").delete()
    steps = {
        "steps-TOTAL_FORMS": "12", "steps-INITIAL_FORMS": "0",
        "steps-0-at": wall(clock, days=7), "steps-0-daily_dose_mcg": "140",
        "steps-1-at": wall(clock, days=14), "steps-1-daily_dose_mcg": "0",
    }  # fmt: skip
    nurse.send(f"/pumps/{pump.pk}/wean/", reason="infection", **steps)
    plan = WeaningPlan.objects.get()
    told = nurse.ask(f"/weaning-plans/{plan.pk}/")
    assert "a stop from 140 mcg/day" in told
    assert "tier-high" in told
    asked = prescriber.send(f"/weaning-plans/{plan.pk}/")
    assert "I sign a stop from 140 mcg/day: a drop of 100 % at once." in asked
    assert "Tick it where you sign that." in asked
    plan.refresh_from_db()
    assert plan.signed_at is None
    prescriber.send(f"/weaning-plans/{plan.pk}/", **{"sign-seen": "on"})
    assert "Weaning" in nurse.ask(f"{of}/course/")
    assert Event.objects.standing().filter(pump=pump, is_planned=True).count() == 2
    clock.pass_time(days=8)
    assert "To confirm" in nurse.ask(f"/pumps/{pump.pk}/")
    at, shown = f"/weaning-plans/{plan.pk}/", {"confirm-concentration_mcg_per_ml": "500"}
    slip = {**shown, "confirm-mode": "simple_continuous", "confirm-daily_dose_mcg": "3360"}
    assert "about 24 times it" in nurse.send(at, **slip)
    assert "The pump showed something else" in nurse.ask(at)
    stored = nurse.send(at, **{**slip, "confirm-daily_dose_mcg": "140"})
    assert "the step is confirmed" in stored
    undo = f"/pumps/{pump.pk}/events/{pump.events.latest('pk').pk}/void/"
    assert undo in stored
    # A read-back is right or it is an error: there is nothing in it to correct.
    assert "Correct it instead" not in nurse.ask(undo)
    assert "Planned dose programmed" in nurse.ask(undo)
    clock.pass_time(days=7)
    stopped = {**shown, "confirm-mode": "stopped", "confirm-daily_dose_mcg": "0"}
    assert "Somebody else" in prescriber.send(at, **stopped)
    assert "the step is confirmed" in nurse.send(at, **stopped)
    nurse.send(f"{of}/phase/", phase="stopped", began_at=wall(clock), reason="therapy has ended")
    assert "Phase: stopped" in nurse.ask(f"{of}/course/")


def test_the_course_on_paper_is_the_same_picture(
    clock: Clock, clinic: Clinic, nurse: Person, prescriber: Person
) -> None:
    patient = a_patient(clinic, family_name="Łukasiewicz")
    screened(clock, patient, nurse)
    pump = implanted(clock, patient, nurse)
    programmed(nurse, prescriber, pump, "150")
    text = nurse.paper(f"/patients/{patient.pk}/course/pdf/")
    assert "Łukasiewicz" in text
    assert "150 mcg/day. Before: pain 4 of 10" in text
    assert "mcg/day" in nurse.ask(f"/patients/{patient.pk}/course/")

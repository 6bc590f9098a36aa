from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest

from alerts.models import Alert
from clinical.reading_back import Settings
from clinical.scales import Grade
from clinical.weaning import Down
from clinics.errors import Conflict, Impossible
from clinics.models import User
from clinics.roles import Role
from patients.models import Patient
from pumps.models import Event
from pumps.services import fleet, plans, transfers
from tests.builders import NOW, a_clinic, a_dose, a_patient, a_running_pump, a_user
from therapy.models import Phase, Trial, WeaningPlan
from therapy.services import phases, protocols, records, screening, weaning
from therapy.services.checks import Blocked, void

pytestmark = pytest.mark.django_db
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@pytest.fixture
def patient() -> Patient:
    return a_patient(a_clinic())


@pytest.fixture
def nurse(patient: Patient) -> User:
    return a_user(Role.NURSE, patient.clinic)


@pytest.fixture
def prescriber(patient: Patient) -> User:
    return a_user(Role.PRESCRIBER, patient.clinic)


def refused(field: str, action: Any) -> str:
    with pytest.raises(Impossible) as error:
        action()
    return " ".join(error.value.errors[field])


# --- phases -----------------------------------------------------------------------------------------------------------


def test_a_phase_has_a_reason_and_a_pump_where_it_is_of_one(patient: Patient, nurse: User) -> None:
    def change(phase: Phase, reason: str = "because", at: Any = NOW) -> Any:
        return phases.change(patient=patient, phase=phase, began_at=at, reason=reason, by=nurse, now=NOW)

    assert "why" in refused("reason", lambda: change(Phase.CANDIDATE, " "))
    assert "to come" in refused("began_at", lambda: change(Phase.CANDIDATE, at=NOW + HOUR))
    first = change(Phase.CANDIDATE, at=NOW - DAY)
    assert "already" in refused("phase", lambda: change(Phase.CANDIDATE))
    assert "no pump" in refused("phase", lambda: change(Phase.TITRATION))
    assert "Before the present" in refused("began_at", lambda: change(Phase.STOPPED, at=NOW - 2 * DAY))
    change(Phase.STOPPED)
    void(phases.present(patient), reason="wrong patient", by=nurse, now=NOW)  # type: ignore[arg-type]
    assert phases.present(patient) == first


def test_therapy_is_not_stopped_while_the_pump_runs(nurse: User) -> None:
    pump = a_running_pump()
    given = {"began_at": NOW, "reason": "ended", "by": nurse, "now": NOW}
    with pytest.raises(Conflict, match="still runs"):
        phases.change(patient=pump.patient, phase=Phase.STOPPED, **given)  # type: ignore[arg-type]
    with pytest.raises(Conflict, match="signed plan"):
        phases.change(patient=pump.patient, phase=Phase.WEANING, **given)  # type: ignore[arg-type]


# --- screening --------------------------------------------------------------------------------------------------------


def give(trial: Trial, dose: str, at: Any, by: User, why: str = "") -> Any:
    return screening.give(trial=trial, dose_mcg=D(dose), given_at=at, by=by, now=at, override_reason=why)


def judge(bolus: Any, by: User, *, responded: bool, hours: str | None = None, after: timedelta = 6 * HOUR) -> Any:
    return screening.judge(
        bolus=bolus, responded=responded, effect_hours=D(hours) if hours else None, note="", by=by,
        now=bolus.given_at + after,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("label_set", "hours", "first"),
    [("us", "8", "100"), ("us", "8.01", "50"), ("uk", "12", "100"), ("uk", "12.01", "50")],
)
def test_the_first_dose_follows_from_how_long_the_effect_lasted(label_set: str, hours: str, first: str) -> None:
    patient = a_patient(a_clinic(label_set=label_set))
    nurse = a_user(Role.NURSE, patient.clinic)
    trial = screening.begin(patient=patient, starts_small=False, by=nurse, now=NOW)
    bolus = give(trial, "50", NOW, nurse)
    assert "worn off" in refused("effect_hours", lambda: judge(bolus, nurse, responded=True, hours=hours))
    judge(bolus, nurse, responded=True, hours=hours, after=DAY)
    trial.refresh_from_db()
    found = screening.stage(trial).first
    assert trial.outcome == "responded"
    assert found is not None
    assert found.daily_dose_mcg == D(first)


def test_the_interval_is_not_skipped_and_an_override_stays(patient: Patient, nurse: User, prescriber: User) -> None:
    trial = screening.begin(patient=patient, starts_small=True, by=nurse, now=NOW)
    judge(give(trial, "25", NOW, nurse), nurse, responded=False)
    with pytest.raises(Blocked, match="The next dose is 50 mcg, not 100 mcg"):
        give(trial, "100", NOW + DAY, nurse)
    with pytest.raises(Blocked, match="Not before"):
        give(trial, "50", NOW + DAY - timedelta(minutes=1), nurse)
    assert "prescriber" in refused("override_reason", lambda: give(trial, "50", NOW + 8 * HOUR, nurse, "now"))
    forced = give(trial, "50", NOW + 8 * HOUR, prescriber, "goes home tonight")
    assert forced.override_reason == "goes home tonight"
    assert "Not before" in forced.overridden[0]
    with pytest.raises(Blocked, match="bserve"):
        give(trial, "75", NOW + 3 * DAY, nurse)
    judge(forced, nurse, responded=False)
    fine = give(trial, "75", NOW + 8 * HOUR + DAY, nurse, "not needed")
    assert fine.override_reason == ""
    assert fine.overridden == []
    judge(fine, nurse, responded=False)
    judge(give(trial, "100", NOW + 4 * DAY, nurse), nurse, responded=False)
    trial.refresh_from_db()
    assert trial.outcome == "no_response"
    with pytest.raises(Conflict, match="has ended"):
        give(trial, "100", NOW + 9 * DAY, nurse)


def test_no_response_is_not_said_too_early(patient: Patient, nurse: User) -> None:
    trial = screening.begin(patient=patient, starts_small=False, by=nurse, now=NOW)
    bolus = give(trial, "50", NOW, nurse)
    with pytest.raises(Conflict, match="at least 4 h"):
        judge(bolus, nurse, responded=False, after=4 * HOUR - timedelta(minutes=1))
    assert "how many hours" in refused("effect_hours", lambda: judge(bolus, nurse, responded=True))
    judge(bolus, nurse, responded=False, after=4 * HOUR)
    with pytest.raises(Conflict, match="already"):
        judge(bolus, nurse, responded=True, hours="3")


def test_another_screening_keeps_the_interval_and_is_a_prescribers(
    patient: Patient, nurse: User, prescriber: User
) -> None:
    first = screening.begin(patient=patient, starts_small=False, by=nurse, now=NOW)
    bolus = give(first, "50", NOW, nurse)
    screening.give_up(trial=first, note="moved", by=nurse, now=NOW)
    again = screening.begin(patient=patient, starts_small=False, by=nurse, now=NOW)
    with pytest.raises(Blocked, match="of the screening before"):
        give(again, "50", NOW + HOUR, nurse)
    assert bolus.given_at == NOW
    judge(give(again, "50", NOW + DAY, nurse), nurse, responded=True, hours="4")
    with pytest.raises(Conflict, match="Only a prescriber"):
        screening.begin(patient=patient, starts_small=False, by=nurse, now=NOW + 2 * DAY)
    screening.begin(patient=patient, starts_small=False, by=prescriber, now=NOW + 2 * DAY)


def test_one_screening_is_open_at_a_time_and_can_be_given_up(patient: Patient, nurse: User) -> None:
    trial = screening.begin(patient=patient, starts_small=False, by=nurse, now=NOW)
    with pytest.raises(Conflict, match="open already"):
        screening.begin(patient=patient, starts_small=False, by=nurse, now=NOW)
    assert "Say why" in refused("note", lambda: screening.give_up(trial=trial, note="", by=nurse, now=NOW))
    screening.give_up(trial=trial, note="declined", by=nurse, now=NOW)
    screening.begin(patient=patient, starts_small=False, by=nurse, now=NOW)
    with pytest.raises(Conflict, match="has a pump"):
        screening.begin(patient=a_running_pump().patient, starts_small=False, by=nurse, now=NOW)


# --- what is measured -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("pain", {"pain": 11}),
        ("spasm_frequency", {"spasm_frequency": 5, "spasm_severity": 1}),
        ("spasm_severity", {"spasm_frequency": 2, "spasm_severity": 4}),
        ("spasm_severity", {"spasm_frequency": 0, "spasm_severity": 1}),
        ("goal_attainment", {"goal_attainment": 3}),
        ("pulse_per_min", {"vitals": {"pulse_per_min": 900}}),
        ("vitals", {"vitals": {"mood": 3}}),
        ("diastolic_mmhg", {"vitals": {"systolic_mmhg": 100, "diastolic_mmhg": 100}}),
        ("ashworth", {"ashworth": [Grade("hip_adductors", "left", "1.5")]}),
        ("measured_at", {}),
        ("measured_at", {"pain": 3, "measured_at": NOW + DAY}),
    ],
)
def test_what_cannot_be_measured_is_refused_at_its_field(
    patient: Patient, nurse: User, field: str, given: dict[str, Any]
) -> None:
    values = {"measured_at": NOW, **given}
    assert refused(field, lambda: records.assess(patient=patient, by=nurse, now=NOW, **values))
    assert not patient.assessments.exists()


def test_an_assessment_is_kept_and_can_be_an_error(patient: Patient, nurse: User) -> None:
    made = records.assess(
        patient=patient, measured_at=NOW, by=nurse, now=NOW, pain=0, spasm_frequency=0,
        ashworth=[Grade("hip_adductors", "left", "1+")], vitals={"pulse_per_min": 70},
    )  # fmt: skip
    made.refresh_from_db()
    assert (made.pain, made.spasm_frequency, made.spasm_severity) == (0, 0, None)
    assert made.ashworth == [{"muscle": "hip_adductors", "side": "left", "grade": "1+"}]
    assert "wrong" in refused("reason", lambda: void(made, reason="", by=nurse, now=NOW))
    void(made, reason="another patient", by=nurse, now=NOW)
    assert not patient.assessments.standing().exists()
    with pytest.raises(Conflict, match="already"):
        void(made, reason="again", by=nurse, now=NOW)


def test_an_adverse_event_is_whole(patient: Patient, nurse: User) -> None:
    given = {"kind": "drug", "severity": "mild", "relatedness": "possible", "outcome": "recovered"}

    def report(**fields: Any) -> Any:
        return records.report_adverse(patient=patient, began_at=NOW, by=nurse, now=NOW, **{**given, **fields})

    assert report(reported=True, report_reference="MHRA 12").report_reference == "MHRA 12"
    assert "reported" in refused("report_reference", lambda: report(report_reference="MHRA 12"))
    assert "died" in refused("outcome", lambda: report(severity="fatal"))
    assert "died" in refused("outcome", lambda: report(outcome="died"))


def test_a_medicine_ends_after_it_began(patient: Patient, nurse: User) -> None:
    today = NOW.date()
    made = records.add_medicine(patient=patient, name=" Valium ", dose="5 mg", started_on=today, by=nurse, now=NOW)
    assert [each.substance for each in made.interactions] == ["diazepam"]
    assert "Before" in refused("ended_on", lambda: records.end_medicine(medicine=made, ended_on=today - DAY))
    records.end_medicine(medicine=made, ended_on=today)
    with pytest.raises(Conflict, match="already"):
        records.end_medicine(medicine=made, ended_on=today)


def test_a_rescue_plan_begins_with_the_clinics_words(patient: Patient, nurse: User) -> None:
    assert records.rescue_words(patient) == ""
    protocols.store(clinic=patient.clinic, figures={}, second_person=False, rescue_words="Call us.", by=nurse, now=NOW)
    assert records.rescue_words(patient) == "Call us."
    records.write_rescue_plan(patient=patient, text="Baclofen 20 mg", by=nurse, now=NOW)
    newer = records.write_rescue_plan(patient=patient, text="Baclofen 30 mg", by=nurse, now=NOW)
    assert records.rescue_plan(patient) == newer
    assert records.rescue_words(patient) == "Baclofen 30 mg"


def test_a_record_that_went_elsewhere_is_only_read(patient: Patient, nurse: User) -> None:
    Patient.objects.filter(pk=patient.pk).update(status="transferred", status_on=NOW.date())
    patient.refresh_from_db()
    with pytest.raises(Conflict, match="transferred"):
        records.write_rescue_plan(patient=patient, text="x", by=nurse, now=NOW)
    with pytest.raises(Conflict, match="transferred"):
        screening.begin(patient=patient, starts_small=False, by=nurse, now=NOW)


# --- tapers -----------------------------------------------------------------------------------------------------------


def a_plan(by: User, *doses: str) -> WeaningPlan:
    pump = a_running_pump(by.memberships.get().clinic)
    steps = [Down(NOW + (place + 1) * 7 * DAY, D(dose)) for place, dose in enumerate(doses)]
    return weaning.draft(pump_id=pump.pk, steps=steps, reason="infection", by=by, now=NOW)


def test_a_signed_taper_is_planned_counts_and_reminds(prescriber: User) -> None:
    plan = a_plan(prescriber, "170", "140", "0")
    told = refused("seen", lambda: weaning.sign(plan_id=plan.pk, by=prescriber, source="page", now=NOW))
    assert "a stop from 140 mcg/day" in told
    weaning.sign(plan_id=plan.pk, by=prescriber, source="page", now=NOW, seen=True)
    planned = Event.objects.standing().filter(pump=plan.pump, is_planned=True).order_by("occurred_at")
    assert [(event.daily_dose_mcg, event.mode) for event in planned] == [
        (D(170), "simple_continuous"), (D(140), "simple_continuous"), (D(0), "stopped"),
    ]  # fmt: skip
    assert phases.present(plan.patient).phase == Phase.WEANING  # type: ignore[union-attr]
    fleet.tick(NOW + 8 * DAY)
    assert Alert.objects.open().filter(pump=plan.pump, kind="plan_unconfirmed").exists()
    later, step = NOW + 8 * DAY, planned[0]
    with pytest.raises(Conflict, match="taper's page"):
        plans.confirm(pump_id=plan.pump_id, event=step, user=prescriber, source="page", now=later)

    def read(dose: str, event: Event = step) -> Any:
        shown = Settings(D(dose), D(500), mode="simple_continuous")
        return weaning.confirm_step(
            plan_id=plan.pk, event_id=event.pk, read=shown, by=prescriber, source="page", now=later
        )  # fmt: skip

    with pytest.raises(Conflict, match="not the step that is due"):
        read("140", planned[1])
    assert "about 24 times" in read("4080")["daily_dose_mcg"].message
    plan.refresh_from_db()
    assert len(plan.mismatches) == 1
    assert read("170") == {}
    assert weaning.due_step(plan, later) is None
    assert not Alert.objects.open().filter(pump=plan.pump, kind="plan_unconfirmed").exists()


def test_a_taper_that_ends_takes_back_what_has_not_come(prescriber: User) -> None:
    plan = a_plan(prescriber, "170", "140")
    weaning.sign(plan_id=plan.pk, by=prescriber, source="page", now=NOW)
    weaning.end(plan_id=plan.pk, reason="better", by=prescriber, source="page", now=NOW + 8 * DAY)
    left = Event.objects.standing().filter(pump=plan.pump, kind="dose_change", occurred_at__gt=NOW)
    assert [event.daily_dose_mcg for event in left] == [D(170)]
    with pytest.raises(Conflict, match="not open"):
        weaning.end(plan_id=plan.pk, reason="again", by=prescriber, source="page", now=NOW)


def test_a_taper_keeps_the_shape_of_the_program(prescriber: User) -> None:
    pump = a_running_pump(prescriber.memberships.get().clinic)
    flex = [
        {"start": "06:00", "rate_mcg_per_h": "8", "days": ["mon", "tue", "wed", "thu", "fri"]},
        {"start": "00:00", "rate_mcg_per_h": "8"},
    ]
    a_dose(pump, NOW - DAY, mode="flex", daily_dose_mcg=D(192), steps=flex, patient_bolus_mcg=D(10),
           patient_boluses_per_day=2)  # fmt: skip
    plan = weaning.draft(
        pump_id=pump.pk, steps=[Down(NOW + DAY, D(168))], reason="infection", by=prescriber, now=NOW
    )  # fmt: skip
    weaning.sign(plan_id=plan.pk, by=prescriber, source="page", now=NOW)
    [event] = plan.events.all()
    assert (event.mode, event.daily_dose_mcg, event.patient_bolus_mcg) == ("flex", D(168), D("8.75"))
    assert {step["rate_mcg_per_h"] for step in event.steps} == {"7"}
    assert {tuple(step.get("days", ())) for step in event.steps} == {(), ("mon", "tue", "wed", "thu", "fri")}


def test_one_taper_is_open_and_is_signed_as_it_was_drafted(prescriber: User) -> None:
    plan = a_plan(prescriber, "170")
    steps = weaning.steps_of(plan)
    with pytest.raises(Conflict, match="open already"):
        weaning.draft(pump_id=plan.pump_id, steps=steps, reason="again", by=prescriber, now=NOW)
    assert "has passed" in refused(
        "steps", lambda: weaning.sign(plan_id=plan.pk, by=prescriber, source="page", now=NOW + 7 * DAY)
    )


# --- to another clinic ------------------------------------------------------------------------------------------------


def test_a_course_goes_along_to_another_clinic(nurse: User, prescriber: User) -> None:
    pump = a_running_pump(nurse.memberships.get().clinic)
    old = pump.patient
    trial = Trial.objects.create(patient=old, label_set="us", label_version=1, began_at=NOW, began_by=nurse)
    bolus = give(trial, "50", NOW, nurse)
    records.assess(patient=old, measured_at=NOW, by=nurse, now=NOW, pain=3, bolus=bolus)
    records.add_medicine(patient=old, name="Valium", dose="", started_on=None, by=nurse, now=NOW)
    records.write_rescue_plan(patient=old, text="Baclofen 20 mg", by=nurse, now=NOW)
    phases.change(patient=old, phase=Phase.TITRATION, began_at=NOW, reason="begun", by=nurse, now=NOW)
    offered = transfers.offer(patient=old, message="", by=nurse, now=NOW)
    clinic = a_clinic()
    theirs = a_user(Role.NURSE, clinic)
    new = transfers.accept(transfer=offered, clinic=clinic, mrn="N1", by=theirs, now=NOW + HOUR)
    assert records.rescue_plan(new).text == "Baclofen 20 mg"  # type: ignore[union-attr]
    assert phases.present(new).phase == Phase.TITRATION  # type: ignore[union-attr]
    assert [medicine.name for medicine in new.medicines.all()] == ["Valium"]
    measured = new.assessments.get()
    assert measured.pain == 3
    assert measured.bolus.trial.patient == new  # type: ignore[union-attr]
    assert old.assessments.get().bolus == bolus

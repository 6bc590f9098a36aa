"""Courses of therapy in the demo: one that has come to maintenance, with a dose to sign, and one that begins."""

from datetime import date, datetime, timedelta
from decimal import Decimal

from clinical.scales import Grade
from clinics.models import Clinic, User
from patients.models import Patient
from patients.services import enter
from pumps.models import Event, Pump
from therapy.models import Phase
from therapy.services import phases, proposals, protocols, records, screening
from therapy.standing import standing_of
from therapy.wanted import Wanted

RESCUE = (
    "If the pump may be empty or not flowing: baclofen by mouth as written in the clinic's standing order, at once, "
    "and call us. Do not wait for the next visit."
)
DAY = timedelta(days=1)
# Days before now, pain, spasm frequency and severity, grades of the hip adductors left and right.
MEASURED = (
    (400, 7, 3, 2, "3", "3"),
    (300, 5, 2, 2, "2", "3"),
    (180, 4, 2, 1, "1+", "2"),
    (60, 3, 1, 1, "1", "1+"),
    (2, 5, 2, 2, "2", "2"),
)


def maintained(pump: Pump, *, nurse: User, prescriber: User, now: datetime) -> None:
    """A patient whose spasms have come back: measured, and a dose proposed that waits for its signature."""
    patient = pump.patient
    begun = Event.objects.filter(pump=pump).earliest("occurred_at").occurred_at
    for phase, at, reason in (
        (Phase.IMPLANTED, begun, "pump implanted after a screening that worked"),
        (Phase.TITRATION, begun + 3 * DAY, "the dose is looked for"),
        (Phase.MAINTENANCE, begun + 90 * DAY, "goals are met"),
    ):
        phases.change(patient=patient, phase=phase, began_at=at, reason=reason, by=prescriber, now=at)
    for days, pain, frequency, severity, left, right in MEASURED:
        records.assess(
            patient=patient,
            measured_at=now - days * DAY,
            by=nurse,
            now=now,
            pain=pain,
            spasm_frequency=frequency,
            spasm_severity=severity,
            ashworth=[Grade("hip_adductors", "left", left), Grade("hip_adductors", "right", right)],
        )
    records.add_medicine(
        patient=patient, name="Clonazepam 0.5 mg", dose="at night", started_on=None, by=nurse, now=now
    )  # fmt: skip
    protocols.store(
        clinic=pump.clinic, figures={}, second_person=False, rescue_words=RESCUE, by=prescriber, now=now
    )  # fmt: skip
    records.write_rescue_plan(patient=patient, text=RESCUE, by=prescriber, now=now)
    dose = standing_of(pump, now).daily_dose_mcg
    if dose is not None:
        wanted = Wanted(
            mode="simple_continuous",
            daily_dose_mcg=(dose * Decimal("1.1")).quantize(Decimal(1)),
            reason="Spasms at night have come back",
        )
        proposals.propose(pump_id=pump.pk, wanted=wanted, by=nurse, now=now)


def screened(clinic: Clinic, *, nurse: User, now: datetime) -> Patient:
    """A candidate after a first test dose that did nothing; the next may be given since two hours ago."""
    patient = enter(
        clinic=clinic,
        by=nurse,
        now=now,
        mrn="CANDIDATE-1",
        given_name="Noa",
        family_name="Lindqvist",
        date_of_birth=date(1992, 3, 8),
        spasticity_origin=Patient.Origin.SPINAL,
    )
    given_at = now - timedelta(hours=26)
    trial = screening.begin(patient=patient, starts_small=False, by=nurse, now=given_at)
    bolus = screening.give(trial=trial, dose_mcg=Decimal(50), given_at=given_at, by=nurse, now=given_at)
    records.assess(
        patient=patient, measured_at=given_at + timedelta(hours=4), by=nurse, now=now, bolus=bolus, spasm_frequency=3,
        spasm_severity=2, vitals={"systolic_mmhg": 124, "diastolic_mmhg": 78, "pulse_per_min": 70},
    )  # fmt: skip
    judged_at = given_at + timedelta(hours=8)
    screening.judge(
        bolus=bolus, responded=False, effect_hours=None, note="no change over 8 hours", by=nurse, now=judged_at
    )
    return patient

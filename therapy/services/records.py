"""Writes of what is measured and kept of a patient: assessments, adverse events, medicines, the rescue plan."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from clinical.scales import (
    GOALS,
    PAIN,
    PENN_FREQUENCY,
    PENN_SEVERITY,
    VITALS,
    Grade,
    problems_of_grades,
    problems_of_penn,
)
from clinics import saying
from clinics.errors import Conflict, Impossible
from clinics.models import User
from patients.models import Patient
from therapy.models import AdverseEvent, Assessment, Medicine, RescuePlan, TrialBolus
from therapy.rules import protocol_of
from therapy.services.checks import check_happened, check_writable, said

MEASURES = ("spasm_frequency", "spasm_severity", "pain", "goal", "goal_attainment", "function_note")
_RANGES = {
    "spasm_frequency": PENN_FREQUENCY,
    "spasm_severity": PENN_SEVERITY,
    "pain": PAIN,
    "goal_attainment": GOALS,
}


@transaction.atomic
def assess(
    *,
    patient: Patient,
    measured_at: datetime,
    by: User,
    now: datetime,
    ashworth: Sequence[Grade] = (),
    vitals: Mapping[str, int] | None = None,
    bolus: TrialBolus | None = None,
    **measures: Any,
) -> Assessment:
    """What was measured at a moment; `measures` by name of MEASURES.

    Raises:
        Impossible: out of its range, to come, or nothing at all.
        Conflict: the record is read-only.
    """
    check_writable(patient)
    check_happened("measured_at", measured_at, now)
    given = {name: value for name, value in measures.items() if value is not None and value != ""}
    signs = {name: value for name, value in (vitals or {}).items() if value is not None}
    if not given and not signs and not ashworth:
        raise Impossible({"measured_at": [_("Nothing is entered: fill in at least one measure.")]})
    wrong = {**_problems(given), **_problems_of_vitals(signs)}
    if graded := problems_of_grades(ashworth):
        wrong["ashworth"] = [saying.said(text) for text in graded]
    if wrong:
        raise Impossible(wrong)
    return Assessment.objects.create(
        patient=patient,
        measured_at=measured_at,
        bolus=bolus,
        ashworth=[grade.as_json() for grade in ashworth],
        vitals=signs,
        recorded_at=now,
        recorded_by=by,
        **given,
    )


def _problems(given: Mapping[str, Any]) -> dict[str, list[str]]:
    found = {
        name: [_("From %(least)s to %(most)s.") % {"least": min(allowed), "most": max(allowed)}]
        for name, allowed in _RANGES.items()
        if name in given and given[name] not in allowed
    }
    return found or saying.said_by_field(problems_of_penn(given.get("spasm_frequency"), given.get("spasm_severity")))


def _problems_of_vitals(signs: Mapping[str, int]) -> dict[str, list[str]]:
    found = {}
    for name, value in signs.items():
        vital = VITALS.get(name)
        if vital is None:
            found["vitals"] = [
                _("No such sign: %(name)s. There are: %(vitals)s.") % {"name": name, "vitals": ", ".join(VITALS)}
            ]
        elif not vital.least <= value <= vital.most:
            found[name] = [
                _("From %(least)s to %(most)s %(unit)s.")
                % {"least": vital.least, "most": vital.most, "unit": vital.unit}
            ]
    upper, lower = signs.get("systolic_mmhg"), signs.get("diastolic_mmhg")
    if upper is not None and lower is not None and lower >= upper and not found:
        found["diastolic_mmhg"] = [_("The lower pressure is below the upper one.")]
    return found


@transaction.atomic
def report_adverse(*, patient: Patient, began_at: datetime, by: User, now: datetime, **fields: Any) -> AdverseEvent:
    """
    Raises:
        Impossible: to come; or reported to nobody, with a reference.
        Conflict: the record is read-only.
    """
    check_writable(patient)
    check_happened("began_at", began_at, now)
    if fields.get("report_reference") and not fields.get("reported"):
        raise Impossible({"report_reference": [_("Tick that it was reported, or leave the reference blank.")]})
    is_fatal = fields["severity"] == AdverseEvent.Severity.FATAL
    if is_fatal != (fields["outcome"] == AdverseEvent.Outcome.DIED):
        raise Impossible({"outcome": [_("A fatal event has the outcome died, and no other has.")]})
    return AdverseEvent.objects.create(patient=patient, began_at=began_at, recorded_at=now, recorded_by=by, **fields)


@transaction.atomic
def add_medicine(
    *, patient: Patient, name: str, dose: str, started_on: date | None, by: User, now: datetime
) -> Medicine:
    """A medicine beside the pump.

    Raises:
        Impossible: without a name.
        Conflict: the record is read-only.
    """
    check_writable(patient)
    name = said("name", name, _("Write the name of the medicine."))
    return Medicine.objects.create(
        patient=patient, name=name, dose=dose.strip(), started_on=started_on, recorded_at=now, recorded_by=by
    )


@transaction.atomic
def end_medicine(*, medicine: Medicine, ended_on: date) -> Medicine:
    """
    Raises:
        Impossible: before it was begun.
        Conflict: it has ended already, or the record is read-only.
    """
    check_writable(medicine.patient)
    if medicine.ended_on is not None or medicine.voided_at is not None:
        raise Conflict(_("This medicine has ended already."))
    if medicine.started_on is not None and ended_on < medicine.started_on:
        raise Impossible({"ended_on": [_("Before the day on which it was begun.")]})
    medicine.ended_on = ended_on
    medicine.save(update_fields=["ended_on"])
    return medicine


@transaction.atomic
def write_rescue_plan(*, patient: Patient, text: str, by: User, now: datetime) -> RescuePlan:
    """
    Raises:
        Impossible: without a word.
        Conflict: the record is read-only.
    """
    check_writable(patient)
    return RescuePlan.objects.create(
        patient=patient,
        text=said("text", text, _("Write what to take by mouth, how much, and whom to call.")),
        recorded_at=now,
        recorded_by=by,
    )


def rescue_plan(patient: Patient) -> RescuePlan | None:
    """The plan that counts."""
    return RescuePlan.objects.standing().filter(patient=patient).order_by("-pk").first()


def rescue_words(patient: Patient) -> str:
    """What a new plan begins with: the one that counts, else the clinic's words."""
    plan = rescue_plan(patient)
    if plan is not None:
        return plan.text
    protocol = protocol_of(patient.clinic_id)
    return protocol.rescue_words if protocol is not None else ""

"""Everything the page of a course says, read once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from clinical import titration
from clinical.findings import Finding
from patients.models import Patient
from pumps.models import DoseSignature, Forecast, Pump
from pumps.pictures.shapes import Picture
from therapy.chart import chart
from therapy.models import (
    AdverseEvent,
    Assessment,
    Medicine,
    Phase,
    PhaseChange,
    Proposal,
    RescuePlan,
    Trial,
    WeaningPlan,
)
from therapy.rules import Rules, age_of, rules_of
from therapy.services import phases, records, screening
from therapy.services.screening import Stage
from therapy.standing import Standing, standing_of

# So many of each kind are on the page; the rest are in the API.
SHOWN = 40
# A picture has at most so many assessments.
DRAWN = 1000


@dataclass(frozen=True)
class Course:
    patient: Patient
    rules: Rules
    phase: PhaseChange | None
    phases: Sequence[PhaseChange]
    trial: Trial | None
    stage: Stage | None
    pump: Pump | None
    forecast: Forecast | None
    standing: Standing | None
    proposal: Proposal | None
    proposals: Sequence[Proposal]
    plan: WeaningPlan | None
    unsigned: Sequence[DoseSignature]
    creep: Finding | None
    assessments: Sequence[Assessment]
    adverse: Sequence[AdverseEvent]
    medicines: Sequence[Medicine]
    rescue: RescuePlan | None
    chart: Picture | None


_NOTHING = Standing((), None, None, None, None, ())


def course_of(patient: Patient, now: datetime) -> Course:
    """`patient` comes with its clinic."""
    rules, pump = rules_of(patient.clinic), phases.pump_in_use(patient)
    standing = standing_of(pump, now) if pump is not None else None
    changes = list(patient.phasechanges.standing().select_related("recorded_by").order_by("began_at", "pk"))
    trial = patient.trials.select_related("patient__clinic", "protocol").prefetch_related("boluses__judged_by").first()
    assessments = list(patient.assessments.standing().select_related("recorded_by").order_by("-measured_at")[:DRAWN])
    proposals = list(patient.proposals.select_related("proposed_by", "signed_by")[:SHOWN])
    return Course(
        patient=patient,
        rules=rules,
        phase=changes[-1] if changes else None,
        phases=changes[::-1],
        trial=trial,
        stage=screening.stage(trial) if trial is not None else None,
        pump=pump,
        forecast=Forecast.objects.filter(pump=pump).first() if pump is not None else None,
        standing=standing,
        proposal=next((each for each in proposals if each.state in ("proposed", "signed")), None),
        proposals=proposals,
        plan=WeaningPlan.objects.open().filter(patient=patient).first(),
        unsigned=list(
            DoseSignature.objects.filter(event__pump__patient=patient, signed_at=None, event__voided_by=None)
            .select_related("event__recorded_by")
            .order_by("-asked_at")[:SHOWN]
        ),
        creep=_creep(patient, changes, standing, rules, now),
        assessments=assessments[:SHOWN],
        adverse=list(patient.adverseevents.standing().select_related("recorded_by").order_by("-began_at")[:SHOWN]),
        medicines=list(patient.medicines.standing().order_by("ended_on", "name")[:SHOWN]),
        rescue=records.rescue_plan(patient),
        chart=chart(standing or _NOTHING, changes, assessments[::-1], now, patient.clinic.zone),
    )


def _creep(
    patient: Patient, changes: Sequence[PhaseChange], standing: Standing | None, rules: Rules, now: datetime
) -> Finding | None:
    """Whether the dose that runs has grown so much that pump and catheter have to be looked at."""
    since = next((each.began_at for each in changes if each.phase == Phase.MAINTENANCE), None)
    if since is None or standing is None or standing.program is None:
        return None
    age = age_of(patient, now.astimezone(patient.clinic.zone).date())
    band = rules.labels.band(patient.spasticity_origin, age)
    return titration.creep(standing.doses, now, rules.labels, band=band, since=since)

"""What there is to say of a proposed dose: label, protocol, what runs, the patient."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db.models import Q
from django.utils.translation import gettext as _

from clinical import interactions, titration
from clinical.findings import Finding, Severity, of_dose
from clinical.labels import LabelSet
from clinical.programs import MODE_WORDS, Mode, Program
from clinical.saying import say
from clinical.titration import Dose, Step
from clinical.titration import Phase as StepPhase
from clinical.units import plain
from clinics.errors import Impossible
from clinics.words import day, in_english
from patients.models import Patient
from pumps.models import Pump
from pumps.services.bridges import BridgeNeed
from pumps.services.entries import LONGEST_HOURS
from therapy.models import Phase, PhaseChange, Trial, WeaningPlan
from therapy.rules import Rules
from therapy.services import screening
from therapy.standing import Standing
from therapy.wanted import Wanted

_LABEL = "Lioresal Intrathecal and Gablofen labels"


def of_phase(present: PhaseChange | None, phase: StepPhase, pump: Pump) -> list[Finding]:
    """Who has said that the wider steps of maintenance hold."""
    if phase is not StepPhase.MAINTENANCE or present is None:
        return []
    since = in_english(day, present.began_at, pump.clinic.zone)
    told = say(
        "Held against maintenance: %(phase)s since %(since)s, by %(by)s.",
        phase=in_english(present.get_phase_display).lower(),
        since=since,
        by=present.recorded_by,
    )
    return [Finding("held_against_maintenance", Severity.INFO, told, say("the course of therapy"))]


def of_restart(standing: Standing, wanted: Wanted, now: datetime) -> list[Finding]:
    """A pump that stands still has its last dose to be compared with, and a patient who may have lost tolerance."""
    if standing.daily_dose_mcg or not standing.ran_before or wanted.daily_dose_mcg == 0:
        return []
    told = say(
        "No dose runs: compared with %(ran_before)s mcg/day, which ran last. Tolerance is lost "
        "while no drug flows, so the old dose may be too much.",
        ran_before=plain(standing.ran_before),
    )
    return [Finding("restart", Severity.WARN, told, say("our reading: no source gives a dose to restart with"))]


def of_mode(wanted: Wanted, program: Program | None) -> list[Finding]:
    """What runs and would not any more: a mode, its steps, its boluses, what the patient may call for."""
    if program is None or wanted.mode == Mode.STOPPED:
        return []
    gone = [
        name
        for name, had, has in (
            (say("steps"), program.steps, wanted.steps),
            (say("timed boluses"), program.boluses, wanted.boluses),
            (say("patient boluses"), program.patient_boluses_per_day, wanted.patient_boluses_per_day),
        )
        if had and not has
    ]
    if wanted.mode != program.mode:
        modes = {"old": MODE_WORDS[program.mode], "new": MODE_WORDS[Mode(wanted.mode)]}
        told = (
            say(
                "The mode changes from %(old)s to %(new)s, and what runs loses: %(gone)s.",
                **modes,
                gone=", ".join(gone),
            )
            if gone
            else say("The mode changes from %(old)s to %(new)s.", **modes)
        )
        return [Finding("mode_changes", Severity.WARN, told, say("what runs in the pump"))]
    if gone:
        told = say("The mode stays, and what runs loses: %(gone)s.", gone=", ".join(gone))
        return [Finding("program_loses", Severity.WARN, told, say("what runs in the pump"))]
    return []


def of_patient_boluses(wanted: Wanted, program: Program | None, step: Step | None, labels: LabelSet) -> list[Finding]:
    """What the patient may call for on top, at most, counts like a dose."""
    most = (wanted.patient_bolus_mcg or Decimal(0)) * (wanted.patient_boluses_per_day or 0)
    if not most:
        return []
    total = wanted.daily_dose_mcg + most
    before = program.daily_dose_mcg + program.most_by_patient_mcg if program is not None else Decimal(0)
    if step is not None and before and total > before:
        upper = titration.allowed(replace(step, current_mcg=before), labels).most
        if total > upper:
            told = say(
                "With patient boluses at most %(total)s mcg in 24 h, and %(before)s at present: above the band, "
                "%(upper)s mcg.",
                total=plain(total),
                before=plain(before),
                upper=plain(upper),
            )
            return [Finding("total_above_band", Severity.BLOCK, told, labels.source_of("titration_step_pct.spinal"))]
    return [
        replace(
            found,
            message=say(
                "With patient boluses at most %(total)s mcg in 24 h: %(message)s",
                total=plain(total),
                message=found.message,
            ),
        )
        for found in of_dose(float(total), labels)
    ]


def of_first(pump: Pump, wanted: Wanted, age: int, rules: Rules) -> list[Finding]:
    """What there is to say where no dose has run yet: the first one follows from the screening."""
    if wanted.daily_dose_mcg == 0:
        return []
    labels, found = rules.labels, list(of_dose(float(wanted.daily_dose_mcg), rules.labels))
    if age < labels.least_age_years:
        told = say(
            "The patient is %(age)s: the label is for %(least_age_years)s years and above.",
            age=age,
            least_age_years=labels.least_age_years,
        )
        found.append(Finding("age_below_label", Severity.WARN, told, labels.source_of("least_age_years")))
    trial = Trial.objects.filter(patient=pump.patient, outcome=Trial.Outcome.RESPONDED).first()
    first = screening.stage(trial).first if trial is not None else None
    source = labels.source_of("first_dose_factor")
    if first is None:
        told = say("No screening with a response is recorded, so there is no first dose to hold this one against.")
        return [*found, Finding("no_screening", Severity.BLOCK, told, source)]
    if wanted.daily_dose_mcg > first.daily_dose_mcg:
        told = say(
            "%(dose)s mcg/day is above the first dose of %(first)s mcg/day: %(why)s.",
            dose=plain(wanted.daily_dose_mcg),
            first=plain(first.daily_dose_mcg),
            why=first.why,
        )
        found.append(Finding("first_dose_above", Severity.BLOCK, told, first.source))
    return found


def _is_planned_to_stop(pump: Pump, now: datetime) -> bool:
    """Whether a signed taper has come to its stop, or does within a day."""
    plan = WeaningPlan.objects.filter(pump=pump, state=WeaningPlan.State.SIGNED).first()
    if plan is None or not plan.steps:
        return False
    last = plan.steps[-1]
    return Decimal(last["daily_dose_mcg"]) == 0 and datetime.fromisoformat(last["at"]) <= now + timedelta(days=1)


def of_stop(pump: Pump, wanted: Wanted, reference: Decimal | None, labels: LabelSet, now: datetime) -> list[Finding]:
    """A stop, or a dose so small that it is one: below the label's range, from within it."""
    least = labels.dose_range_mcg[0]
    is_next_to_none = 0 < wanted.daily_dose_mcg < least and reference is not None and reference >= least
    if not (wanted.mode == Mode.STOPPED or is_next_to_none) or _is_planned_to_stop(pump, now):
        return []
    told = say(
        "Abrupt stop of intrathecal baclofen can be fatal. A pump is stopped where a signed "
        "taper has come to its stop; oral baclofen must be at hand."
    )
    return [
        Finding(
            "stop_without_plan", Severity.BLOCK, told, say("Lioresal Intrathecal and Gablofen labels, boxed warning")
        )
    ]


def of_bridge(wanted: Wanted, bridge: BridgeNeed | None) -> list[Finding]:
    """
    Raises:
        Impossible: no pump runs a bridge for so long.
    """
    if bridge is None or wanted.bridge_declined_reason.strip():
        return []
    if bridge.computed is None:
        notice = bridge.notice
        told = (
            say("A change of concentration needs a bridge bolus. %(message)s", message=notice.message)
            if notice is not None
            else say("A change of concentration needs a bridge bolus.")
        )
        return [Finding("bridge_unknown", Severity.BLOCK, told, notice.source if notice is not None else _LABEL)]
    if bridge.computed.duration_hours > LONGEST_HOURS:
        told = _(
            "Its bridge bolus would take %(duration_hours)s h, and none longer than "
            "%(longest_hours)s h can be recorded. Choose another way, and say at the bridge bolus "
            "why there is none."
        ) % {"duration_hours": f"{bridge.computed.duration_hours:.0f}", "longest_hours": LONGEST_HOURS}
        raise Impossible({"concentration_mcg_per_ml": [told]})
    return []


def of_creep(pump: Pump, wanted: Wanted, standing: Standing, rules: Rules, now: datetime, age: int) -> list[Finding]:
    began = PhaseChange.objects.standing().filter(patient=pump.patient, phase=Phase.MAINTENANCE)
    since = began.order_by("began_at").values_list("began_at", flat=True).first()
    if since is None or not wanted.daily_dose_mcg:
        return []
    doses = [*standing.doses, Dose(now, wanted.daily_dose_mcg)]
    band = rules.labels.band(pump.patient.spasticity_origin, age)
    found = titration.creep(doses, now, rules.labels, band=band, since=since)
    return [found] if found is not None else []


# Conditions to think of before a dose goes up: clinical rules, section 3 (the two source articles).
CONDITIONS = {
    "pregnant": (Severity.WARN, say("Pregnant: reduce, and discontinue in the third trimester, with the prescriber.")),
    "breast_feeding": (Severity.INFO, say("Breast-feeding: watch the child for sedation.")),
    "earlier_withdrawal": (
        Severity.WARN,
        say("Had withdrawal before: a step down, or an empty pump, can bring it back."),
    ),
    "t6_or_above": (
        Severity.INFO,
        say("Spinal cord injury at or above T6: withdrawal can look like autonomic dysreflexia."),
    ),
    "communication_difficulty": (
        Severity.INFO,
        say("Cannot easily say what is wrong: look for signs, do not wait to be told."),
    ),
}


def of_patient(patient: Patient, today: date) -> list[Finding]:
    """What medicines and conditions ask to be thought of."""
    source = say("clinical rules, section 3 (risk flags)")
    found = []
    for flag in patient.flags:
        severity, told = CONDITIONS.get(
            flag, (Severity.INFO, say("%(label)s: raises the risk.", label=in_english(str, Patient.Flag(flag).label)))
        )
        found.append(Finding(f"condition_{flag}", severity, told, source))
    taken = patient.medicines.standing().filter(Q(ended_on=None) | Q(ended_on__gt=today))
    names = taken.values_list("name", flat=True)
    return [*found, *interactions.findings_of(list(names))]


def gravest_first(findings: Sequence[Finding]) -> list[Finding]:
    order = [Severity.BLOCK, Severity.HIGH, Severity.WARN, Severity.INFO]
    return sorted(findings, key=lambda finding: order.index(finding.severity))

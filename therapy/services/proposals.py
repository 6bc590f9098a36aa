"""A dose on its way into a pump: propose, sign, program, read back. Only what was read back reaches the ledger.

`block` findings need an override by a prescriber, with a reason that stays visible (clinical rules, section 3).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q

from clinical import interactions, reading_back, titration
from clinical.findings import Finding, Severity, of_dose
from clinical.labels import LabelSet
from clinical.programs import Mode, Program, ProgramError, hourly_of
from clinical.reading_back import Settings
from clinical.titration import Allowed, Dose, Step
from clinical.titration import Phase as StepPhase
from clinical.units import plain
from clinics.errors import Conflict, Impossible, Overtaken
from clinics.models import User
from clinics.words import day
from patients.models import Patient
from pumps.catheter import catheter_of
from pumps.models import Event, Pump
from pumps.programs_json import program_of
from pumps.services.bridges import DOSE, HOURS, VOLUME, BridgeNeed, need_at, need_of
from pumps.services.entries import LONGEST_HOURS, DoseEntry, EventEntry
from therapy.compared import Band, Compared, compared
from therapy.models import Phase, PhaseChange, Proposal, ProposalState, Trial, WeaningPlan
from therapy.rules import Rules, age_of, rules_of
from therapy.services import phases, screening
from therapy.services.checks import Blocked, check_cared_for, check_signs, check_writable, said
from therapy.services.read_backs import kept, most_of, whole, written
from therapy.services.recording import record_signed
from therapy.standing import Standing, standing_of
from therapy.wanted import Wanted

# A confirmation by somebody else than the signer, above this increase; the clinic's protocol may ask for one always.
SECOND_PERSON_PCT = Decimal(20)
_LABEL = "Lioresal Intrathecal and Gablofen labels"


@dataclass(frozen=True)
class Draft:
    """A proposal held against the rules, not stored. `step` and `allowed` are None without a dose that runs, or a stop.

    `told_before` is the concentration programmed before it, `year_ago_mcg` the dose of a year before; None where there
    was none.
    """

    wanted: Wanted
    standing: Standing
    told_before: Decimal | None
    rules: Rules
    phase: StepPhase
    step: Step | None
    allowed: Allowed | None
    year_ago_mcg: Decimal | None
    bridge: BridgeNeed | None
    findings: Sequence[Finding]
    second_person: Sequence[str]

    @property
    def bridge_json(self) -> dict[str, str]:
        """The bridge bolus as it is kept and read back; empty where none is needed, known, or wanted."""
        found = self.bridge.computed if self.bridge is not None else None
        if found is None or self.wanted.bridge_declined_reason.strip():
            return {}
        return {
            "volume_ml": plain(found.volume_ml.quantize(VOLUME)),
            "hours": plain(found.duration_hours.quantize(HOURS)),
            "bolus_mcg": plain(found.bolus_mcg.quantize(DOSE)),
        }

    @property
    def lines(self) -> list[Compared]:
        """Old and new, side by side."""
        program = self.standing.program.program if self.standing.program is not None else None
        wanted = replace(self.wanted, concentration_mcg_per_ml=self.concentration_mcg_per_ml)
        return compared(program, self.told_before, wanted, self.bridge_json)

    @property
    def concentration_mcg_per_ml(self) -> Decimal | None:
        """What the pump is to be told: as proposed, else as at its last fill."""
        return self.wanted.concentration_mcg_per_ml or self.standing.concentration_mcg_per_ml

    @property
    def change_pct(self) -> Decimal | None:
        return self.step.change_pct.quantize(Decimal("0.0001")) if self.step is not None else None

    @property
    def year_pct(self) -> Decimal | None:
        """By how many % the dose differs from the one of a year before."""
        if not self.year_ago_mcg:
            return None
        change = (self.wanted.daily_dose_mcg - self.year_ago_mcg) * 100 / self.year_ago_mcg
        return change.quantize(Decimal("0.0001"))

    @property
    def band(self) -> Band | None:
        """The allowed band as it is drawn; None without a step."""
        if self.step is None or self.allowed is None:
            return None
        return Band(self.allowed.least, self.allowed.most, self.step.current_mcg, self.step.proposed_mcg)

    @property
    def hourly_mcg(self) -> Decimal:
        return hourly_of(self.wanted.daily_dose_mcg).quantize(Decimal("0.0001"))

    @property
    def findings_json(self) -> list[dict[str, str]]:
        return [finding.as_json() for finding in self.findings]

    @property
    def blocks(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.severity is Severity.BLOCK]


def drafted(pump: Pump, wanted: Wanted, *, now: datetime, concentration_before: Decimal | None = None) -> Draft:
    """A proposal held against label, protocol, ledger and patient. `pump` comes with model, clinic and patient.

    `concentration_before` is what the pump was told before a refill that has been logged since it was proposed.

    Raises:
        Impossible: no pump could run it, or its bridge bolus.
        Conflict: the pump cannot be programmed, is not in use, a taper has steps to come, or the record is read-only.
    """
    _check(pump, wanted)
    _check_taper(pump, wanted, now)
    standing, rules = standing_of(pump, now), rules_of(pump.clinic)
    present = phases.present(pump.patient)
    phase = _step_phase(pump.patient, present)
    age = age_of(pump.patient, now.astimezone(pump.clinic.zone).date())
    reference = standing.daily_dose_mcg or standing.ran_before
    step = None
    if reference and wanted.daily_dose_mcg > 0:
        hours = standing.hours_since_change(now)
        step = Step(pump.patient.spasticity_origin, age, phase, reference, wanted.daily_dose_mcg, hours)
    bridge, told = _bridge(pump, wanted, standing, concentration_before)
    program = standing.program.program if standing.program is not None else None
    findings = [
        *(titration.findings(step, rules.labels) if step is not None else _of_first(pump, wanted, age, rules)),
        *_of_restart(standing, wanted, now),
        *_of_stop(pump, wanted, reference, rules.labels, now),
        *_of_bridge(wanted, bridge),
        *_of_patient_boluses(wanted, program, step, rules.labels),
        *_of_creep(pump, wanted, standing, rules, now, age),
        *_of_phase(present, phase, pump),
        *_of_patient(pump.patient, now.astimezone(pump.clinic.zone).date()),
    ]
    draft = Draft(
        wanted=wanted,
        standing=standing,
        told_before=told,
        rules=rules,
        phase=phase,
        step=step,
        allowed=titration.allowed(step, rules.labels) if step is not None else None,
        year_ago_mcg=_ran(standing.doses, now - titration.YEAR),
        bridge=bridge,
        findings=_gravest_first(findings),
        second_person=(),
    )
    return replace(draft, second_person=_second_person(draft, program))


def _check(pump: Pump, wanted: Wanted) -> None:
    check_cared_for(pump.patient)
    if not pump.model.programmable:
        raise Conflict("A constant-flow pump cannot be programmed: its dose follows from the drug that is filled.")
    if pump.status != Pump.Status.ACTIVE:
        raise Conflict("This pump is not in use any more.")
    try:
        program_of(
            wanted.mode,
            wanted.daily_dose_mcg,
            wanted.steps,
            wanted.boluses,
            wanted.patient_bolus_mcg,
            wanted.patient_boluses_per_day,
        )
    except ProgramError as error:
        raise Impossible({error.field: [error.message]}) from error
    if wanted.concentration_mcg_per_ml is not None and wanted.concentration_mcg_per_ml <= 0:
        raise Impossible({"concentration_mcg_per_ml": ["Write the concentration in mcg/mL, above 0."]})


def _check_taper(pump: Pump, wanted: Wanted, now: datetime) -> None:
    """
    Raises:
        Conflict: a signed taper has steps to come, which would turn this dose up or down again.
    """
    plan = WeaningPlan.objects.filter(pump=pump, state=WeaningPlan.State.SIGNED).first()
    to_come = plan is not None and any(datetime.fromisoformat(step["at"]) > now for step in plan.steps)
    if to_come and wanted.mode != Mode.STOPPED:
        raise Conflict("A signed taper has steps to come. End it first: they would change this dose again.")


def _step_phase(patient: Patient, present: PhaseChange | None) -> StepPhase:
    """Whether the steps of maintenance hold: titration has to be ended by somebody, not by time or by a taper."""
    if present is None:
        return StepPhase.TITRATION
    is_maintained = present.phase == Phase.MAINTENANCE
    if present.phase == Phase.WEANING:
        is_maintained = PhaseChange.objects.standing().filter(patient=patient, phase=Phase.MAINTENANCE).exists()
    return StepPhase.MAINTENANCE if is_maintained else StepPhase.TITRATION


def _of_phase(present: PhaseChange | None, phase: StepPhase, pump: Pump) -> list[Finding]:
    """Who has said that the wider steps of maintenance hold."""
    if phase is not StepPhase.MAINTENANCE or present is None:
        return []
    since = day(present.began_at, pump.clinic.zone)
    told = f"Held against maintenance: {present.get_phase_display().lower()} since {since}, by {present.recorded_by}."
    return [Finding("held_against_maintenance", Severity.INFO, told, "the course of therapy")]


def _of_restart(standing: Standing, wanted: Wanted, now: datetime) -> list[Finding]:
    """A pump that stands still has its last dose to be compared with, and a patient who may have lost tolerance."""
    if standing.daily_dose_mcg or not standing.ran_before or wanted.daily_dose_mcg == 0:
        return []
    told = (
        f"No dose runs: compared with {plain(standing.ran_before)} mcg/day, which ran last. Tolerance is lost while no "
        "drug flows, so the old dose may be too much."
    )
    return [Finding("restart", Severity.WARN, told, "our reading: no source gives a dose to restart with")]


def _of_patient_boluses(wanted: Wanted, program: Program | None, step: Step | None, labels: LabelSet) -> list[Finding]:
    """What the patient may call for on top, at most, counts like a dose."""
    most = (wanted.patient_bolus_mcg or Decimal(0)) * (wanted.patient_boluses_per_day or 0)
    if not most:
        return []
    total = wanted.daily_dose_mcg + most
    before = program.daily_dose_mcg + program.most_by_patient_mcg if program is not None else Decimal(0)
    words = f"With patient boluses at most {plain(total)} mcg in 24 h"
    if step is not None and before and total > before:
        upper = titration.allowed(replace(step, current_mcg=before), labels).most
        if total > upper:
            told = f"{words}, and {plain(before)} at present: above the band, {plain(upper)} mcg."
            return [Finding("total_above_band", Severity.BLOCK, told, labels.source_of("titration_step_pct.spinal"))]
    return [replace(found, message=f"{words}: {found.message}") for found in of_dose(float(total), labels)]


def _ran(doses: Sequence[Dose], at: datetime) -> Decimal | None:
    begun = [dose.daily_dose_mcg for dose in doses if dose.at <= at]
    return begun[-1] if begun else None


def _of_first(pump: Pump, wanted: Wanted, age: int, rules: Rules) -> list[Finding]:
    """What there is to say where no dose has run yet: the first one follows from the screening."""
    if wanted.daily_dose_mcg == 0:
        return []
    labels, found = rules.labels, list(of_dose(float(wanted.daily_dose_mcg), rules.labels))
    if age < labels.least_age_years:
        told = f"The patient is {age}: the label is for {labels.least_age_years} years and above."
        found.append(Finding("age_below_label", Severity.WARN, told, labels.source_of("least_age_years")))
    trial = Trial.objects.filter(patient=pump.patient, outcome=Trial.Outcome.RESPONDED).first()
    first = screening.stage(trial).first if trial is not None else None
    source = labels.source_of("first_dose_factor")
    if first is None:
        told = "No screening with a response is recorded, so there is no first dose to hold this one against."
        return [*found, Finding("no_screening", Severity.BLOCK, told, source)]
    if wanted.daily_dose_mcg > first.daily_dose_mcg:
        told = (
            f"{plain(wanted.daily_dose_mcg)} mcg/day is above the first dose of {plain(first.daily_dose_mcg)} mcg/day: "
            f"{first.why}."
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


def _of_stop(pump: Pump, wanted: Wanted, reference: Decimal | None, labels: LabelSet, now: datetime) -> list[Finding]:
    """A stop, or a dose so small that it is one: below the label's range, from within it."""
    least = labels.dose_range_mcg[0]
    is_next_to_none = 0 < wanted.daily_dose_mcg < least and reference is not None and reference >= least
    if not (wanted.mode == Mode.STOPPED or is_next_to_none) or _is_planned_to_stop(pump, now):
        return []
    told = (
        "Abrupt stop of intrathecal baclofen can be fatal. A pump is stopped where a signed taper has come to its "
        "stop; oral baclofen must be at hand."
    )
    return [Finding("stop_without_plan", Severity.BLOCK, told, f"{_LABEL}, boxed warning")]


def _bridge(
    pump: Pump, wanted: Wanted, standing: Standing, before: Decimal | None
) -> tuple[BridgeNeed | None, Decimal | None]:
    """The bridge of a change of concentration, None where it does not change; and what the pump was told before.

    A refill logged first, without a bridge and without a dose since, still needs its own.
    """
    told = standing.concentration_mcg_per_ml
    new, old = wanted.concentration_mcg_per_ml or told, before or told
    if standing.filled_at is not None and new == told and before in (None, told):
        is_new = standing.changed_at is None or standing.filled_at >= standing.changed_at
        need = need_at(pump, standing.ledger, at=standing.filled_at, told=told) if is_new else None
        if need is not None and not need.is_recorded:
            old = need.old_concentration_mcg_per_ml
    if new is None or old is None or new == old:
        return None, told
    doses = (standing.daily_dose_mcg or Decimal(0), wanted.daily_dose_mcg)
    need = need_of(pump, concentrations=(old, new), doses=doses, catheter_volume_ml=catheter_of(pump).volume_ml)
    return need, old


def _of_bridge(wanted: Wanted, bridge: BridgeNeed | None) -> list[Finding]:
    """
    Raises:
        Impossible: no pump runs a bridge for so long.
    """
    if bridge is None or wanted.bridge_declined_reason.strip():
        return []
    if bridge.computed is None:
        notice = bridge.notice
        told = f"A change of concentration needs a bridge bolus. {notice.message if notice is not None else ''}"
        return [Finding("bridge_unknown", Severity.BLOCK, told, notice.source if notice is not None else _LABEL)]
    if bridge.computed.duration_hours > LONGEST_HOURS:
        told = (
            f"Its bridge bolus would take {bridge.computed.duration_hours:.0f} h, and none longer than {LONGEST_HOURS} "
            "h can be recorded. Choose another way, and say at the bridge bolus why there is none."
        )
        raise Impossible({"concentration_mcg_per_ml": [told]})
    return []


def _of_creep(pump: Pump, wanted: Wanted, standing: Standing, rules: Rules, now: datetime, age: int) -> list[Finding]:
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
    "pregnant": (Severity.WARN, "Pregnant: reduce, and discontinue in the third trimester, with the prescriber."),
    "breast_feeding": (Severity.INFO, "Breast-feeding: watch the child for sedation."),
    "earlier_withdrawal": (Severity.WARN, "Had withdrawal before: a step down, or an empty pump, can bring it back."),
    "t6_or_above": (
        Severity.INFO,
        "Spinal cord injury at or above T6: withdrawal can look like autonomic dysreflexia.",
    ),
    "communication_difficulty": (
        Severity.INFO,
        "Cannot easily say what is wrong: look for signs, do not wait to be told.",
    ),
}


def _of_patient(patient: Patient, today: date) -> list[Finding]:
    """What medicines and conditions ask to be thought of."""
    source = "clinical rules, section 3 (risk flags)"
    found = []
    for flag in patient.flags:
        severity, told = CONDITIONS.get(flag, (Severity.INFO, f"{Patient.Flag(flag).label}: raises the risk."))
        found.append(Finding(f"condition_{flag}", severity, told, source))
    taken = patient.medicines.standing().filter(Q(ended_on=None) | Q(ended_on__gt=today))
    names = taken.values_list("name", flat=True)
    return [*found, *interactions.findings_of(list(names))]


def _gravest_first(findings: Sequence[Finding]) -> list[Finding]:
    order = [Severity.BLOCK, Severity.HIGH, Severity.WARN, Severity.INFO]
    return sorted(findings, key=lambda finding: order.index(finding.severity))


def _second_person(draft: Draft, program: Program | None) -> list[str]:
    """Why somebody else than the signer has to confirm."""
    wanted, protocol, why = draft.wanted, draft.rules.protocol, []
    if protocol is not None and protocol.second_person:
        why.append("the clinic asks for it")
    if draft.bridge is not None:
        why.append("the concentration changes")
    if wanted.mode == Mode.STOPPED:
        why.append("the pump is stopped")
    elif program is None:
        why.append("no dose runs before it")
    elif draft.step is not None and not draft.step.is_within(SECOND_PERSON_PCT):
        why.append(f"the dose rises by more than {SECOND_PERSON_PCT} %")
    most = (wanted.patient_bolus_mcg or Decimal(0)) * (wanted.patient_boluses_per_day or 0)
    if most > (program.most_by_patient_mcg if program is not None else 0):
        why.append("the patient may call for more")
    if draft.blocks:
        why.append("a rule is overridden")
    return why


@transaction.atomic
def propose(*, pump_id: int, wanted: Wanted, by: User, now: datetime) -> Proposal:
    """
    Raises:
        Impossible, Conflict: as `drafted`; without a reason; or another proposal of the pump is open.
    """
    said("reason", wanted.reason, "Say why the dose is changed.")
    pump = Pump.objects.select_for_update(no_key=True, of=("self",)).select_related("model", "clinic", "patient")
    found = drafted(pump.get(pk=pump_id), wanted, now=now)
    try:
        with transaction.atomic():
            return Proposal.objects.create(**_columns(found, pump.get(pk=pump_id)), proposed_at=now, proposed_by=by)
    except IntegrityError as error:
        raise Conflict("A dose is proposed for this pump already: sign, program or withdraw that one first.") from error


def _columns(found: Draft, pump: Pump) -> dict[str, Any]:
    wanted = found.wanted
    return {
        "clinic": pump.clinic,
        "patient": pump.patient,
        "pump": pump,
        "mode": wanted.mode,
        "daily_dose_mcg": wanted.daily_dose_mcg,
        "steps": list(wanted.steps),
        "boluses": list(wanted.boluses),
        "patient_bolus_mcg": wanted.patient_bolus_mcg,
        "patient_boluses_per_day": wanted.patient_boluses_per_day,
        "concentration_mcg_per_ml": found.concentration_mcg_per_ml,
        "bridge_declined_reason": wanted.bridge_declined_reason.strip() if found.bridge is not None else "",
        "reason": wanted.reason.strip(),
        "current_daily_dose_mcg": found.standing.daily_dose_mcg,
        "current_concentration_mcg_per_ml": found.told_before,
        **_held_against(found),
    }


def _held_against(found: Draft) -> dict[str, Any]:
    """What a signature is given on, beside the dose itself."""
    return {
        "label_set": found.rules.labels.code,
        "label_version": found.rules.labels.version,
        "protocol": found.rules.protocol,
        "phase": found.phase.value,
        "allowed": [plain(found.allowed.least), plain(found.allowed.most)] if found.allowed is not None else [],
        "bridge": found.bridge_json,
        "compared": [[line.name, line.old, line.new] for line in found.lines],
        "findings": found.findings_json,
        "second_person": list(found.second_person),
    }


def wanted_of(proposal: Proposal) -> Wanted:
    """What was proposed."""
    return Wanted(
        mode=proposal.mode,
        daily_dose_mcg=proposal.daily_dose_mcg,
        steps=proposal.steps,
        boluses=proposal.boluses,
        patient_bolus_mcg=proposal.patient_bolus_mcg,
        patient_boluses_per_day=proposal.patient_boluses_per_day,
        concentration_mcg_per_ml=proposal.concentration_mcg_per_ml,
        bridge_declined_reason=proposal.bridge_declined_reason,
        reason=proposal.reason,
    )


def _locked(proposal_id: int, *states: str) -> Proposal:
    """A proposal in one of some states, locked after its pump, so that its ledger stands still meanwhile.

    Raises:
        Conflict: it is in another state, its pump is not in use any more, or the record is read-only.
    """
    pump_id = Proposal.objects.values_list("pump_id", flat=True).get(pk=proposal_id)
    Pump.objects.select_for_update(no_key=True).get(pk=pump_id)
    rows = Proposal.objects.select_for_update(of=("self",))
    found = rows.select_related("pump__model", "pump__clinic", "pump__patient", "patient", "clinic").get(pk=proposal_id)
    check_writable(found.patient)
    if found.state not in states:
        raise Conflict(f"This proposal is not open for that: {found.get_state_display().lower()}.")
    return found


def sign(*, proposal_id: int, override_reason: str, by: User, now: datetime) -> Proposal:
    """A prescriber signs; held against the rules and the ledger once more, as they are now.

    Raises:
        Blocked: a `block` finding, and no reason to override it.
        Overtaken: something about it is not as it was shown; what is shown from now on is new, and stored.
        Conflict: a dose or a stop was recorded since it was proposed, or it is not open.
    """
    signed = _signed(proposal_id, override_reason, by, now)
    if signed is None:
        raise Overtaken(
            "What there is to say of this dose has changed since it was shown: rules, bridge or findings. Look at it "
            "again, and sign it then. Nothing is signed yet."
        )
    return signed


@transaction.atomic
def _signed(proposal_id: int, override_reason: str, by: User, now: datetime) -> Proposal | None:
    """The signed proposal; None where it was renewed instead, since it is not what was shown."""
    proposal = _locked(proposal_id, ProposalState.PROPOSED)
    found = _as_now(proposal, now)
    _check_unchanged(proposal, found.standing, since=proposal.proposed_at)
    if _is_stale(proposal, found):
        _renew(proposal, found)
        proposal.save()
        return None
    blocks = [f"{finding.message} Source: {finding.source}." for finding in found.blocks]
    if blocks and not override_reason.strip():
        raise Blocked(blocks)
    if blocks:
        check_signs(by, proposal.clinic_id)
    _renew(proposal, found)
    proposal.override_reason = override_reason.strip() if blocks else ""
    proposal.state, proposal.signed_at, proposal.signed_by = ProposalState.SIGNED, now, by
    proposal.save()
    return proposal


def _as_now(proposal: Proposal, now: datetime) -> Draft:
    before = proposal.current_concentration_mcg_per_ml
    return drafted(proposal.pump, wanted_of(proposal), now=now, concentration_before=before)


def _renew(proposal: Proposal, found: Draft) -> None:
    for field, value in _held_against(found).items():
        setattr(proposal, field, value)


SERIOUS = ("block", "high", "warn")
# A rule that time alone lifts, or its own words, are no news.
_SHOWN = ("label_set", "label_version", "phase", "allowed", "bridge", "compared")


def _is_stale(proposal: Proposal, found: Draft) -> bool:
    """Whether somebody who saw the proposal has not seen what holds now."""
    fresh = _held_against(found)
    if any(getattr(proposal, field) != fresh[field] for field in _SHOWN) or proposal.protocol != fresh["protocol"]:
        return True
    seen = {finding["code"] for finding in proposal.findings}
    new = {finding["code"] for finding in fresh["findings"] if finding["severity"] in SERIOUS}
    return not (new <= seen and {*fresh["second_person"]} <= {*proposal.second_person})


# Entries after which a proposal is not about the pump any more that it was made for.
OTHERWISE = (
    Event.Kind.DOSE_CHANGE,
    Event.Kind.STOP,
    Event.Kind.RESTART,
    Event.Kind.STALL,
    Event.Kind.VOID,
)


def _check_unchanged(proposal: Proposal, standing: Standing, *, since: datetime) -> None:
    """
    Raises:
        Conflict: a dose or a stop was recorded, or marked as an error, since then.
    """
    recorded = Event.objects.filter(pump=proposal.pump_id, recorded_at__gt=since, kind__in=OTHERWISE)
    if standing.daily_dose_mcg != proposal.current_daily_dose_mcg or recorded.exists():
        raise Conflict(
            "The dose was changed since, or the pump stopped, or such an entry marked as an error. Withdraw this "
            "proposal, and propose anew."
        )


@transaction.atomic
def withdraw(*, proposal_id: int, reason: str, by: User, now: datetime) -> Proposal:
    """
    Raises:
        Impossible: without a reason.
        Conflict: it is programmed, or withdrawn already.
    """
    proposal = _locked(proposal_id, ProposalState.PROPOSED, ProposalState.SIGNED)
    proposal.withdrawn_reason = said("reason", reason, "Say why it is withdrawn.")
    proposal.state, proposal.withdrawn_at, proposal.withdrawn_by = ProposalState.WITHDRAWN, now, by
    proposal.save()
    return proposal


def signed_settings(proposal: Proposal) -> Settings:
    """What the pump has to show. A stopped pump shows no dose: 0."""
    bridge, told = proposal.bridge, proposal.concentration_mcg_per_ml
    if told is None:
        # Proposed before the first fill, for whatever that is.
        fills = Event.objects.standing().filter(pump=proposal.pump_id, kind=Event.Kind.REFILL)
        told = fills.order_by("-occurred_at").values_list("programmed_concentration_mcg_per_ml", flat=True).first()
    return Settings(
        daily_dose_mcg=proposal.daily_dose_mcg,
        concentration_mcg_per_ml=told,
        bridge_volume_ml=Decimal(bridge["volume_ml"]) if bridge else None,
        bridge_hours=Decimal(bridge["hours"]) if bridge else None,
        patient_bolus_mcg=proposal.patient_bolus_mcg,
        patient_boluses_per_day=whole(proposal.patient_boluses_per_day),
        step_count=whole(len(proposal.steps) or None),
        highest_rate_mcg_per_h=most_of(proposal.steps, "rate_mcg_per_h"),
        bolus_count=whole(len(proposal.boluses) or None),
        largest_bolus_mcg=most_of(proposal.boluses, "dose_mcg"),
        mode=proposal.mode,
    )


@transaction.atomic
def confirm(
    *, proposal_id: int, read: Settings, by: User, source: str, now: datetime
) -> tuple[Proposal, dict[str, Finding]]:
    """The pump was programmed, and shows `read`. What differs is kept and answered, by field, and nothing is confirmed;
    without a difference the dose change is recorded, and its bridge.

    Raises:
        Conflict: the signer confirms alone where a second person is asked for; the ledger has another concentration,
            or something was recorded since; or it is not signed.
    """
    proposal = _locked(proposal_id, ProposalState.SIGNED)
    found = _as_now(proposal, now)
    standing, signed = found.standing, signed_settings(proposal)
    if standing.concentration_mcg_per_ml is None:
        raise Conflict("The ledger has no fill: log the first one. A pump without drug is not programmed.")
    differing = reading_back.mismatches(signed, read)
    if differing:
        proposal.mismatches = [*proposal.mismatches, kept(differing, read, by, now)]
        proposal.save(update_fields=["mismatches"])
        return proposal, differing
    asked = [*proposal.second_person, *(why for why in found.second_person if why not in proposal.second_person)]
    if asked and by.pk == proposal.signed_by_id:
        raise Conflict(f"Somebody else than who signed has to read the pump back, since {' and '.join(asked)}.")
    _check_unchanged(proposal, standing, since=proposal.signed_at or now)
    seen = {finding["code"] for finding in proposal.findings}
    against = [finding.message for finding in found.blocks if finding.code not in seen]
    if against:
        raise Conflict(f"A rule stands against it by now: {' '.join(against)} Withdraw it, and propose anew.")
    _check_ledger(proposal, standing, signed)
    proposal.event = _recorded(proposal, standing, by, source, now)
    proposal.state, proposal.confirmed_at, proposal.confirmed_by = ProposalState.PROGRAMMED, now, by
    proposal.read_back = written(read)
    proposal.save()
    return proposal, {}


def _check_ledger(proposal: Proposal, standing: Standing, signed: Settings) -> None:
    wanted, told = signed.concentration_mcg_per_ml, standing.concentration_mcg_per_ml
    if wanted is not None and told is not None and told != wanted:
        present = f"{plain(told)} mcg/mL"
        raise Conflict(f"The ledger has {present}: log the refill with {plain(wanted)} mcg/mL first.")


def _recorded(proposal: Proposal, standing: Standing, by: User, source: str, now: datetime) -> Event:
    """The dose change in the ledger, with its bridge unless the refill brought it."""
    entry = DoseEntry(
        effective_at=now,
        mode=proposal.mode,
        daily_dose_mcg=proposal.daily_dose_mcg,
        steps=proposal.steps,
        boluses=proposal.boluses,
        patient_bolus_mcg=proposal.patient_bolus_mcg,
        patient_boluses_per_day=proposal.patient_boluses_per_day,
        reason=proposal.reason,
        override_reason=proposal.override_reason,
    )
    bridge = signed_settings(proposal)
    if bridge.bridge_volume_ml is not None and standing.filled_at is not None:
        bridges = Event.objects.standing().filter(pump=proposal.pump, kind=Event.Kind.BRIDGE_BOLUS)
        recorded = bridges.filter(occurred_at__gte=standing.filled_at).first()
        if recorded is not None and recorded.volume_ml != bridge.bridge_volume_ml:
            raise Conflict(
                f"The refill was logged with a bridge bolus of {plain(recorded.volume_ml or Decimal(0))} mL, and "
                f"{plain(bridge.bridge_volume_ml)} mL was signed. Correct the one that is wrong first."
            )
        if recorded is None:
            beside = EventEntry(
                kind=Event.Kind.BRIDGE_BOLUS.value,
                occurred_at=now,
                volume_ml=bridge.bridge_volume_ml,
                duration_hours=bridge.bridge_hours,
                dose_mcg=Decimal(proposal.bridge["bolus_mcg"]),
            )
            record_signed(pump_id=proposal.pump_id, entry=beside, by=by, source=source, now=now)
    return record_signed(pump_id=proposal.pump_id, entry=entry, by=by, source=source, now=now)

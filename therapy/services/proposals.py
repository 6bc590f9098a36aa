"""A dose on its way into a pump: propose, sign, program, read back. Only what was read back reaches the ledger.

`block` findings need an override by a prescriber, with a reason that stays visible (clinical rules, section 3).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction

from clinical import interactions, reading_back, titration
from clinical.findings import Finding, Severity, of_dose
from clinical.programs import Mode, ProgramError, hourly_of
from clinical.reading_back import Settings
from clinical.titration import Allowed, Dose, Step
from clinical.titration import Phase as StepPhase
from clinical.units import plain
from clinics.errors import Conflict, Impossible
from clinics.models import User
from patients.models import Patient
from pumps.catheter import catheter_of
from pumps.models import Event, Pump
from pumps.programs_json import program_of
from pumps.services.bridges import DOSE, HOURS, VOLUME, BridgeNeed, need_of
from pumps.services.entries import DoseEntry, EventEntry
from therapy.compared import Band, Compared, compared
from therapy.models import Phase, PhaseChange, Proposal, ProposalState, Trial, WeaningPlan
from therapy.rules import Rules, age_of, rules_of
from therapy.services import phases, screening
from therapy.services.checks import Blocked, check_signs, check_writable, said
from therapy.services.recording import record_signed
from therapy.standing import Standing, standing_of
from therapy.wanted import Wanted

# A confirmation by somebody else than the signer, above this increase; the clinic's protocol may ask for one always.
SECOND_PERSON_PCT = Decimal(20)
_LABEL = "Lioresal Intrathecal and Gablofen labels"


@dataclass(frozen=True)
class Draft:
    """A proposal held against the rules, not stored. `step` and `allowed` are None without a dose that runs, or a stop.

    `year_ago_mcg` is the dose of a year before, None where none ran.
    """

    wanted: Wanted
    standing: Standing
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
        told = self.standing.concentration_mcg_per_ml
        return compared(program, told, self.wanted, self.bridge_json)

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
        Impossible: no pump could run it.
        Conflict: the pump cannot be programmed, is not in use, or the record is read-only.
    """
    _check(pump, wanted)
    standing, rules = standing_of(pump, now), rules_of(pump.clinic)
    phase = _step_phase(pump.patient)
    age = age_of(pump.patient, now.astimezone(pump.clinic.zone).date())
    current = standing.daily_dose_mcg
    step = None
    if current and wanted.daily_dose_mcg > 0:
        hours = standing.hours_since_change(now)
        step = Step(pump.patient.spasticity_origin, age, phase, current, wanted.daily_dose_mcg, hours)
    bridge = _bridge(pump, wanted, standing, concentration_before or standing.concentration_mcg_per_ml)
    findings = [
        *(titration.findings(step, rules.labels) if step is not None else _of_first(pump, wanted, age, rules, now)),
        *_of_stop(pump, wanted, now),
        *_of_bridge(wanted, bridge),
        *_of_creep(pump, wanted, standing, rules, now, age),
        *_of_patient(pump.patient, now),
    ]
    draft = Draft(
        wanted=wanted,
        standing=standing,
        rules=rules,
        phase=phase,
        step=step,
        allowed=titration.allowed(step, rules.labels) if step is not None else None,
        year_ago_mcg=_ran(standing.doses, now - titration.YEAR),
        bridge=bridge,
        findings=_gravest_first(findings),
        second_person=(),
    )
    return replace(draft, second_person=_second_person(draft))


def _check(pump: Pump, wanted: Wanted) -> None:
    check_writable(pump.patient)
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


def _step_phase(patient: Patient) -> StepPhase:
    """Whether the steps of maintenance hold: titration has to be ended by somebody, not by time."""
    found = phases.present(patient)
    is_maintained = found is not None and found.phase in (Phase.MAINTENANCE, Phase.WEANING)
    return StepPhase.MAINTENANCE if is_maintained else StepPhase.TITRATION


def _ran(doses: Sequence[Dose], at: datetime) -> Decimal | None:
    begun = [dose.daily_dose_mcg for dose in doses if dose.at <= at]
    return begun[-1] if begun else None


def _of_first(pump: Pump, wanted: Wanted, age: int, rules: Rules, now: datetime) -> list[Finding]:
    """What there is to say where no dose runs: the first one follows from the screening."""
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
        told = "No screening with a response is recorded, so there is no first dose to compare this one with."
        return [*found, Finding("no_screening", Severity.WARN, told, source)]
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


def _of_stop(pump: Pump, wanted: Wanted, now: datetime) -> list[Finding]:
    if wanted.mode != Mode.STOPPED or _is_planned_to_stop(pump, now):
        return []
    told = (
        "Abrupt stop of intrathecal baclofen can be fatal. A pump is stopped where a signed taper has come to its "
        "stop; oral baclofen must be at hand."
    )
    return [Finding("stop_without_plan", Severity.BLOCK, told, f"{_LABEL}, boxed warning")]


def _bridge(pump: Pump, wanted: Wanted, standing: Standing, old: Decimal | None) -> BridgeNeed | None:
    """The bridge of a change of concentration; None where it does not change."""
    new = wanted.concentration_mcg_per_ml
    if new is None or old is None or new == old:
        return None
    doses = (standing.daily_dose_mcg or Decimal(0), wanted.daily_dose_mcg)
    return need_of(pump, concentrations=(old, new), doses=doses, catheter_volume_ml=catheter_of(pump).volume_ml)


def _of_bridge(wanted: Wanted, bridge: BridgeNeed | None) -> list[Finding]:
    if bridge is None or wanted.bridge_declined_reason.strip():
        return []
    if bridge.computed is None:
        notice = bridge.notice
        told = f"A change of concentration needs a bridge bolus. {notice.message if notice is not None else ''}"
        return [Finding("bridge_unknown", Severity.BLOCK, told, notice.source if notice is not None else _LABEL)]
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


def _of_patient(patient: Patient, now: datetime) -> list[Finding]:
    """What medicines and conditions ask to be thought of."""
    source = "clinical rules, section 3 (risk flags)"
    found = []
    for flag in patient.flags:
        severity, told = CONDITIONS.get(flag, (Severity.INFO, f"{Patient.Flag(flag).label}: raises the risk."))
        found.append(Finding(f"condition_{flag}", severity, told, source))
    names = patient.medicines.standing().filter(ended_on=None).values_list("name", flat=True)
    return [*found, *interactions.findings_of(list(names))]


def _gravest_first(findings: Sequence[Finding]) -> list[Finding]:
    order = [Severity.BLOCK, Severity.HIGH, Severity.WARN, Severity.INFO]
    return sorted(findings, key=lambda finding: order.index(finding.severity))


def _second_person(draft: Draft) -> list[str]:
    """Why somebody else than the signer has to confirm."""
    why = []
    protocol = draft.rules.protocol
    if protocol is not None and protocol.second_person:
        why.append("the clinic asks for it")
    if draft.bridge is not None:
        why.append("the concentration changes")
    if draft.step is not None and not draft.step.is_within(SECOND_PERSON_PCT):
        why.append(f"the dose rises by more than {SECOND_PERSON_PCT} %")
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
        "concentration_mcg_per_ml": wanted.concentration_mcg_per_ml if found.bridge is not None else None,
        "bridge": found.bridge_json,
        "compared": [[line.name, line.old, line.new] for line in found.lines],
        "bridge_declined_reason": wanted.bridge_declined_reason.strip() if found.bridge is not None else "",
        "reason": wanted.reason.strip(),
        "phase": found.phase.value,
        "current_daily_dose_mcg": found.standing.daily_dose_mcg,
        "current_concentration_mcg_per_ml": found.standing.concentration_mcg_per_ml,
        "label_set": found.rules.labels.code,
        "label_version": found.rules.labels.version,
        "protocol": found.rules.protocol,
        "allowed": [plain(found.allowed.least), plain(found.allowed.most)] if found.allowed is not None else [],
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


@transaction.atomic
def sign(*, proposal_id: int, override_reason: str, by: User, now: datetime) -> Proposal:
    """A prescriber signs; held against the rules and the ledger once more, as they are now.

    Raises:
        Blocked: a `block` finding, and no reason to override it.
        Conflict: the dose was changed since it was proposed, or it is not open.
    """
    proposal = _locked(proposal_id, ProposalState.PROPOSED)
    before = proposal.current_concentration_mcg_per_ml
    found = drafted(proposal.pump, wanted_of(proposal), now=now, concentration_before=before)
    if found.standing.daily_dose_mcg != proposal.current_daily_dose_mcg:
        raise Conflict("The dose was changed since this was proposed. Withdraw the proposal, and propose anew.")
    blocks = [f"{finding.message} Source: {finding.source}." for finding in found.blocks]
    if blocks and not override_reason.strip():
        raise Blocked(blocks)
    if blocks:
        check_signs(by, proposal.clinic_id)
    proposal.findings = found.findings_json
    proposal.second_person = list(found.second_person)
    proposal.label_version, proposal.protocol = found.rules.labels.version, found.rules.protocol
    proposal.override_reason = override_reason.strip() if blocks else ""
    proposal.state, proposal.signed_at, proposal.signed_by = ProposalState.SIGNED, now, by
    proposal.save()
    return proposal


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
    bridge = proposal.bridge
    return Settings(
        daily_dose_mcg=proposal.daily_dose_mcg,
        concentration_mcg_per_ml=proposal.concentration_mcg_per_ml or proposal.current_concentration_mcg_per_ml,
        bridge_volume_ml=Decimal(bridge["volume_ml"]) if bridge else None,
        bridge_hours=Decimal(bridge["hours"]) if bridge else None,
        patient_bolus_mcg=proposal.patient_bolus_mcg,
        patient_boluses_per_day=_whole(proposal.patient_boluses_per_day),
        step_count=_whole(len(proposal.steps) or None),
        bolus_count=_whole(len(proposal.boluses) or None),
    )


def _whole(value: int | None) -> Decimal | None:
    return Decimal(value) if value is not None else None


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
    if proposal.second_person and by.pk == proposal.signed_by_id:
        raise Conflict(
            f"Somebody else than who signed has to read the pump back, since {' and '.join(proposal.second_person)}."
        )
    signed = signed_settings(proposal)
    differing = reading_back.mismatches(signed, read)
    if differing:
        proposal.mismatches = [*proposal.mismatches, _kept(differing, read, by, now)]
        proposal.save(update_fields=["mismatches"])
        return proposal, differing
    standing = standing_of(proposal.pump, now)
    _check_ledger(proposal, standing, signed)
    proposal.event = _recorded(proposal, standing, by, source, now)
    proposal.state, proposal.confirmed_at, proposal.confirmed_by = ProposalState.PROGRAMMED, now, by
    proposal.read_back = _written(read)
    proposal.save()
    return proposal, {}


def _check_ledger(proposal: Proposal, standing: Standing, signed: Settings) -> None:
    if proposal.pump.status != Pump.Status.ACTIVE or proposal.patient.status != Patient.Status.ACTIVE:
        raise Conflict("This pump is not in use any more. Withdraw the proposal.")
    if standing.daily_dose_mcg != proposal.current_daily_dose_mcg:
        raise Conflict("The dose was changed since this was signed. Withdraw the proposal, and propose anew.")
    wanted, told = signed.concentration_mcg_per_ml, standing.concentration_mcg_per_ml
    if told is None:
        raise Conflict("The ledger has no fill: log the first one. A pump without drug is not programmed.")
    if wanted is not None and told != wanted:
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
        since = Event.objects.standing().filter(pump=proposal.pump, kind=Event.Kind.BRIDGE_BOLUS)
        if not since.filter(occurred_at__gte=standing.filled_at).exists():
            beside = EventEntry(
                kind=Event.Kind.BRIDGE_BOLUS.value,
                occurred_at=now,
                volume_ml=bridge.bridge_volume_ml,
                duration_hours=bridge.bridge_hours,
                dose_mcg=Decimal(proposal.bridge["bolus_mcg"]),
            )
            record_signed(pump_id=proposal.pump_id, entry=beside, by=by, source=source, now=now)
    return record_signed(pump_id=proposal.pump_id, entry=entry, by=by, source=source, now=now)


def _kept(differing: Mapping[str, Finding], read: Settings, by: User, now: datetime) -> dict[str, Any]:
    told = [finding.message for finding in differing.values()]
    return {"at": now.isoformat(), "by": str(by), "read": _written(read), "told": told}


def _written(read: Settings) -> dict[str, str]:
    values = {name: getattr(read, name) for name in reading_back.WORDS}
    return {name: plain(value) for name, value in values.items() if value is not None}

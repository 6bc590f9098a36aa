"""What a proposed dose is held against: label and protocol, what runs, the patient. Nothing is stored."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from django.utils.translation import gettext as _

from clinical import titration
from clinical.findings import Finding, Severity
from clinical.programs import Mode, Program, ProgramError, hourly_of
from clinical.saying import say
from clinical.titration import Allowed, Dose, Step
from clinical.titration import Phase as StepPhase
from clinical.units import plain
from clinics.errors import Conflict, Impossible
from clinics.saying import said
from patients.models import Patient
from pumps.catheter import catheter_of
from pumps.models import Pump
from pumps.programs_json import program_of
from pumps.services.bridges import DOSE, HOURS, VOLUME, BridgeNeed, need_at, need_of
from therapy.compared import Band, Compared, compared, signed
from therapy.models import Phase, PhaseChange, WeaningPlan
from therapy.rules import Rules, age_of, rules_of
from therapy.services import draft_findings, phases
from therapy.services.checks import check_cared_for
from therapy.standing import Standing, standing_of
from therapy.wanted import Wanted

# A confirmation by somebody else than the signer, above this increase; the clinic's protocol may ask for one always.
SECOND_PERSON_PCT = Decimal(20)


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
    def change_words(self) -> str:
        return signed(self.step.change_pct) if self.step is not None else ""

    @property
    def year_words(self) -> str:
        return signed(self.year_pct) if self.year_pct is not None else ""

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
    standing = standing_of(pump, now)
    bridge, told = _bridge(pump, wanted, standing, concentration_before)
    return held(pump, wanted, standing, now=now, bridge=bridge, told=told)


def held(
    pump: Pump, wanted: Wanted, standing: Standing, *, now: datetime, bridge: BridgeNeed | None, told: Decimal | None
) -> Draft:
    """A dose held against what stood at a moment, by the rules of today. `told` is the concentration before it.

    Raises:
        Impossible: no pump runs its bridge for so long.
    """
    rules, present = rules_of(pump.clinic), phases.present(pump.patient, at=now)
    phase = _step_phase(pump.patient, present)
    age = age_of(pump.patient, now.astimezone(pump.clinic.zone).date())
    reference = standing.daily_dose_mcg or standing.ran_before
    step = None
    if reference and wanted.daily_dose_mcg > 0:
        hours = standing.hours_since_change(now)
        step = Step(pump.patient.spasticity_origin, age, phase, reference, wanted.daily_dose_mcg, hours)
    program = standing.program.program if standing.program is not None else None
    findings = [
        *(
            titration.findings(step, rules.labels)
            if step is not None
            else draft_findings.of_first(pump, wanted, age, rules)
        ),
        *draft_findings.of_restart(standing, wanted, now),
        *draft_findings.of_stop(pump, wanted, reference, rules.labels, now),
        *draft_findings.of_bridge(wanted, bridge),
        *draft_findings.of_mode(wanted, program),
        *draft_findings.of_patient_boluses(wanted, program, step, rules.labels),
        *draft_findings.of_creep(pump, wanted, standing, rules, now, age),
        *draft_findings.of_phase(present, phase, pump),
        *draft_findings.of_patient(pump.patient, now.astimezone(pump.clinic.zone).date()),
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
        findings=draft_findings.gravest_first(findings),
        second_person=(),
    )
    return replace(draft, second_person=_second_person(draft, program))


def _check(pump: Pump, wanted: Wanted) -> None:
    check_cared_for(pump.patient)
    if not pump.model.programmable:
        raise Conflict(_("A constant-flow pump cannot be programmed: its dose follows from the drug that is filled."))
    if pump.status != Pump.Status.ACTIVE:
        raise Conflict(_("This pump is not in use any more."))
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
        raise Impossible({error.field: [said(error.message)]}) from error
    if wanted.concentration_mcg_per_ml is not None and wanted.concentration_mcg_per_ml <= 0:
        raise Impossible({"concentration_mcg_per_ml": [_("Write the concentration in mcg/mL, above 0.")]})


def _check_taper(pump: Pump, wanted: Wanted, now: datetime) -> None:
    """
    Raises:
        Conflict: a signed taper has steps to come, which would turn this dose up or down again.
    """
    plan = WeaningPlan.objects.filter(pump=pump, state=WeaningPlan.State.SIGNED).first()
    to_come = plan is not None and any(datetime.fromisoformat(step["at"]) > now for step in plan.steps)
    if to_come and wanted.mode != Mode.STOPPED:
        raise Conflict(_("A signed taper has steps to come. End it first: they would change this dose again."))


def _step_phase(patient: Patient, present: PhaseChange | None) -> StepPhase:
    """Whether the steps of maintenance hold: titration has to be ended by somebody, not by time or by a taper."""
    if present is None:
        return StepPhase.TITRATION
    is_maintained = present.phase == Phase.MAINTENANCE
    if present.phase == Phase.WEANING:
        is_maintained = PhaseChange.objects.standing().filter(patient=patient, phase=Phase.MAINTENANCE).exists()
    return StepPhase.MAINTENANCE if is_maintained else StepPhase.TITRATION


def _ran(doses: Sequence[Dose], at: datetime) -> Decimal | None:
    begun = [dose.daily_dose_mcg for dose in doses if dose.at <= at]
    return begun[-1] if begun else None


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


def _second_person(draft: Draft, program: Program | None) -> list[str]:
    """Why somebody else than the signer has to confirm."""
    wanted, protocol, why = draft.wanted, draft.rules.protocol, []
    if protocol is not None and protocol.second_person:
        why.append(say("the clinic asks for it"))
    if draft.bridge is not None:
        why.append(say("the concentration changes"))
    if wanted.mode == Mode.STOPPED:
        why.append(say("the pump is stopped"))
    elif program is None:
        why.append(say("no dose runs before it"))
    elif draft.step is not None and not draft.step.is_within(SECOND_PERSON_PCT):
        why.append(say("the dose rises by more than %(second_person_pct)s %%", second_person_pct=SECOND_PERSON_PCT))
    most = (wanted.patient_bolus_mcg or Decimal(0)) * (wanted.patient_boluses_per_day or 0)
    if most > (program.most_by_patient_mcg if program is not None else 0):
        why.append(say("the patient may call for more"))
    if draft.blocks:
        why.append(say("a rule is overridden"))
    return why

"""A taper: drafted, signed, and then planned dose changes of the ledger, so that the forecast counts them and somebody
is reminded of each that is not confirmed when it has come."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from clinical import reading_back, weaning
from clinical.findings import Finding, Severity
from clinical.programs import Mode, Program
from clinical.reading_back import Settings
from clinical.saying import say
from clinical.units import plain
from clinical.weaning import Down, Problem
from clinics import saying
from clinics.errors import Conflict, Impossible
from clinics.models import User
from pumps.models import Event, Pump
from pumps.services import ledger, plans
from pumps.services.entries import DoseEntry
from therapy.models import Phase, WeaningPlan
from therapy.rules import rules_of
from therapy.services import phases
from therapy.services.checks import check_cared_for, check_writable, said
from therapy.services.read_backs import kept, most_of, whole
from therapy.services.recording import record_signed
from therapy.standing import Standing, standing_of
from therapy.written import boluses_json, steps_json

# Rates and boluses of a scaled program are written so finely, mcg/h and mcg.
FINE = Decimal("0.0001")


class ImpossibleSteps(Impossible):
    """`problems` say which step each is about."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__({"steps": [saying.said(problem.text) for problem in problems]})
        self.problems = problems


def checked(pump: Pump, steps: Sequence[Down], *, now: datetime) -> list[Finding]:
    """What there is to say of a plan for a pump.

    Raises:
        Impossible: it cannot be, or no dose runs that could be reduced.
    """
    current = _running_mcg(pump, now)
    wrong = weaning.problems(steps, from_mcg=current, now=now)
    if wrong:
        raise ImpossibleSteps(wrong)
    return weaning.findings(steps, from_mcg=current, labels=rules_of(pump.clinic).labels)


def _running_mcg(pump: Pump, now: datetime) -> Decimal:
    """The dose that runs, a day."""
    current = standing_of(pump, now).daily_dose_mcg
    if not current:
        raise Impossible({"steps": [_("No dose runs in this pump: there is nothing to reduce.")]})
    return current


@transaction.atomic
def draft(*, pump_id: int, steps: Sequence[Down], reason: str, by: User, now: datetime) -> WeaningPlan:
    """
    Raises:
        Impossible: as `checked`, or without a reason.
        Conflict: another plan of the pump is open, or the record is read-only.
    """
    rows = Pump.objects.select_for_update(no_key=True, of=("self",)).select_related("model", "clinic", "patient")
    pump = rows.get(pk=pump_id)
    check_cared_for(pump.patient)
    said("reason", reason, _("Say why therapy is reduced or ended."))
    findings = checked(pump, steps, now=now)
    labels = rules_of(pump.clinic).labels
    try:
        with transaction.atomic():
            return WeaningPlan.objects.create(
                clinic=pump.clinic,
                patient=pump.patient,
                pump=pump,
                reason=reason.strip(),
                steps=[{"at": step.at.isoformat(), "daily_dose_mcg": plain(step.daily_dose_mcg)} for step in steps],
                current_daily_dose_mcg=_running_mcg(pump, now),
                label_set=labels.code,
                label_version=labels.version,
                findings=[finding.as_json() for finding in findings],
                drafted_at=now,
                drafted_by=by,
            )
    except IntegrityError as error:
        raise Conflict(_("A weaning plan of this pump is open already: end that one first.")) from error


def steps_of(plan: WeaningPlan) -> list[Down]:
    return [Down(datetime.fromisoformat(step["at"]), Decimal(step["daily_dose_mcg"])) for step in plan.steps]


def findings_json(plan: WeaningPlan) -> list[dict[str, str]]:
    """What there is to say of a plan: by the rules of today until it is signed, then what it was signed on."""
    if plan.state != WeaningPlan.State.DRAFTED:
        return list(plan.findings)
    labels = rules_of(plan.clinic).labels
    found = weaning.findings(steps_of(plan), from_mcg=plan.current_daily_dose_mcg, labels=labels)
    return [finding.as_json() for finding in found]


def stops_from(plan: WeaningPlan) -> Decimal:
    """The dose before the last step, which is the stop of a plan that ends in one."""
    doses = [plan.current_daily_dose_mcg, *(step.daily_dose_mcg for step in steps_of(plan))]
    return doses[-2]


@transaction.atomic
def sign(*, plan_id: int, by: User, source: str, now: datetime, seen: bool = False) -> WeaningPlan:
    """A prescriber signs: every step becomes a planned dose change, and the patient is weaned from now on. A serious
    finding has to be said to have been `seen`.

    Raises:
        Conflict: it is signed or ended already, or the dose is another one by now.
        Impossible: its first step has passed meanwhile, or a serious finding was not seen.
    """
    plan = _locked(plan_id, WeaningPlan.State.DRAFTED)
    check_cared_for(plan.patient)
    standing = standing_of(plan.pump, now)
    if standing.daily_dose_mcg != plan.current_daily_dose_mcg:
        raise Conflict(_("The dose was changed since this plan was drafted. End it, and draft another."))
    steps = steps_of(plan)
    found = checked(plan.pump, steps, now=now)
    serious = [saying.said(finding.message) for finding in found if finding.severity is Severity.HIGH]
    if serious and not seen:
        raise Impossible({"seen": [*serious, _("Say that this was seen, and is signed. Nothing is signed yet.")]})
    labels = rules_of(plan.clinic).labels
    plan.findings = [finding.as_json() for finding in found]
    plan.label_set, plan.label_version = labels.code, labels.version
    plan.state, plan.signed_at, plan.signed_by = WeaningPlan.State.SIGNED, now, by
    plan.save()
    program = standing.program.program if standing.program is not None else None
    plan.events.set([_planned(plan, step, program, by, source, now) for step in steps])
    phases.follow(plan.patient, Phase.WEANING, reason=plan.reason, by=by, now=now)
    return plan


def _planned(plan: WeaningPlan, step: Down, program: Program | None, by: User, source: str, now: datetime) -> Event:
    """A step as a planned dose change: the program that runs, scaled down; 0 is a stop."""
    shape: dict[str, Any] = {"mode": Mode.STOPPED.value}
    if step.daily_dose_mcg and program is not None:
        shape = scaled_down(program, step.daily_dose_mcg)
    reason = say("Weaning: %(reason)s", reason=plan.reason)[:500]
    entry = DoseEntry(effective_at=step.at, daily_dose_mcg=step.daily_dose_mcg, reason=reason, **shape)
    return record_signed(pump_id=plan.pump_id, entry=entry, by=by, source=source, now=now)


def scaled_down(program: Program, daily_dose_mcg: Decimal) -> dict[str, Any]:
    """A program for a smaller daily dose: its steps and timed boluses shrink with it, and patient boluses too."""
    factor = daily_dose_mcg / program.daily_dose_mcg
    shape: dict[str, Any] = {
        "mode": program.mode.value,
        "steps": steps_json(program, lambda rate: (rate * factor).quantize(FINE)),
        "boluses": boluses_json(program, lambda dose: (dose * factor).quantize(FINE)),
    }
    if program.patient_boluses_per_day:
        shape["patient_bolus_mcg"] = (program.patient_bolus_mcg * factor).quantize(Decimal("0.001"))
        shape["patient_boluses_per_day"] = program.patient_boluses_per_day
    return shape


@transaction.atomic
def end(*, plan_id: int, reason: str, by: User, source: str, now: datetime) -> WeaningPlan:
    """End a plan, signed or not: the steps that have not come are marked as entered in error.

    Raises:
        Impossible: without a reason.
        Conflict: it has ended already.
    """
    plan = _locked(plan_id, WeaningPlan.State.DRAFTED, WeaningPlan.State.SIGNED)
    plan.ended_reason = said("reason", reason, _("Say why the plan ends."))
    plan.state, plan.ended_at, plan.ended_by = WeaningPlan.State.ENDED, now, by
    plan.save()
    for event in plan.events.filter(occurred_at__gt=now, voided_by=None):
        told = say("The weaning plan was ended: %(ended_reason)s", ended_reason=plan.ended_reason)[:500]
        ledger.void(pump_id=plan.pump_id, event_id=event.pk, reason=told, user=by, source=source, now=now)
    return plan


def ask_for_a_read_back(sender: Any, *, event: Event, **kwargs: Any) -> None:
    """
    Raises:
        Conflict: it is a step of a signed taper.
    """
    if WeaningPlan.objects.filter(events=event, state=WeaningPlan.State.SIGNED).exists():
        raise Conflict(
            _("This is a step of a signed taper: read the pump back on the taper's page, in the course of therapy.")
        )


def due_step(plan: WeaningPlan, now: datetime) -> Event | None:
    """The first step of a signed plan whose moment has come and that nobody has read back yet."""
    if plan.state != WeaningPlan.State.SIGNED:
        return None
    confirmed = Event.objects.standing().filter(pump=plan.pump_id, kind=Event.Kind.DOSE_CONFIRMED)
    made = set(confirmed.values_list("confirms_at", flat=True))
    steps = plan.events.filter(occurred_at__lte=now, voided_by=None).order_by("occurred_at")
    return next((event for event in steps if event.occurred_at not in made), None)


def read_back_of(step: Event) -> Event | None:
    """The entry that says that a step was programmed."""
    made = Event.objects.standing().filter(pump=step.pump_id, kind=Event.Kind.DOSE_CONFIRMED)
    return made.filter(confirms_at=step.occurred_at).first()


def settings_of(event: Event, standing: Standing) -> Settings:
    """What the pump has to show after a step."""
    return Settings(
        daily_dose_mcg=event.daily_dose_mcg,
        concentration_mcg_per_ml=standing.concentration_mcg_per_ml,
        patient_bolus_mcg=event.patient_bolus_mcg,
        patient_boluses_per_day=whole(event.patient_boluses_per_day),
        step_count=whole(len(event.steps) or None),
        highest_rate_mcg_per_h=most_of(event.steps, "rate_mcg_per_h"),
        bolus_count=whole(len(event.boluses) or None),
        largest_bolus_mcg=most_of(event.boluses, "dose_mcg"),
        mode=event.mode,
    )


@transaction.atomic
def confirm_step(
    *, plan_id: int, event_id: int, read: Settings, by: User, source: str, now: datetime
) -> dict[str, Finding]:
    """A step was programmed, and the pump shows `read`. What differs is kept and answered, by field, and nothing is
    confirmed.

    Raises:
        Conflict: it is not the step that is due; the signer confirms alone where the clinic asks for a second person,
            or a stop; or the plan has ended.
    """
    plan = _locked(plan_id, WeaningPlan.State.SIGNED)
    event = due_step(plan, now)
    if event is None or event.pk != event_id:
        raise Conflict(_("This is not the step that is due."))
    protocol = rules_of(plan.clinic).protocol
    is_stop = event.mode == Mode.STOPPED
    if by.pk == plan.signed_by_id and (is_stop or (protocol is not None and protocol.second_person)):
        why = say("the pump is stopped") if is_stop else say("the clinic asks for it")
        raise Conflict(
            _("Somebody else than who signed has to read the pump back, since %(why)s.") % {"why": saying.said(why)}
        )
    differing = reading_back.mismatches(settings_of(event, standing_of(plan.pump, now)), read)
    if differing:
        plan.mismatches = [*plan.mismatches, kept(differing, read, by, now)]
        plan.save(update_fields=["mismatches"])
        return differing
    plans.confirm(pump_id=plan.pump_id, event=event, user=by, source=source, now=now, is_read_back=True)
    return {}


def end_by_another_dose(sender: Any, *, event: Event, user: User, source: str, now: datetime, **kwargs: Any) -> None:
    """A dose was changed without a signature while a taper runs: its steps are not steps down any more."""
    plan = WeaningPlan.objects.filter(pump=event.pump_id, state=WeaningPlan.State.SIGNED).first()
    if plan is not None:
        told = say("another dose was recorded, %(value)s mcg/day", value=plain(event.daily_dose_mcg or Decimal(0)))
        end(plan_id=plan.pk, reason=told, by=user, source=source, now=now)


def end_by_void(sender: Any, *, event: Event, user: User, source: str, now: datetime, **kwargs: Any) -> None:
    """One step of a signed taper was marked as an error: without it the others would be a larger step."""
    plan = WeaningPlan.objects.filter(events=event, state=WeaningPlan.State.SIGNED).first()
    if plan is not None:
        end(plan_id=plan.pk, reason=say("one of its steps was marked as an error"), by=user, source=source, now=now)


def _locked(plan_id: int, *states: str) -> WeaningPlan:
    rows = WeaningPlan.objects.select_for_update(of=("self",))
    plan = rows.select_related("pump__model", "pump__clinic", "pump__patient", "patient", "clinic").get(pk=plan_id)
    check_writable(plan.patient)
    if plan.state not in states:
        raise Conflict(_("This plan is not open for that: %(state)s.") % {"state": plan.get_state_display().lower()})
    return plan

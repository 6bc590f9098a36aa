"""A screening, bolus by bolus: the rules refuse to skip the interval, and stop it at the first response."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from clinical.saying import say
from clinical.titration import Bolus, FirstDose, Outcome, Screening, first_dose, screening
from clinical.units import plain
from clinics.errors import Conflict, Impossible
from clinics.models import User
from clinics.roles import Permission
from clinics.words import in_english, moment_words
from patients.models import Patient
from therapy.models import Phase, Trial, TrialBolus
from therapy.rules import rules_of, rules_of_trial
from therapy.services import phases
from therapy.services.checks import Blocked, check_happened, check_signs, check_writable


@dataclass(frozen=True)
class Stage:
    """Where a screening stands: what may follow, and, after a response, the first daily dose of a pump."""

    next: Screening
    first: FirstDose | None


def stage(trial: Trial) -> Stage:
    """One query."""
    labels, boluses = rules_of_trial(trial).labels, list(trial.boluses.all())
    given = [Bolus(bolus.given_at, bolus.dose_mcg, bolus.responded) for bolus in boluses]
    worked = next((bolus for bolus in boluses if bolus.responded), None)
    first = None
    if worked is not None and worked.effect_hours is not None:
        first = first_dose(screening_dose_mcg=worked.dose_mcg, effect_hours=worked.effect_hours, labels=labels)
    return Stage(screening(given, labels, starts_small=trial.starts_small), first)


@transaction.atomic
def begin(*, patient: Patient, starts_small: bool, by: User, now: datetime) -> Trial:
    """
    Raises:
        Conflict: one is open already, the last one has an outcome and this is no prescriber, the patient has a pump, or
            the record is read-only.
    """
    check_writable(patient)
    if phases.pump_in_use(patient) is not None:
        raise Conflict(_("The patient has a pump already: a screening comes before one."))
    last = patient.trials.first()
    is_decided = last is not None and last.outcome in (Trial.Outcome.RESPONDED, Trial.Outcome.NO_RESPONSE)
    if is_decided and not by.access.can(Permission.SIGN_DOSE, patient.clinic_id):
        raise Conflict(_("The last screening has an outcome. Only a prescriber begins another."))
    rules = rules_of(patient.clinic)
    try:
        with transaction.atomic():
            trial = Trial.objects.create(
                patient=patient,
                label_set=rules.labels.code,
                label_version=rules.labels.version,
                protocol=rules.protocol,
                starts_small=starts_small,
                began_at=now,
                began_by=by,
            )
    except IntegrityError as error:
        raise Conflict(_("A screening is open already.")) from error
    phases.follow(patient, Phase.SCREENING, reason=say("a screening was begun"), by=by, now=now)
    return trial


@transaction.atomic
def give(
    *, trial: Trial, dose_mcg: Decimal, given_at: datetime, by: User, now: datetime, override_reason: str = ""
) -> TrialBolus:
    """Record a bolus.

    Raises:
        Impossible: a dose of 0 or less, a time to come or before the one before it, an override by who may not sign.
        Blocked: the rules of the screening refuse it, and nobody overrides them.
        Conflict: the screening has ended, or the record is read-only.
    """
    trial = _locked(trial)
    check_happened("given_at", given_at, now)
    if dose_mcg <= 0:
        raise Impossible({"dose_mcg": [_("Write the dose in mcg, above 0.")]})
    last = trial.boluses.last()
    if last is not None and given_at <= last.given_at:
        raise Impossible({"given_at": [_("Not after the bolus before it.")]})
    told = _refused(trial, dose_mcg, given_at)
    if told and not override_reason.strip():
        raise Blocked(told)
    if told:
        check_signs(by, trial.patient.clinic_id)
    return TrialBolus.objects.create(
        trial=trial,
        dose_mcg=dose_mcg,
        given_at=given_at,
        override_reason=override_reason.strip() if told else "",
        overridden=told,
        recorded_at=now,
        recorded_by=by,
    )


def _refused(trial: Trial, dose_mcg: Decimal, given_at: datetime) -> list[str]:
    """Why the rules refuse a bolus; empty if they do not."""
    found, zone = stage(trial).next, trial.patient.clinic.zone
    if found.outcome is not Outcome.GIVE or found.next_dose_mcg is None:
        return [say("%(message)s Source: %(source)s.", message=f"{_capital(found.why)}.", source=found.source)]
    told = []
    if dose_mcg != found.next_dose_mcg:
        told.append(
            say(
                "The next dose is %(next_dose_mcg)s mcg, not %(dose_mcg)s mcg. Source: %(source)s.",
                next_dose_mcg=plain(found.next_dose_mcg),
                dose_mcg=plain(dose_mcg),
                source=found.source,
            )
        )
    told += _too_near(trial, given_at)
    if found.not_before is not None and given_at < found.not_before:
        when = in_english(moment_words, found.not_before, zone)
        told.append(
            say("Not before %(when)s: %(why)s. Source: %(source)s.", when=when, why=found.why, source=found.source)
        )
    return told


def _too_near(trial: Trial, given_at: datetime) -> list[str]:
    """Of an earlier screening of the patient, the same interval holds."""
    labels, zone = rules_of_trial(trial).labels, trial.patient.clinic.zone
    wait = labels.screening_interval_hours
    others = TrialBolus.objects.filter(trial__patient=trial.patient_id).exclude(trial=trial)
    last = others.order_by("given_at").last()
    until = last.given_at + timedelta(hours=float(wait)) if last is not None else None
    if last is None or until is None or given_at >= until:
        return []
    source = labels.source_of("screening_interval_hours")
    return [
        say(
            "Not before %(until)s: at least %(wait)s h after the %(dose_mcg)s mcg of the screening "
            "before. Source: %(source)s.",
            until=in_english(moment_words, until, zone),
            wait=wait,
            dose_mcg=plain(last.dose_mcg),
            source=source,
        )
    ]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


@transaction.atomic
def judge(
    *, bolus: TrialBolus, responded: bool, effect_hours: Decimal | None, note: str, by: User, now: datetime
) -> TrialBolus:
    """Whether the patient responded. No response is not said before the observation has lasted long enough.

    Raises:
        Impossible: a response without how long it lasted.
        Conflict: it is judged already, too early for no response, or the screening has ended.
    """
    trial = _locked(bolus.trial)
    bolus = trial.boluses.select_for_update().get(pk=bolus.pk)
    if bolus.responded is not None:
        raise Conflict(_("Whether the patient responded is recorded already."))
    least = rules_of_trial(trial).labels.screening_observe_hours[0]
    until = bolus.given_at + timedelta(hours=float(least))
    if not responded and now < until:
        zone = trial.patient.clinic.zone
        raise Conflict(
            _("Observe for at least %(least)s h before it counts as no response: until %(until)s.")
            % {"least": least, "until": moment_words(until, zone)}
        )
    if responded and (effect_hours is None or effect_hours <= 0):
        raise Impossible(
            {"effect_hours": [_("Say for how many hours the effect lasted: the first dose follows from it.")]}
        )
    passed = Decimal((now - bolus.given_at).total_seconds()) / 3600
    if responded and effect_hours is not None and effect_hours > passed:
        raise Impossible(
            {"effect_hours": [_("Longer than has passed since the bolus: enter it once it has worn off.")]}
        )
    bolus.responded, bolus.effect_hours = responded, effect_hours if responded else None
    bolus.judged_at, bolus.judged_by, bolus.note = now, by, note.strip()
    bolus.save()
    after = stage(trial).next.outcome
    if after in (Outcome.RESPONDED, Outcome.NOT_A_CANDIDATE):
        responded_at_all = after is Outcome.RESPONDED
        _end(trial, Trial.Outcome.RESPONDED if responded_at_all else Trial.Outcome.NO_RESPONSE, "", by, now)
    return bolus


@transaction.atomic
def give_up(*, trial: Trial, note: str, by: User, now: datetime) -> Trial:
    """
    Raises:
        Impossible: without a reason.
        Conflict: it has ended already.
    """
    trial = _locked(trial)
    if not note.strip():
        raise Impossible({"note": [_("Say why the screening is given up.")]})
    _end(trial, Trial.Outcome.ABANDONED, note.strip(), by, now)
    return trial


def _end(trial: Trial, outcome: Trial.Outcome, note: str, by: User, now: datetime) -> None:
    trial.outcome, trial.note, trial.ended_at, trial.ended_by = outcome, note, now, by
    trial.save()


def _locked(trial: Trial) -> Trial:
    found = Trial.objects.select_for_update(of=("self",)).select_related("patient__clinic", "protocol").get(pk=trial.pk)
    check_writable(found.patient)
    if found.ended_at is not None:
        raise Conflict(_("This screening has ended: %(outcome)s.") % {"outcome": found.get_outcome_display().lower()})
    return found

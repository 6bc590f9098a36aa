"""A screening on one page: what was given, what may follow, and the first dose of a pump."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from clinical.titration import Outcome
from clinical.units import plain
from clinics.pages.access import user_of
from clinics.roles import Permission
from patients.models import Patient
from therapy.chart import scores_of
from therapy.forms.fields import NoteForm
from therapy.forms.screening import BeginScreeningForm, BolusForm, JudgeForm
from therapy.models import Trial
from therapy.pages.access import form_page, patient_of, sent, to_course, tried
from therapy.rules import rules_of_trial
from therapy.services import screening


def begin(request: HttpRequest, patient_id: int) -> HttpResponse:
    patient, now = patient_of(request, patient_id, Permission.LOG), timezone.now()
    form = BeginScreeningForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        made: list[Trial] = []
        given = form.cleaned_data
        if tried(form, lambda: made.append(screening.begin(patient=patient, by=user_of(request), now=now, **given))):
            return redirect("screening", patient_id=patient.pk, trial_id=made[0].pk)
    lede = _("Test boluses of intrathecal baclofen, until one works. The rules below stop it at the first response.")
    return form_page(request, patient, form, title=_("Begin a screening"), lede=lede, submit=_("Begin"))


def _trial(patient: Patient, trial_id: int) -> Trial:
    return get_object_or_404(patient.trials.select_related("patient__clinic", "protocol"), pk=trial_id)


def trial(request: HttpRequest, patient_id: int, trial_id: int) -> HttpResponse:
    """The page takes a bolus, or whether the last one worked."""
    writes = request.method == "POST"
    patient = patient_of(request, patient_id, Permission.LOG if writes else Permission.SEE_CLINICAL)
    found, now, user = _trial(patient, trial_id), timezone.now(), user_of(request)
    stage, last = screening.stage(found), found.boluses.last()
    next_dose = stage.next.next_dose_mcg
    bolus_form = BolusForm(
        sent(request, "bolus"), prefix="bolus", zone=patient.clinic.zone, now=now,
        initial={"dose_mcg": plain(next_dose) if next_dose is not None else ""},
    )  # fmt: skip
    judge_form = JudgeForm(sent(request, "judge"), prefix="judge")
    if bolus_form.is_bound and bolus_form.is_valid():
        given = bolus_form.cleaned_data
        if tried(bolus_form, lambda: screening.give(trial=found, by=user, now=now, **given)):
            messages.success(request, _("Saved: %(dose)s mcg.") % {"dose": plain(given["dose_mcg"])})
            return redirect("screening", patient_id=patient.pk, trial_id=found.pk)
    if judge_form.is_bound and last is not None and judge_form.is_valid():
        judged = judge_form.values()
        if tried(judge_form, lambda: screening.judge(bolus=last, by=user, now=now, **judged)):
            messages.success(request, _("Saved."))
            return redirect("screening", patient_id=patient.pk, trial_id=found.pk)
    is_open = found.ended_at is None and patient.status != Patient.Status.TRANSFERRED
    may_log = is_open and user.access.can(Permission.LOG, patient.clinic_id)
    observes = stage.next.outcome is Outcome.OBSERVE
    boluses = found.boluses.select_related("recorded_by", "judged_by").prefetch_related("assessments__recorded_by")
    context = {
        "patient": patient,
        "clinic": patient.clinic,
        "trial": found,
        "stage": stage,
        "rules": rules_of_trial(found),
        "observes": observes,
        "boluses": [
            (bolus, [(each, scores_of(each)) for each in bolus.assessments.all() if each.voided_at is None])
            for bolus in boluses
        ],
        "last": last,
        "bolus_form": bolus_form if may_log and not observes else None,
        "judge_form": judge_form if may_log and observes else None,
        "may_log": may_log,
    }
    return render(request, "therapy/screening.html", context)


def give_up(request: HttpRequest, patient_id: int, trial_id: int) -> HttpResponse:
    patient = patient_of(request, patient_id, Permission.LOG)
    found = _trial(patient, trial_id)
    form = NoteForm(request.POST if request.method == "POST" else None)
    form.fields["note"].label = _("Why")
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        if tried(form, lambda: screening.give_up(trial=found, by=user_of(request), now=timezone.now(), **given)):
            messages.success(request, _("The screening is given up."))
            return to_course(patient.pk)
    return form_page(request, patient, form, title=_("Give the screening up"), submit=_("Give up"))

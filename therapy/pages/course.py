"""The course of a patient's therapy: one page, and the forms behind its buttons."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _

from clinical.interactions import WORDS, interactions_of
from clinics.pages.access import user_of
from clinics.roles import Permission
from clinics.saying import said
from patients.models import Patient
from pumps.pages.words import SEVERITY_WORDS
from therapy.chart import scores_of
from therapy.course import course_of
from therapy.course_pdf import as_pdf
from therapy.forms.course import AdverseForm, AssessmentForm, EndMedicineForm, MedicineForm, PhaseForm, RescueForm
from therapy.forms.fields import ReasonForm
from therapy.models import AdverseEvent, Assessment, Medicine, OfCourse, Phase, PhaseChange, TrialBolus
from therapy.pages.access import form_page, patient_of, to_course, tried
from therapy.services import phases, records
from therapy.services.checks import void

# What can be marked as entered in error, by the word in its address, and who may.
RECORDS: dict[str, tuple[type[OfCourse], Permission]] = {
    "phase": (PhaseChange, Permission.PROPOSE_DOSE),
    "assessment": (Assessment, Permission.LOG),
    "adverse-event": (AdverseEvent, Permission.LOG),
    "medicine": (Medicine, Permission.LOG_DRUG_DATA),
}


def course(request: HttpRequest, patient_id: int) -> HttpResponse:
    patient, user, now = patient_of(request, patient_id, Permission.SEE_CLINICAL), user_of(request), timezone.now()
    found = course_of(patient, now)
    is_open = patient.status != Patient.Status.TRANSFERRED

    def may(permission: Permission) -> bool:
        return is_open and user.access.can(permission, patient.clinic_id)

    context = {
        "patient": patient,
        "clinic": patient.clinic,
        "course": found,
        "flags": [Patient.Flag(flag).label for flag in patient.flags],
        "scored": [(each, scores_of(each)) for each in found.assessments],
        "medicines": [(each, [WORDS[hit.degree] for hit in each.interactions]) for each in found.medicines],
        "creep_word": SEVERITY_WORDS["warn"],
        "may_log": may(Permission.LOG),
        "may_propose": may(Permission.PROPOSE_DOSE),
        "may_sign": may(Permission.SIGN_DOSE),
        "may_list": may(Permission.LOG_DRUG_DATA),
    }
    return render(request, "therapy/course.html", context)


def course_pdf(request: HttpRequest, patient_id: int) -> HttpResponse:
    patient, now = patient_of(request, patient_id, Permission.SEE_CLINICAL), timezone.now()
    answer = HttpResponse(as_pdf(course_of(patient, now), now), content_type="application/pdf")
    answer["Content-Disposition"] = f'inline; filename="course-{slugify(patient.mrn) or patient.pk}.pdf"'
    return answer


def change_phase(request: HttpRequest, patient_id: int) -> HttpResponse:
    patient, now = patient_of(request, patient_id, Permission.PROPOSE_DOSE), timezone.now()
    form = PhaseForm(request.POST or None, zone=patient.clinic.zone, now=now)
    if request.method == "POST" and form.is_valid():
        given = {**form.cleaned_data, "phase": Phase(form.cleaned_data["phase"])}
        if tried(form, lambda: phases.change(patient=patient, by=user_of(request), now=now, **given)):
            messages.success(request, _("Saved. %(label)s.") % {"label": given["phase"].label})
            return to_course(patient.pk)
    present = phases.present(patient)
    lede = (
        _("At present: %(phase)s.") % {"phase": present.get_phase_display().lower()}
        if present is not None
        else _("No phase is recorded yet.")
    )
    return form_page(request, patient, form, title=_("Another phase of therapy"), lede=lede)


def assess(request: HttpRequest, patient_id: int) -> HttpResponse:
    """What was measured; beside a screening bolus where the address names one."""
    patient, now = patient_of(request, patient_id, Permission.LOG), timezone.now()
    bolus = None
    if "bolus" in request.GET:
        key = request.GET["bolus"]
        boluses = TrialBolus.objects.filter(trial__patient=patient)
        bolus = get_object_or_404(boluses, pk=int(key) if key.isascii() and key.isdigit() and len(key) < 19 else 0)
    form = AssessmentForm(request.POST or None, zone=patient.clinic.zone, now=now)
    if request.method == "POST" and form.is_valid():
        given = {**form.values(), "bolus": bolus}
        if tried(form, lambda: records.assess(patient=patient, by=user_of(request), now=now, **given)):
            messages.success(request, _("Saved."))
            return to_course(patient.pk)
    return form_page(
        request,
        patient,
        form,
        title=_("Measure"),
        template="therapy/assess.html",
        bolus=bolus,
        lede=_("Fill in what was measured; what is left blank was not."),
    )


def report_adverse(request: HttpRequest, patient_id: int) -> HttpResponse:
    patient, now = patient_of(request, patient_id, Permission.LOG), timezone.now()
    form = AdverseForm(request.POST or None, zone=patient.clinic.zone, now=now)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        if tried(form, lambda: records.report_adverse(patient=patient, by=user_of(request), now=now, **given)):
            messages.success(request, _("Saved."))
            return to_course(patient.pk)
    lede = _("For the record. Signs of withdrawal or overdose now: report them at the pump, so that somebody is told.")
    return form_page(request, patient, form, title=_("Adverse event"), lede=lede)


def add_medicine(request: HttpRequest, patient_id: int) -> HttpResponse:
    patient, now = patient_of(request, patient_id, Permission.LOG_DRUG_DATA), timezone.now()
    form = MedicineForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        if tried(form, lambda: records.add_medicine(patient=patient, by=user_of(request), now=now, **given)):
            hits = interactions_of(given["name"])
            for hit in hits:
                messages.warning(
                    request,
                    _("%(message)s Source: %(source)s.")
                    % {"message": said(hit.finding.message), "source": said(hit.source)},
                )
            messages.success(request, _("Added: %(name)s.") % {"name": given["name"]})
            return to_course(patient.pk)
    lede = _("A medicine that is not on the list of interactions may interact all the same: any depressant does.")
    return form_page(request, patient, form, title=_("Add a medicine"), lede=lede)


def end_medicine(request: HttpRequest, patient_id: int, medicine_id: int) -> HttpResponse:
    patient = patient_of(request, patient_id, Permission.LOG_DRUG_DATA)
    medicine = get_object_or_404(patient.medicines.standing().select_related("patient"), pk=medicine_id)
    today = timezone.now().astimezone(patient.clinic.zone).date()
    form = EndMedicineForm(request.POST or None, initial={"ended_on": today})
    if request.method == "POST" and form.is_valid():
        if tried(form, lambda: records.end_medicine(medicine=medicine, **form.cleaned_data)):
            messages.success(request, _("Ended: %(medicine)s.") % {"medicine": medicine})
            return to_course(patient.pk)
    return form_page(
        request, patient, form, title=_("End %(medicine)s") % {"medicine": medicine}, lede=_("It stays on record.")
    )


def write_rescue_plan(request: HttpRequest, patient_id: int) -> HttpResponse:
    patient, now = patient_of(request, patient_id, Permission.LOG), timezone.now()
    form = RescueForm(request.POST or None, initial={"text": records.rescue_words(patient)})
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        if tried(form, lambda: records.write_rescue_plan(patient=patient, by=user_of(request), now=now, **given)):
            messages.success(request, _("Saved. It stands on the card."))
            return to_course(patient.pk)
    lede = _("For the hours in which the pump gives nothing. In words of your clinic; Brim adds none.")
    return form_page(request, patient, form, title=_("Oral rescue plan"), lede=lede)


def void_record(request: HttpRequest, patient_id: int, record: str, row_id: int) -> HttpResponse:
    """Mark one row as entered in error."""
    model, permission = RECORDS[record]
    patient = patient_of(request, patient_id, permission)
    row = get_object_or_404(model._default_manager.filter(patient=patient).select_related("patient"), pk=row_id)
    form = ReasonForm(request.POST or None)
    form.fields["reason"].label = _("What was wrong with it?")
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        if tried(form, lambda: void(row, by=user_of(request), now=timezone.now(), **given)):
            messages.success(request, _("Marked as entered in error."))
            return to_course(patient.pk)
    lede = _("%(row)s It stays on record with your reason, and counts no more.") % {"row": _said(row)}
    return form_page(
        request, patient, form, title=_("Entered in error"), lede=lede, submit=_("Mark as entered in error")
    )


def _said(row: OfCourse) -> str:
    match row:
        case PhaseChange():
            return f"{row.get_phase_display()}."
        case AdverseEvent():
            return f"{row.get_kind_display()}."
        case Medicine():
            return f"{row.name}."
        case _:
            return _("An assessment.")

"""Patients: find, enter, change; those to tell beside them; the end of care. Here since a patient's pumps are shown."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from clinics import paging
from clinics.errors import Conflict, DomainError, Impossible
from clinics.history import subject_of
from clinics.models import Change, Clinic, User
from clinics.pages.access import require, take, user_of
from clinics.roles import Permission
from patients import services
from patients.forms import ContactForm, NewPatientForm, PatientForm, StatusForm
from patients.models import Contact, Patient
from pumps.models import Forecast, Pump
from pumps.pages.words import urgency_of
from pumps.queries import patients_matching
from pumps.services import care

CHANGES_SHOWN = 30


def patient_list(request: HttpRequest) -> HttpResponse:
    """Whoever matches, by name; or, without a word to match, those entered last."""
    user = user_of(request)
    text = request.GET.get("q", "").replace("\x00", "").strip()[:200]
    if text:
        rows = patients_matching(Pump.objects.all(), text, user).by_name()
    else:
        rows = Patient.objects.visible_to(user).order_by("-pk")
        after = paging.read_id(request.GET.get("after", ""))
        rows = rows.filter(pk__lt=after) if after is not None else rows
    found = list(rows.select_related("clinic").prefetch_related("pumps__model")[: paging.PAGE_SIZE + 1])
    page = paging.page_of(request, found, lambda patient: str(patient.pk))
    context = {
        "text": text,
        "page": page if not text else None,
        "patients": page.rows,
        "is_more": bool(text) and bool(page.next),
        "may_enter": user.access.can_somewhere(Permission.LOG),
        "several": Clinic.objects.visible_to(user)[:2].count() > 1,
    }
    return render(request, "patients/patient_list.html", context)


def patient(request: HttpRequest, patient_id: int) -> HttpResponse:
    found, user = _patient(request, patient_id), user_of(request)
    sees_clinical = user.access.can(Permission.SEE_CLINICAL, found.clinic_id)
    is_open = found.status != Patient.Status.TRANSFERRED
    now = timezone.now()
    rows = Forecast.objects.filter(pump__patient=found).select_related("pump__model", "pump__clinic").order_by("-pump")
    transfer = found.transfers.open(now).first()
    context = {
        "patient": found,
        "clinic": found.clinic,
        "sees_clinical": sees_clinical,
        "may_log": is_open and user.access.can(Permission.LOG, found.clinic_id),
        "pumps": [(row.pump, row, urgency_of(row, now)) for row in rows],
        "contacts": found.contacts.standing(),
        "flags": [Patient.Flag(flag).label for flag in found.flags],
        "transfer": transfer,
        "came_from": getattr(found, "transferred_from", None),
        "changes": _changes(found, user) if sees_clinical else [],
        "audits": any(user.access.can(each, found.clinic_id) for each in (Permission.AUDIT, Permission.ADMINISTER)),
    }
    return render(request, "patients/patient.html", context)


def _changes(patient: Patient, user: User) -> list[Change]:
    """The newest changes to a patient and their pumps."""
    subjects = [subject_of(patient), *(subject_of(pump) for pump in patient.pumps.all())]
    rows = Change.objects.visible_to(user).filter(subject__in=subjects).select_related("by")
    return list(rows[:CHANGES_SHOWN])


def _patient(request: HttpRequest, patient_id: int, permission: Permission = Permission.SEE) -> Patient:
    visible = Patient.objects.visible_to(user_of(request)).select_related("clinic")
    found = get_object_or_404(visible, pk=patient_id)
    require(request, permission, found.clinic_id)
    return found


def may_enter_in(user: User) -> list[Clinic]:
    """The clinics in which a person may enter patients."""
    visible = Clinic.objects.visible_to(user)
    return [clinic for clinic in visible if user.access.can(Permission.LOG, clinic.pk)]


def enter_patient(request: HttpRequest) -> HttpResponse:
    clinics = may_enter_in(user_of(request))
    if not clinics:
        raise PermissionDenied(_("Your role does not include entering patients."))
    asked = paging.read_id(request.GET.get("clinic", ""))
    form = NewPatientForm(request.POST or None, clinics=clinics, initial={"clinic": asked} if asked else None)
    if request.method == "POST" and form.is_valid():
        try:
            entered = services.enter(by=user_of(request), now=timezone.now(), **form.cleaned_data)
        except Impossible as error:
            take(form, error.errors)
        else:
            messages.success(request, _("Entered: %(patient)s. Next, their pump.") % {"patient": entered})
            return redirect("enter_pump", patient_id=entered.pk)
    return render(request, "patients/patient_form.html", {"form": form, "title": _("Enter a patient")})


def change_patient(request: HttpRequest, patient_id: int) -> HttpResponse:
    found = _patient(request, patient_id, Permission.LOG)
    form = PatientForm.of(found, request.POST or None)
    if request.method == "POST" and form.is_valid():
        answer = _try(request, form, found, lambda: care.change_patient(
            patient=found, changes=form.cleaned_data, by=user_of(request), now=timezone.now()
        ), _("Saved."))  # fmt: skip
        if answer is not None:
            return answer
    context = {"form": form, "patient": found, "title": _("Change %(name)s") % {"name": found}}
    return render(request, "patients/patient_form.html", context)


def add_contact(request: HttpRequest, patient_id: int) -> HttpResponse:
    found = _patient(request, patient_id, Permission.LOG)
    form = ContactForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        answer = _try(request, form, found, lambda: services.add_contact(
            patient=found, by=user_of(request), now=timezone.now(), **form.cleaned_data
        ), _("Added: %(name)s.") % {"name": form.cleaned_data["name"]})  # fmt: skip
        if answer is not None:
            return answer
    context = {"form": form, "patient": found, "title": _("Add a caregiver or care home")}
    return render(request, "patients/contact_form.html", context)


def _contact(request: HttpRequest, patient_id: int, contact_id: int) -> Contact:
    found = _patient(request, patient_id, Permission.LOG)
    return get_object_or_404(found.contacts.standing().select_related("patient__clinic"), pk=contact_id)


def change_contact(request: HttpRequest, patient_id: int, contact_id: int) -> HttpResponse:
    contact = _contact(request, patient_id, contact_id)
    form = ContactForm.of(contact, request.POST or None)
    if request.method == "POST" and form.is_valid():
        answer = _try(request, form, contact.patient, lambda: services.change_contact(
            contact=contact, changes=form.cleaned_data, by=user_of(request), now=timezone.now()
        ), _("Saved."))  # fmt: skip
        if answer is not None:
            return answer
    context = {
        "form": form,
        "patient": contact.patient,
        "contact": contact,
        "title": _("Change %(name)s") % {"name": contact},
    }
    return render(request, "patients/contact_form.html", context)


@require_POST
def end_contact(request: HttpRequest, patient_id: int, contact_id: int) -> HttpResponse:
    contact = _contact(request, patient_id, contact_id)
    try:
        services.end_contact(contact=contact, by=user_of(request), now=timezone.now())
    except Conflict as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Removed: %(name)s is told nothing any more.") % {"name": contact})
    return redirect("patient", patient_id=patient_id)


def change_status(request: HttpRequest, patient_id: int) -> HttpResponse:
    """Death, end of therapy, moved away, and back."""
    found = _patient(request, patient_id, Permission.LOG)
    today = timezone.now().astimezone(found.clinic.zone).date()
    form = StatusForm(request.POST or None, initial={"status": found.status, "on": today})
    if request.method == "POST" and form.is_valid():
        answer = _try(request, form, found, lambda: care.change_status(
            patient=found, by=user_of(request), now=timezone.now(), **form.cleaned_data
        ), _("Saved. Reminders follow at once."))  # fmt: skip
        if answer is not None:
            return answer
    return render(request, "patients/status_form.html", {"form": form, "patient": found})


def _try(request: HttpRequest, form: forms.Form, patient: Patient, action: Any, said: str) -> HttpResponse | None:
    """Do it and go back to the patient; or show at the form what stands in the way."""
    try:
        action()
    except Impossible as error:
        take(form, error.errors)
    except DomainError as error:
        form.add_error(None, str(error))
    else:
        messages.success(request, said)
        return redirect("patient", patient_id=patient.pk)
    return None

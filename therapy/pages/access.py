"""Whose course a page is about, and a form that answers with a service's errors."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from clinics.errors import DomainError, Impossible
from clinics.pages.access import require, take, user_of
from clinics.roles import Permission
from patients.models import Patient
from pumps.models import Pump


def patient_of(request: HttpRequest, patient_id: int, permission: Permission) -> Patient:
    """404 for another clinic's, 403 without the role."""
    visible = Patient.objects.visible_to(user_of(request)).select_related("clinic")
    found = get_object_or_404(visible, pk=patient_id)
    require(request, permission, found.clinic_id)
    return found


def pump_of(request: HttpRequest, pump_id: int, permission: Permission) -> Pump:
    visible = Pump.objects.visible_to(user_of(request)).select_related("model", "clinic", "patient")
    found = get_object_or_404(visible, pk=pump_id)
    require(request, permission, found.clinic_id)
    return found


def tried(form: forms.Form, action: Callable[[], Any]) -> bool:
    """Whether a service did it; what stands in the way is shown at the form."""
    try:
        action()
    except Impossible as error:
        take(form, error.errors)
    except DomainError as error:
        form.add_error(None, str(error))
    else:
        return True
    return False


def pressed(request: HttpRequest, action: Callable[[], Any], done: str) -> None:
    """A single press without a form of its own: done, or told why not."""
    try:
        action()
    except Impossible as error:
        messages.error(request, " ".join(said for told in error.errors.values() for said in told))
    except DomainError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, done)


def sent(request: HttpRequest, prefix: str) -> QueryDict | None:
    """What was sent, if it was the form of this prefix: several stand on a page."""
    is_it = request.method == "POST" and any(name.startswith(f"{prefix}-") for name in request.POST)
    return request.POST if is_it else None


def form_page(request: HttpRequest, patient: Patient, form: forms.Form, **context: Any) -> HttpResponse:
    """A sheet with one form. Context: `title`, `lede`, `submit`, `back` (address) and `back_words`."""
    context.setdefault("template", "therapy/form.html")
    shown = {"form": form, "patient": patient, "clinic": patient.clinic, "submit": _("Save"), **context}
    return render(request, context["template"], shown)


def to_course(patient_id: int) -> HttpResponse:
    return redirect("course", patient_id=patient_id)

"""A pump itself: entered, corrected, explanted, replaced; and who does its next refill."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from clinical.units import plain
from clinics.errors import DomainError, Impossible
from clinics.pages.access import require, take, user_of
from clinics.roles import Permission
from patients.models import Patient
from pumps.forms.devices import ExplantForm, HandoverForm, LowLevelForm, PumpForm, ReplaceForm
from pumps.models import Pump
from pumps.services import devices, low_level


def enter_pump(request: HttpRequest, patient_id: int) -> HttpResponse:
    patient = get_object_or_404(Patient.objects.visible_to(user_of(request)).select_related("clinic"), pk=patient_id)
    require(request, Permission.LOG, patient.clinic_id)
    form = PumpForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        pump = _try(form, lambda: devices.implant(
            patient=patient, now=timezone.now(), by=user_of(request), **form.cleaned_data
        ))  # fmt: skip
        if pump is not None:
            messages.success(
                request, _("Entered: %(pump)s. Next, its last refill and the dose it runs on.") % {"pump": pump}
            )
            return redirect("pump", pump_id=pump.pk)
    in_use = patient.pumps.filter(status=Pump.Status.ACTIVE).select_related("model")
    context = {"form": form, "patient": patient, "title": _("Enter a pump"), "in_use": in_use}
    return render(request, "pumps/pump_form.html", context)


def _pump(request: HttpRequest, pump_id: int, permission: Permission) -> Pump:
    pumps = Pump.objects.visible_to(user_of(request)).select_related("clinic", "model", "patient")
    pump = get_object_or_404(pumps, pk=pump_id)
    require(request, permission, pump.clinic_id)
    return pump


def _page(request: HttpRequest, pump: Pump, form: forms.Form, template: str, **context: Any) -> HttpResponse:
    shared = {"form": form, "pump": pump, "patient": pump.patient, "clinic": pump.clinic}
    return render(request, template, {**shared, **context})


def change_pump(request: HttpRequest, pump_id: int) -> HttpResponse:
    pump = _pump(request, pump_id, Permission.LOG)
    form = PumpForm.of(pump, request.POST or None)
    if pump.events.exists():
        # A pump that has a ledger is of one model; a wrong one is explanted as entered in error.
        del form.fields["model"]
    if request.method == "POST" and form.is_valid():
        changed = _try(form, lambda: devices.correct(
            pump=pump, changes=form.cleaned_data, now=timezone.now(), by=user_of(request)
        ))  # fmt: skip
        if changed is not None:
            messages.success(request, _("Saved. Its dates were computed anew."))
            return redirect("pump", pump_id=pump.pk)
    return _page(request, pump, form, "pumps/pump_form.html", title=_("Change the pump"))


def explant_pump(request: HttpRequest, pump_id: int) -> HttpResponse:
    pump = _pump(request, pump_id, Permission.LOG)
    form = ExplantForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        out = _try(form, lambda: devices.explant(
            pump=pump, now=timezone.now(), by=user_of(request), **form.cleaned_data
        ))  # fmt: skip
        if out is not None:
            messages.success(request, _("The pump is out. Nobody is reminded of it any more."))
            return redirect("patient", patient_id=pump.patient_id)
    return _page(request, pump, form, "pumps/explant_form.html")


def replace_pump(request: HttpRequest, pump_id: int) -> HttpResponse:
    pump = _pump(request, pump_id, Permission.LOG)
    form = ReplaceForm(request.POST or None, initial={"model": pump.model_id})
    if request.method == "POST" and form.is_valid():
        new = _try(form, lambda: devices.replace(
            pump=pump, now=timezone.now(), by=user_of(request), **form.cleaned_data
        ))  # fmt: skip
        if new is not None:
            messages.success(request, _("Replaced. The new pump's ledger is empty: log its first fill and its dose."))
            return redirect("pump", pump_id=new.pk)
    return _page(request, pump, form, "pumps/replace_form.html")


def raise_low_level(request: HttpRequest, pump_id: int) -> HttpResponse:
    pump = _pump(request, pump_id, Permission.LOG)
    form = LowLevelForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        raised = _try(form, lambda: low_level.raise_low_level(
            pump=pump, now=timezone.now(), by=user_of(request), **form.cleaned_data
        ))  # fmt: skip
        if raised is not None:
            said = _("The low level is %(low_reservoir_alarm_ml)s mL. Its dates were computed anew.") % {
                "low_reservoir_alarm_ml": plain(raised.low_reservoir_alarm_ml)
            }
            messages.success(request, said)
            return redirect("pump", pump_id=pump.pk)
    context = {"raised_ml": low_level.RAISED_ML, "source": low_level.SOURCE}
    return _page(request, pump, form, "pumps/low_level_form.html", **context)


def hand_over(request: HttpRequest, pump_id: int) -> HttpResponse:
    pump = _pump(request, pump_id, Permission.BOOK)
    initial = {"owner": pump.refill_owner, "name": pump.refill_owner_name, "phone": pump.refill_owner_phone}
    form = HandoverForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        handed = _try(form, lambda: devices.hand_over(
            pump=pump, now=timezone.now(), by=user_of(request), **form.cleaned_data
        ))  # fmt: skip
        if handed is not None:
            messages.success(request, _("Next refill by: %(owner_words)s.") % {"owner_words": handed.owner_words})
            return redirect("pump", pump_id=pump.pk)
    handovers = pump.handovers.select_related("by")
    return _page(request, pump, form, "pumps/handover_form.html", handovers=handovers)


def _try(form: forms.Form, action: Callable[[], Pump]) -> Pump | None:
    """The pump; or None, with what stands in the way at the form."""
    try:
        return action()
    except Impossible as error:
        take(form, error.errors)
    except DomainError as error:
        form.add_error(None, str(error))
    return None

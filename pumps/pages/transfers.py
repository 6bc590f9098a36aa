"""A patient's record goes to another clinic: offered by a link, taken over behind it."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from clinics.errors import Conflict, Impossible
from clinics.pages.access import require, take, user_of
from clinics.roles import Permission
from patients import viewings
from patients.forms import OfferForm, TakeOverForm
from patients.models import Patient
from pumps.pages.patients import may_enter_in
from pumps.services import transfers


def _patient(request: HttpRequest, patient_id: int) -> Patient:
    found = get_object_or_404(Patient.objects.visible_to(user_of(request)).select_related("clinic"), pk=patient_id)
    require(request, Permission.LOG, found.clinic_id)
    return found


def offer_transfer(request: HttpRequest, patient_id: int) -> HttpResponse:
    """Offer the record; an open offer shows its link until it is accepted."""
    found = _patient(request, patient_id)
    form = OfferForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            transfers.offer(
                patient=found, message=form.cleaned_data["message"], by=user_of(request), now=timezone.now()
            )
        except Conflict as error:
            form.add_error(None, str(error))
        else:
            return redirect("offer_transfer", patient_id=found.pk)
    standing = found.transfers.open(timezone.now()).first()
    link = transfers.link_of(standing) if standing is not None else ""
    context = {"patient": found, "clinic": found.clinic, "form": form, "transfer": standing, "link": link}
    return render(request, "patients/transfer_offer.html", context)


@require_POST
def withdraw_transfer(request: HttpRequest, patient_id: int) -> HttpResponse:
    found = _patient(request, patient_id)
    standing = found.transfers.open(timezone.now()).first()
    if standing is not None:
        transfers.withdraw(transfer=standing, by=user_of(request), now=timezone.now())
        messages.success(request, _("Withdrawn. The link has ended, and the patient stays here."))
    return redirect("patient", patient_id=found.pk)


def transfer(request: HttpRequest, token: str) -> HttpResponse:
    """Behind the link, for staff of the clinic that takes the patient over."""
    clinics = may_enter_in(user_of(request))
    if not clinics:
        raise PermissionDenied(_("Your role does not include entering patients."))
    found = transfers.behind(token, now=timezone.now())
    if found is None:
        return render(request, "patients/transfer_gone.html", status=404)
    form = TakeOverForm(request.POST or None, clinics=clinics)
    if request.method == "POST" and form.is_valid():
        try:
            taken = transfers.accept(transfer=found, by=user_of(request), now=timezone.now(), **form.cleaned_data)
        except Impossible as error:
            take(form, error.errors)
        except Conflict as error:
            form.add_error(None, str(error))
        else:
            messages.success(
                request,
                _("%(taken)s is in your care now, with the whole ledger. Staff are reminded at once.")
                % {"taken": taken},
            )
            if not taken.clinic.patient_messages_since:
                messages.warning(
                    request, _("Messages to patients are off in your clinic: the patient gets none until then.")
                )
            return redirect("patient", patient_id=taken.pk)
    pumps = found.patient.pumps.select_related("model")
    # The address names no patient, so that it is kept here who was shown one.
    viewings.keep(
        user=user_of(request), key=None, model=Patient, row_id=found.patient_id, what="transfer", at=timezone.now()
    )
    return render(request, "patients/transfer_take.html", {"transfer": found, "form": form, "pumps": pumps})

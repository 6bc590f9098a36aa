"""A patient's emergency card in the hands of staff: print it, and turn the page behind its code on and off."""

from collections.abc import Callable

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone, translation
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from clinics.errors import Conflict, Impossible
from clinics.pages.access import require, take, user_of
from clinics.roles import Permission
from patients.models import Patient
from portal.card_links import address_of
from portal.emergency_card import card_of
from portal.emergency_card_pdf import as_pdf, usual_paper
from portal.language import spoken
from portal.models import CardLink
from portal.services import cards
from pumps.printing import PAPERS

OPENINGS_SHOWN = 20


class ConsentForm(forms.Form):
    consent = forms.CharField(
        label=gettext_lazy("Consent"),
        max_length=300,
        help_text=gettext_lazy("Who agreed, and how: for example “Ada herself, in writing, on 4 Dec 2026”."),
    )


def _patient(request: HttpRequest, patient_id: int, permission: Permission) -> Patient:
    visible = Patient.objects.visible_to(user_of(request)).select_related("clinic")
    found = get_object_or_404(visible, pk=patient_id)
    require(request, permission, found.clinic_id)
    return found


def emergency_card(request: HttpRequest, patient_id: int) -> HttpResponse:
    """What the card says, whether its page is on, who turned it on and when it was opened."""
    patient, user, now = _patient(request, patient_id, Permission.SEE_CLINICAL), user_of(request), timezone.now()
    form = ConsentForm(request.POST or None)
    if request.method == "POST":
        require(request, Permission.LOG, patient.clinic_id)
        if form.is_valid() and _turned_on(request, form, patient):
            return redirect("emergency_card", patient_id=patient.pk)
    card, link = card_of(patient, now), cards.card_link_of(patient)
    context = {
        "patient": patient,
        "clinic": patient.clinic,
        "card": card,
        "link": link,
        "address": address_of(link) if link is not None and link.is_on else "",
        "openings": link.openings.all()[:OPENINGS_SHOWN] if link is not None else [],
        "form": form,
        "papers": sorted(PAPERS.items(), key=lambda paper: card is None or paper[0] != usual_paper(card)),
        "may_change": patient.status == Patient.Status.ACTIVE and user.access.can(Permission.LOG, patient.clinic_id),
    }
    return render(request, "portal/card_staff.html", context)


def _turned_on(request: HttpRequest, form: ConsentForm, patient: Patient) -> bool:
    try:
        cards.turn_on(
            patient=patient, consent=form.cleaned_data["consent"], by=user_of(request), now=timezone.now()
        )  # fmt: skip
    except Impossible as error:
        take(form, error.errors)
        return False
    except Conflict as error:
        form.add_error(None, str(error))
        return False
    messages.success(request, _("The page is on. Print a card with its code now."))
    return True


@require_POST
def renew_card(request: HttpRequest, patient_id: int) -> HttpResponse:
    return _change(request, patient_id, cards.renew, _("The links printed before have ended. Print a new card now."))


@require_POST
def end_card(request: HttpRequest, patient_id: int) -> HttpResponse:
    return _change(
        request, patient_id, cards.turn_off, _("The page is off. Whoever scans an old card reads whom to call.")
    )


def _change(request: HttpRequest, patient_id: int, change: Callable[..., CardLink], said: str) -> HttpResponse:
    patient = _patient(request, patient_id, Permission.LOG)
    try:
        change(patient=patient, by=user_of(request), now=timezone.now())
    except Conflict as error:
        messages.error(request, str(error))
    else:
        messages.success(request, said)
    return redirect("emergency_card", patient_id=patient.pk)


def print_card(request: HttpRequest, patient_id: int) -> HttpResponse:
    """The card as a PDF in the patient's language, `?paper=a4` or `letter`; who took it is kept in the history."""
    patient, now = _patient(request, patient_id, Permission.SEE_CLINICAL), timezone.now()
    card, link = card_of(patient, now), cards.card_link_of(patient)
    if card is None:
        raise Http404
    asked = request.GET.get("paper", "")
    paper = asked if asked in PAPERS else usual_paper(card)
    address = address_of(link) if link is not None and link.is_on else None
    with translation.override(spoken(patient.language)):
        data = as_pdf(card, paper, address)
    cards.printed(patient=patient, has_link=address is not None, by=user_of(request), now=now)
    name = f"card-{slugify(patient.mrn) or patient.pk}-{now.astimezone(patient.clinic.zone).date()}.pdf"
    headers = {"Content-Disposition": f'inline; filename="{name}"'}
    return HttpResponse(data, content_type="application/pdf", headers=headers)

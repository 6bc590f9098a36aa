"""What a clinic sets about titration: its protocol and its program templates."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from clinical.labels import LABEL_SETS
from clinics.models import Clinic
from clinics.pages.access import administered, require, user_of
from clinics.roles import Permission
from pumps.forms.entries import Rows
from pumps.pages.sheets import rows_again
from therapy.forms.protocols import ProtocolForm, TemplateForm
from therapy.models import ProgramTemplate
from therapy.pages.access import tried
from therapy.rules import protocol_of
from therapy.services import protocols


def protocol(request: HttpRequest, clinic_id: int) -> HttpResponse:
    clinic = administered(request, clinic_id)
    labels, present = LABEL_SETS[clinic.label_set], protocol_of(clinic.pk)
    form = ProtocolForm(request.POST if request.method == "POST" else None, labels=labels, protocol=present)
    if request.method == "POST" and form.is_valid():
        cleaned = form.cleaned_data
        if tried(form, lambda: protocols.store(
            clinic=clinic,
            figures=form.figures(),
            second_person=cleaned["second_person"],
            rescue_words=cleaned["rescue_words"],
            by=user_of(request),
            now=timezone.now(),
        )):  # fmt: skip
            messages.success(request, _("Saved. Every proposal from now on is held against it."))
            return redirect("protocol", clinic_id=clinic.pk)
    return render(
        request, "therapy/protocol.html", {"clinic": clinic, "form": form, "present": present, "labels": labels}
    )


def templates(request: HttpRequest, clinic_id: int) -> HttpResponse:
    clinic = get_object_or_404(Clinic.objects.visible_to(user_of(request)), pk=clinic_id)
    writes = request.method == "POST"
    require(request, Permission.PROPOSE_DOSE if writes else Permission.SEE_CLINICAL, clinic.pk)
    posted = request.POST if writes else None
    more = posted.get("more") if posted is not None else None
    if posted is not None and more is None:
        form, rows = TemplateForm(posted), {name: Rows(posted, prefix=name) for name in ("steps", "boluses")}
        if all([form.is_valid(), *(each.is_valid() for each in rows.values())]):
            cleaned = form.cleaned_data
            if tried(form, lambda: protocols.keep_template(
                clinic=clinic,
                steps=rows["steps"].rows("start", "rate_mcg_per_h"),
                boluses=rows["boluses"].rows("at", "dose_mcg"),
                by=user_of(request),
                now=timezone.now(),
                **cleaned,
            )):  # fmt: skip
                messages.success(request, _("Kept: %(name)s.") % {"name": cleaned["name"]})
                return redirect("program_templates", clinic_id=clinic.pk)
    elif posted is not None:
        form = TemplateForm(initial={name: posted.get(name, "") for name in TemplateForm.base_fields})
        rows = {name: rows_again(posted, name, more) for name in ("steps", "boluses")}
    else:
        form, rows = TemplateForm(), {name: Rows(prefix=name) for name in ("steps", "boluses")}
    context: dict[str, Any] = {"clinic": clinic, "templates": ProgramTemplate.objects.filter(clinic=clinic)}
    if user_of(request).access.can(Permission.PROPOSE_DOSE, clinic.pk):
        context |= {"form": form, **rows}
    return render(request, "therapy/templates.html", context)


@require_POST
def remove_template(request: HttpRequest, clinic_id: int, template_id: int) -> HttpResponse:
    clinic = get_object_or_404(Clinic.objects.visible_to(user_of(request)), pk=clinic_id)
    found = get_object_or_404(ProgramTemplate.objects.filter(clinic=clinic), pk=template_id)
    require(request, Permission.PROPOSE_DOSE, clinic.pk)
    found.delete()
    messages.success(request, _("Removed: %(name)s.") % {"name": found.name})
    return redirect("program_templates", clinic_id=clinic.pk)

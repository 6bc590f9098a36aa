"""The catalogue of pump models, with what has not been read in a manual marked."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clinics.pages import user_of
from clinics.services.members import administers_every_clinic
from pumps.forms.settings import PumpModelForm
from pumps.models import PumpModel
from pumps.services.catalogue import edit


def catalogue(request: HttpRequest) -> HttpResponse:
    context = {"models": PumpModel.objects.all(), "can_edit": administers_every_clinic(user_of(request))}
    return render(request, "pumps/catalogue.html", context)


def catalogue_edit(request: HttpRequest, slug: str) -> HttpResponse:
    model = get_object_or_404(PumpModel, slug=slug)
    if not administers_every_clinic(user_of(request)):
        raise PermissionDenied(
            _("The catalogue serves every clinic: only an administrator of all of them may edit it.")
        )
    form = PumpModelForm(request.POST or None, instance=model)
    if request.method == "POST" and form.is_valid():
        changed = {name: form.cleaned_data[name] for name in form.changed_data}
        moved = edit(model=model, changes=changed, now=timezone.now())
        messages.success(
            request,
            ngettext("Saved. %(moved)s forecast changed.", "Saved. %(moved)s forecasts changed.", moved)
            % {"moved": moved},
        )
        return redirect("catalogue")
    return render(request, "pumps/catalogue_edit.html", {"model": PumpModel.objects.get(slug=slug), "form": form})

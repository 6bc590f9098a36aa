"""A clinic's settings. They live beside the pumps since a change moves their dates."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from clinics import services as clinic_services
from clinics.errors import Impossible
from clinics.models import Clinic
from clinics.pages import require, user_of
from clinics.roles import Permission
from patients.models import Patient
from pumps.services import settings as settings_service
from pumps.settings_forms import ClinicForm


def clinic_list(request: HttpRequest) -> HttpResponse:
    return render(request, "clinics/clinic_list.html", {"clinics": Clinic.objects.visible_to(user_of(request))})


def clinic(request: HttpRequest, clinic_id: int) -> HttpResponse:
    found = _clinic(request, clinic_id)
    form = ClinicForm.of(found, request.POST or None)
    if request.method == "POST":
        require(request, Permission.ADMINISTER, found.pk)
        if form.is_valid() and _save(request, found, form):
            return redirect("clinic", clinic_id=found.pk)
    consenting = Patient.objects.filter(clinic=found, email_reminders=True, status=Patient.Status.ACTIVE).exclude(
        email=""
    )
    context = {
        "clinic": found,
        "form": form,
        "can_administer": user_of(request).access.can(Permission.ADMINISTER, found.pk),
        "consenting": consenting.count(),
    }
    return render(request, "clinics/clinic.html", context)


def _clinic(request: HttpRequest, clinic_id: int) -> Clinic:
    return get_object_or_404(Clinic.objects.visible_to(user_of(request)), pk=clinic_id)


def _save(request: HttpRequest, clinic: Clinic, form: ClinicForm) -> bool:
    try:
        moved = settings_service.change(clinic=clinic, settings=form.settings(), now=timezone.now())
    except Impossible as error:
        for field, said in error.errors.items():
            form.add_error(field, said)
        return False
    pumps = "1 pump moves" if moved == 1 else f"{moved} pumps move"
    messages.success(request, f"Saved. {pumps}.")
    return True


@require_POST
def go_live(request: HttpRequest, clinic_id: int) -> HttpResponse:
    found = _clinic(request, clinic_id)
    require(request, Permission.ADMINISTER, found.pk)
    clinic_services.go_live(clinic=found, now=timezone.now())
    messages.success(request, "Messages to patients are on from now.")
    return redirect("clinic", clinic_id=found.pk)

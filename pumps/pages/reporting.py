"""Somebody reports symptoms or an alarm by phone: whoever has to act is told at once."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from alerts.services import reports
from clinical.symptoms import is_emergency
from clinics.errors import Conflict, Impossible
from clinics.pages.access import require, user_of
from clinics.roles import Permission
from pumps.forms.reporting import ReportForm
from pumps.models import Pump

EMERGENCY = gettext_lazy("This is an emergency: have them call the emergency number now, before anything else.")


def report(request: HttpRequest, pump_id: int) -> HttpResponse:
    """Whoever answers the phone reports: also a scheduler, who does not see what is recorded otherwise."""
    visible = Pump.objects.visible_to(user_of(request)).select_related("clinic", "model", "patient")
    pump, now = get_object_or_404(visible, pk=pump_id), timezone.now()
    require(request, Permission.BOOK, pump.clinic_id)
    form = ReportForm(request.POST or None, zone=pump.clinic.zone, now=now)
    if request.method == "POST" and form.is_valid():
        said = form.said()
        try:
            stored = reports.said(pump_id=pump.pk, patient=pump.patient, now=now, by=user_of(request), **said)
        except Impossible as error:
            for field, told in error.errors.items():
                form.add_error(field if field in form.fields else None, list(told))
        except Conflict as error:
            form.add_error(None, str(error))
        else:
            if is_emergency(said["symptoms"]) or said["tones"] == 2:
                messages.error(request, EMERGENCY)
            messages.success(request, _("Reported. Whoever has to act is being told."))
            return redirect("alert", alert_id=stored[0].alert_id)
    context = {"form": form, "pump": pump, "patient": pump.patient, "clinic": pump.clinic}
    return render(request, "pumps/report.html", context)

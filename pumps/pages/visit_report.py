"""The report of a refill visit, to print."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone

from clinics.pages.access import require, user_of
from clinics.roles import Permission
from pumps.models import Event, Pump
from pumps.printing import PAPERS
from pumps.visit_report import visit_report as report_of
from pumps.visit_report_pdf import as_pdf, usual_paper


def visit_report(request: HttpRequest, pump_id: int, event_id: int) -> HttpResponse:
    """A PDF, `?paper=a4` or `letter`; of a refill that stands, not of one entered in error."""
    pumps = Pump.objects.visible_to(user_of(request)).select_related("clinic", "model", "patient")
    pump = get_object_or_404(pumps, pk=pump_id)
    refill = get_object_or_404(pump.events.select_related("recorded_by"), pk=event_id)
    require(request, Permission.SEE_CLINICAL, pump.clinic_id)
    if refill.kind != Event.Kind.REFILL or not Event.objects.standing().filter(pk=refill.pk).exists():
        raise Http404
    found = report_of(pump, refill, timezone.now())
    asked = request.GET.get("paper", "")
    data = as_pdf(found, asked if asked in PAPERS else usual_paper(found))
    on = refill.occurred_at.astimezone(pump.clinic.zone).date()
    headers = {"Content-Disposition": f'inline; filename="refill-visit-{pump.pk}-{on}.pdf"'}
    return HttpResponse(data, content_type="application/pdf", headers=headers)

"""The explanation of a date: swapped in where the date stands, or a page of its own."""

from collections.abc import Collection

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone

from clinics.pages import require, user_of
from clinics.roles import Permission
from pumps.models import Event, Forecast, Pump
from pumps.pages.timeline import title_of
from pumps.pages.why import FOR_EVERYBODY, WHATS, why
from pumps.pages.why.parts import Key
from pumps.reading import read


def why_page(request: HttpRequest, pump_id: int, what: str) -> HttpResponse:
    user, now = user_of(request), timezone.now()
    pump = get_object_or_404(Pump.objects.visible_to(user).select_related("patient", "model", "clinic"), pk=pump_id)
    if what not in WHATS:
        raise Http404
    if what not in FOR_EVERYBODY:
        require(request, Permission.SEE_CLINICAL, pump.clinic_id)
    reading = read(pump, Forecast.objects.select_related("prior_version").get(pump=pump), now)
    found = why(reading, what)
    sees_clinical = user.access.can(Permission.SEE_CLINICAL, pump.clinic_id)
    context = {
        "pump": pump,
        "patient": pump.patient,
        "clinic": pump.clinic,
        "why": found,
        "used": used_of(pump, found.events) if sees_clinical else [],
    }
    return render(request, "parts/why.html" if "HX-Request" in request.headers else "pumps/why.html", context)


def used_of(pump: Pump, keys: Collection[Key]) -> list[tuple[Event, str]]:
    """The standing entries of these kinds and moments, oldest first, and what each is called. One query."""
    if not keys:
        return []
    rows = pump.events.standing().filter(occurred_at__in={at for _, at in keys}).order_by("occurred_at", "pk")
    return [(row, title_of(row)) for row in rows if (row.kind, row.occurred_at) in keys]

"""How a refill visit ends: what was stored, the next dates with why, a booked time, and the report."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from clinics.errors import DomainError, Impossible
from clinics.pages.access import require, take, user_of
from clinics.roles import Permission
from clinics.words import moment_words
from pumps.forms.visits import VisitForm
from pumps.models import Event, Forecast, Pump
from pumps.pages.dates import dates
from pumps.pages.timeline import entry_of
from pumps.pages.visit_lines import line_of
from pumps.pages.words import SEVERITY_WORDS
from pumps.reading import read
from pumps.services import booking
from pumps.services.free import remarks
from scheduling.models import Appointment, VisitRules


def guided_end(request: HttpRequest, pump_id: int, event_id: int) -> HttpResponse:
    """The end of a visit whose refill is the pump's newest; one that is not leads to the pump."""
    pumps = Pump.objects.visible_to(user_of(request)).select_related("clinic", "model", "patient")
    pump = get_object_or_404(pumps, pk=pump_id)
    refill = get_object_or_404(pump.events.filter(kind=Event.Kind.REFILL).select_related("pump__clinic"), pk=event_id)
    require(request, Permission.LOG, pump.clinic_id)
    now = timezone.now()
    if Event.objects.standing().filter(pump=pump).latest_before(Event.Kind.REFILL, _just_after(now)) != refill:
        return redirect("pump", pump_id=pump.pk)
    visit = Appointment.objects.standing().filter(pump=pump).select_related("clinic").first()
    form = _form(request, pump, now) if visit is None else None
    if request.method == "POST" and form is not None and form.is_valid() and _is_booked(request, pump, form, now):
        return redirect("guided_end", pump_id=pump.pk, event_id=refill.pk)
    return render(request, "pumps/guided_end.html", _context(pump, refill, visit, form, now))


def _just_after(now: datetime) -> datetime:
    """A refill may be a few minutes ahead of the server's clock."""
    return now + booking.JUST_NOW


def _form(request: HttpRequest, pump: Pump, now: datetime) -> VisitForm:
    rules = VisitRules.objects.of([pump.clinic_id])[pump.clinic_id]
    refill_by = Forecast.objects.values_list("refill_by", flat=True).get(pump=pump)
    free = [at for at in booking.free_times(pump=pump, now=now) if refill_by is None or at <= refill_by]
    return VisitForm(
        request.POST or None, zone=pump.clinic.zone, free=free, is_move=False, initial={"minutes": rules.minutes}
    )


def _is_booked(request: HttpRequest, pump: Pump, form: VisitForm, now: datetime) -> bool:
    """Book the time; where that cannot be, the form says why, and the refill stays as it is stored."""
    try:
        made = booking.book(pump_id=pump.pk, by=user_of(request), now=now, **form.cleaned_data)
    except Impossible as error:
        take(form, error.errors)
        return False
    except DomainError as error:
        form.add_error(None, str(error))
        return False
    said = _("Booked for %(when)s.") % {"when": moment_words(made.starts_at, pump.clinic.zone)}
    messages.success(request, said)
    for remark in remarks(made):
        messages.warning(request, remark)
    return True


def _context(
    pump: Pump, refill: Event, visit: Appointment | None, form: VisitForm | None, now: datetime
) -> dict[str, Any]:
    row = Forecast.objects.select_related("prior_version").get(pump=pump)
    reading = read(pump, row, now)
    beside = Event.objects.standing().filter(
        pump=pump,
        occurred_at=refill.occurred_at,
        kind__in=[Event.Kind.DOSE_CHANGE, Event.Kind.BRIDGE_BOLUS],
    )
    return {
        "pump": pump,
        "patient": pump.patient,
        "clinic": pump.clinic,
        "row": row,
        "refill": refill,
        "entries": [entry_of(refill), *(entry_of(event) for event in beside.select_related("pump__clinic"))],
        "dates": dates(reading),
        "findings": [{**found, "word": SEVERITY_WORDS[found["severity"]]} for found in row.findings],
        "line": line_of(visit, row, now) if visit is not None else None,
        "form": form,
        "slots": [choice for choice in form.fields["slot"].choices if choice[0] != "other"]  # type: ignore[attr-defined]  # a ChoiceField
        if form is not None and "slot" in form.fields
        else [],
    }

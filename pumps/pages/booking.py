"""Visits of a pump: book, move, confirm, arrive, did not come, cancel. Each works without JavaScript."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from clinics import paging
from clinics.errors import DomainError, Impossible
from clinics.models import User
from clinics.pages.access import require, take, user_of
from clinics.roles import Permission
from clinics.words import moment_words
from pumps.forms.visits import CancelForm, VisitForm
from pumps.models import Forecast, Pump
from pumps.pages.calls import past_calls
from pumps.pages.seen_visit import standing_as_seen
from pumps.pages.undoing import with_button
from pumps.pages.visit_lines import line_of
from pumps.services import booking
from pumps.services.free import NONE_LEFT, earliest_words, remarks
from scheduling.models import Appointment, VisitRules

BEFORE_SHOWN = 10


def visit(request: HttpRequest, pump_id: int) -> HttpResponse:
    """The pump's visit: booked, or moved where one stands already; and what became of those before."""
    user, now = user_of(request), timezone.now()
    pumps = Pump.objects.visible_to(user).select_related("clinic", "model", "patient")
    pump = get_object_or_404(pumps, pk=pump_id)
    require(request, Permission.BOOK, pump.clinic_id)
    row = Forecast.objects.select_related("clinic").get(pump=pump)
    present = Appointment.objects.standing().filter(pump=pump).select_related("clinic").first()
    form = _form(request, pump, row, present, now)
    if request.method == "POST" and form.is_valid():
        saved = _save(request, pump, form, now)
        if saved is not None:
            return redirect("pump", pump_id=pump.pk)
    before = (
        pump.appointments.exclude(pk=present.pk if present is not None else 0)
        .order_by("-pk")
        .select_related("clinic")
        .prefetch_related("steps__by")
    )
    context = {
        "form": form,
        "pump": pump,
        "patient": pump.patient,
        "clinic": pump.clinic,
        "row": row,
        "line": line_of(present, row, now) if present is not None else None,
        "before": [line_of(each, None, now) for each in before[:BEFORE_SHOWN]],
        "calls": past_calls(pump),
    }
    return render(request, "pumps/visit.html", context)


def _form(request: HttpRequest, pump: Pump, row: Forecast, present: Appointment | None, now: datetime) -> VisitForm:
    rules = VisitRules.objects.of([pump.clinic_id])[pump.clinic_id]
    initial: dict[str, Any] = {"minutes": present.minutes if present is not None else rules.minutes}
    if present is not None:
        initial["late_reason"] = "" if present.late_reason == NONE_LEFT else present.late_reason
    free = booking.free_times(pump=pump, now=now)
    is_late = bool(free) and row.refill_by is not None and free[0] > row.refill_by
    return VisitForm(
        request.POST or None,
        zone=pump.clinic.zone,
        free=free,
        free_label=earliest_words(row, now) if is_late else "",
        is_move=present is not None,
        initial=initial,
    )


def _save(request: HttpRequest, pump: Pump, form: VisitForm, now: datetime) -> Appointment | None:
    """Book or move, whichever the form was made for; what is odd about the time is said, and it is booked all the same.
    None with what is wrong at the form."""
    saved = _try(form, lambda: _booked_or_moved(request, pump, form, now))
    if saved is not None:
        said = _("Moved to %(when)s.") if saved.sequence else _("Booked for %(when)s.")
        told = said % {"when": moment_words(saved.starts_at, pump.clinic.zone)}
        undo = f"{reverse('undo_visit', args=[saved.pk])}?back=pump"
        messages.success(request, with_button(request, told, undo, _("Undo")))
        for remark in remarks(saved):
            messages.warning(request, remark)
    return saved


def _booked_or_moved(request: HttpRequest, pump: Pump, form: VisitForm, now: datetime) -> Appointment:
    present, seen = standing_as_seen(request, pump)
    by, values = user_of(request), form.cleaned_data
    if present is None:
        values.pop("reason", None)  # of a move, which is what the form would be made for now
        return booking.book(pump_id=pump.pk, by=by, now=now, **values)
    return booking.move(appointment_id=present.pk, by=by, now=now, seen=seen, **values)


def _try(form: forms.Form, action: Callable[[], Appointment]) -> Appointment | None:
    try:
        return action()
    except Impossible as error:
        take(form, error.errors)
    except DomainError as error:
        form.add_error(None, str(error))
    return None


def _visit(request: HttpRequest, visit_id: int) -> Appointment:
    rows = Appointment.objects.visible_to(user_of(request)).select_related("clinic", "patient", "pump__model")
    found = get_object_or_404(rows, pk=visit_id)
    require(request, Permission.BOOK, found.clinic_id)
    return found


def cancel_visit(request: HttpRequest, visit_id: int) -> HttpResponse:
    found = _visit(request, visit_id)
    form = CancelForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        seen, now = paging.read_id(request.POST.get("seen", "")), timezone.now()
        reason = form.cleaned_data["reason"]
        done = _try(form, lambda: booking.cancel(
            appointment_id=found.pk, reason=reason, by=user_of(request), now=now, seen=seen
        ))  # fmt: skip
        if done is not None:
            messages.success(request, _("Cancelled."))
            return redirect("pump", pump_id=found.pump_id)
    context = {
        "form": form,
        "visit": found,
        "pump": found.pump,
        "patient": found.patient,
        "clinic": found.clinic,
    }
    return render(request, "pumps/visit_cancel.html", context)


@require_POST
def confirm_visit(request: HttpRequest, visit_id: int) -> HttpResponse:
    return _act(request, visit_id, _confirm, _("Confirmed."))


@require_POST
def arrive_visit(request: HttpRequest, visit_id: int) -> HttpResponse:
    return _act(request, visit_id, _arrive, _("Arrived. The recorded refill ends the visit."))


@require_POST
def miss_visit(request: HttpRequest, visit_id: int) -> HttpResponse:
    return _act(request, visit_id, _miss, _("Noted: did not come. An alert is open until a new visit is booked."))


def _confirm(pk: int, by: User) -> None:
    booking.confirm(appointment_id=pk, by=by, now=timezone.now())


def _arrive(pk: int, by: User) -> None:
    booking.arrive(appointment_id=pk, by=by, now=timezone.now())


def _miss(pk: int, by: User) -> None:
    booking.no_show(appointment_id=pk, by=by, now=timezone.now())


def _act(request: HttpRequest, visit_id: int, action: Callable[[int, User], None], said: str) -> HttpResponse:
    """Do it, and go back to where the button was: the nurse's day, the day's list, or the pump."""
    found = _visit(request, visit_id)
    try:
        action(found.pk, user_of(request))
    except DomainError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{found.patient}: {said}")
    if request.POST.get("back") == "today":
        return redirect("today")
    if request.POST.get("back") == "day":
        day = found.starts_at.astimezone(found.clinic.zone).date()
        return redirect(f"{reverse('visits')}?day={day}")
    return redirect("pump", pump_id=found.pump_id)

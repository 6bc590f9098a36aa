"""Log a refill or a dose change, or mark an entry as entered in error."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone

from alerts.models import Alert
from clinics.errors import Conflict, Doubt, Impossible, NeedsConfirmation
from clinics.pages import require, user_of
from clinics.roles import Permission
from clinics.words import day
from pumps.forms import MORE_ROWS, MOST_ROWS, DoseForm, EntryForm, RefillForm, Rows, RowsForm, VoidForm
from pumps.models import Event, Forecast, Pump
from pumps.pages.timeline import entry_of, title_of
from pumps.services import ledger
from pumps.services.entries import DoseEntry, RefillEntry

Kind = Event.Kind


@dataclass(frozen=True)
class Work:
    """One form in front of one person."""

    request: HttpRequest
    pump: Pump
    now: datetime


def _work(request: HttpRequest, pump_id: int) -> Work:
    pumps = Pump.objects.visible_to(user_of(request)).select_related("clinic", "model", "patient")
    pump = get_object_or_404(pumps, pk=pump_id)
    require(request, Permission.LOG, pump.clinic_id)
    return Work(request, pump, timezone.now())


def _latest(work: Work, kind: str) -> Event | None:
    return Event.objects.standing().filter(pump=work.pump).latest_before(kind, work.now)


def log_refill(request: HttpRequest, pump_id: int) -> HttpResponse:
    work = _work(request, pump_id)
    form = RefillForm(request.POST or None, pump=work.pump, now=work.now, last=_latest(work, Kind.REFILL))
    doubts: list[Doubt] = []
    if request.method == "POST" and form.is_valid():
        answer = _record(work, form, form.entry())
        if isinstance(answer, HttpResponse):
            return answer
        doubts = answer
    return _form_page(work, "pumps/log_refill.html", {"form": form, "doubts": doubts})


def log_dose_change(request: HttpRequest, pump_id: int) -> HttpResponse:
    work = _work(request, pump_id)
    current = _latest(work, Kind.DOSE_CHANGE)
    more = request.POST.get("more")
    if request.method == "POST" and more is None:
        form = DoseForm(request.POST, pump=work.pump, now=work.now, current=current)
        steps, boluses = Rows(request.POST, prefix="steps"), Rows(request.POST, prefix="boluses")
        answer = _record_dose(work, form, steps, boluses)
        if isinstance(answer, HttpResponse):
            return answer
        return _form_page(work, "pumps/log_dose_change.html", _dose_context(form, steps, boluses, answer))
    form = DoseForm(pump=work.pump, now=work.now, current=current, initial=_kept(request.POST))
    steps, boluses = _rows_again(request.POST, "steps", more), _rows_again(request.POST, "boluses", more)
    return _form_page(work, "pumps/log_dose_change.html", _dose_context(form, steps, boluses, []))


def _dose_context(form: DoseForm, steps: RowsForm, boluses: RowsForm, doubts: list[Doubt]) -> dict[str, Any]:
    return {"form": form, "steps": steps, "boluses": boluses, "doubts": doubts}


def _record_dose(work: Work, form: DoseForm, steps: RowsForm, boluses: RowsForm) -> HttpResponse | list[Doubt]:
    if not all([form.is_valid(), steps.is_valid(), boluses.is_valid()]):
        return []
    return _record(work, form, form.entry(steps, boluses))


def _kept(posted: QueryDict) -> dict[str, str]:
    """What was typed, kept while rows are added; nothing is judged yet."""
    return {name: value for name, value in posted.items() if isinstance(value, str)}


def _rows_again(posted: QueryDict, prefix: str, more: str | None) -> RowsForm:
    """The rows as typed, and some blank ones behind the list that wants more."""
    total = posted.get(f"{prefix}-TOTAL_FORMS", "")
    # Four digits say more rows than there can be; thousands of them are refused by int().
    count = min(int(total[:4]), MOST_ROWS) if total.isascii() and total.isdigit() else 0
    typed = [
        {name: posted.get(f"{prefix}-{place}-{name}", "") for name in ("clock", "number")} for place in range(count)
    ]
    rows = Rows(prefix=prefix, initial=typed)
    rows.extra = MORE_ROWS if more == prefix or not typed else 0
    return rows


def _record(work: Work, form: EntryForm, entry: RefillEntry | DoseEntry) -> HttpResponse | list[Doubt]:
    """Store the entry and go back to the pump; or say at the form what stands in the way."""
    before = Forecast.objects.get(pump=work.pump)
    try:
        event = ledger.record(
            pump_id=work.pump.pk,
            entry=entry,
            user=user_of(work.request),
            source=Event.Source.PAGE,
            now=work.now,
            confirmed=work.request.POST.getlist("confirm"),
        )
    except Impossible as error:
        form.take(error.errors)
    except Conflict as error:
        form.add_error(None, str(error))
    except NeedsConfirmation as error:
        return error.doubts
    else:
        return _done(work, f"Saved. {title_of(event)}.", before, closed_by=event)
    return []


def void_event(request: HttpRequest, pump_id: int, event_id: int) -> HttpResponse:
    work = _work(request, pump_id)
    event = get_object_or_404(work.pump.events.select_related("recorded_by"), pk=event_id)
    form = VoidForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        answer = _void(work, form, event)
        if answer is not None:
            return answer
    return _form_page(work, "pumps/void_event.html", {"form": form, "entry": entry_of(event)})


def _void(work: Work, form: VoidForm, event: Event) -> HttpResponse | None:
    before = Forecast.objects.get(pump=work.pump)
    try:
        ledger.void(
            pump_id=work.pump.pk,
            event_id=event.pk,
            reason=form.cleaned_data["reason"],
            user=user_of(work.request),
            source=Event.Source.PAGE,
            now=work.now,
        )
    except (Impossible, Conflict) as error:
        form.add_error(None, str(error))
        return None
    reopened = Alert.objects.open().filter(pump=work.pump, steps__what="reopened", steps__at=work.now).distinct()
    said = f"Marked as entered in error: {title_of(event)}."
    return _done(work, said, before, reopened=[alert.get_kind_display() for alert in reopened])


def _done(
    work: Work, said: str, before: Forecast, *, closed_by: Event | None = None, reopened: list[str] | None = None
) -> HttpResponse:
    """Back to the pump, with what moved because of it."""
    after = Forecast.objects.get(pump=work.pump)
    lines = [said, _moved(work.pump, before.refill_by, after.refill_by)]
    if closed_by is not None:
        closed = Alert.objects.filter(closed_by_event=closed_by).order_by("pk")
        lines += [f"Reminder closed: {alert.get_kind_display()}." for alert in closed]
    lines += [f"Reminder open again: {kind}." for kind in reopened or []]
    messages.success(work.request, "\n".join(lines))
    return redirect("pump", pump_id=work.pump.pk)


def _moved(pump: Pump, before: datetime | None, after: datetime | None) -> str:
    zone = pump.clinic.zone
    old = day(before, zone) if before is not None else "no date"
    new = day(after, zone) if after is not None else "no date"
    if old == new:
        return f"Refill by stays {new}."
    if before is None:
        return f"Refill by is now {new}."
    return f"Refill by moved from {old} to {new}."


def _form_page(work: Work, template: str, context: dict[str, Any]) -> HttpResponse:
    confirmed = set(work.request.POST.getlist("confirm"))
    shared = {"pump": work.pump, "patient": work.pump.patient, "clinic": work.pump.clinic, "confirmed": confirmed}
    return render(work.request, template, {**shared, **context})

"""Booking on the worklist: a row opens, one press books, and the row says so. Without script a link leads to the
visit's own page (`booking.visit`)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from clinics.errors import DomainError, Impossible
from clinics.pages.access import require, user_of
from clinics.roles import Permission
from clinics.words import moment_words
from pumps.models import Forecast, Pump
from pumps.pages.seen_visit import standing_as_seen
from pumps.pages.undoing import with_button
from pumps.pages.worklist_lines import line_of_pump
from pumps.services import booking, free
from pumps.services.free import Offer, earliest_words, remarks
from scheduling.models import Appointment

# Pages that show counts of visits look again when they hear of this.
CHANGED = {"HX-Trigger": "visits-changed"}
MOST_REASON = 500


@dataclass(frozen=True)
class Panel:
    """What stands below a row: times to take, or what has been done. `made`, booked or moved, can be undone."""

    week: str = ""
    offer: Offer | None = None
    said: str = ""
    level: str = "success"
    remarks: Sequence[str] = ()
    made: Appointment | None = None
    late_reason: str = ""
    reason_error: str = ""
    # What stands above times that are the earliest, and late.
    earliest_words: str = ""
    chosen: datetime | None = None
    is_closed: bool = False


def book_in_place(request: HttpRequest, pump_id: int) -> HttpResponse:
    """The row with its panel; sent with a time, the visit is booked, or the one that stands is moved."""
    pump = get_object_or_404(
        Pump.objects.visible_to(user_of(request)).select_related("clinic", "model", "patient"), pk=pump_id
    )
    require(request, Permission.BOOK, pump.clinic_id)
    if request.method == "POST":
        return _take(request, pump)
    if not _is_part(request):
        return redirect("visit", pump_id=pump.pk)
    is_closed = request.GET.get("step") == "close"
    return _row(request, pump, Panel(is_closed=True) if is_closed else _open(pump))


def _is_part(request: HttpRequest) -> bool:
    return "HX-Request" in request.headers


def _open(pump: Pump) -> Panel:
    """The panel with the times that are free now; none where the patient has come already."""
    now, row = timezone.now(), Forecast.objects.select_related("clinic").get(pump=pump)
    present = Appointment.objects.standing().filter(pump=pump).first()
    can_take = present is None or present.can_be_moved
    offer = free.offer(pump=pump, row=row, now=now) if can_take else None
    first = offer.at_once[:1] if offer is not None else []
    week = week_of(pump, first[0] if first else max(row.refill_by or now, now))
    return Panel(week=week, offer=offer, earliest_words=earliest_words(row, now))


def week_of(pump: Pump, at: datetime) -> str:
    """The week of a moment, in which a time is chosen for the pump."""
    day = at.astimezone(pump.clinic.zone).date()
    return f"{reverse('calendar_week')}?clinic={pump.clinic_id}&day={day}&for={pump.pk}"


def _take(request: HttpRequest, pump: Pump) -> HttpResponse:
    slot, reason = moment_in(request.POST.get("slot", "")), request.POST.get("late_reason", "").replace("\x00", "")
    if slot is None:
        return _refused(request, pump, said=_("Nothing was booked. Choose one of the times."))
    try:
        visit, is_new = taken(request, pump, slot, reason[:MOST_REASON])
    except Impossible as error:
        late = " ".join(error.errors.get("late_reason", ()))
        said = _("Nothing was booked. Say why it cannot be earlier.") if late else _first(error)
        return _refused(request, pump, said=said, reason_error=late, late_reason=reason[:MOST_REASON], chosen=slot)
    except DomainError as error:
        return _refused(request, pump, said=str(error), late_reason=reason[:MOST_REASON])
    when = {"when": moment_words(visit.starts_at, pump.clinic.zone)}
    said = _("Booked %(when)s") % when if is_new else _("Moved to %(when)s") % when
    if not _is_part(request):
        undo = reverse("undo_visit", args=[visit.pk])
        messages.success(request, with_button(request, f"{pump.patient}: {said}.", undo, _("Undo")))
        return redirect("worklist")
    panel = Panel(week=week_of(pump, visit.starts_at), said=said, remarks=remarks(visit), made=visit)
    return _row(request, pump, panel, headers=CHANGED)


def taken(request: HttpRequest, pump: Pump, at: datetime, late_reason: str) -> tuple[Appointment, bool]:
    """Take a time that was offered for the pump: its first visit (True), or another time for the one that stands.

    Raises:
        Impossible, Conflict, Overtaken: as `booking.book` and `booking.move`; the time must still be free.
    """
    by, now = user_of(request), timezone.now()
    present, seen = standing_as_seen(request, pump)
    if present is None:
        visit = booking.book(pump_id=pump.pk, starts_at=at, late_reason=late_reason, by=by, now=now, must_be_free=True)
        return visit, True
    visit = booking.move(
        appointment_id=present.pk,
        starts_at=at,
        late_reason=late_reason,
        by=by,
        now=now,
        seen=seen,
        must_be_free=True,
    )
    return visit, False


def moment_in(text: str) -> datetime | None:
    """A moment as pages send it back, with its offset; None for anything else."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


def _first(error: Impossible) -> str:
    return " ".join(message for said in error.errors.values() for message in said)


def _refused(
    request: HttpRequest,
    pump: Pump,
    *,
    said: str,
    reason_error: str = "",
    late_reason: str = "",
    chosen: datetime | None = None,
) -> HttpResponse:
    """The panel again, with what stands in the way and the times that are free now."""
    if not _is_part(request):
        messages.error(request, said)
        return redirect("visit", pump_id=pump.pk)
    panel = replace(
        _open(pump),
        said=said,
        level="error",
        reason_error=reason_error,
        late_reason=late_reason,
        chosen=chosen,
    )
    return _row(request, pump, panel)


@require_POST
def undo_visit(request: HttpRequest, visit_id: int) -> HttpResponse:
    """Cancel a visit that the user has just booked, or put one back that they have just moved. `?back=pump` goes on
    at the pump."""
    user = user_of(request)
    rows = Appointment.objects.visible_to(user).select_related("clinic", "pump__clinic", "pump__model", "pump__patient")
    visit = get_object_or_404(rows, pk=visit_id)
    pump = visit.pump
    require(request, Permission.BOOK, visit.clinic_id)
    try:
        visit = booking.undo(appointment_id=visit.pk, by=user, now=timezone.now())
        level, said = "success", _undone(visit)
    except DomainError as error:
        level, said = "error", str(error)
    if _is_part(request):
        return _row(request, pump, replace(_open(pump), said=said, level=level), headers=CHANGED)
    messages.add_message(request, messages.SUCCESS if level == "success" else messages.ERROR, said)
    return (
        redirect("pump", pump_id=pump.pk)
        if request.GET.get("back") == "pump"
        else redirect(week_of(pump, visit.starts_at))
    )


def _undone(visit: Appointment) -> str:
    when = {"when": moment_words(visit.starts_at, visit.clinic.zone)}
    if visit.is_standing:
        return _("Undone. The visit is again on %(when)s.") % when
    return _("Undone. The visit of %(when)s is cancelled.") % when


def _row(request: HttpRequest, pump: Pump, panel: Panel, headers: dict[str, str] | None = None) -> HttpResponse:
    context = {
        "lines": [line_of_pump(user_of(request), pump, timezone.now())],
        "panel": panel,
        # The list shows clinics, so its rows do.
        "several": request.GET.get("several") == "1",
    }
    answer = render(request, "parts/worklist_lines.html", context)
    for name, value in (headers or {}).items():
        answer[name] = value
    return answer

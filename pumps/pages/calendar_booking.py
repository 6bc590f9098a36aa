"""A free time of the calendar is taken: for the patient it was chosen for, or for one of those who have no visit."""

from datetime import datetime
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from clinics.errors import DomainError, Impossible
from clinics.models import Clinic
from clinics.pages.access import user_of
from clinics.words import moment_words
from pumps.models import Forecast, Pump
from pumps.pages.booking_in_place import MOST_REASON, moment_in, taken
from pumps.pages.calendar import Shown, shown
from pumps.services import free
from pumps.services.free import late_words, remarks
from scheduling.models import Appointment, VisitRules

MOST_OFFERED = 20


def calendar_book(request: HttpRequest) -> HttpResponse:
    """`at` is the time. With `for` it is booked, or the pump's visit moved to it; without, somebody is chosen."""
    asked, at = shown(request), moment_in(request.GET.get("at", ""))
    if asked.clinic is None or at is None or not _is_near(at):
        messages.error(request, _("Choose a free time of one clinic."))
        return redirect("calendar_week")
    if not asked.can_book:
        raise PermissionDenied(_("Your role in this clinic does not include: book."))
    context = {
        "asked": asked,
        "clinic": asked.clinic,
        "at": at,
        "minutes": VisitRules.objects.of([asked.clinic.pk])[asked.clinic.pk].minutes,
        "back": f"{reverse('calendar_week')}{asked.query(day=at.astimezone(asked.clinic.zone).date())}",
    }
    if asked.row is None:
        return render(request, "pumps/calendar_whom.html", {**context, **_whom(request, asked.clinic, at)})
    return _for(request, asked, asked.row, at, context)


def _is_near(at: datetime) -> bool:
    """Within some years, so that its day and week can be written."""
    return abs((at - timezone.now()).days) < 2000


def _whom(request: HttpRequest, clinic: Clinic, at: datetime) -> dict[str, object]:
    """Those of the clinic who have no visit, most urgent first, or whoever matches what is searched for."""
    text = request.GET.get("q", "").replace("\x00", "").strip()[:200]
    rows = Forecast.objects.filter(clinic=clinic).on_worklist()
    if text:
        rows = rows.filter(pump__in=Pump.objects.matching(text, user_of(request)))
    else:
        rows = rows.without(Appointment.objects.standing())
    found = list(rows.select_related("clinic", "pump__patient", "pump__model")[: MOST_OFFERED + 1])
    standing = Appointment.objects.of_pumps([row.pump_id for row in found])
    return {
        "text": text,
        "is_more": len(found) > MOST_OFFERED,
        "rows": [
            {
                "row": row,
                "visit": standing.get(row.pump_id),
                "is_late": row.refill_by is not None and at > row.refill_by,
                "address": "?" + urlencode({"clinic": clinic.pk, "at": at.isoformat(), "for": row.pump_id}),
            }
            for row in found[:MOST_OFFERED]
        ],
    }


def _for(request: HttpRequest, asked: Shown, row: Forecast, at: datetime, context: dict[str, object]) -> HttpResponse:
    pump, said, reason_error = row.pump, "", ""
    reason = request.POST.get("late_reason", "").replace("\x00", "")[:MOST_REASON]
    if request.method == "POST":
        try:
            visit, is_new = taken(request, pump, at, reason)
        except Impossible as error:
            reason_error = " ".join(error.errors.get("late_reason", ()))
            others = [each for field, found in error.errors.items() if field != "late_reason" for each in found]
            said = " ".join(others) or _("Nothing was booked. Say why it cannot be earlier.")
        except DomainError as error:
            said = str(error)
        else:
            return _done(request, pump, visit, is_new)
    elif not free.has_place(pump, at):
        said = _("This time is not free any more, or is outside the clinic's hours. Choose another one.")
    standing = Appointment.objects.standing().filter(pump=pump).select_related("clinic").first()
    is_late = row.refill_by is not None and at > row.refill_by
    is_earliest = is_late and free.is_among_earliest(pump, row, at, now=timezone.now())
    context |= {
        "row": row,
        "pump": pump,
        "patient": pump.patient,
        "standing": standing,
        "is_late": is_late,
        "is_earliest": is_earliest,
        "late_words": late_words(row) if is_late else "",
        "said": said,
        "reason": reason,
        "reason_error": reason_error,
    }
    return render(request, "pumps/calendar_book.html", context)


def _done(request: HttpRequest, pump: Pump, visit: Appointment, is_new: bool) -> HttpResponse:
    """Back to the week, which shows the visit, and where what was done can be undone."""
    words = {"patient": pump.patient, "when": moment_words(visit.starts_at, pump.clinic.zone)}
    said = _("%(patient)s: booked %(when)s.") if is_new else _("%(patient)s: moved to %(when)s.")
    messages.success(request, said % words)
    for remark in remarks(visit):
        messages.warning(request, remark)
    day = visit.starts_at.astimezone(pump.clinic.zone).date()
    query = {"clinic": pump.clinic_id, "day": day, "made": visit.pk}
    return redirect(f"{reverse('calendar_week')}?{urlencode(query)}")

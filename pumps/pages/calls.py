"""Telephone calls: what came of one is kept with one press, where it is, and taken back the same way."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from clinics.errors import DomainError, Impossible
from clinics.models import User
from clinics.pages.access import require, user_of
from clinics.roles import Permission
from patients.models import Patient
from pumps.calls import call_words
from pumps.models import Pump
from pumps.pages.undoing import with_button
from pumps.services.call_lists import CALLS_SHOWN, Line
from scheduling.models import Call
from scheduling.services import calls

# Where a call is kept: the two tables of the call list, and the first of them alone; the worklist; a pump's pages.
TO_PHONE, EVERYBODY, ALONE, NOW, PUMP, VISIT = "phone", "all", "alone", "now", "pump", "visit"
PLACES = (TO_PHONE, EVERYBODY, ALONE, NOW, PUMP, VISIT)
# A pump stands in both tables of the call list: what is kept in one is shown in the other.
BESIDE = {TO_PHONE: EVERYBODY, EVERYBODY: TO_PHONE}
# So long somebody takes back their own call where they made it; after that, on the page of the pump's visits.
UNDO_WITHIN = timedelta(hours=1)
SHOWN = 20


@dataclass(frozen=True)
class Called:
    """The last call about a pump, as `parts/called.html` shows it with what can be kept of the next one.

    `said` is what has just been done, `error` what stood in the way.
    """

    place: str
    pump_id: int
    patient: Patient
    call: Call | None
    words: str
    can_call: bool
    can_undo: bool
    said: str = ""
    error: str = ""


def of_lines(lines: Sequence[Line], place: str, user: User, now: datetime) -> list[tuple[Line, Called]]:
    """The rows of a list, each with its call."""
    return [(line, _called(line.pump, line.call, place, user, now)) for line in lines]


def of_pump(pump: Pump, place: str, user: User, now: datetime, *, said: str = "", error: str = "") -> Called:
    """`pump` with its clinic and patient. One query."""
    call = Call.objects.last_of([pump.pk], since=now - CALLS_SHOWN).get(pump.pk)
    return _called(pump, call, place, user, now, said=said, error=error)


def _called(
    pump: Pump, call: Call | None, place: str, user: User, now: datetime, *, said: str = "", error: str = ""
) -> Called:
    can_call = pump.patient.status != Patient.Status.TRANSFERRED and user.access.can(Permission.BOOK, pump.clinic_id)
    return Called(
        place=place,
        pump_id=pump.pk,
        patient=pump.patient,
        call=call,
        words=call_words(call, pump.clinic, now) if call is not None else "",
        can_call=can_call,
        can_undo=can_call and call is not None and call.by_id == user.pk and call.at > now - UNDO_WITHIN,
        said=said,
        error=error,
    )


@dataclass(frozen=True)
class Past:
    """A call of a pump's history; `error` says who marked it as entered in error."""

    call: Call
    words: str
    error: str


def past_calls(pump: Pump) -> list[Past]:
    """The last calls about a pump, also those entered in error. One query."""
    rows = Call.objects.filter(pump=pump, voids=None).select_related("by", "voided_by__by")[:SHOWN]
    return [Past(call, call_words(call, pump.clinic), _error_words(call)) for call in rows]


def _error_words(call: Call) -> str:
    void = getattr(call, "voided_by", None)
    return _("entered in error, marked by %(by)s") % {"by": void.by} if void is not None else ""


def log_call(request: HttpRequest, pump_id: int) -> HttpResponse:
    """Keep what came of a call. Asked for as a part, the last call as it stands now."""
    pumps = Pump.objects.visible_to(user_of(request)).select_related("clinic", "patient")
    pump = get_object_or_404(pumps, pk=pump_id)
    require(request, Permission.BOOK, pump.clinic_id)
    place = _place(request)
    if request.method != "POST":
        return _part(request, pump, place) if _is_part(request) else redirect("pump", pump_id=pump.pk)
    given = {name: request.POST.get(name, "").replace("\x00", "") for name in ("outcome", "note")}
    try:
        call = calls.log(patient=pump.patient, pump_id=pump.pk, by=user_of(request), now=timezone.now(), **given)
    except DomainError as error:
        return _refused(request, pump, place, _words(error))
    said = call_words(call, pump.clinic, call.at)
    if _is_part(request):
        return _part(request, pump, place, said=said)
    undo = f"{reverse('call_error', args=[call.pk])}?place={place}"
    messages.success(request, with_button(request, f"{pump.patient}: {said}", undo, _("Undo (entered in error)")))
    return redirect(_back(pump, place))


@require_POST
def call_error(request: HttpRequest, call_id: int) -> HttpResponse:
    """A call was entered in error: it stays in the pump's history, and counts no more."""
    rows = Call.objects.visible_to(user_of(request)).select_related("patient", "pump__clinic", "pump__patient")
    call = get_object_or_404(rows, pk=call_id)
    require(request, Permission.BOOK, call.clinic_id)
    place = _place(request)
    try:
        calls.void(call=call, by=user_of(request), now=timezone.now())
    except DomainError as error:
        return _refused(request, call.pump, place, _words(error))
    said = _("The call is marked as entered in error.")
    if _is_part(request):
        return _part(request, call.pump, place, said=said)
    messages.success(request, f"{call.patient}: {said}")
    return redirect(_back(call.pump, place))


def _words(error: DomainError) -> str:
    if isinstance(error, Impossible):
        return " ".join(said for told in error.errors.values() for said in told)
    return str(error)


def _place(request: HttpRequest) -> str:
    place = request.POST.get("place") or request.GET.get("place", "")
    return place if place in PLACES else PUMP


def _is_part(request: HttpRequest) -> bool:
    return "HX-Request" in request.headers


def _part(request: HttpRequest, pump: Pump, place: str, *, said: str = "", error: str = "") -> HttpResponse:
    called = of_pump(pump, place, user_of(request), timezone.now(), said=said, error=error)
    answer = render(request, "parts/called.html", {"called": called})
    if said and place in BESIDE:
        answer["HX-Trigger"] = f"called-{pump.pk}-{BESIDE[place]}"
    return answer


def _refused(request: HttpRequest, pump: Pump, place: str, said: str) -> HttpResponse:
    if _is_part(request):
        return _part(request, pump, place, error=said)
    messages.error(request, f"{pump.patient}: {said}")
    return redirect(_back(pump, place))


def _back(pump: Pump, place: str) -> str:
    """Where it was pressed."""
    if place in (TO_PHONE, EVERYBODY, ALONE):
        return reverse("clinic_call_list", args=[pump.clinic_id]) + ("?only=phone" if place == ALONE else "")
    return reverse("worklist_now") if place == NOW else reverse(place, args=[pump.pk])

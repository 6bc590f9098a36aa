"""One pump: when to refill and why, what is wrong, what happened."""

from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _

from alerts.messages import headline
from alerts.models import Alert, AlertStep
from alerts.priorities import WORDS, priority_of, rank
from alerts.services.lifecycle import policies
from clinical.units import utc_offset_seconds
from clinics.models import Clinic, User
from clinics.opening import last_open_day
from clinics.pages import user_of
from clinics.roles import Permission
from clinics.words import day, left
from patients.models import Patient
from pumps.catheter import catheter_of
from pumps.models import Forecast, Pump, VisitDraft
from pumps.pages import calls
from pumps.pages.checked import refills_checked
from pumps.pages.dates import dates, rate_words, ratio_words
from pumps.pages.reservoir import picture_of, span_of
from pumps.pages.timeline import plans_of, plans_to_confirm, timeline
from pumps.pages.visit_lines import lines_of
from pumps.pages.words import SEVERITY_WORDS, because, urgency
from pumps.pictures import levels
from pumps.reading import Reading, read
from pumps.services import low_level
from pumps.tip import tip_of

# How far back the change of clocks is looked for that set pump and wall apart.
LOOK_BACK_DAYS = 400
# So many entries of a ledger are on the page at once; the others are asked for.
SHOWN = 25
# What was recorded since is still in somebody's mind: undoing it is within reach.
FRESH = timedelta(days=1)


def pump(request: HttpRequest, pump_id: int) -> HttpResponse:
    user, now = user_of(request), timezone.now()
    found = get_object_or_404(Pump.objects.visible_to(user).select_related("patient", "model", "clinic"), pk=pump_id)
    row = Forecast.objects.select_related("prior_version").get(pump=found)
    reading = read(found, row, now)
    context = {**_plain(reading), **_allowed(user, found), "fresh_since": now - FRESH}
    if context["can_book"] and row.in_use:
        context["called"] = calls.of_pump(found, calls.PUMP, user, now)
    if context["can_log"]:
        context["draft"] = VisitDraft.objects.of(user, found, now)
    if context["sees_clinical"]:
        shows_all = request.GET.get("ledger") == "all"
        context |= {**_clinical(reading, shows_all=shows_all), **picture_of(reading, span_of(request), context["line"])}
    return render(request, "pumps/pump.html", context)


def _allowed(user: User, pump: Pump) -> dict[str, Any]:
    is_open = pump.patient.status != Patient.Status.TRANSFERRED
    return {
        "sees_clinical": user.access.can(Permission.SEE_CLINICAL, pump.clinic_id),
        "can_propose": is_open
        and pump.model.programmable
        and pump.status == Pump.Status.ACTIVE
        and user.access.can(Permission.PROPOSE_DOSE, pump.clinic_id),
        "can_log": is_open and user.access.can(Permission.LOG, pump.clinic_id),
        "can_book": is_open and user.access.can(Permission.BOOK, pump.clinic_id),
    }


def _plain(reading: Reading) -> dict[str, Any]:
    """What everyone of the clinic sees: the person, the dates, who has been told."""
    pump, row = reading.pump, reading.row
    return {
        "pump": pump,
        "patient": pump.patient,
        "clinic": pump.clinic,
        "row": row,
        "now": reading.now,
        "urgency": urgency(row, policies([pump.clinic_id])[pump.clinic_id].of(pump.patient.flags), reading.now),
        "left": left(row.refill_by, reading.now, reading.zone) if row.refill_by is not None else "",
        "because": because(row, reading.now),
        "dates": dates(reading),
        "open_day": open_day(row, pump.clinic),
        "is_stopped": reading.is_stopped,
        "line": lines_of([row], reading.now).get(row.pump_id),
        "alerts": [(alert, headline(alert.tier), _priority(alert)) for alert in _open_alerts(pump)],
    }


def _priority(alert: Alert) -> dict[str, str]:
    priority = priority_of(alert.kind, alert.tier)
    return {"value": priority.value, "word": str(WORDS[priority])}


def _open_alerts(pump: Pump) -> QuerySet[Alert]:
    """The pump's open alerts with their logs, newest step first."""
    newest_first = Prefetch("steps", AlertStep.objects.order_by("-pk"))
    return Alert.objects.open().filter(pump=pump).order_by(rank(), "pk").prefetch_related(newest_first)


def _clinical(reading: Reading, *, shows_all: bool) -> dict[str, Any]:
    """`shows_all` of the ledger, not only its newest entries."""
    fill, entries = reading.last_fill, timeline(reading.pump, None if shows_all else SHOWN + 1)
    is_cut = not shows_all and len(entries) > SHOWN
    return {
        "volume": levels.volume_now(reading),
        "ratio": ratio_words(reading),
        "rate": rate_words(reading, fill) if fill is not None else "",
        "program": reading.program_now,
        **_findings(reading),
        "clock_note": clock_note(reading),
        "checked": refills_checked(reading),
        "entries": entries[:SHOWN] if is_cut else entries,
        "is_cut": is_cut,
        "to_confirm": plans_to_confirm(plans_of(reading.pump) if is_cut else entries, reading.now),
        "catheter": catheter_of(reading.pump),
        "tip": tip_of(reading.pump, reading.ledger, reading.now),
        "low_level_source": low_level.SOURCE,
        "can_raise_low_level": low_level.can_be_raised(reading.pump),
    }


def _findings(reading: Reading) -> dict[str, list[dict[str, str]]]:
    """Serious ones, which stand before the dates, and the others; that the pump is stopped has a banner of its own."""
    found = [{**finding, "word": SEVERITY_WORDS[finding["severity"]]} for finding in reading.row.findings]
    serious = [finding for finding in found if finding["severity"] == "high" and finding["code"] != "stopped"]
    return {"serious": serious, "findings": [finding for finding in found if finding not in serious]}


def open_day(row: Forecast, clinic: Clinic) -> date | None:
    """The last day before `refill_by` on which the clinic refills; None if that is the day itself, or none is near."""
    if row.refill_by is None:
        return None
    day = row.refill_by.astimezone(clinic.zone).date()
    found = last_open_day(day, clinic.opening_days, {closed.day for closed in clinic.closed_days.all()})
    return found if found != day else None


def clock_note(reading: Reading) -> str:
    """Where the pump's clock and the clinic's wall differ: steps and boluses then run by the pump's."""
    clock = reading.clock_now
    if clock is None or not reading.pump.model.programmable:
        return ""
    ahead_s = clock.offset_s - utc_offset_seconds(reading.now, reading.zone)
    if ahead_s == 0:
        return ""
    at = clock.at if clock.was_read else _since(reading, clock.offset_s)
    words = {"apart": _apart(abs(ahead_s)), "day": day(at, reading.zone) if at is not None else ""}
    return _clock_words(is_ahead=ahead_s > 0, is_known=at is not None, was_read=clock.was_read) % words


def _clock_words(*, is_ahead: bool, is_known: bool, was_read: bool) -> str:
    """Which way the clock is off, and on what day it was read or began to be; a whole sentence each."""
    if is_ahead and was_read:
        return _(
            "The pump's clock is %(apart)s ahead of wall clock, as read on %(day)s: its steps and boluses run by its "
            "own clock."
        )
    if is_ahead and is_known:
        return _(
            "The pump's clock is %(apart)s ahead of wall clock since %(day)s: its steps and boluses run by its own "
            "clock."
        )
    if is_ahead:
        return _("The pump's clock is %(apart)s ahead of wall clock: its steps and boluses run by its own clock.")
    if was_read:
        return _(
            "The pump's clock is %(apart)s behind wall clock, as read on %(day)s: its steps and boluses run by its "
            "own clock."
        )
    if is_known:
        return _(
            "The pump's clock is %(apart)s behind wall clock since %(day)s: its steps and boluses run by its own clock."
        )
    return _("The pump's clock is %(apart)s behind wall clock: its steps and boluses run by its own clock.")


def _apart(seconds: int) -> str:
    """`1 h`, `25 min`, `1 h 25 min`: a clock is read to the minute."""
    hours, minutes = divmod(round(seconds / 60), 60)
    return " ".join(
        [_("%(hours)s h") % {"hours": hours}] * (hours > 0)
        + [_("%(minutes)s min") % {"minutes": minutes}] * (minutes > 0 or hours == 0)
    )


def _since(reading: Reading, offset_s: int) -> datetime | None:
    """The first day on which the wall no longer showed the pump's time."""
    noon = reading.now.astimezone(reading.zone).replace(hour=12, minute=0)
    for back in range(1, LOOK_BACK_DAYS):
        if utc_offset_seconds(noon - timedelta(days=back), reading.zone) == offset_s:
            return noon - timedelta(days=back - 1)
    return None

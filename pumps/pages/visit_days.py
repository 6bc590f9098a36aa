"""A day's visits, as the desk works through them; and what a clinic sets about its visits."""

from datetime import UTC, date, datetime, time, timedelta

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from clinics import paging
from clinics.errors import Impossible
from clinics.models import Clinic
from clinics.pages.access import administered, take, user_of
from clinics.queries import WallDay
from clinics.roles import Permission
from clinics.validators import is_plausible
from pumps.forms.visits import VisitRulesForm
from pumps.models import Forecast
from pumps.pages.visit_lines import line_of
from scheduling.models import Appointment, VisitRules
from scheduling.services import rules as rules_service

# No wall is further from UTC than this, either way.
FARTHEST_WALL = timedelta(hours=14)
MOST_SHOWN = 500


def visits(request: HttpRequest) -> HttpResponse:
    """The visits of one calendar day at the clinics of the person, each on its own clinic's wall."""
    user, now = user_of(request), timezone.now()
    clinics = list(Clinic.objects.visible_to(user))
    asked = paging.read_id(request.GET.get("clinic", ""))
    day = _day(request, clinics, asked, now)
    midnight = datetime.combine(day, time(0), tzinfo=UTC)
    rows = Appointment.objects.visible_to(user).between(
        midnight - FARTHEST_WALL, midnight + timedelta(days=1) + FARTHEST_WALL
    )
    if asked is not None:
        rows = rows.filter(clinic=asked)
    of_day = rows.alias(wall_day=WallDay("starts_at")).filter(wall_day=day)
    found: list[Appointment] = list(of_day.select_related("clinic", "patient", "pump__model")[: MOST_SHOWN + 1])
    is_cut, found = len(found) > MOST_SHOWN, found[:MOST_SHOWN]
    forecasts = Forecast.objects.in_bulk([visit.pump_id for visit in found])
    may = {clinic.pk for clinic in clinics if user.access.can(Permission.BOOK, clinic.pk)}
    context = {
        "day": day,
        "is_today": day == _today(clinics, asked, now),
        "before": day - timedelta(days=1),
        "after": day + timedelta(days=1),
        "clinics": clinics,
        "asked": asked,
        "is_cut": is_cut,
        "lines": [(line_of(visit, forecasts.get(visit.pump_id), now), visit.clinic_id in may) for visit in found],
    }
    return render(request, "pumps/visits.html", context)


def _day(request: HttpRequest, clinics: list[Clinic], asked: int | None, now: datetime) -> date:
    """The day asked for, or today."""
    try:
        day = date.fromisoformat(request.GET.get("day", ""))
    except ValueError:
        return _today(clinics, asked, now)
    return day if is_plausible(day) else _today(clinics, asked, now)


def _today(clinics: list[Clinic], asked: int | None, now: datetime) -> date:
    """Today on the wall of the clinic asked for, or of the first one."""
    wall = next((clinic for clinic in clinics if clinic.pk == asked), clinics[0] if clinics else None)
    return now.astimezone(wall.zone).date() if wall is not None else now.date()


def visit_rules(request: HttpRequest, clinic_id: int) -> HttpResponse:
    """Hours, places, reminders, and the address of the calendar."""
    clinic = administered(request, clinic_id)
    rules = VisitRules.objects.of([clinic.pk])[clinic.pk]
    form = VisitRulesForm.of(rules, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            rules_service.change(clinic=clinic, wanted=form.wanted(), by=user_of(request), now=timezone.now())
        except Impossible as error:
            take(form, error.errors)
        else:
            messages.success(request, _("Saved. It holds for the visits that are booked already, too."))
            return redirect("visit_rules", clinic_id=clinic.pk)
    context = {"clinic": clinic, "form": form, "address": rules_service.feed_link(rules)}
    return render(request, "clinics/visit_rules.html", context)


@require_POST
def calendar_address(request: HttpRequest, clinic_id: int) -> HttpResponse:
    """A new secret address for the calendar, or none."""
    clinic = administered(request, clinic_id)
    by, now = user_of(request), timezone.now()
    if request.POST.get("step") == "end":
        rules_service.end_feed(clinic=clinic, by=by, now=now)
        messages.success(request, _("The calendar is off; its address shows nothing any more."))
    else:
        rules_service.renew_feed(clinic=clinic, by=by, now=now)
        messages.success(request, _("The calendar has a new address. One it had before shows nothing any more."))
    return redirect("visit_rules", clinic_id=clinic.pk)

"""The scheduler's day: who needs a refill, most urgent first; today's visits; whom to call; how many of what."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from clinics import paging
from clinics.models import Clinic
from clinics.pages import user_of
from pumps.models import Forecast
from pumps.pages import calls
from pumps.pages.visit_lines import VisitLine, line_of
from pumps.pages.worklist_filter import WITHIN_CHOICES, Asked, chips
from pumps.pages.worklist_lines import lines
from pumps.printing import PAPERS
from pumps.queries import MOST_MATCHES
from pumps.services.to_call import to_call
from scheduling.models import Appointment

# Of today's visits so many are named, and so many are counted.
NAMED_TODAY = 4
MOST_TODAY = 99
# Whom to call: so many are listed, and so many of them named in the line above.
MOST_TO_CALL, NAMED_TO_CALL = 20, 3


def worklist(request: HttpRequest) -> HttpResponse:
    user, now = user_of(request), timezone.now()
    asked = Asked.of(request, user, now)
    rows = asked.rows()
    position = paging.read(request.GET.get("after", ""))
    size = paging.PAGE_SIZE
    if position is not None:
        rows = rows.after(*position)
    else:
        size -= len(asked.first)
    page = paging.page_of(request, list(rows[: size + 1]), _position, size=size)
    context = {
        "page": page,
        "lines": lines(user, asked.read(page.rows, is_first_page=position is None), asked.policies, now),
        "panel": None,
        "asked": asked.filter,
        "query": request.GET.urlencode(),
        "most_matches": MOST_MATCHES if len(asked.matches) > MOST_MATCHES else None,
        "clinics": asked.clinics,
        "several": asked.clinic is None,
        "today": today(asked),
        "within_choices": WITHIN_CHOICES,
        "urgency_choices": asked.urgency_choices(),
        "papers": PAPERS.items(),
    }
    return render(request, "pumps/worklist.html", context)


def _position(row: Forecast) -> str:
    return paging.written(row.worklist_at, row.pump_id)


def worklist_now(request: HttpRequest) -> HttpResponse:
    """How many pumps are how urgent, and whom to call first: fetched by the worklist, or a page without script.

    To call is of the clinic chosen, or of all of the user's.
    """
    user = user_of(request)
    asked = Asked.of(request, user, timezone.now())
    of = [asked.clinic] if asked.clinic is not None else asked.clinics if asked.filter.clinic is None else []
    found = to_call(of, asked.now, MOST_TO_CALL) if of else None
    context = {
        "chips": chips(request, asked),
        "clinic": asked.clinic,
        "to_call": found,
        "named": found.lines[:NAMED_TO_CALL] if found is not None else [],
        "rows": calls.of_lines(found.lines, calls.NOW, user, asked.now) if found is not None else [],
    }
    is_part = "HX-Request" in request.headers
    return render(request, "pumps/worklist_now_part.html" if is_part else "pumps/worklist_now.html", context)


@dataclass(frozen=True)
class Today:
    """Today's visits that have not ended, the first ones named; `count` is of all, `is_more` that there are more."""

    named: Sequence[VisitLine]
    count: int
    is_more: bool

    @property
    def others(self) -> int:
        return self.count - len(self.named)


def today(asked: Asked) -> Today:
    """The visits of today on each clinic's own wall, of the clinic chosen or all. One query."""
    days = {clinic.pk: _day_of(clinic, asked.now) for clinic in asked.clinics}
    if not days:
        return Today([], 0, False)
    rows = Appointment.objects.visible_to(asked.user).standing()
    if asked.filter.clinic is not None:
        rows = rows.filter(clinic=asked.filter.clinic)
    near = rows.between(min(start for start, _ in days.values()), max(end for _, end in days.values()))
    found = []
    for visit in near.select_related("clinic", "patient")[: MOST_TODAY * 3]:
        start, end = days[visit.clinic_id]
        found += [visit] if start <= visit.starts_at < end else []
    named = [line_of(visit, None, asked.now) for visit in found[:NAMED_TODAY]]
    return Today(named, min(len(found), MOST_TODAY), len(found) > MOST_TODAY)


def _day_of(clinic: Clinic, now: datetime) -> tuple[datetime, datetime]:
    """When today begins and ends on a clinic's wall."""
    day = now.astimezone(clinic.zone).date()
    start, end = (datetime.combine(each, time(0), tzinfo=clinic.zone) for each in (day, day + timedelta(days=1)))
    return start.astimezone(UTC), end.astimezone(UTC)

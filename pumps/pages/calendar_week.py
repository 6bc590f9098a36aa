"""A week of visits by day and hour, with what is due on each day and has no visit, and the times that are free."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from clinics import paging
from pumps import agenda
from pumps.agenda import Day
from pumps.models import Forecast
from pumps.pages.calendar import Shown, common, shown
from pumps.pages.visit_lines import VisitLine, line_of
from pumps.services import booking, free
from scheduling.models import Appointment
from scheduling.states import State

WEEK = timedelta(days=7)
# A week on which nothing is booked or free is drawn with these hours.
USUAL_HOURS = (9, 15)


@dataclass(frozen=True)
class Entry:
    """A visit, and whether the user may move it."""

    line: VisitLine
    can_move: bool


@dataclass(frozen=True)
class Slot:
    """A free time, whether it is too late for whom it is chosen, and where it is taken."""

    at: datetime
    is_late: bool
    address: str


@dataclass(frozen=True)
class Cell:
    """What begins within an hour of a day."""

    hour: int
    visits: Sequence[Entry]
    free: Sequence[Slot]


@dataclass(frozen=True)
class Column:
    """A day of the week as it is drawn; `due` are those without a visit that are named."""

    of: Day
    is_today: bool
    due: Sequence[Forecast]
    cells: Sequence[Cell]

    @property
    def is_worth_showing(self) -> bool:
        """A day on which the clinic never refills is left out while nothing is on it."""
        has_something = self.of.load.booked or self.of.load.unbooked or any(cell.visits for cell in self.cells)
        return bool(has_something or self.of.closed_name or self.is_today or not self.of.is_closed)

    @property
    def not_named(self) -> int:
        return max(self.of.load.unbooked - len(self.due), 0)


def week(request: HttpRequest) -> HttpResponse:
    asked = shown(request)
    first = asked.day - timedelta(days=asked.day.weekday())
    last = first + WEEK - timedelta(days=1)
    columns = _columns(asked, first, last)
    context = {
        **common(asked, "calendar_week", first - WEEK, first + WEEK),
        "first": first,
        "last": last,
        "columns": [column for column in columns if column.is_worth_showing],
        "hours": [cell.hour for cell in columns[0].cells],
        "is_cut": _is_cut(columns),
        "made": _made(request, asked),
    }
    return render(request, "pumps/calendar_week.html", context)


def _is_cut(columns: Sequence[Column]) -> bool:
    """Whether there are more visits than are drawn; the load of each day counts all but those who did not come."""
    visits = [entry.line.visit for column in columns for cell in column.cells for entry in cell.visits]
    drawn = sum(visit.state != State.NO_SHOW for visit in visits)
    return drawn < sum(column.of.load.booked for column in columns)


def _made(request: HttpRequest, asked: Shown) -> Appointment | None:
    """The visit that was booked or moved on the way here, while that can be undone."""
    pk = paging.read_id(request.GET.get("made", ""))
    if pk is None:
        return None
    rows = Appointment.objects.visible_to(asked.user).standing().select_related("clinic", "patient")
    visit = rows.filter(pk=pk).first()
    return visit if visit is not None and booking.can_undo(visit, asked.user, asked.now) else None


def _columns(asked: Shown, first: date, last: date) -> list[Column]:
    visits, slots = _entries(asked, first, last), _slots(asked, first, last)
    due = agenda.due_by_day(asked.of, first, last)
    hours = {hour for _, hour in [*visits, *slots]} or set(USUAL_HOURS)
    return [
        Column(
            of=each,
            is_today=each.day == asked.today,
            due=due.get(each.day, []),
            cells=[
                Cell(hour, visits.get((each.day, hour), []), slots.get((each.day, hour), []))
                for hour in range(min(hours), max(hours) + 1)
            ],
        )
        for each in agenda.loads(asked.of, first, last)
    ]


ByHour = tuple[date, int]


def _entries(asked: Shown, first: date, last: date) -> Mapping[ByHour, list[Entry]]:
    """The visits by day and hour of their clinic's wall. Two queries."""
    visits = agenda.visits_by_day(asked.of, first, last)
    forecasts = Forecast.objects.in_bulk([visit.pump_id for found in visits.values() for visit in found])
    by_hour: dict[ByHour, list[Entry]] = defaultdict(list)
    for day in agenda.days_between(first, last):
        for visit in visits.get(day, ()):
            line = line_of(visit, forecasts.get(visit.pump_id), asked.now)
            entry = Entry(line, can_move=visit.clinic_id in asked.books_at and visit.can_be_moved)
            by_hour[day, visit.starts_at.astimezone(visit.clinic.zone).hour].append(entry)
    return by_hour


def _slots(asked: Shown, first: date, last: date) -> Mapping[ByHour, list[Slot]]:
    """The free times by day and hour, of one clinic and for those who book there. Three queries."""
    by_hour: dict[ByHour, list[Slot]] = defaultdict(list)
    if asked.clinic is None or not asked.can_book:
        return by_hour
    start, end = agenda.span_of(first, last)
    row = asked.row
    moments = free.times_between(
        asked.clinic, max(start, asked.now), end, without=row.pump if row is not None else None
    )
    for at in moments:
        local = at.astimezone(asked.clinic.zone)
        if first <= local.date() <= last:
            is_late = row is not None and row.refill_by is not None and at > row.refill_by
            by_hour[local.date(), local.hour].append(Slot(at, is_late, _address(asked, at)))
    return by_hour


def _address(asked: Shown, at: datetime) -> str:
    query = {"clinic": asked.clinic.pk if asked.clinic is not None else "", "at": at.isoformat()}
    if asked.row is not None:
        query["for"] = asked.row.pump_id
    return f"{reverse('calendar_book')}?{urlencode(query)}"

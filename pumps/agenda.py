"""A clinic's days: which visits are booked, which refills fall due, and how full each day is.

Everything reads one range of days by an index; the numbers of a day are counted by the database.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from clinics.models import Clinic, ClosedDay
from pumps.models import Forecast
from scheduling.models import Appointment, VisitRules
from scheduling.times import slots

# No wall is further from UTC than this, either way.
FARTHEST_WALL = timedelta(hours=14)
# So many visits, and so many that are due, are named; the counts are of all.
MOST_VISITS = 500
MOST_DUE = 200


@dataclass(frozen=True)
class Load:
    """A day in numbers: visits booked, places there are, refills due, and how many of these have no visit."""

    booked: int = 0
    places: int = 0
    due: int = 0
    unbooked: int = 0

    @property
    def percent(self) -> int:
        """How full the day is, up to 100; a day without places that has visits is full."""
        if self.places == 0:
            return 100 if self.booked else 0
        return min(round(self.booked / self.places * 100), 100)

    @property
    def is_over(self) -> bool:
        return self.booked > self.places


@dataclass(frozen=True)
class Day:
    """A day of some clinics. On one that `is_closed` none of them refills; a holiday has a name."""

    day: date
    load: Load
    is_closed: bool = False
    closed_name: str = ""


def span_of(first: date, last: date) -> tuple[datetime, datetime]:
    """A range of moments that holds these days on every wall."""
    start = datetime.combine(first, time(0), tzinfo=UTC) - FARTHEST_WALL
    return start, datetime.combine(last, time(0), tzinfo=UTC) + timedelta(days=1) + FARTHEST_WALL


def days_between(first: date, last: date) -> Iterator[date]:
    yield from (first + timedelta(days=number) for number in range((last - first).days + 1))


def loads(clinics: Sequence[Clinic], first: date, last: date) -> list[Day]:
    """Each day in numbers, summed over the clinics. Four queries, whatever the range and the number of clinics."""
    ids = [clinic.pk for clinic in clinics]
    rules = VisitRules.objects.of(ids)
    closed = _closed(clinics, first, last)
    start, end = span_of(first, last)
    visits = Appointment.objects.filter(clinic__in=ids).kept().by_day(start, end)
    due = Forecast.objects.filter(clinic__in=ids).by_day(start, end, visits=Appointment.objects.standing())
    found = []
    for day in days_between(first, last):
        of_day = [due.get((pk, day)) for pk in ids]
        load = Load(
            booked=sum(visits.get((pk, day), 0) for pk in ids),
            places=sum(places(clinic, rules[clinic.pk], day) for clinic in clinics if day not in closed[clinic.pk]),
            due=sum(each.count for each in of_day if each is not None),
            unbooked=sum(each.unbooked for each in of_day if each is not None),
        )
        names = {closed[pk].get(day) for pk in ids}
        name = names.pop() if len(names) == 1 else None
        found.append(Day(day, load, is_closed=load.places == 0, closed_name=name or ""))
    return found


def _closed(clinics: Sequence[Clinic], first: date, last: date) -> dict[int, dict[date, str]]:
    """The closed days of each clinic within a range, with their names. One query."""
    found: dict[int, dict[date, str]] = defaultdict(dict)
    for row in ClosedDay.objects.filter(clinic__in=clinics, day__range=(first, last)):
        found[row.clinic_id][row.day] = row.name
    return found


def places(clinic: Clinic, rules: VisitRules, day: date) -> int:
    """How many visits of the usual length a clinic has room for on a day it is not closed."""
    if day.weekday() not in clinic.opening_days:
        return 0
    times = slots(day, rules.opens_at, rules.closes_at, rules.minutes, clinic.zone)
    return sum(1 for _ in times) * rules.places


def visits_by_day(clinics: Sequence[Clinic], first: date, last: date) -> dict[date, list[Appointment]]:
    """The visits of each day that take a place, or were missed, on their clinic's wall, earliest first. One query."""
    start, end = span_of(first, last)
    rows = Appointment.objects.filter(clinic__in=clinics).exclude(state="cancelled").between(start, end)
    found: dict[date, list[Appointment]] = defaultdict(list)
    for visit in rows.select_related("clinic", "patient")[:MOST_VISITS]:
        found[visit.starts_at.astimezone(visit.clinic.zone).date()].append(visit)
    return found


def due_by_day(clinics: Sequence[Clinic], first: date, last: date) -> dict[date, list[Forecast]]:
    """The pumps whose refill is due on each day and that have no visit, earliest first. One query."""
    start, end = span_of(first, last)
    rows = Forecast.objects.filter(clinic__in=clinics).due_between(start, end).without(Appointment.objects.standing())
    found: dict[date, list[Forecast]] = defaultdict(list)
    for row in rows.select_related("clinic", "pump__patient")[:MOST_DUE]:
        found[row.worklist_at.astimezone(row.clinic.zone).date()].append(row)
    return found

"""The calendar in numbers: a month, and how full the next six weeks are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from pumps import agenda
from pumps.agenda import Day
from pumps.pages.calendar import common, shown
from pumps.pictures.load import picture
from pumps.printing import PAPERS

SIX_WEEKS = timedelta(days=42)


@dataclass(frozen=True)
class MonthDay:
    """A day of the month, None where the week reaches into another one, and the address of its week."""

    of: Day | None
    is_today: bool = False
    address: str = ""


def month(request: HttpRequest) -> HttpResponse:
    asked = shown(request)
    first = asked.day.replace(day=1)
    following = (first + timedelta(days=31)).replace(day=1)
    days = [
        MonthDay(each, is_today=each.day == asked.today, address=asked.query(day=each.day))
        for each in agenda.loads(asked.of, first, following - timedelta(days=1))
    ]
    context = {
        **common(asked, "calendar_month", (first - timedelta(days=1)).replace(day=1), following),
        "first": first,
        "weeks": _weeks(first, days),
        "has_today": first <= asked.today < following,
        "weekdays": [date(2024, 1, number) for number in range(1, 8)],
    }
    return render(request, "pumps/calendar_month.html", context)


def _weeks(first: date, days: Sequence[MonthDay]) -> list[list[MonthDay]]:
    """Rows of seven from Monday on, with gaps before the first and after the last day."""
    nothing = MonthDay(None)
    cells = [nothing] * first.weekday() + list(days)
    cells += [nothing] * (-len(cells) % 7)
    return [cells[start : start + 7] for start in range(0, len(cells), 7)]


def load(request: HttpRequest) -> HttpResponse:
    """Visits booked and refills due against the places there are, for six weeks from a day on."""
    asked = shown(request)
    days = agenda.loads(asked.of, asked.day, asked.day + SIX_WEEKS - timedelta(days=1))
    context = {
        **common(asked, "calendar_load", asked.day - SIX_WEEKS, asked.day + SIX_WEEKS),
        "days": days,
        "picture": picture(days),
        "papers": PAPERS.items(),
        "last": days[-1].day,
    }
    return render(request, "pumps/calendar_load.html", context)

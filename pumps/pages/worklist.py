"""The first page: who needs a refill, most urgent first."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from alerts.services.lifecycle import policies
from clinics import paging
from clinics.models import Clinic, User
from clinics.pages import user_of
from clinics.roles import Permission
from clinics.words import left
from pumps.models import Forecast, Pump
from pumps.pages.pump import open_day
from pumps.pages.visit_lines import VisitLine, lines_of
from pumps.pages.words import Urgency, limit_words, urgency
from pumps.queries import MOST_MATCHES, ForecastQuerySet

WITHIN_CHOICES = (7, 14, 28, 60)
MAX_WITHIN = 10_000


@dataclass(frozen=True)
class Line:
    """A pump on the worklist."""

    forecast: Forecast
    pump: Pump
    urgency: Urgency
    left: str
    because: str
    is_serious: bool
    open_day: date | None
    visit: VisitLine | None
    can_book: bool


@dataclass(frozen=True)
class Filter:
    text: str
    clinic: int | None
    within_days: int | None

    @property
    def is_set(self) -> bool:
        return bool(self.text) or self.clinic is not None or self.within_days is not None


def worklist(request: HttpRequest) -> HttpResponse:
    user, now = user_of(request), timezone.now()
    asked = _asked(request)
    matches = list(Pump.objects.matching(asked.text, user).order_by().values_list("pk", flat=True))
    rows = _rows(user, asked, matches, now)
    position = paging.read(request.GET.get("after", ""))
    if position is not None:
        rows = rows.after(*position)
    found = list(rows[: paging.PAGE_SIZE + 1])
    page = paging.page_of(request, found, lambda row: paging.written(row.worklist_at, row.pump_id))
    context = {
        "page": page,
        "lines": _lines(user, page.rows, now),
        "asked": asked,
        "most_matches": MOST_MATCHES if len(matches) > MOST_MATCHES else None,
        "clinics": list(Clinic.objects.visible_to(user)),
        "within_choices": WITHIN_CHOICES,
    }
    return render(request, "pumps/worklist.html", context)


def _asked(request: HttpRequest) -> Filter:
    clinic, within = _number(request, "clinic"), _number(request, "within")
    return Filter(
        text=request.GET.get("q", "").replace("\x00", "").strip()[:200],
        clinic=clinic,
        within_days=min(within, MAX_WITHIN) if within is not None else None,
    )


def _number(request: HttpRequest, name: str) -> int | None:
    return paging.read_id(request.GET.get(name, ""))


def _rows(user: User, asked: Filter, matches: Sequence[int], now: datetime) -> ForecastQuerySet[Forecast]:
    rows = Forecast.objects.visible_to(user).on_worklist()
    if asked.text:
        rows = rows.filter(pump__in=matches)
    if asked.clinic is not None:
        rows = rows.filter(clinic=asked.clinic)
    if asked.within_days is not None:
        rows = rows.filter(worklist_at__lte=now + timedelta(days=asked.within_days))
    # Clinics are few and shared by the lines; their closed days are read once each.
    return rows.select_related("pump__patient", "pump__model").prefetch_related("clinic__closed_days")


def _lines(user: User, rows: Iterable[Forecast], now: datetime) -> list[Line]:
    rows = list(rows)
    by_clinic = policies({row.clinic_id for row in rows})
    visits = lines_of(rows, now)
    return [
        Line(
            forecast=row,
            pump=row.pump,
            urgency=urgency(row, by_clinic[row.clinic_id].of(row.pump.patient.flags), now),
            left=left(row.refill_by, now, row.clinic.zone) if row.refill_by is not None else "",
            because=limit_words(row, now),
            is_serious=_is_serious(user, row),
            open_day=open_day(row, row.clinic),
            visit=visits.get(row.pump_id),
            can_book=user.access.can(Permission.BOOK, row.clinic_id),
        )
        for row in rows
    ]


def _is_serious(user: User, row: Forecast) -> bool:
    """Something is wrong that neither the date nor its absence tells; for those who may know what."""
    return user.access.can(Permission.SEE_CLINICAL, row.clinic_id) and any(
        finding["severity"] == "high" and finding["code"] != row.unknown_reason for finding in row.findings
    )

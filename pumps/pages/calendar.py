"""What the pages of the calendar share: a week by hours, a month and six weeks by numbers.

Each page's address holds what it shows: `clinic`, `day`, and `for`, the pump a time is chosen for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy

from clinics import paging
from clinics.models import Clinic, User
from clinics.pages.access import require, user_of
from clinics.roles import Permission
from clinics.validators import is_plausible
from pumps.models import Forecast

# How far each page goes at a time.
STEPS = {
    "calendar_week": gettext_lazy("a week"),
    "calendar_month": gettext_lazy("a month"),
    "calendar_load": gettext_lazy("six weeks"),
}


@dataclass(frozen=True)
class Shown:
    """What a calendar page is asked for. `clinic` is the one chosen, or the only one there is; `pump` is the one a time
    is chosen for, with its forecast."""

    user: User
    now: datetime
    clinics: Sequence[Clinic]
    clinic: Clinic | None
    today: date
    day: date
    row: Forecast | None = None

    @property
    def of(self) -> Sequence[Clinic]:
        return [self.clinic] if self.clinic is not None else self.clinics

    @cached_property
    def books_at(self) -> set[int]:
        """The clinics where the user books."""
        return {clinic.pk for clinic in self.clinics if self.user.access.can(Permission.BOOK, clinic.pk)}

    @property
    def can_book(self) -> bool:
        return self.clinic is not None and self.clinic.pk in self.books_at

    def query(self, **changes: object) -> str:
        """The address of the same page, for another day or another pump."""
        asked: dict[str, object] = {
            "clinic": self.clinic.pk if self.clinic is not None and len(self.clinics) > 1 else "",
            "day": self.day,
            "for": self.row.pump_id if self.row is not None else "",
            **changes,
        }
        return "?" + urlencode({name: value for name, value in asked.items() if value != ""})


def shown(request: HttpRequest) -> Shown:
    """
    Raises:
        Http404: the pump is none of the user's. PermissionDenied: they do not book there.
    """
    user, now = user_of(request), timezone.now()
    clinics = list(Clinic.objects.visible_to(user))
    row = _row(request, user)
    asked = row.clinic_id if row is not None else paging.read_id(request.GET.get("clinic", ""))
    clinic = next((each for each in clinics if each.pk == asked), clinics[0] if len(clinics) == 1 else None)
    wall = clinic or (clinics[0] if clinics else None)
    today = now.astimezone(wall.zone).date() if wall is not None else now.date()
    return Shown(user, now, clinics, clinic, today, _day(request, today), row)


def _row(request: HttpRequest, user: User) -> Forecast | None:
    asked = request.GET.get("for", "")
    if not asked:
        return None
    rows = Forecast.objects.visible_to(user).select_related("clinic", "pump__clinic", "pump__patient", "pump__model")
    row = get_object_or_404(rows, pump=paging.read_id(asked))
    require(request, Permission.BOOK, row.clinic_id)
    return row


def _day(request: HttpRequest, today: date) -> date:
    try:
        day = date.fromisoformat(request.GET.get("day", ""))
    except ValueError:
        return today
    return day if is_plausible(day) else today


def calendar(request: HttpRequest) -> HttpResponse:
    """The week, with whatever else was asked for."""
    query = request.GET.urlencode()
    return redirect(reverse("calendar_week") + (f"?{query}" if query else ""))


def common(asked: Shown, view: str, before: date, after: date) -> dict[str, Any]:
    return {
        "asked": asked,
        "view": view,
        "step": STEPS[view],
        "before": asked.query(day=before) if is_plausible(before) else "",
        "after": asked.query(day=after) if is_plausible(after) else "",
        "to_today": asked.query(day=asked.today),
        "same": asked.query(),
        "patient": asked.row.pump.patient if asked.row is not None else None,
    }

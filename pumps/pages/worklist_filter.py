"""What the worklist is asked for, as its address holds it: page, paper and counts read it alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from django.db.models import prefetch_related_objects
from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext, gettext_lazy

from alerts.messages import headline
from alerts.services.lifecycle import Policy, policies
from clinics import paging
from clinics.models import Clinic, User
from clinics.roles import Permission
from pumps import urgencies
from pumps.models import Forecast, Pump
from pumps.queries import ForecastQuerySet

WITHIN_CHOICES = (7, 14, 28, 60)
MAX_WITHIN = 10_000
# What goes before any tier, and after all of them.
STANDING_WORDS = {
    urgencies.STOPPED: gettext_lazy("Stopped"),
    urgencies.UNKNOWN: gettext_lazy("Unknown"),
    urgencies.LATER: gettext_lazy("Later"),
}
NO_VISIT = "none"
# So many that wait for no date stand before the others, on the first page, of which they are half at most.
MOST_FIRST = 25
# Not an urgency, but asked for like one: with a finding that somebody has to judge, whatever the date.
SERIOUS = "high"


@dataclass(frozen=True)
class Filter:
    text: str
    clinic: int | None
    within_days: int | None
    urgency: str
    without_visit: bool

    @property
    def is_set(self) -> bool:
        return self.is_narrowed or bool(self.text) or self.clinic is not None or self.within_days is not None

    @property
    def is_narrowed(self) -> bool:
        """By what the counts count."""
        return bool(self.urgency) or self.without_visit


def asked_of(request: HttpRequest) -> Filter:
    within = _number(request, "within")
    return Filter(
        text=request.GET.get("q", "").replace("\x00", "").strip()[:200],
        clinic=_number(request, "clinic"),
        within_days=min(within, MAX_WITHIN) if within is not None else None,
        urgency=request.GET.get("urgency", "").replace("\x00", "")[:16],
        without_visit=request.GET.get("visit") == NO_VISIT,
    )


def _number(request: HttpRequest, name: str) -> int | None:
    return paging.read_id(request.GET.get(name, ""))


def address(request: HttpRequest, **changes: str) -> str:
    """The query string of the page with some of it changed, from its first row on; blank takes a part away."""
    query: QueryDict = request.GET.copy()
    for name, value in {"after": "", **changes}.items():
        query.pop(name, None)
        if value:
            query[name] = value
    return f"?{query.urlencode()}"


@dataclass(frozen=True)
class Asked:
    """A filter, and what it is asked of. `matches` are the pumps its text matches, `clinics` those the user sees."""

    user: User
    filter: Filter
    now: datetime
    clinics: Sequence[Clinic]
    matches: Sequence[int]

    @classmethod
    def of(cls, request: HttpRequest, user: User, now: datetime) -> "Asked":
        asked = asked_of(request)
        matches = list(Pump.objects.matching(asked.text, user).order_by().values_list("pk", flat=True))
        return cls(user, asked, now, list(Clinic.objects.visible_to(user)), matches)

    @cached_property
    def policies(self) -> Mapping[int, Policy]:
        return policies(clinic.pk for clinic in self.clinics)

    @cached_property
    def clinic(self) -> Clinic | None:
        """The one clinic that is shown: the one chosen, or the only one there is."""
        if self.filter.clinic is None and len(self.clinics) == 1:
            return self.clinics[0]
        return next((clinic for clinic in self.clinics if clinic.pk == self.filter.clinic), None)

    def counted(self) -> ForecastQuerySet[Forecast]:
        """Everything but for what the counts tell apart."""
        asked, rows = self.filter, Forecast.objects.visible_to(self.user).on_worklist()
        if asked.text:
            rows = rows.filter(pump__in=self.matches)
        if asked.clinic is not None:
            rows = rows.filter(clinic=asked.clinic)
        if asked.within_days is not None:
            rows = rows.filter(worklist_at__lte=self.now + timedelta(days=asked.within_days))
        return rows

    @cached_property
    def first(self) -> list[Forecast]:
        """Those that wait for no date (`urgencies.gravest`), so many at most; none where one urgency is asked for."""
        return [] if self.filter.urgency else list(urgencies.gravest(self._wanted(), self.now)[:MOST_FIRST])

    def rows(self) -> ForecastQuerySet[Forecast]:
        """The others, by date."""
        return self._wanted().exclude(pump__in=[row.pump_id for row in self.first])

    def _wanted(self) -> ForecastQuerySet[Forecast]:
        rows, asked = self.counted(), self.filter
        if asked.urgency == SERIOUS:
            rows = self.serious(rows)
        elif asked.urgency:
            rows = urgencies.of_urgency(rows, asked.urgency, self.policies, self.now)
        if asked.without_visit:
            rows = urgencies.without_visit(rows, self.policies, self.now)
        return rows.select_related("pump__patient", "pump__model")

    def read(self, rows: Sequence[Forecast], *, is_first_page: bool = True) -> list[Forecast]:
        """The rows of a page, before them on the first page those that wait for no date. Clinics are few and shared by
        the lines; their closed days are read once each."""
        together = [*self.first, *rows] if is_first_page else list(rows)
        prefetch_related_objects(together, "clinic__closed_days")
        return together

    def serious(self, rows: ForecastQuerySet[Forecast]) -> ForecastQuerySet[Forecast]:
        """Of clinics whose findings the user sees."""
        return rows.filter(clinic__in=self._sees_findings_of).serious()

    @cached_property
    def _sees_findings_of(self) -> list[int]:
        can = self.user.access.can
        return [clinic.pk for clinic in self.clinics if can(Permission.SEE_CLINICAL, clinic.pk)]

    def counts(self) -> urgencies.Counts:
        return urgencies.counts(self.counted(), self.policies, self.now)

    def urgency_choices(self) -> list[tuple[str, str]]:
        """Every urgency a pump of these clinics can have and its word, severest first."""
        stopped, unknown, later = ((code, str(word)) for code, word in STANDING_WORDS.items())
        tiers = {tier.code: None for policy in self.policies.values() for tier in reversed(policy.ladder)}
        serious = [(SERIOUS, gettext("Serious finding"))] if self._sees_findings_of else []
        return [stopped, *serious, unknown, *((code, headline(code)) for code in tiers), later]


@dataclass(frozen=True)
class Chip:
    """A count that is a link: it shows just those, or all again."""

    code: str
    word: str
    count: int
    is_chosen: bool
    address: str


def chips(request: HttpRequest, asked: Asked) -> list[Chip]:
    """Of each urgency that some pump has, severest first; then those that have no visit."""
    found, chosen, is_open = asked.counts(), asked.filter.urgency, asked.filter.without_visit
    count = {**found.by_code, SERIOUS: asked.serious(asked.counted()).count()}
    by_urgency = [
        Chip(code, word, count.get(code, 0), code == chosen, _turned(request, "urgency", code, code == chosen))
        for code, word in asked.urgency_choices()
        if count.get(code, 0) or (code == chosen and code != urgencies.LATER)
    ]
    open_address = _turned(request, "visit", NO_VISIT, is_open)
    return [*by_urgency, Chip("no-visit", gettext("Without a visit"), found.without_visit, is_open, open_address)]


def _turned(request: HttpRequest, name: str, value: str, is_on: bool) -> str:
    return address(request, **{name: "" if is_on else value})

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Count, Exists, Max, Min, OuterRef, Q, QuerySet
from django.db.models.expressions import OrderBy
from django.db.models.functions import Least, Upper

from clinics.queries import ClinicOwned, Row, WallDay
from patients.models import Patient, SearchWord
from patients.queries import PatientQuerySet

if TYPE_CHECKING:
    from clinics.models import User


class PumpModelQuerySet(QuerySet[Row]):
    def called(self, name: str) -> Self:
        """By id, slug or catalogue name."""
        if "\x00" in name:
            return self.none()
        match = Q(slug=name) | Q(model__iexact=name)
        is_id = name.isascii() and name.isdigit() and len(name) < 19
        return self.filter(match | Q(pk=int(name)) if is_id else match)


# Of a search that more match, so many are looked at: in a large fleet two letters match thousands, and sorting all of
# them takes longer than typing a third.
MOST_MATCHES = 500
# Of several words so many are tried as a serial number beside the others, each of so many signs at least.
MOST_SERIALS, LEAST_SERIAL = 4, 3


class _BySerial(OrderBy):
    """The order of the index by which the beginning of a serial number is found (`text_pattern_ops`).

    Asked for in it, so many are one range of the index; in no order PostgreSQL may read the table until it has met
    enough. Django reads an order's direction from its text; USING has none, so a comment says one.
    """

    template = "%(expression)s USING ~<~ /* ASC */"


class PumpQuerySet(ClinicOwned[Row]):
    def numbered(self, text: str) -> Self:
        """Pumps whose serial number begins with `text`, by it."""
        return self.filter(serial_number__istartswith=text.strip()).order_by(_BySerial(Upper("serial_number")))

    def matching(self, text: str, user: User) -> Self:
        """The user's pumps whose serial number begins with `text`, or whose patient matches its words.

        None for a blank. Where more than MOST_MATCHES do, some more than so many of them.
        """
        if not text.strip():
            return self.none()
        visible = self.visible_to(user)
        patients = SearchWord.objects.patients(text, user, MOST_MATCHES + 1)
        by_patient = visible.filter(patient__in=patients).order_by().values_list("pk", flat=True)
        by_serial = visible.numbered(text).values_list("pk", flat=True)
        return self.filter(pk__in={*by_patient[: MOST_MATCHES + 1], *by_serial[: MOST_MATCHES + 1]})

    def holders(self, text: str, user: User) -> list[int]:
        """Ids of the user's patients who have a pump whose serial number begins with `text`."""
        return list(self.visible_to(user).numbered(text).values_list("patient", flat=True)[: MOST_MATCHES + 1])


def patients_matching(pumps: PumpQuerySet[Row], text: str, user: User) -> PatientQuerySet[Patient]:
    """The user's patients whose own words match, or who have a pump whose serial number begins with `text`, or with
    one word of it while the others are theirs."""
    found = {*SearchWord.objects.patients(text, user, MOST_MATCHES + 1), *pumps.holders(text, user)}
    words = text.split()
    for place, word in enumerate(words[:MOST_SERIALS] if len(words) > 1 else []):
        if len(word) >= LEAST_SERIAL:
            others = " ".join([*words[:place], *words[place + 1 :]])
            found |= SearchWord.objects.among(pumps.holders(word, user), others)
    return Patient.objects.visible_to(user).filter(pk__in=found)


class EventQuerySet(QuerySet[Row]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Events of the pumps of the user's clinics; an event has no clinic of its own."""
        if isinstance(user, AnonymousUser):
            return self.none()
        clinic_ids = user.access.clinic_ids
        return self if clinic_ids is None else self.filter(pump__clinic_id__in=clinic_ids)

    def standing(self, *, known_at: datetime | None = None) -> Self:
        """Events that are not entered in error, without the voids themselves; of what was recorded until `known_at`,
        voids included, if that is given."""
        from_error = self.model._default_manager.filter(voids=OuterRef("pk"))
        # Asked for by kind: nearly all of the index of what is voided says that nothing is.
        events = self.filter(~Q(kind="void"))
        if known_at is None:
            return events.filter(~Exists(from_error))
        recorded = events.filter(recorded_at__lte=known_at)
        return recorded.filter(~Exists(from_error.filter(recorded_at__lte=known_at)))

    def latest_before(self, kind: str, moment: datetime) -> Row | None:
        return self.filter(kind=kind, occurred_at__lt=moment).order_by("-occurred_at").first()

    def life_of(self, pump: models.Model) -> list[datetime]:
        """The first and last moment of a pump's standing ledger; empty without one."""
        found = self.standing().filter(pump=pump).aggregate(first=Min("occurred_at"), last=Max("occurred_at"))
        return [found["first"], found["last"]] if found["first"] is not None else []

    def stored_with(self, event: Any) -> Self:
        """What one person stored at a pump together with an entry, in one transaction, and still counts: the parts of
        one visit."""
        together = {name: getattr(event, name) for name in ("pump_id", "occurred_at", "recorded_at", "recorded_by_id")}
        rows = self.standing().filter(**together).exclude(source="import")
        return rows.exclude(pk=event.pk).order_by("pk")

    def newest_first(self) -> Self:
        return self.order_by("-occurred_at", "-pk")


# A finding that somebody has to judge.
SERIOUS = [{"severity": "high"}]
# From when a forecast waits for no date: the pump stands still, or may be empty or low.
GRAVE_FROM = Least(
    "stopped_at", "stalled_at", "programmed_low_at", "earliest_low_at", "programmed_empty_at", "empty_at"
)


class ForecastQuerySet(ClinicOwned[Row]):
    def on_worklist(self) -> Self:
        """Forecasts of pumps in use, most urgent first; unknown dates before all others."""
        return self.filter(in_use=True).order_by("worklist_at", "pump_id")

    def serious(self) -> Self:
        """Forecasts of pumps in use with a finding that somebody has to judge; an index has these alone."""
        return self.on_worklist().filter(findings__contains=SERIOUS)

    def expiring(self, until: datetime) -> Self:
        """Forecasts of pumps in use whose drug expires by then, most urgent first; those of an index."""
        return self.on_worklist().filter(drug_expires_at__lte=until)

    def due(self, now: datetime) -> Self:
        """Forecasts whose next alert is to be opened: one range of one index, however large the fleet."""
        return self.filter(next_alert_at__lte=now).order_by("next_alert_at")

    def after(self, worklist_at: datetime, pump_id: int) -> Self:
        """The worklist's rows behind one position."""
        return self.filter(Q(worklist_at__gt=worklist_at) | Q(worklist_at=worklist_at, pump_id__gt=pump_id))

    def due_between(self, start: datetime, end: datetime) -> Self:
        """Forecasts of pumps in use whose refill is due within a range, earliest first."""
        return self.on_worklist().filter(worklist_at__gte=start, worklist_at__lt=end)

    def without(self, visits: QuerySet[Any]) -> Self:
        """Only pumps that have none of these visits."""
        return self.filter(~Exists(visits.filter(pump=OuterRef("pump"))))

    def by_day(self, start: datetime, end: datetime, *, visits: QuerySet[Any]) -> dict[tuple[int, date], Due]:
        """How many are due within a range, and how many of them have none of the visits, by clinic and day on its wall.
        One query."""
        is_booked = Exists(visits.filter(pump=OuterRef("pump")))
        rows = self.due_between(start, end).order_by().annotate(day=WallDay("worklist_at"), is_booked=is_booked)
        counts = rows.values("clinic", "day").annotate(
            count=Count("pk"), unbooked=Count("pk", filter=Q(is_booked=False))
        )
        return {(row["clinic"], row["day"]): Due(row["count"], row["unbooked"]) for row in counts}


@dataclass(frozen=True)
class Due:
    """How many refills are due, and how many of them have no visit."""

    count: int
    unbooked: int


class VisitDraftQuerySet(ClinicOwned[Row]):
    # Begun, and not touched for so long: nobody goes on with it any more, and what was typed is thrown away.
    LIVES: ClassVar = timedelta(hours=12)

    def open(self, now: datetime) -> Self:
        """Begun and not stored, latest first."""
        return self.filter(refill=None, saved_at__gt=now - self.LIVES).order_by("-saved_at", "-pk")

    def too_old(self, now: datetime) -> Self:
        return self.filter(refill=None, saved_at__lte=now - self.LIVES)

    def of(self, user: User, pump: models.Model, now: datetime) -> Row | None:
        """What the person has begun at a pump. Nobody else goes on with it."""
        return self.visible_to(user).open(now).filter(user=user, pump=pump).first()

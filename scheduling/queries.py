from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from typing import Any, Self

from django.db.models import Count, Max, QuerySet

from clinics.queries import ClinicOwned, Row, WallDay
from scheduling.states import STANDING, State


class AppointmentQuerySet(ClinicOwned[Row]):
    def standing(self) -> Self:
        """Still to come, or going on: at most one a pump."""
        return self.filter(state__in=STANDING)

    def of_pumps(self, pump_ids: Collection[int]) -> dict[int, Row]:
        """The standing appointment of each pump that has one. One query."""
        return {row.pump_id: row for row in self.standing().filter(pump__in=pump_ids)}  # type: ignore[attr-defined]  # a row is an Appointment

    def standing_and_missed(self, pump_ids: Collection[int]) -> tuple[dict[int, Row], dict[int, Row]]:
        """By pump: the standing appointment, and the last one if its patient did not come to it. One query, and one
        more where somebody did not come."""
        rows: list[Any] = list(self.filter(pump__in=pump_ids, state__in=[*STANDING, State.NO_SHOW]).order_by("pk"))
        missed = {row.pump_id: row for row in rows if row.state == State.NO_SHOW}
        if missed:
            last = self.model._default_manager.filter(pump__in=missed).values("pump").annotate(last=Max("pk"))
            is_last = {row["last"] for row in last}
            missed = {pump_id: row for pump_id, row in missed.items() if row.pk in is_last}
        return {row.pump_id: row for row in rows if row.state != State.NO_SHOW}, missed

    def between(self, start: datetime, end: datetime) -> Self:
        """Those that begin within a range, earliest first."""
        return self.filter(starts_at__gte=start, starts_at__lt=end).order_by("starts_at", "pk")

    def kept(self) -> Self:
        """Those that take a place in the clinic's day: still to come, going on, or done."""
        return self.filter(state__in=[*STANDING, State.DONE])

    def by_day(self, start: datetime, end: datetime) -> dict[tuple[int, date], int]:
        """How many begin within a range, by clinic and day on its wall. One query."""
        rows = self.between(start, end).order_by().annotate(day=WallDay("starts_at")).values("clinic", "day")
        return {(row["clinic"], row["day"]): row["count"] for row in rows.annotate(count=Count("pk"))}

    def overdue(self, now: datetime) -> Self:
        """Begun, and nothing heard of them for longer than the clinic waits: one range of one index."""
        return self.filter(overdue_at__lte=now).order_by("overdue_at")

    def to_remind(self, now: datetime) -> Self:
        """Those of which a reminder is due: one range of one index."""
        return self.filter(remind_at__lte=now).order_by("remind_at")


class VisitRulesQuerySet(QuerySet[Row]):
    def of(self, clinic_ids: Collection[int]) -> dict[int, Row]:
        """What each clinic has set, or the defaults. One query."""
        stored = self.in_bulk(set(clinic_ids))
        return {pk: stored.get(pk) or self.model(clinic_id=pk) for pk in set(clinic_ids)}


class CallQuerySet(ClinicOwned[Row]):
    def standing(self) -> Self:
        """Calls that are not entered in error, without what says so."""
        return self.filter(voids=None, voided_by=None)

    def last_of(self, pump_ids: Collection[int], *, since: datetime) -> dict[int, Row]:
        """The last call about each pump, with who made it; none from before `since`. One query."""
        rows: list[Any] = list(
            self.standing()
            .filter(pump__in=pump_ids, at__gte=since)
            .order_by("pump_id", "-pk")
            .distinct("pump_id")
            .select_related("by")
        )
        return {row.pump_id: row for row in rows}

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Exists, Max, Min, OuterRef, Q, QuerySet

from clinics.queries import ClinicOwned, Row
from patients.models import Patient
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


class PumpQuerySet(ClinicOwned[Row]):
    def matching(self, text: str) -> Self:
        """Pumps whose serial number begins with `text`, or whose patient matches its words; none for a blank.

        Where more than MOST_MATCHES do, some more than so many of them.
        """
        if not text.strip():
            return self.none()
        by_patient = self.filter(patient__in=Patient.objects.matching(text)).order_by().values("pk")
        by_serial = self.filter(serial_number__istartswith=text.strip()).order_by().values("pk")
        parts = by_patient[: MOST_MATCHES + 1].union(by_serial[: MOST_MATCHES + 1], all=True)
        return self.filter(pk__in=parts)


def patients_matching(
    patients: PatientQuerySet[Patient], pumps: PumpQuerySet[Row], text: str
) -> PatientQuerySet[Patient]:
    """Patients whose own words match, or who have a pump whose serial number begins with `text`."""
    by_serial = pumps.filter(serial_number__istartswith=text.strip()).order_by().values("patient")[: MOST_MATCHES + 1]
    by_words = patients.matching(text).order_by().values("pk")[: MOST_MATCHES + 1]
    return patients.filter(pk__in=by_words.union(by_serial, all=True))


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
        if known_at is None:
            return self.filter(voids=None).exclude(Exists(from_error))
        recorded = self.filter(voids=None, recorded_at__lte=known_at)
        return recorded.exclude(Exists(from_error.filter(recorded_at__lte=known_at)))

    def latest_before(self, kind: str, moment: datetime) -> Row | None:
        return self.filter(kind=kind, occurred_at__lt=moment).order_by("-occurred_at").first()

    def life_of(self, pump: models.Model) -> list[datetime]:
        """The first and last moment of a pump's standing ledger; empty without one."""
        found = self.standing().filter(pump=pump).aggregate(first=Min("occurred_at"), last=Max("occurred_at"))
        return [found["first"], found["last"]] if found["first"] is not None else []

    def newest_first(self) -> Self:
        return self.order_by("-occurred_at", "-pk")


class ForecastQuerySet(ClinicOwned[Row]):
    def on_worklist(self) -> Self:
        """Forecasts of pumps in use, most urgent first; unknown dates before all others."""
        return self.filter(in_use=True).order_by("worklist_at", "pump_id")

    def due(self, now: datetime) -> Self:
        """Forecasts whose next alert is to be opened: one range of one index, however large the fleet."""
        return self.filter(next_alert_at__lte=now).order_by("next_alert_at")

    def after(self, worklist_at: datetime, pump_id: int) -> Self:
        """The worklist's rows behind one position."""
        return self.filter(Q(worklist_at__gt=worklist_at) | Q(worklist_at=worklist_at, pump_id__gt=pump_id))

"""Where somebody begins, and what a pharmacist prepares."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Count, OuterRef, Subquery, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from clinics.homes import homes_of
from clinics.models import Clinic, User
from clinics.pages import user_of
from clinics.roles import Permission
from patients.viewings import recent_patients
from pumps.models import Event, Forecast, Pump, RefillOwner
from pumps.pages.search import belongs_to_several, rows_of
from pumps.queries import EventQuerySet
from scheduling.models import Appointment

# What is prepared is looked at so far ahead; lots that expire in a pump, so far.
AHEAD, EXPIRING = timedelta(days=7), timedelta(days=28)
# Who has come and is not refilled yet was booked at most so long ago.
BEGUN = timedelta(hours=12)
# So many lines of a list are shown; what is needed is added up over so many booked, and so many due.
MOST, MOST_ADDED = 100, 2000


def home(request: HttpRequest) -> HttpResponse:
    """To the page that shows what is theirs to do."""
    return redirect(homes_of(user_of(request))[0].address)


def recent(user: User, now: datetime) -> dict[str, Any]:
    """The patients opened last, as `parts/recent.html` shows them."""
    return {"recent": rows_of(recent_patients(user), user, "", now), "several": belongs_to_several(user)}


@dataclass(frozen=True)
class ToPrepare:
    """A pump to be refilled: with what it was filled last, and when; `at` is the booked time, or else the last day."""

    pump: Pump
    at: datetime
    is_booked: bool
    last: Event | None

    @property
    def volume_ml(self) -> Decimal:
        """A whole reservoir: what is taken out is not put back."""
        return self.pump.model.reservoir_ml


def preparing(request: HttpRequest) -> HttpResponse:
    """What is filled within a week: drug, concentration and volume; and the lots that expire in pumps."""
    user, now = user_of(request), timezone.now()
    if not user.access.can_somewhere(Permission.LOG_DRUG_DATA):
        raise PermissionDenied(_("Your role does not include the drug data of refills."))
    clinics = clinics_with(user, Permission.LOG_DRUG_DATA)
    week = _week([clinic.pk for clinic in clinics], now)
    expiring = _expiring([clinic.pk for clinic in clinics], now)
    context = {
        "lines": _to_prepare(week),
        "lines_left": max(len(week.moments) - MOST, 0),
        "needed": _needed(week),
        "is_cut": week.is_cut,
        "most_added": MOST_ADDED,
        "expiring": expiring[:MOST],
        "expiring_left": len(expiring) > MOST,
        **recent(user, now),
    }
    return render(request, "pumps/home_pharmacist.html", context)


def clinics_with(user: User, permission: Permission) -> list[Clinic]:
    """The clinics in which a person may do something."""
    return [clinic for clinic in Clinic.objects.visible_to(user) if user.access.can(permission, clinic.pk)]


@dataclass(frozen=True)
class Week:
    """The pumps that are refilled within a week, with when: booked, or due and nobody has booked. `is_cut`: there are
    more."""

    booked: Mapping[int, datetime]
    unbooked: Mapping[int, datetime]

    @property
    def moments(self) -> dict[int, datetime]:
        return {**self.unbooked, **self.booked}

    @property
    def is_cut(self) -> bool:
        return MOST_ADDED in (len(self.booked), len(self.unbooked))


def _week(clinic_ids: list[int], now: datetime) -> Week:
    """Two queries."""
    visits = Appointment.objects.filter(clinic__in=clinic_ids, pump__refill_owner=RefillOwner.CLINIC).standing()
    due = Forecast.objects.filter(clinic__in=clinic_ids, pump__refill_owner=RefillOwner.CLINIC).on_worklist()
    due = due.filter(worklist_at__lte=now + AHEAD, refill_by__isnull=False).without(Appointment.objects.standing())
    booked = visits.between(now - BEGUN, now + AHEAD).values_list("pump", "starts_at")
    by_day = due.values_list("pump", "refill_by")[:MOST_ADDED]
    return Week(dict(booked[:MOST_ADDED]), {pump_id: at for pump_id, at in by_day if at is not None})


def _to_prepare(week: Week) -> list[ToPrepare]:
    """The first ones, by time. Two queries."""
    moments = week.moments
    first = sorted(moments, key=lambda pump_id: (moments[pump_id], pump_id))[:MOST]
    pumps = Pump.objects.select_related("patient", "model", "clinic").in_bulk(first)
    last = {event.pump_id: event for event in _last_refills(first)}
    return [ToPrepare(pumps[pk], moments[pk], pk in week.booked, last.get(pk)) for pk in first]


def _last_refills(pump_ids: Collection[int]) -> EventQuerySet[Event]:
    """Of each pump the newest that stands: found from the ledger's end, however long it is."""
    refills = Event.objects.standing().filter(pump=OuterRef("pk"), kind=Event.Kind.REFILL).newest_first()
    return Event.objects.filter(
        pk__in=Pump.objects.filter(pk__in=pump_ids).values(newest=Subquery(refills.values("pk")[:1]))
    )


def _needed(week: Week) -> list[tuple[str, Decimal, int, Decimal]]:
    """Formulation, concentration, how many refills, and mL altogether: whole reservoirs. One query."""
    last = _last_refills(week.moments).filter(concentration_mcg_per_ml__isnull=False)
    drugs = last.values_list("formulation", "concentration_mcg_per_ml").order_by(
        "formulation", "concentration_mcg_per_ml"
    )
    return list(drugs.annotate(Count("pk"), Sum("pump__model__reservoir_ml")))


def _expiring(clinic_ids: list[int], now: datetime) -> list[Forecast]:
    """Pumps whose drug expires soon."""
    rows = Forecast.objects.filter(clinic__in=clinic_ids).expiring(now + EXPIRING)
    return list(rows.select_related("pump__patient", "clinic")[: MOST + 1])

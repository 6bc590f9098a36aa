"""Where somebody begins, and what a pharmacist prepares."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from clinics.homes import homes_of
from clinics.models import Clinic, User
from clinics.pages import user_of
from clinics.roles import Permission
from patients.viewings import recent_patients
from pumps.models import Event, Forecast, Pump
from pumps.pages.search import belongs_to_several, rows_of
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
    lines, is_cut = _to_prepare([clinic.pk for clinic in clinics], now)
    expiring = _expiring([clinic.pk for clinic in clinics], now)
    context = {
        "lines": lines[:MOST],
        "lines_left": len(lines[MOST:]),
        "needed": _needed(lines),
        "is_cut": is_cut,
        "most_added": MOST_ADDED,
        "expiring": expiring[:MOST],
        "expiring_left": len(expiring) > MOST,
        **recent(user, now),
    }
    return render(request, "pumps/home_pharmacist.html", context)


def clinics_with(user: User, permission: Permission) -> list[Clinic]:
    """The clinics in which a person may do something."""
    return [clinic for clinic in Clinic.objects.visible_to(user) if user.access.can(permission, clinic.pk)]


def _to_prepare(clinic_ids: list[int], now: datetime) -> tuple[list[ToPrepare], bool]:
    """Refills booked within a week, and those due within it that nobody has booked, by time; whether there are more."""
    visits = Appointment.objects.filter(clinic__in=clinic_ids).standing().between(now - BEGUN, now + AHEAD)
    booked = {visit.pump_id: visit.starts_at for visit in visits[:MOST_ADDED]}
    due = Forecast.objects.filter(clinic__in=clinic_ids, refill_by__isnull=False).on_worklist()
    due = due.filter(worklist_at__lte=now + AHEAD).without(Appointment.objects.standing())
    unbooked = {row.pump_id: row.refill_by for row in due[:MOST_ADDED] if row.refill_by is not None}
    moments = {**unbooked, **booked}
    pumps = Pump.objects.select_related("patient", "model", "clinic").in_bulk(moments)
    refills = Event.objects.standing().filter(pump__in=moments, kind=Event.Kind.REFILL)
    last = {event.pump_id: event for event in refills.order_by("pump_id", "-occurred_at").distinct("pump_id")}
    here = [pump for pump in pumps.values() if pump.is_refilled_here]
    lines = [ToPrepare(pump, moments[pump.pk], pump.pk in booked, last.get(pump.pk)) for pump in here]
    return sorted(lines, key=lambda line: (line.at, line.pump.pk)), MOST_ADDED in (len(booked), len(unbooked))


def _needed(lines: list[ToPrepare]) -> list[tuple[str, Decimal, int, Decimal]]:
    """Formulation, concentration, how many refills, and mL altogether."""
    counts: Counter[tuple[str, Decimal]] = Counter()
    volumes: Counter[tuple[str, Decimal]] = Counter()
    for line in lines:
        if line.last is not None and line.last.concentration_mcg_per_ml is not None:
            drug = (line.last.formulation, line.last.concentration_mcg_per_ml)
            counts[drug] += 1
            volumes[drug] += line.volume_ml  # type: ignore[assignment]  # a Counter adds up decimals as well
    return [(*drug, counts[drug], Decimal(volumes[drug])) for drug in sorted(counts)]


def _expiring(clinic_ids: list[int], now: datetime) -> list[Forecast]:
    """Pumps whose drug expires soon. A refill is due by then at the latest, so that it is a range of the worklist."""
    until = now + EXPIRING
    rows = Forecast.objects.filter(clinic__in=clinic_ids, drug_expires_at__lte=until).on_worklist()
    return list(rows.filter(worklist_at__lte=until).select_related("pump__patient", "clinic")[: MOST + 1])

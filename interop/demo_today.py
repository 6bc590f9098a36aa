"""The demo's own day: visits of today at each clinic, so that it is never empty, at whatever hour the demo starts."""

from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction

from alerts.models import Alert
from alerts.queries import AlertQuerySet
from clinics.errors import NeedsConfirmation
from clinics.models import Clinic, User
from clinics.roles import Role
from interop.demo import CLINICS
from pumps.models import Event, Forecast, Pump
from pumps.services import booking, consequences, ledger
from pumps.services.entries import RefillEntry
from scheduling.models import Appointment

# On each clinic's wall.
TIMES = (time(9), time(10, 30), time(13), time(14, 30))
# Pumps that are due sooner tell the story of the worklist: nobody has booked for them, or too late.
NOT_BEFORE = timedelta(days=14)
BOOKED_BEFORE = timedelta(days=6)
LASTED = timedelta(minutes=20)


@transaction.atomic
def book(now: datetime) -> int:
    """Book today's visits at clinics that have fewer than there are times for; returns how many.

    Those whose hour has come are done, with their refill, and the last of them waits; the others are expected.
    """
    people = {user.email: user for user in User.objects.filter(is_demo=True)}
    scheduler, nurse = (people.get(f"{role.value}@demo.example") for role in (Role.SCHEDULER, Role.NURSE))
    clinics = Clinic.objects.filter(name__in=[each.name for each in CLINICS])
    if scheduler is None or nurse is None:
        return 0
    return sum(_book_at(clinic, scheduler, nurse, now) for clinic in clinics)


def _book_at(clinic: Clinic, by: User, nurse: User, now: datetime) -> int:
    day = now.astimezone(clinic.zone).date()
    moments = [datetime.combine(day, at, tzinfo=clinic.zone) for at in TIMES]
    begins, ends = (datetime.combine(each, time(0), tzinfo=clinic.zone) for each in (day, day + timedelta(days=1)))
    if Appointment.objects.filter(clinic=clinic).between(begins, ends).count() >= len(moments):
        return 0
    visits = [
        booking.book(pump_id=pump.pk, starts_at=at, by=by, now=min(now, at) - BOOKED_BEFORE)
        for pump, at in zip(_unremarkable(clinic, now, len(moments)), moments, strict=False)
    ]
    begun = [visit for visit in visits if visit.starts_at <= now]
    for visit in begun:
        booking.arrive(appointment_id=visit.pk, by=by, now=visit.starts_at)
    for visit in begun[:-1]:
        _refill(visit, nurse, now)
    for visit in visits[len(begun) :: 2]:
        booking.confirm(appointment_id=visit.pk, by=by, now=min(now, visit.starts_at - timedelta(days=1)))
    return len(visits)


def _unremarkable(clinic: Clinic, now: datetime, most: int) -> list[Pump]:
    """Pumps that are due in some weeks, have no visit, and of which nothing else is open."""
    rows = Forecast.objects.filter(clinic=clinic, refill_by__gt=now + NOT_BEFORE, findings=[]).on_worklist()
    rows = rows.without(Appointment.objects.standing()).without(_found())
    return [row.pump for row in rows.select_related("pump")[:most]]


def _found() -> AlertQuerySet[Alert]:
    return Alert.objects.open().exclude(kind=Alert.Kind.REFILL_DUE)


def _refill(visit: Appointment, nurse: User, now: datetime) -> None:
    """The refill that was given at a visit: what should have been in the pump came out, and the same drug went in."""
    pump = Pump.objects.select_related("clinic", "model", "patient").get(pk=visit.pump_id)
    at = min(visit.starts_at + LASTED, now)
    last = Event.objects.standing().filter(pump=pump, kind=Event.Kind.REFILL).latest("occurred_at")
    before, _after = consequences.around(pump, at, at)
    entry = RefillEntry(
        refilled_at=at,
        aspirated_ml=Decimal(f"{before.volume_ml or 0:.1f}"),
        filled_ml=pump.model.reservoir_ml,
        concentration_mcg_per_ml=last.concentration_mcg_per_ml or Decimal(500),
        programmed_concentration_mcg_per_ml=last.programmed_concentration_mcg_per_ml,
        formulation=last.formulation,
        lot_number="L55030",
        drug_expires_on=(now + timedelta(days=400)).date(),
    )
    given: dict[str, Any] = {"pump_id": pump.pk, "entry": entry, "user": nurse, "source": Event.Source.PAGE, "now": now}
    try:
        ledger.record(**given)
    except NeedsConfirmation as asked:
        ledger.record(**given, confirmed=[doubt.code for doubt in asked.doubts])

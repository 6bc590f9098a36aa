"""Plain builders of rows, for tests. Each makes what it needs and takes the rest as keywords."""

import itertools
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from clinics.errors import NeedsConfirmation
from clinics.models import Clinic, Membership, User
from clinics.roles import Role
from patients.models import Patient
from pumps.models import Event, Pump, PumpModel
from pumps.services import ledger
from pumps.services.devices import implant
from pumps.services.entries import DoseEntry, Entry, RefillEntry

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
PASSWORD = "correct horse battery"
_numbers = itertools.count(1)


def a_clinic(name: str = "", **fields: Any) -> Clinic:
    fields.setdefault("timezone", "America/New_York")
    return Clinic.objects.create(name=name or f"Clinic {next(_numbers)}", **fields)


def a_user(role: Role | None = None, clinic: Clinic | None = None, email: str = "") -> User:
    """An account with PASSWORD; with a role in a clinic, or in all clinics where none is given."""
    user = User.objects.create_user(email or f"user{next(_numbers)}@example.org", PASSWORD)
    if role is not None:
        Membership.objects.create(user=user, clinic=clinic, role=role.value)
    return user


def a_patient(clinic: Clinic, **fields: Any) -> Patient:
    number = next(_numbers)
    values: dict[str, Any] = {
        "mrn": f"M{number:05}",
        "given_name": "Ada",
        "family_name": f"Rossi{number}",
        "date_of_birth": date(1980, 5, 17),
        "spasticity_origin": "spinal",
        **fields,
    }
    return Patient.objects.create(clinic=clinic, **values)


def a_pump(
    clinic: Clinic | None = None, *, model: str = "synchromed-ii-40", now: datetime = NOW, **fields: Any
) -> Pump:
    """A pump without events; its patient is made unless given."""
    patient = fields.pop("patient", None) or a_patient(clinic or a_clinic())
    values: dict[str, Any] = {
        "serial_number": f"SN{next(_numbers):06}",
        "implanted_on": date(2025, 1, 7),
        **fields,
    }
    return implant(patient=patient, model=PumpModel.objects.get(slug=model), now=now, **values)


def a_refill(pump: Pump, at: datetime, *, by: User | None = None, now: datetime = NOW, **fields: Any) -> Event:
    """40 mL of 500 mcg/mL unless said otherwise."""
    values: dict[str, Any] = {"filled_ml": Decimal(40), "concentration_mcg_per_ml": Decimal(500), **fields}
    entry = RefillEntry(refilled_at=at, **values)
    return recorded(pump, entry, by=by, now=now)


def a_dose(pump: Pump, at: datetime, *, by: User | None = None, now: datetime = NOW, **fields: Any) -> Event:
    """200 mcg/day, simple continuous, unless said otherwise."""
    values: dict[str, Any] = {"mode": "simple_continuous", "daily_dose_mcg": Decimal(200), **fields}
    entry = DoseEntry(effective_at=at, **values)
    return recorded(pump, entry, by=by, now=now)


def recorded(pump: Pump, entry: Entry, *, by: User | None = None, now: datetime = NOW) -> Event:
    """An entry in the ledger, with whatever is unlikely about it confirmed."""
    user = by or a_user()
    try:
        return ledger.record(pump_id=pump.pk, entry=entry, user=user, source="page", now=now)
    except NeedsConfirmation as asked:
        codes = {doubt.code for doubt in asked.doubts}
        return ledger.record(pump_id=pump.pk, entry=entry, user=user, source="page", now=now, confirmed=codes)


def a_running_pump(
    clinic: Clinic | None = None, *, filled_days_ago: float = 30, now: datetime = NOW, **fields: Any
) -> Pump:
    """Filled with 40 mL of 500 mcg/mL, running at 200 mcg/day (0.4 mL/day): programmed low after 95 days."""
    pump = a_pump(clinic, now=now, **fields)
    filled_at = now - timedelta(days=filled_days_ago)
    a_refill(pump, filled_at, now=now)
    a_dose(pump, filled_at, now=now)
    return pump

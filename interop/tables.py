"""The files of the import format: their columns, and a row of each.

A row's value is None where the cell is blank (and a blank means nothing else) or could not be read; a row with a cell
that could not be read is never stored. `line` is where the row begins in its file.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Generic, NamedTuple, TypeVar

from django.db import models

from clinical.programs import Mode
from clinics.models import Clinic
from interop import cells
from interop.cells import Timed
from patients.models import Patient
from pumps.models import Event, Pump, PumpModel


@dataclass(frozen=True)
class Column:
    """`required`: the header must have it. `blank` is the value of a blank cell or of a column that is absent;
    a required column has none unless `may_be_blank`."""

    name: str
    parse: Callable[[str], Any]
    required: bool = False
    may_be_blank: bool = True
    blank: Any = None


def _needed(name: str, parse: Callable[[str], Any]) -> Column:
    return Column(name, parse, required=True, may_be_blank=False)


class ClinicRow(NamedTuple):
    line: int
    name: str | None
    timezone: str | None
    label_set: str | None
    patient_facing_name: str | None


class PatientRow(NamedTuple):
    line: int
    clinic: str | None
    mrn: str | None
    given_name: str | None
    family_name: str | None
    date_of_birth: date | None
    email: str | None
    phone: str | None
    email_reminders: bool | None
    spasticity_origin: str | None


class PumpRow(NamedTuple):
    line: int
    serial_number: str | None
    mrn: str | None
    clinic: str | None
    model: str | None
    implanted_on: date | None
    catheter_volume_ml: Decimal | None
    low_reservoir_alarm_ml: Decimal | None
    flow_accuracy_pct: Decimal | None
    factory_flow_ml_per_day: Decimal | None
    explanted_on: date | None


class RefillRow(NamedTuple):
    line: int
    serial_number: str | None
    clinic: str | None
    refilled_at: datetime | None
    aspirated_ml: Decimal | None
    filled_ml: Decimal | None
    concentration_mcg_per_ml: Decimal | None
    formulation: str | None
    lot_number: str | None
    drug_expires_on: date | None
    stability_days: int | None

    @property
    def at(self) -> datetime | None:
        return self.refilled_at


class DoseRow(NamedTuple):
    line: int
    serial_number: str | None
    clinic: str | None
    effective_at: datetime | None
    mode: str | None
    daily_dose_mcg: Decimal | None
    steps: tuple[Timed, ...] | None
    boluses: tuple[Timed, ...] | None
    reason: str | None

    @property
    def at(self) -> datetime | None:
        return self.effective_at


EventRow = RefillRow | DoseRow
Row = ClinicRow | PatientRow | PumpRow | RefillRow | DoseRow
R = TypeVar("R", bound=Row)


@dataclass(frozen=True)
class Table(Generic[R]):
    """A file. `row` has the line and then one field a column, in the order of `columns`."""

    file: str
    row: Callable[..., R]
    columns: tuple[Column, ...]


def _decimal(model: type[models.Model], name: str, most: int | None = None) -> Callable[[str], Decimal]:
    """Numbers that fit into a model's field."""
    field: Any = model._meta.get_field(name)
    return cells.number(whole=field.max_digits - field.decimal_places, places=field.decimal_places, most=most)


def _text(model: type[models.Model], name: str) -> Callable[[str], str]:
    """Text that fits into a model's field."""
    field: Any = model._meta.get_field(name)
    return cells.text(field.max_length)


_CLINIC = _text(Clinic, "name")
_MRN = _text(Patient, "mrn")
_SERIAL = _text(Pump, "serial_number")

CLINICS = Table(
    "clinics.csv",
    ClinicRow,
    (
        _needed("name", _CLINIC),
        _needed("timezone", cells.timezone),
        Column("label_set", cells.choice(*Clinic.LabelSet.values), blank=Clinic.LabelSet.US.value),
        Column("patient_facing_name", _text(Clinic, "patient_facing_name"), blank=""),
    ),
)
PATIENTS = Table(
    "patients.csv",
    PatientRow,
    (
        _needed("clinic", _CLINIC),
        _needed("mrn", _MRN),
        _needed("given_name", _text(Patient, "given_name")),
        _needed("family_name", _text(Patient, "family_name")),
        _needed("date_of_birth", cells.day()),
        Column("email", cells.email(_text(Patient, "email")), blank=""),
        Column("phone", _text(Patient, "phone"), blank=""),
        Column("email_reminders", cells.yes_or_no, blank=False),
        _needed("spasticity_origin", cells.choice(*Patient.Origin.values)),
    ),
)
PUMPS = Table(
    "pumps.csv",
    PumpRow,
    (
        _needed("serial_number", _SERIAL),
        _needed("mrn", _MRN),
        _needed("clinic", _CLINIC),
        _needed("model", _text(PumpModel, "model")),
        _needed("implanted_on", cells.day()),
        Column("catheter_volume_ml", _decimal(Pump, "catheter_volume_ml")),
        Column("low_reservoir_alarm_ml", _decimal(Pump, "low_reservoir_alarm_ml")),
        Column("flow_accuracy_pct", _decimal(Pump, "flow_accuracy_pct", most=100)),
        Column("factory_flow_ml_per_day", _decimal(Pump, "factory_flow_ml_per_day")),
        Column("explanted_on", cells.day()),
    ),
)
# `clinic` is beyond the format: it tells apart two pumps with the same serial number in two clinics.
REFILLS = Table(
    "refills.csv",
    RefillRow,
    (
        _needed("serial_number", _SERIAL),
        Column("clinic", _CLINIC),
        _needed("refilled_at", cells.moment),
        Column("aspirated_ml", _decimal(Event, "aspirated_ml")),
        _needed("filled_ml", _decimal(Event, "filled_ml")),
        _needed("concentration_mcg_per_ml", _decimal(Event, "concentration_mcg_per_ml")),
        Column("formulation", _text(Event, "formulation"), blank=""),
        Column("lot_number", _text(Event, "lot_number"), blank=""),
        Column("drug_expires_on", cells.day(cells.PUMP_YEARS)),
        Column("stability_days", cells.whole_days),
    ),
)
DOSE_CHANGES = Table(
    "dose_changes.csv",
    DoseRow,
    (
        _needed("serial_number", _SERIAL),
        Column("clinic", _CLINIC),
        _needed("effective_at", cells.moment),
        _needed("mode", cells.choice(*[mode.value for mode in Mode])),
        # Blank is 0 for a stopped pump; `checking_events` says so for the others.
        Column("daily_dose_mcg", _decimal(Event, "daily_dose_mcg"), required=True),
        Column("steps", cells.timed("steps"), blank=()),
        Column("boluses", cells.timed("boluses"), blank=()),
        Column("reason", _text(Event, "reason"), blank=""),
    ),
)

"""The files of the import format: their columns, and a row of each.

A row's value is None where the cell is blank (and a blank means nothing else) or could not be read; a row with a cell
that could not be read is never stored. `line` is where the row begins in its file. Columns beyond the format's own are
what an export adds so that nothing is lost on the way; all of them may be absent.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Generic, NamedTuple, TypeVar

from django.db import models

from clinical.programs import Mode
from clinical.saying import say
from clinical.watching import PumpAlarm
from clinics.models import Clinic
from interop import cells
from interop.cells import Timed
from patients.models import Contact, Patient
from pumps.models import DrugProduct, Event, Pump, PumpModel, RefillOwner
from pumps.programs_json import MOST_PATIENT_BOLUSES
from pumps.services.kinds import KINDS
from pumps.services.settings import INTERVAL_DAYS, MARGIN_DAYS


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
    phone: str | None
    emergency_number: str | None
    refill_margin_days: int | None
    max_refill_interval_days: int | None
    opening_days: tuple[int, ...] | None
    closed_days: tuple[date, ...] | None


class ProductRow(NamedTuple):
    line: int
    clinic: str | None
    name: str | None
    stability_days: int | None
    max_refill_interval_days: int | None
    source: str | None


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
    language: str | None
    flags: tuple[str, ...] | None
    allergies_status: str | None
    allergies: str | None
    status: str | None
    status_on: date | None
    status_reason: str | None


class ContactRow(NamedTuple):
    line: int
    clinic: str | None
    mrn: str | None
    kind: str | None
    name: str | None
    relationship: str | None
    phone: str | None
    email: str | None
    email_reminders: bool | None


class PumpRow(NamedTuple):
    line: int
    serial_number: str | None
    mrn: str | None
    clinic: str | None
    model: str | None
    implanted_on: date | None
    catheter_volume_ml: Decimal | None
    low_reservoir_alarm_ml: Decimal | None
    low_level_reason: str | None
    low_level_noticed_on: date | None
    flow_accuracy_pct: Decimal | None
    factory_flow_ml_per_day: Decimal | None
    explanted_on: date | None
    explant_reason: str | None
    replaces: str | None
    refill_owner: str | None
    refill_owner_name: str | None
    refill_owner_phone: str | None


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
    programmed_concentration_mcg_per_ml: Decimal | None
    emptying: str | None
    reason: str | None

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
    patient_bolus_mcg: Decimal | None
    patient_boluses_per_day: int | None
    is_planned: bool | None
    reason: str | None
    override_reason: str | None
    clock_offset_s: int | None

    @property
    def at(self) -> datetime | None:
        return self.effective_at


class OtherRow(NamedTuple):
    """An entry of any other kind; a column its kind does not have is blank."""

    line: int
    serial_number: str | None
    clinic: str | None
    kind: str | None
    occurred_at: datetime | None
    aspirated_ml: Decimal | None
    injected_ml: Decimal | None
    volume_ml: Decimal | None
    dose_mcg: Decimal | None
    daily_dose_mcg: Decimal | None
    duration_hours: Decimal | None
    catheter_volume_ml: Decimal | None
    clock_offset_s: int | None
    alarms: tuple[str, ...] | None
    tones: int | None
    reservoir_emptied: bool | None
    patient_bolus_mcg: Decimal | None
    confirms_at: datetime | None
    reason: str | None

    @property
    def at(self) -> datetime | None:
        return self.occurred_at


EventRow = RefillRow | DoseRow | OtherRow
Row = ClinicRow | ProductRow | PatientRow | ContactRow | PumpRow | RefillRow | DoseRow | OtherRow
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
# A clock is less than a day from UTC.
_OFFSET = cells.whole(-86_400, 86_400, say("clock offset"))

CLINICS = Table(
    "clinics.csv",
    ClinicRow,
    (
        _needed("name", _CLINIC),
        _needed("timezone", cells.timezone),
        Column("label_set", cells.choice(*Clinic.LabelSet.values), blank=Clinic.LabelSet.US.value),
        Column("patient_facing_name", _text(Clinic, "patient_facing_name"), blank=""),
        Column("phone", _text(Clinic, "phone"), blank=""),
        Column("emergency_number", _text(Clinic, "emergency_number"), blank=""),
        Column("refill_margin_days", cells.whole(*MARGIN_DAYS, "margin")),
        Column("max_refill_interval_days", cells.whole(*INTERVAL_DAYS, "interval")),
        Column("opening_days", cells.several(cells.weekday)),
        Column("closed_days", cells.several(cells.day(cells.PUMP_YEARS))),
    ),
)
PRODUCTS = Table(
    "products.csv",
    ProductRow,
    (
        _needed("clinic", _CLINIC),
        _needed("name", _text(DrugProduct, "name")),
        Column("stability_days", cells.whole_days),
        Column("max_refill_interval_days", cells.whole(*INTERVAL_DAYS, "interval")),
        Column("source", _text(DrugProduct, "source"), blank=""),
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
        Column("language", _text(Patient, "language"), blank="en"),
        Column("flags", cells.several(cells.choice(*Patient.Flag.values)), blank=()),
        Column(
            "allergies_status",
            cells.choice(*Patient.Allergies.values),
            blank=Patient.Allergies.NOT_ASKED.value,
        ),
        Column("allergies", _text(Patient, "allergies"), blank=""),
        Column("status", cells.choice(*Patient.Status.values), blank=Patient.Status.ACTIVE.value),
        Column("status_on", cells.day()),
        Column("status_reason", _text(Patient, "status_reason"), blank=""),
    ),
)
CONTACTS = Table(
    "contacts.csv",
    ContactRow,
    (
        _needed("clinic", _CLINIC),
        _needed("mrn", _MRN),
        _needed("kind", cells.choice(*Contact.Kind.values)),
        _needed("name", _text(Contact, "name")),
        Column("relationship", _text(Contact, "relationship"), blank=""),
        Column("phone", _text(Contact, "phone"), blank=""),
        Column("email", cells.email(_text(Contact, "email")), blank=""),
        Column("email_reminders", cells.yes_or_no, blank=False),
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
        Column("low_level_reason", _text(Pump, "low_level_reason"), blank=""),
        Column("low_level_noticed_on", cells.day(cells.PUMP_YEARS)),
        Column("flow_accuracy_pct", _decimal(Pump, "flow_accuracy_pct", most=100)),
        Column("factory_flow_ml_per_day", _decimal(Pump, "factory_flow_ml_per_day")),
        Column("explanted_on", cells.day()),
        Column("explant_reason", _text(Pump, "explant_reason"), blank=""),
        Column("replaces", _SERIAL),
        Column("refill_owner", cells.choice(*RefillOwner.values), blank=RefillOwner.CLINIC.value),
        Column("refill_owner_name", _text(Pump, "refill_owner_name"), blank=""),
        Column("refill_owner_phone", _text(Pump, "refill_owner_phone"), blank=""),
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
        # Blank: as filled, which is what the format says of a file without this column.
        Column("programmed_concentration_mcg_per_ml", _decimal(Event, "programmed_concentration_mcg_per_ml")),
        Column("emptying", cells.choice(*Event.EmptyingFirst.values), blank=Event.EmptyingFirst.EMPTIED.value),
        Column("reason", _text(Event, "reason"), blank=""),
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
        Column("patient_bolus_mcg", _decimal(Event, "patient_bolus_mcg")),
        Column("patient_boluses_per_day", cells.whole(1, MOST_PATIENT_BOLUSES, say("number of boluses"))),
        # Blank: a plan if it lies ahead when it is imported.
        Column("is_planned", cells.yes_or_no),
        Column("reason", _text(Event, "reason"), blank=""),
        Column("override_reason", _text(Event, "override_reason"), blank=""),
        # Blank: the clinic's own offset then.
        Column("clock_offset_s", _OFFSET),
    ),
)
EVENTS = Table(
    "events.csv",
    OtherRow,
    (
        _needed("serial_number", _SERIAL),
        Column("clinic", _CLINIC),
        _needed("kind", cells.choice(*KINDS)),
        _needed("occurred_at", cells.moment),
        Column("aspirated_ml", _decimal(Event, "aspirated_ml")),
        Column("injected_ml", _decimal(Event, "injected_ml")),
        Column("volume_ml", _decimal(Event, "volume_ml")),
        Column("dose_mcg", _decimal(Event, "dose_mcg")),
        Column("daily_dose_mcg", _decimal(Event, "daily_dose_mcg")),
        Column("duration_hours", _decimal(Event, "duration_hours")),
        Column("catheter_volume_ml", _decimal(Event, "catheter_volume_ml")),
        Column("clock_offset_s", _OFFSET),
        Column("alarms", cells.several(cells.choice(*[alarm.value for alarm in PumpAlarm])), blank=()),
        Column("tones", cells.whole(1, 2, say("number of tones"))),
        Column("reservoir_emptied", cells.yes_or_no),
        Column("patient_bolus_mcg", _decimal(Event, "patient_bolus_mcg")),
        Column("confirms_at", cells.moment),
        Column("reason", _text(Event, "reason"), blank=""),
    ),
)
# In the order in which they are read: each names what stands in those before.
TABLES: tuple[Table[Any], ...] = (CLINICS, PRODUCTS, PATIENTS, CONTACTS, PUMPS, REFILLS, DOSE_CHANGES, EVENTS)

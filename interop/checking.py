"""Clinics, patients and pumps of a folder against each other and against what is stored.

Each function adds what it finds to `problems` and returns the new rows, unsaved. Where a row has a problem it still
enters the registry, with stand-ins that break no rule, so that one mistake is reported once and not by every row that
refers to it. None of it is stored then.
"""

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from clinical.saying import say
from clinical.terms import product_key
from clinics.models import Clinic, ClosedDay
from interop.cells import quoted, shortened
from interop.comparing import check_same_as_stored, check_same_rows, differing
from interop.problems import Problems
from interop.reading import Sheet
from interop.registry import Registry
from interop.tables import CLINICS, PATIENTS, PUMPS, ClinicRow, ContactRow, PatientRow, ProductRow, PumpRow
from patients.models import Contact, Patient
from pumps.models import DrugProduct, Pump, PumpModel, RefillOwner
from pumps.services.devices import impossible

_CLINIC_VALUES = ("timezone", "label_set", "patient_facing_name", "phone", "emergency_number")
# Blank leaves the clinic's own setting, or the default of a new one.
_CLINIC_SETTINGS = ("refill_margin_days", "max_refill_interval_days", "opening_days")
_PRODUCT_VALUES = ("stability_days", "max_refill_interval_days", "source")
_CONTACT_VALUES = ("relationship", "phone", "email", "email_reminders")
_PATIENT_VALUES = (
    "given_name",
    "family_name",
    "date_of_birth",
    "email",
    "phone",
    "email_reminders",
    "spasticity_origin",
    "language",
    "flags",
    "allergies_status",
    "allergies",
    "status",
    "status_on",
    "status_reason",
)
_PUMP_VALUES = (
    "implanted_on",
    "catheter_volume_ml",
    "low_reservoir_alarm_ml",
    "low_level_reason",
    "low_level_noticed_on",
    "flow_accuracy_pct",
    "factory_flow_ml_per_day",
    "explanted_on",
    "explant_reason",
    "refill_owner",
    "refill_owner_name",
    "refill_owner_phone",
)


READ_ONLY = say("the patient has gone to another clinic, and this record can only be read; nothing new is stored in it")


def check_clinics(sheet: Sheet[ClinicRow], registry: Registry, problems: Problems) -> list[Clinic]:
    seen: dict[str, ClinicRow] = {}
    new: dict[str, Clinic] = {}
    columns = [column for column in _CLINIC_VALUES if column in sheet.columns]
    for row in sheet.rows:
        if row.name is None:
            continue
        first = seen.setdefault(row.name, row)
        if first is not row:
            check_same_rows(sheet, first, row, "clinic", problems)
        elif row.name in registry.clinics:
            stored = registry.clinics[row.name]
            set_here = [column for column in _CLINIC_SETTINGS if getattr(row, column) is not None]
            check_same_as_stored(sheet, row, differing([*columns, *set_here], row, stored), problems)
        else:
            if not registry.may_add_clinics:
                message = say(
                    "%(cell)s is not a clinic you administer; only an administrator of all clinics can add one",
                    cell=quoted(row.name),
                )
                problems.add(sheet.file, row.line, "name", message)
            values = {column: getattr(row, column) for column in _CLINIC_VALUES}
            values |= {name: _listed(getattr(row, name)) for name in _CLINIC_SETTINGS if getattr(row, name) is not None}
            new[row.name] = Clinic(name=row.name, **{**values, "timezone": row.timezone or "UTC"})
    registry.clinics |= new
    return list(new.values())


def new_closed_days(sheet: Sheet[ClinicRow], registry: Registry) -> list[ClosedDay]:
    """Days on which clinics of the folder are closed; those known already are left to the database to skip."""
    return [
        ClosedDay(clinic=registry.clinics[row.name], day=day)
        for row in sheet.rows
        if row.name is not None and row.name in registry.clinics
        for day in row.closed_days or ()
    ]


def _listed(value: Any) -> Any:
    """A tuple as the list that a model's array field holds."""
    return list(value) if isinstance(value, tuple) else value


def check_products(sheet: Sheet[ProductRow], registry: Registry, problems: Problems) -> list[DrugProduct]:
    seen: dict[tuple[str, str], ProductRow] = {}
    new = []
    columns = [column for column in _PRODUCT_VALUES if column in sheet.columns]
    known = {
        (product.clinic_id, product.key): product
        for product in DrugProduct.objects.filter(clinic__in=[c.pk for c in registry.clinics.values() if c.pk])
    }
    for row in sheet.rows:
        clinic = _clinic(sheet.file, row, registry, problems)
        if clinic is None or row.name is None:
            continue
        if row.stability_days is None and row.max_refill_interval_days is None:
            problems.add(
                sheet.file, row.line, "stability_days", say("set the stability, the longest interval, or both")
            )
        key = (clinic.name, product_key(row.name))
        first = seen.setdefault(key, row)
        stored = known.get((clinic.pk, key[1])) if clinic.pk is not None else None
        if first is not row:
            check_same_rows(sheet, first, row, say("clinic and name"), problems)
        elif stored is not None:
            check_same_as_stored(sheet, row, differing(columns, row, stored), problems)
        else:
            values = {column: getattr(row, column) for column in _PRODUCT_VALUES}
            new.append(DrugProduct(clinic=clinic, name=row.name, key=key[1], **values))
    return new


def check_patients(sheet: Sheet[PatientRow], registry: Registry, now: datetime, problems: Problems) -> list[Patient]:
    seen: dict[tuple[str, str], PatientRow] = {}
    new = []
    columns = [column for column in _PATIENT_VALUES if column in sheet.columns]
    for row in sheet.rows:
        clinic = _clinic(sheet.file, row, registry, problems)
        if row.date_of_birth is not None and row.date_of_birth > _today(clinic, now):
            problems.add(sheet.file, row.line, "date_of_birth", say("lies in the future"))
        for column, message in _contradictions(row, _today(clinic, now)):
            problems.add(sheet.file, row.line, column, message)
        if clinic is None or row.mrn is None:
            continue
        key = (clinic.name, row.mrn)
        first = seen.setdefault(key, row)
        if first is not row:
            check_same_rows(sheet, first, row, say("clinic and mrn"), problems)
        elif key in registry.patients:
            stored = registry.patients[key]
            check_same_as_stored(sheet, row, differing(columns, row, stored), problems)
        else:
            values = {column: getattr(row, column) for column in _PATIENT_VALUES}
            values["date_of_birth"] = row.date_of_birth or date.min
            values["flags"] = _listed(row.flags)
            registry.patients[key] = Patient(clinic=clinic, mrn=row.mrn, **values)
            new.append(registry.patients[key])
    return new


def _contradictions(row: PatientRow, today: date) -> Iterator[tuple[str, str]]:
    """What of a patient's row cannot be true together."""
    is_listed = row.allergies_status == Patient.Allergies.LISTED
    if is_listed and not row.allergies:
        yield "allergies", say("list the allergies, or write another allergies_status")
    if not is_listed and row.allergies:
        yield "allergies_status", say("must be listed where there are allergies")
    if row.status is not None and row.status != Patient.Status.ACTIVE and row.status_on is None:
        yield "status_on", say("must not be blank for a patient who is %(status)s", status=row.status)
    if row.status_on is not None and row.status_on > today:
        yield "status_on", say("lies in the future")


def check_contacts(sheet: Sheet[ContactRow], registry: Registry, problems: Problems) -> list[Contact]:
    seen: dict[tuple[str, str, str, str], ContactRow] = {}
    new = []
    columns = [column for column in _CONTACT_VALUES if column in sheet.columns]
    known = {
        (contact.patient_id, contact.kind, contact.name): contact
        for contact in Contact.objects.standing().filter(
            patient__in=[patient.pk for patient in registry.patients.values() if patient.pk]
        )
    }
    for row in sheet.rows:
        clinic = _clinic(sheet.file, row, registry, problems)
        patient = _patient_of(sheet.file, row, clinic, registry, problems)
        if not row.phone and not row.email:
            problems.add(sheet.file, row.line, "phone", say("write a phone number or an e-mail address"))
        if row.email_reminders and not row.email:
            problems.add(sheet.file, row.line, "email", say("must not be blank where email_reminders is yes"))
        if clinic is None or patient is None or row.mrn is None or row.kind is None or row.name is None:
            continue
        first = seen.setdefault((clinic.name, row.mrn, row.kind, row.name), row)
        stored = known.get((patient.pk, row.kind, row.name)) if patient.pk is not None else None
        if first is not row:
            check_same_rows(sheet, first, row, say("patient, kind and name"), problems)
        elif stored is not None:
            check_same_as_stored(sheet, row, differing(columns, row, stored), problems)
        elif is_read_only(patient):
            problems.add(sheet.file, row.line, "mrn", READ_ONLY)
        else:
            values = {column: getattr(row, column) for column in _CONTACT_VALUES}
            new.append(Contact(patient=patient, kind=row.kind, name=row.name, **values))
    return new


def is_read_only(patient: Patient) -> bool:
    """Whether a stored patient has gone to another clinic, whose record is the one that goes on."""
    return patient.pk is not None and patient.status == Patient.Status.TRANSFERRED


def _patient_of(
    file: str, row: ContactRow | PumpRow, clinic: Clinic | None, registry: Registry, problems: Problems
) -> Patient | None:
    patient = registry.patients.get((clinic.name, row.mrn)) if clinic is not None and row.mrn is not None else None
    if clinic is not None and row.mrn is not None and patient is None and PATIENTS.file not in problems.unfinished:
        where = say(
            "in %(shortened)s, neither in %(file)s nor stored", shortened=shortened(clinic.name), file=PATIENTS.file
        )
        problems.add(
            file,
            row.line,
            "mrn",
            say("there is no patient %(cell)s %(where)s", cell=quoted(row.mrn), where=where),
        )
    return patient


def check_pumps(sheet: Sheet[PumpRow], registry: Registry, now: datetime, problems: Problems) -> list[Pump]:
    seen: dict[tuple[str, str], PumpRow] = {}
    new = []
    if sheet.rows and not registry.models:
        message = say("the catalogue of pump models is empty; load it with: bin/manage sync_catalogue")
        problems.add(sheet.file, 1, "model", message)
    for row in sheet.rows:
        clinic = _clinic(sheet.file, row, registry, problems)
        pump = _unsaved_pump(row, clinic, registry, problems)
        for column, message in impossible(pump, now=now):
            problems.add(sheet.file, row.line, column, message)
        if row.low_level_noticed_on is not None and not row.low_level_reason:
            problems.add(sheet.file, row.line, "low_level_reason", say("must not be blank where it has a day"))
        if _owner_problem(row):
            problems.add(sheet.file, row.line, "refill_owner_name", _owner_problem(row))
        if row.serial_number is None:
            continue
        if clinic is None:
            registry.unplaced.add(row.serial_number)
            continue
        key = (clinic.name, row.serial_number)
        first = seen.setdefault(key, row)
        if first is not row:
            check_same_rows(sheet, first, row, say("clinic and serial number"), problems)
            continue
        registry.in_folder.setdefault(row.serial_number, set()).add(clinic.name)
        stored = registry.pumps.get(row.serial_number, {}).get(clinic.name)
        if stored is not None:
            check_same_as_stored(sheet, row, _pump_differences(sheet, row, pump, stored.pump), problems)
        elif is_read_only(pump.patient):
            problems.add(sheet.file, row.line, "mrn", READ_ONLY)
        else:
            registry.add_pump(pump)
            new.append(pump)
    return new


def check_replaced(sheet: Sheet[PumpRow], registry: Registry, problems: Problems) -> list[tuple[Pump, Pump]]:
    """The new pumps that replace another of the same patient, with it."""
    found: list[tuple[Pump, Pump]] = []
    for row in sheet.rows:
        if row.replaces is None or row.serial_number is None or row.clinic is None:
            continue
        new = registry.pumps.get(row.serial_number, {}).get(row.clinic)
        old = registry.pumps.get(row.replaces, {}).get(row.clinic)
        if new is None or _is_stored(new.pump):
            continue
        if old is None or old.pump.patient is not new.pump.patient or old is new:
            message = say("there is no other pump %(cell)s of this patient", cell=quoted(row.replaces))
            problems.add(sheet.file, row.line, "replaces", message)
            continue
        found.append((new.pump, old.pump))
    return found


def _is_stored(pump: Pump) -> bool:
    key: int | None = pump.pk
    return key is not None


def _owner_problem(row: PumpRow) -> str:
    is_clinic = row.refill_owner in (None, RefillOwner.CLINIC.value)
    if is_clinic and (row.refill_owner_name or row.refill_owner_phone):
        return say("must be blank where the clinic itself refills")
    return "" if is_clinic or row.refill_owner_name else say("must not be blank where another refills")


def _clinic(
    file: str, row: PatientRow | PumpRow | ProductRow | ContactRow, registry: Registry, problems: Problems
) -> Clinic | None:
    if row.clinic is None:
        return None
    clinic = registry.clinics.get(row.clinic)
    if clinic is None and CLINICS.file not in problems.unfinished:
        problems.add(
            file,
            row.line,
            "clinic",
            say(
                "there is no clinic %(cell)s, neither in %(file)s nor stored",
                cell=quoted(row.clinic),
                file=CLINICS.file,
            ),
        )
    return clinic


def _today(clinic: Clinic | None, now: datetime) -> date:
    return now.astimezone(clinic.zone).date() if clinic is not None else now.date()


def stand_in_model() -> PumpModel:
    """A model that nothing is too much for."""
    return PumpModel(reservoir_ml=Decimal("Infinity"), low_reservoir_ml=Decimal(0), programmable=False)


def stand_in_clinic() -> Clinic:
    return Clinic(name="", timezone="UTC")


def _unsaved_pump(row: PumpRow, clinic: Clinic | None, registry: Registry, problems: Problems) -> Pump:
    """The pump of a row, with stand-ins for what is not known."""
    model = registry.model_called(row.model) if row.model is not None else None
    if row.model is not None and model is None and registry.models:
        message = say(
            "there is no model %(cell)s in the catalogue; write its name or slug, e.g. synchromed-ii-40",
            cell=quoted(row.model),
        )
        problems.add(PUMPS.file, row.line, "model", message)
    patient = _patient_of(PUMPS.file, row, clinic, registry, problems) or Patient(date_of_birth=date.min)
    values: dict[str, Any] = {column: getattr(row, column) for column in _PUMP_VALUES}
    values["implanted_on"] = row.implanted_on or patient.date_of_birth
    model = model or stand_in_model()
    if row.low_reservoir_alarm_ml is None:
        values["low_reservoir_alarm_ml"] = model.low_reservoir_ml
    return Pump(
        clinic=clinic or stand_in_clinic(),
        patient=patient,
        model=model,
        serial_number=row.serial_number or "",
        status=Pump.Status.ACTIVE if row.explanted_on is None else Pump.Status.EXPLANTED,
        **values,
    )


def _pump_differences(sheet: Sheet[PumpRow], row: PumpRow, pump: Pump, stored: Pump) -> Iterator[tuple[str, Any, Any]]:
    if stored.patient.mrn != row.mrn:
        yield "mrn", stored.patient.mrn, row.mrn
    if stored.model != pump.model:
        yield "model", stored.model.model, pump.model.model
    columns = [column for column in _PUMP_VALUES if column in sheet.columns]
    if row.low_reservoir_alarm_ml is None:
        # Blank is the catalogue's value of the day of the import, which may have been edited since.
        columns = [column for column in columns if column != "low_reservoir_alarm_ml"]
    yield from differing(columns, row, stored)

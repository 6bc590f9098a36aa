"""Clinics, patients and pumps of a folder against each other and against what is stored.

Each function adds what it finds to `problems` and returns the new rows, unsaved. Where a row has a problem it still
enters the registry, with stand-ins that break no rule, so that one mistake is reported once and not by every row that
refers to it. None of it is stored then.
"""

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from clinics.models import Clinic
from interop.cells import quoted, shortened
from interop.comparing import check_same_as_stored, check_same_rows, differing
from interop.problems import Problems
from interop.reading import Sheet
from interop.registry import Registry
from interop.tables import CLINICS, PATIENTS, PUMPS, ClinicRow, PatientRow, PumpRow
from patients.models import Patient
from pumps.models import Pump, PumpModel
from pumps.services.devices import impossible

_CLINIC_VALUES = ("timezone", "label_set", "patient_facing_name")
_PATIENT_VALUES = (
    "given_name",
    "family_name",
    "date_of_birth",
    "email",
    "phone",
    "email_reminders",
    "spasticity_origin",
)
_PUMP_VALUES = (
    "implanted_on",
    "catheter_volume_ml",
    "low_reservoir_alarm_ml",
    "flow_accuracy_pct",
    "factory_flow_ml_per_day",
    "explanted_on",
)


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
            check_same_as_stored(sheet, row, differing(columns, row, stored), problems)
        else:
            if not registry.may_add_clinics:
                message = (
                    f"{quoted(row.name)} is not a clinic you administer; "
                    "only an administrator of all clinics can add one"
                )
                problems.add(sheet.file, row.line, "name", message)
            values = {column: getattr(row, column) for column in _CLINIC_VALUES}
            new[row.name] = Clinic(name=row.name, **{**values, "timezone": row.timezone or "UTC"})
    registry.clinics |= new
    return list(new.values())


def check_patients(sheet: Sheet[PatientRow], registry: Registry, now: datetime, problems: Problems) -> list[Patient]:
    seen: dict[tuple[str, str], PatientRow] = {}
    new = []
    columns = [column for column in _PATIENT_VALUES if column in sheet.columns]
    for row in sheet.rows:
        clinic = _clinic(sheet.file, row, registry, problems)
        if row.date_of_birth is not None and row.date_of_birth > _today(clinic, now):
            problems.add(sheet.file, row.line, "date_of_birth", "lies in the future")
        if clinic is None or row.mrn is None:
            continue
        key = (clinic.name, row.mrn)
        first = seen.setdefault(key, row)
        if first is not row:
            check_same_rows(sheet, first, row, "clinic and mrn", problems)
        elif key in registry.patients:
            stored = registry.patients[key]
            check_same_as_stored(sheet, row, differing(columns, row, stored), problems)
        else:
            values = {column: getattr(row, column) for column in _PATIENT_VALUES}
            values["date_of_birth"] = row.date_of_birth or date.min
            registry.patients[key] = Patient(clinic=clinic, mrn=row.mrn, **values)
            new.append(registry.patients[key])
    return new


def check_pumps(sheet: Sheet[PumpRow], registry: Registry, now: datetime, problems: Problems) -> list[Pump]:
    seen: dict[tuple[str, str], PumpRow] = {}
    new = []
    if sheet.rows and not registry.models:
        message = "the catalogue of pump models is empty; load it with: bin/manage sync_catalogue"
        problems.add(sheet.file, 1, "model", message)
    for row in sheet.rows:
        clinic = _clinic(sheet.file, row, registry, problems)
        pump = _unsaved_pump(row, clinic, registry, problems)
        for column, message in impossible(pump, now=now):
            problems.add(sheet.file, row.line, column, message)
        if row.serial_number is None:
            continue
        if clinic is None:
            registry.unplaced.add(row.serial_number)
            continue
        key = (clinic.name, row.serial_number)
        first = seen.setdefault(key, row)
        if first is not row:
            check_same_rows(sheet, first, row, "clinic and serial number", problems)
            continue
        registry.in_folder.setdefault(row.serial_number, set()).add(clinic.name)
        stored = registry.pumps.get(row.serial_number, {}).get(clinic.name)
        if stored is not None:
            check_same_as_stored(sheet, row, _pump_differences(sheet, row, pump, stored.pump), problems)
        else:
            registry.add_pump(pump)
            new.append(pump)
    return new


def _clinic(file: str, row: PatientRow | PumpRow, registry: Registry, problems: Problems) -> Clinic | None:
    if row.clinic is None:
        return None
    clinic = registry.clinics.get(row.clinic)
    if clinic is None and CLINICS.file not in problems.unfinished:
        problems.add(
            file, row.line, "clinic", f"there is no clinic {quoted(row.clinic)}, neither in {CLINICS.file} nor stored"
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
        message = (
            f"there is no model {quoted(row.model)} in the catalogue; write its name or slug, e.g. synchromed-ii-40"
        )
        problems.add(PUMPS.file, row.line, "model", message)
    patient = registry.patients.get((clinic.name, row.mrn)) if clinic is not None and row.mrn is not None else None
    if clinic is not None and row.mrn is not None and patient is None and PATIENTS.file not in problems.unfinished:
        message = (
            f"there is no patient {quoted(row.mrn)} in {shortened(clinic.name)}, neither in {PATIENTS.file} nor stored"
        )
        problems.add(PUMPS.file, row.line, "mrn", message)
    patient = patient or Patient(date_of_birth=date.min)
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

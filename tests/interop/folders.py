"""Folders in the import format: one clinic, patient and pump with two refills and a dose, to which a test adds."""

from datetime import datetime
from pathlib import Path

import pytest

from clinics.models import Clinic, User
from interop.importing import Report, import_folder
from interop.problems import ImportRefused
from patients.models import Patient
from pumps.models import Event, Forecast, Pump
from tests.builders import NOW

GOOD = {
    "clinics.csv": "name,timezone,label_set,patient_facing_name\nOak,America/New_York,us,Oak Clinic\n",
    "patients.csv": (
        "clinic,mrn,given_name,family_name,date_of_birth,email,phone,spasticity_origin,email_reminders\n"
        "Oak,M1,Ada,Rossi,1980-05-17,ada@example.org,+15550001,spinal,yes\n"
    ),
    "pumps.csv": (
        "serial_number,mrn,clinic,model,implanted_on,catheter_volume_ml,low_reservoir_alarm_ml,flow_accuracy_pct,"
        "factory_flow_ml_per_day,explanted_on\n"
        "S1,M1,Oak,SynchroMed II 8637-40,2026-01-10,0.162,,2,,\n"
    ),
    "refills.csv": (
        "serial_number,refilled_at,aspirated_ml,filled_ml,concentration_mcg_per_ml,formulation,lot_number,"
        "drug_expires_on,stability_days\n"
        "S1,2026-07-10T15:00:00Z,,40.0,500,Lioresal,L1,2027-11-30,\n"
        "S1,2026-10-02T15:00:00Z,6.1,40.0,500,Lioresal,L2,2027-12-31,180\n"
    ),
    "dose_changes.csv": (
        "serial_number,effective_at,mode,daily_dose_mcg,steps,boluses,reason\n"
        "S1,2026-07-10T15:00:00Z,simple_continuous,200,,,\n"
    ),
}


def a_folder(path: Path, **added: str) -> Path:
    """The good folder with lines added: `refills="S1,..."` appends to refills.csv."""
    path.mkdir(exist_ok=True)
    for file, text in GOOD.items():
        (path / file).write_text(text + added.pop(file.removesuffix(".csv"), ""), encoding="utf-8")
    assert not added
    return path


def run(folder: Path, *, user: User | None = None, now: datetime = NOW, dry_run: bool = False) -> Report:
    return import_folder(folder=folder, user=user, now=now, dry_run=dry_run)


def problems_of(folder: Path, *, user: User | None = None) -> list[str]:
    with pytest.raises(ImportRefused) as refused:
        run(folder, user=user)
    return [str(problem) for problem in refused.value.problems]


def stored() -> dict[str, int]:
    models = (Clinic, Patient, Pump, Event, Forecast)
    return {model.__name__: model._default_manager.count() for model in models}


NOTHING = {"Clinic": 0, "Patient": 0, "Pump": 0, "Event": 0, "Forecast": 0}

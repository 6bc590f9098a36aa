"""What the rows of a folder refer to: clinics, patients, pumps and models, by their natural keys.

Stored rows and new ones are the same model instances; a new one has no id until it is stored. Only what `user` may
import into is found; without a user (the command line) that is everything.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import TypeVar

from clinics.models import Clinic, User
from clinics.roles import Permission
from interop.reading import Folder
from interop.tables import ContactRow, DoseRow, EventRow, OtherRow, PatientRow, PumpRow, RefillRow
from patients.models import Patient
from pumps import forecasting
from pumps.models import Pump, PumpModel

# Keys asked for in one query.
LOOKUP = 5000
T = TypeVar("T")


@dataclass(slots=True, eq=False)
class Ledger:
    """The rows of one pump in the folder, by moment (UTC); those of other kinds by kind and moment."""

    pump: Pump
    refills: dict[datetime, RefillRow] = field(default_factory=dict)
    doses: dict[datetime, DoseRow] = field(default_factory=dict)
    others: dict[tuple[str, datetime], OtherRow] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        return not (self.refills or self.doses or self.others)


@dataclass
class Registry:
    """`pumps` is by serial number, then clinic; `in_folder` says in which clinics pumps.csv has a serial number.

    `unplaced` are serial numbers in rows of pumps.csv that name no known clinic.
    """

    may_add_clinics: bool
    models: dict[str, PumpModel]
    clinics: dict[str, Clinic]
    patients: dict[tuple[str, str], Patient] = field(default_factory=dict)
    pumps: dict[str, dict[str, Ledger]] = field(default_factory=dict)
    in_folder: dict[str, set[str]] = field(default_factory=dict)
    unplaced: set[str] = field(default_factory=set)

    def model_called(self, name: str) -> PumpModel | None:
        return self.models.get(name.lower())

    def add_pump(self, pump: Pump) -> None:
        self.pumps.setdefault(pump.serial_number, {})[pump.clinic.name] = Ledger(pump)

    def candidates(self, serial_number: str) -> dict[str, Ledger]:
        """The pumps a serial number can mean, by clinic: those of pumps.csv, or else the stored ones."""
        known = self.pumps.get(serial_number, {})
        named = self.in_folder.get(serial_number, set())
        return {clinic: ledger for clinic, ledger in known.items() if clinic in named} if named else known

    def ledgers(self) -> Iterator[Ledger]:
        for by_clinic in self.pumps.values():
            yield from by_clinic.values()


def look_up(folder: Folder, user: User | None) -> Registry:
    """The stored rows that a folder names, its pumps locked so that nothing else writes to their ledgers."""
    registry = Registry(
        may_add_clinics=user is None or user.access.can_everywhere(Permission.ADMINISTER),
        models=_models(),
        clinics={clinic.name: clinic for clinic in _open_clinics(user)},
    )
    for patient in _patients(folder, registry):
        registry.patients[patient.clinic.name, patient.mrn] = patient
    for pump in _pumps(folder, registry, user):
        registry.add_pump(pump)
    return registry


def _models() -> dict[str, PumpModel]:
    models = list(PumpModel.objects.all())
    return {model.slug: model for model in models} | {model.model.lower(): model for model in models}


def _open_clinics(user: User | None) -> list[Clinic]:
    """Clinics to import into: all of them, or those the user administers."""
    if user is None:
        return list(Clinic.objects.all())
    clinics = Clinic.objects.visible_to(user)
    return [clinic for clinic in clinics if user.access.can(Permission.ADMINISTER, clinic.pk)]


def _patients(folder: Folder, registry: Registry) -> Iterator[Patient]:
    rows: list[PatientRow | PumpRow | ContactRow] = [
        *folder.patients.rows,
        *folder.pumps.rows,
        *folder.contacts.rows,
    ]
    names = {row.clinic for row in rows if row.clinic is not None}
    # The registry's clinic objects, so that a pump and its patient share one.
    clinics = {clinic.pk: clinic for name, clinic in registry.clinics.items() if name in names}
    for mrns in _chunks({row.mrn for row in rows if row.mrn is not None} if clinics else ()):
        for patient in Patient.objects.filter(clinic__in=clinics, mrn__in=mrns).iterator():
            patient.clinic = clinics[patient.clinic_id]
            yield patient


def _pumps(folder: Folder, registry: Registry, user: User | None) -> Iterator[Pump]:
    rows: list[PumpRow | EventRow] = [
        *folder.pumps.rows,
        *folder.refills.rows,
        *folder.dose_changes.rows,
        *folder.events.rows,
    ]
    serials = {row.serial_number for row in rows if row.serial_number is not None}
    serials |= {row.replaces for row in folder.pumps.rows if row.replaces is not None}
    ids: list[int] = []
    clinics = {clinic.pk: clinic for clinic in registry.clinics.values()}
    for chunk in _chunks(serials if clinics else ()):
        found = Pump.objects.all() if user is None else Pump.objects.visible_to(user)
        ids += found.filter(clinic__in=clinics, serial_number__in=chunk).values_list("pk", flat=True)
    # In one query and so in one order, as everyone else who locks pumps.
    for pump in forecasting.locked(ids):
        pump.clinic = clinics[pump.clinic_id]
        yield pump


def _chunks(items: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(items)
    while chunk := list(islice(rest, LOOKUP)):
        yield chunk

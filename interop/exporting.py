"""Everything of a clinic as a folder of CSV files in the import format, so that it can leave, or move, with all it has.

What `import_folder` reads gives the same forecasts again. `ledger.csv` and `tiers.csv` are for reading: every entry as
it was recorded, by whom and when, those entered in error with the reason; and the reminder tiers.
"""

import csv
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from io import TextIOWrapper
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

from django.db import connection, transaction

from alerts.services import lifecycle
from clinical.units import plain
from clinics.models import Clinic
from clinics.opening import WEEKDAYS
from interop.comparing import from_json, written
from interop.tables import CLINICS, CONTACTS, DOSE_CHANGES, EVENTS, PATIENTS, PRODUCTS, PUMPS, REFILLS, Table
from patients.models import Contact, Patient
from pumps.models import DrugProduct, Event, Pump
from pumps.services.kinds import KINDS

CHUNK = 2000
Cells = dict[str, Any]


def export_folder(*, clinic: Clinic, folder: Path) -> list[str]:
    """Write a clinic's files into an existing folder, all of them as of one moment; returns their names."""
    is_outermost = not connection.in_atomic_block
    with transaction.atomic():
        if is_outermost:
            # One snapshot, or a refill logged meanwhile would be in one file and not in another.
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        return [_write(folder, name, columns, rows) for name, columns, rows in _files(clinic)]


def export_zip(*, clinic: Clinic, into: IO[bytes]) -> None:
    """The same as one zip file."""
    with TemporaryDirectory(prefix="brim-export-") as name, zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in export_folder(clinic=clinic, folder=Path(name)):
            archive.write(Path(name) / file, file)


def _write(folder: Path, name: str, columns: Sequence[str], rows: Iterable[Cells]) -> str:
    with (folder / name).open("wb") as raw, TextIOWrapper(raw, encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows({column: told(row.get(column)) for column in columns} for row in rows)
    return name


def told(value: Any) -> str:
    """A value as a cell of the format."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return ";".join(told(part) for part in value)
    return str(value)


def _columns(table: Table[Any]) -> list[str]:
    return [column.name for column in table.columns]


def _files(clinic: Clinic) -> Iterator[tuple[str, Sequence[str], Iterable[Cells]]]:
    for table, rows in (
        (CLINICS, _clinic(clinic)),
        (PRODUCTS, _products(clinic)),
        (PATIENTS, _patients(clinic)),
        (CONTACTS, _contacts(clinic)),
        (PUMPS, _pumps(clinic)),
        (REFILLS, _events(clinic, [Event.Kind.REFILL], _refill)),
        (DOSE_CHANGES, _events(clinic, [Event.Kind.DOSE_CHANGE], _dose)),
        (EVENTS, _events(clinic, list(KINDS), _other)),
    ):
        yield table.file, _columns(table), rows
    yield "ledger.csv", LEDGER_COLUMNS, _ledger(clinic)
    yield "tiers.csv", TIER_COLUMNS, _tiers(clinic)


def _clinic(clinic: Clinic) -> Iterator[Cells]:
    yield {
        "name": clinic.name,
        "timezone": clinic.timezone,
        "label_set": clinic.label_set,
        "patient_facing_name": clinic.patient_facing_name,
        "phone": clinic.phone,
        "emergency_number": clinic.emergency_number,
        "refill_margin_days": clinic.refill_margin_days,
        "max_refill_interval_days": clinic.max_refill_interval_days,
        "opening_days": [WEEKDAYS[day][:3] for day in sorted(clinic.opening_days)],
        "closed_days": list(clinic.closed_days.values_list("day", flat=True)),
    }


def _products(clinic: Clinic) -> Iterator[Cells]:
    for product in DrugProduct.objects.filter(clinic=clinic):
        yield {**_values(product, PRODUCTS, ("clinic",)), "clinic": clinic.name}


def _patients(clinic: Clinic) -> Iterator[Cells]:
    for patient in Patient.objects.filter(clinic=clinic).order_by("pk").iterator(CHUNK):
        yield {**_values(patient, PATIENTS, ("clinic",)), "clinic": clinic.name}


def _contacts(clinic: Clinic) -> Iterator[Cells]:
    rows = Contact.objects.standing().filter(patient__clinic=clinic).order_by("pk").select_related("patient")
    for contact in rows.iterator(CHUNK):
        yield {**_values(contact, CONTACTS, ("clinic", "mrn")), "clinic": clinic.name, "mrn": contact.patient.mrn}


def _pumps(clinic: Clinic) -> Iterator[Cells]:
    rows = Pump.objects.filter(clinic=clinic).order_by("pk").select_related("patient", "model", "replaces")
    for pump in rows.iterator(CHUNK):
        yield {
            **_values(pump, PUMPS, ("clinic", "mrn", "model", "replaces")),
            "clinic": clinic.name,
            "mrn": pump.patient.mrn,
            "model": pump.model.slug,
            "replaces": pump.replaces.serial_number if pump.replaces is not None else None,
        }


def _values(row: Any, table: Table[Any], without: Sequence[str]) -> Cells:
    return {column.name: getattr(row, column.name) for column in table.columns if column.name not in without}


def _events(clinic: Clinic, kinds: Sequence[str], cells: Callable[[Event], Cells]) -> Iterator[Cells]:
    """The entries of some kinds that stand."""
    events = Event.objects.standing().filter(pump__clinic=clinic, kind__in=kinds).select_related("pump")
    for event in events.order_by("pump", "occurred_at", "pk").iterator(CHUNK):
        yield {"serial_number": event.pump.serial_number, "clinic": clinic.name, **cells(event)}


def _refill(event: Event) -> Cells:
    without = ("serial_number", "clinic", "refilled_at")
    return {"refilled_at": event.occurred_at, **_values(event, REFILLS, without)}


def _dose(event: Event) -> Cells:
    without = ("serial_number", "clinic", "effective_at", "steps", "boluses")
    return {
        "effective_at": event.occurred_at,
        "steps": written(from_json(event.steps)),
        "boluses": written(from_json(event.boluses)),
        **_values(event, DOSE_CHANGES, without),
    }


def _other(event: Event) -> Cells:
    return _values(event, EVENTS, ("serial_number", "clinic"))


LEDGER_COLUMNS = (
    "serial_number",
    "entry",
    "kind",
    "occurred_at",
    "recorded_at",
    "recorded_by",
    "source",
    "entered_in_error",
    "void_reason",
    "voided_by",
    "voided_at",
    "replaced_by",
    *(name for name in _columns(REFILLS) if name not in ("serial_number", "clinic", "refilled_at", "reason")),
    *(name for name in _columns(DOSE_CHANGES) if name not in ("serial_number", "clinic", "effective_at")),
    *(name for name in _columns(EVENTS) if name not in {"serial_number", "clinic", "kind", "occurred_at", "reason",
      "aspirated_ml", "daily_dose_mcg", "patient_bolus_mcg", "clock_offset_s"}),
)  # fmt: skip


def _ledger(clinic: Clinic) -> Iterator[Cells]:
    """Every entry ever made, with who made it, and who declared it an error and why."""
    events = Event.objects.filter(pump__clinic=clinic, voids=None).select_related(
        "pump", "recorded_by", "voided_by__recorded_by"
    )
    for event in events.order_by("pump", "occurred_at", "pk").iterator(CHUNK):
        void = getattr(event, "voided_by", None)
        fields = {name: getattr(event, name) for name in LEDGER_COLUMNS if hasattr(event, name)}
        yield {
            **fields,
            "serial_number": event.pump.serial_number,
            "entry": event.pk,
            "recorded_by": str(event.recorded_by) if event.recorded_by is not None else None,
            "steps": written(from_json(event.steps)),
            "boluses": written(from_json(event.boluses)),
            "entered_in_error": void is not None,
            "void_reason": void.reason if void is not None else None,
            "voided_by": str(void.recorded_by) if void is not None and void.recorded_by is not None else None,
            "voided_at": void.recorded_at if void is not None else None,
            "replaced_by": void.replacement_id if void is not None else None,
        }


TIER_COLUMNS = ("clinic", "tier", "counts_from", "lead_days", "roles", "to_patient", "repeat_hours", "quiet_hours")


def _tiers(clinic: Clinic) -> Iterator[Cells]:
    for tier in lifecycle.ladders([clinic.pk])[clinic.pk]:
        yield {
            "clinic": clinic.name,
            "tier": tier.code,
            "counts_from": tier.anchor.value,
            "lead_days": tier.lead_days,
            "roles": tier.roles,
            "to_patient": tier.to_patient,
            "repeat_hours": tier.repeat_hours,
            "quiet_hours": tier.quiet_hours,
        }

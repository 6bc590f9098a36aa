"""A fleet grown to any size: simulated pumps are imported once, then copied with other serial numbers, days and noise.

Copies are made by the database, so a million pumps with eight refills each take minutes. Foreign keys are not checked
row by row meanwhile: a copy refers to what its original refers to, or to another copy.
"""

from dataclasses import dataclass

from django.db import connection
from django.db.models import Model

from patients.models import Patient
from pumps.models import Event, Pump

# Each round of copies has its ids this far above the originals'.
STRIDE = 10_000_000


@dataclass(frozen=True)
class _Copied:
    """A table, with what differs in the copy of a row; all other columns are as they are."""

    model: type[Model]
    changed: dict[str, str]


TABLES = (
    _Copied(Patient, {"id": "id + %(shift)s", "mrn": "mrn || '-' || %(round)s"}),
    _Copied(
        Pump,
        {
            "id": "id + %(shift)s",
            "patient_id": "patient_id + %(shift)s",
            "serial_number": "serial_number || '-' || %(round)s",
        },
    ),
    _Copied(
        Event,
        {
            "id": "id + %(shift)s",
            "pump_id": "pump_id + %(shift)s",
            # Whole days, so that a pump's clock and the order of its events stay; into the past only.
            "occurred_at": "occurred_at - interval '1 day' * ((pump_id + %(round)s) %% 7)",
            # A measured residue keeps its tenth of a millilitre, and 0 stays 0.
            "aspirated_ml": "CASE WHEN aspirated_ml > 1 THEN aspirated_ml + round((random() - 0.5)::numeric, 1) "
            "ELSE aspirated_ml END",
        },
    ),
)


def grow(pumps: int) -> None:
    """Copy what is there until there are so many pumps."""
    originals = Pump.objects.count()
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        for number in range(1, pumps // originals):
            for each in TABLES:
                _copy(each, number)
        cursor.execute("SET session_replication_role = origin")
        for model in (Patient, Pump, Event):
            cursor.execute(f"ANALYZE {model._meta.db_table}")


def _copy(each: _Copied, number: int) -> None:
    meta = each.model._meta
    columns = [field.column for field in meta.concrete_fields if not field.generated]
    names = ", ".join(f'"{column}"' for column in columns)
    values = ", ".join(each.changed.get(column, f'"{column}"') for column in columns)
    table = meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({names}) SELECT {values} FROM {table} WHERE id < {STRIDE}",  # noqa: S608
            {"shift": number * STRIDE, "round": number},
        )

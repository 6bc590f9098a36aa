"""A fleet grown to any size: simulated pumps are imported once, then copied with their ledgers and forecasts.

Copies are made by the database, so a million pumps with eight refills each take minutes. Triggers and foreign keys are
off meanwhile: a copy refers to what its original refers to, or to another copy. Only the words by which patients are
found are left to their trigger, since a copy's MRN has one more.
"""

from dataclasses import dataclass

from django.db import connection
from django.db.models import Model

from patients.models import Patient, SearchWord
from pumps.models import Event, Forecast, Pump

# Each round of copies has its ids this far above the originals'.
STRIDE = 10_000_000


@dataclass(frozen=True)
class _Copied:
    """A table, with what differs in the copy of a row; all other columns are as they are."""

    model: type[Model]
    changed: dict[str, str]
    triggers: bool = False


TABLES = (
    _Copied(Patient, {"id": "id + %(shift)s", "mrn": "mrn || '-' || %(round)s"}, triggers=True),
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
        },
    ),
    _Copied(Forecast, {"pump_id": "pump_id + %(shift)s"}),
)


def grow(pumps: int) -> None:
    """Copy what is there until there are so many pumps."""
    originals = Pump.objects.filter(pk__lt=STRIDE).count()
    copied = Pump.objects.count() // originals
    with connection.cursor() as cursor:
        for number in range(copied, pumps // originals):
            for each in TABLES:
                cursor.execute(f"SET session_replication_role = {'origin' if each.triggers else 'replica'}")
                _copy(each, number)
        cursor.execute("SET session_replication_role = origin")
        for model in (Patient, SearchWord, Pump, Event, Forecast):
            cursor.execute(f"ANALYZE {model._meta.db_table}")


def _copy(each: _Copied, number: int) -> None:
    meta = each.model._meta
    columns = [str(field.column) for field in meta.concrete_fields if not field.generated]
    names = ", ".join(f'"{column}"' for column in columns)
    values = ", ".join(each.changed.get(column, f'"{column}"') for column in columns)
    table, key = meta.db_table, str(meta.pk.column)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({names}) SELECT {values} FROM {table} WHERE {key} < {STRIDE}",  # noqa: S608
            {"shift": number * STRIDE, "round": number},
        )

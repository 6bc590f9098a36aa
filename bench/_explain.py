"""How PostgreSQL answers every query of the pages and calls people use, on a large fleet."""

import re
from collections.abc import Iterator

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from bench._fleet import say, someone
from clinics.roles import Role
from patients.models import Patient
from pumps.models import Forecast, Pump

# A table with fewer rows is read as a whole, and that is right.
LARGE = 10_000


def report() -> bool:
    """Print each request with its queries and what reads a large table from end to end; whether any does."""
    client = Client(headers={"host": "localhost"})
    client.force_login(someone(Role.NURSE), backend="clinics.backends.EmailBackend")
    client.get("/")
    large, found = _large_tables(), False
    for address in _addresses():
        with CaptureQueriesContext(
            connection,
        ) as queries:
            response = client.get(address)
        if response.status_code != 200:
            raise SystemExit(f"{address} answered {response.status_code}.")
        plans = [_plan(query["sql"]) for query in queries.captured_queries if query["sql"].startswith("SELECT")]
        scanned = sorted(
            {table for plan in plans for table in re.findall(r"Seq Scan on (\w+)", plan) if table in large}
        )
        found |= bool(scanned)
        say(f"{address:60} {len(plans):>3} queries; read from end to end: {', '.join(scanned) or 'none'}")
    return found


def _addresses() -> Iterator[str]:
    row = Forecast.objects.on_worklist().select_related("pump")[100]
    patient = Patient.objects.get(pk=row.pump.patient_id)
    pump = Pump.objects.get(pk=row.pump_id)
    searches = (patient.family_name, f"{patient.given_name} {patient.family_name}", patient.mrn, pump.serial_number)
    yield from ("/", f"/?clinic={row.clinic_id}", *(f"/?q={text}" for text in searches))
    yield from (f"/patients/?q={text}" for text in searches)
    yield from (f"/pumps/{pump.pk}/", f"/patients/{patient.pk}/", "/patients/", "/alerts/")
    api = "/api/v1"
    yield from (f"{api}/worklist/", f"{api}/worklist/?within_days=7", f"{api}/pumps/", f"{api}/patients/")
    yield from (f"{api}/pumps/?serial_number={pump.serial_number}", f"{api}/alerts/", f"{api}/notifications/")
    one = f"{api}/pumps/{pump.pk}"
    yield from (f"{one}/", f"{one}/forecast/", f"{one}/timeline/", f"{one}/refills/", f"{one}/dose-changes/")


def _large_tables() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relkind = 'r' AND reltuples > %s", [LARGE])
        return {name for (name,) in cursor.fetchall()}


def _plan(sql: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN " + sql.replace("%", "%%") if "%" in sql else "EXPLAIN " + sql)
        return "\n".join(line for (line,) in cursor.fetchall())

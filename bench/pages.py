"""Pages at 100,000 pumps: median server time, queries, and what a browser fetches, compressed."""

import gzip
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from bench._fleet import come_to_rest, insist_on_an_empty_database, p95, say, someone, timed
from bench._growing import grow
from bench.fleet import ORIGINALS, believe_the_catalogue, load
from clinics.models import Clinic
from clinics.roles import Role
from pumps.models import Forecast, Pump

PUMPS = 100_000
TIMES = 60
# Milliseconds in the median, kB of a first load, kB of each page after it.
LIMITS = {"worklist": 60.0, "pump": 80.0}
FIRST_KB, LATER_KB = 250.0, 30.0
ASSET = re.compile(r'(?:href|src)="(/static/[^"]+)"')


def main(pumps: int) -> int:
    insist_on_an_empty_database()
    load(min(ORIGINALS, pumps))
    grow(pumps)
    believe_the_catalogue()
    come_to_rest()
    missed, loaded = False, set[str]()
    say(f"{'page':26} {'as':14} {'median':>8} {'p95':>8} {'queries':>8} {'first load':>11} {'after':>8}")
    for name, role, address in _pages():
        client = _client(role)
        with CaptureQueriesContext(connection) as queries:
            page = _read(client, address)
            count = len(queries)
        times = timed(lambda client=client, address=address: _read(client, address), TIMES)  # type: ignore[misc]
        assets = set(ASSET.findall(page))
        html = _kilobytes(page.encode())
        first = html + sum(map(_kilobytes_of, assets))
        later = html + sum(map(_kilobytes_of, assets - loaded)) if loaded else html
        loaded = loaded or assets
        missed |= median(times) > LIMITS.get(name, 1000) or first > FIRST_KB or later > LATER_KB
        say(
            f"{name:26} {role.value:14} {median(times):>6.1f}ms {p95(times):>6.1f}ms {count:>8}"
            f" {first:>8.0f} kB {later:>5.1f} kB"
        )
    return int(missed)


def _pages() -> Iterator[tuple[str, Role, str]]:
    """What is measured: the first is the page on which everything is loaded."""
    row = Forecast.objects.on_worklist().select_related("pump").filter(pump__model__programmable=True)[50]
    pump = Pump.objects.select_related("patient").get(pk=row.pump_id)
    clinic = Clinic.objects.get(pk=pump.clinic_id)
    one, patient = {"pump_id": pump.pk}, {"patient_id": pump.patient_id}
    yield "worklist", Role.NURSE, reverse("worklist")
    yield "worklist, one clinic", Role.NURSE, f"{reverse('worklist')}?clinic={clinic.pk}"
    yield "pump", Role.NURSE, reverse("pump", kwargs=one)
    yield "patient", Role.NURSE, reverse("patient", kwargs=patient)
    yield "course", Role.PRESCRIBER, reverse("course", kwargs=patient)
    yield "refill", Role.NURSE, reverse("log_refill", kwargs=one)
    yield "visit of a pump", Role.SCHEDULER, reverse("visit", kwargs=one)
    yield "alerts", Role.NURSE, reverse("alerts")
    yield "visits", Role.SCHEDULER, reverse("visits")
    yield "counts and calls", Role.SCHEDULER, f"{reverse('worklist_now')}?clinic={clinic.pk}"
    yield "counts of all clinics", Role.SCHEDULER, reverse("worklist_now")
    yield "worklist, past refill-by", Role.SCHEDULER, f"{reverse('worklist')}?urgency=past"
    yield "worklist, no visit", Role.SCHEDULER, f"{reverse('worklist')}?visit=none"
    yield "calendar, a week", Role.SCHEDULER, f"{reverse('calendar_week')}?clinic={clinic.pk}"
    yield "calendar, all clinics", Role.SCHEDULER, reverse("calendar_week")
    yield "calendar, a month", Role.SCHEDULER, reverse("calendar_month")
    yield "calendar, six weeks", Role.SCHEDULER, reverse("calendar_load")
    yield "fleet", Role.PRESCRIBER, reverse("fleet")
    yield "guided visit", Role.NURSE, reverse("guided_visit", kwargs=one)
    yield "why this date", Role.NURSE, reverse("why", kwargs={**one, "what": "refill_by"})
    yield "reservoir", Role.NURSE, reverse("reservoir", kwargs=one)
    yield "search", Role.SCHEDULER, f"{reverse('search')}?q={pump.patient.family_name[:4]}"
    yield "today", Role.NURSE, reverse("today")
    yield "prescriber's home", Role.PRESCRIBER, reverse("prescribing")
    yield "pharmacist's home", Role.PHARMACIST, reverse("preparing")
    yield "administrator's home", Role.ADMINISTRATOR, reverse("administration")
    yield "auditor's home", Role.AUDITOR, reverse("audit")


def _client(role: Role) -> Client:
    client = Client(headers={"host": "localhost"})
    client.force_login(someone(role), backend="clinics.backends.EmailBackend")
    client.get(reverse("account"))
    return client


def _read(client: Client, address: str) -> str:
    response = client.get(address)
    if response.status_code != 200:
        sys.exit(f"{address} answered {response.status_code}.")
    return response.text


def _kilobytes(content: bytes) -> float:
    return len(gzip.compress(content, 6)) / 1000


def _kilobytes_of(address: str) -> float:
    """As it is sent: compressed where that makes it smaller."""
    path = Path(settings.STATIC_ROOT, address.removeprefix(settings.STATIC_URL))
    return min(path.stat().st_size / 1000, _kilobytes(path.read_bytes()))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else PUMPS))

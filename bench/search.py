"""Finding anyone, who saw what and the homes at 100,000 patients: milliseconds, and no table read from end to end."""

import re
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any
from urllib.parse import urlencode

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from bench._explain import ORDINARY, PLANNED, large_tables, plan_of
from bench._fleet import come_to_rest, insist_on_an_empty_database, p95, say, someone
from bench._growing import grow
from bench.fleet import load
from clinics.models import Clinic, Membership, User
from clinics.roles import Role
from patients.models import Patient
from pumps.models import Pump
from pumps.services import fleet

PUMPS, ORIGINALS = 100_000, 2_000
TIMES = 40
VIEWINGS = 1_000_000
# Milliseconds: of a search while typing, and of every other page.
MOST_TYPING, MOST_PAGE = 100, 150
TYPING = {"HX-Request": "true", "HX-Target": "found"}

# Copies have their original's number; each has one of its own here, as people do.
PHONES = "UPDATE patients_patient SET phone = '+1 555 ' || lpad((id * 7919 % 10000000)::text, 7, '0')"
SEEN = """
INSERT INTO patients_viewing (at, user_id, patient_id, clinic_id, what)
SELECT %s - number * interval '90 seconds', (%s)[1 + (number %% 20)::int], patient.id, patient.clinic_id, 'pump'
FROM generate_series(1::bigint, %s) AS number
JOIN (SELECT id, clinic_id, row_number() OVER () AS place FROM patients_patient) AS patient
ON patient.place = 1 + number * 7919 %% %s
"""


@dataclass(frozen=True)
class Asked:
    name: str
    addresses: Sequence[str]
    most_ms: int
    headers: dict[str, str]


def main(pumps: int) -> int:
    insist_on_an_empty_database()
    load(min(ORIGINALS, pumps))
    grow(pumps)
    fleet.tick(timezone.now())
    with connection.cursor() as cursor:
        cursor.execute(PHONES)
        people = [someone_called(number).pk for number in range(20)]
        cursor.execute(SEEN, [timezone.now(), people, VIEWINGS, pumps])
    come_to_rest()
    say(f"{Patient.objects.count():,} patients, {VIEWINGS:,} viewings")
    # Here all alerts are open and all messages of today: to read them all is to read what was asked for.
    large, missed = large_tables() - {"alerts_alert", "alerts_notification"}, False
    for whose, client in _clients():
        for asked in _all_asked():
            missed |= _measured(whose, client, asked, large)
    return int(missed)


def someone_called(number: int) -> User:
    user, _is_new = User.objects.get_or_create(email=f"seen{number}@example.org")
    Membership.objects.get_or_create(user=user, clinic=Clinic.objects.get(name=ORDINARY), role=Role.NURSE.value)
    return user


def _clients() -> Iterator[tuple[str, Client]]:
    everywhere = someone(Role.ADMINISTRATOR)
    for role in (Role.PRESCRIBER, Role.PHARMACIST):
        Membership.objects.get_or_create(user=everywhere, clinic=None, role=role.value)
    of_one = User.objects.create_user("of-one@example.org", None)
    for role in (Role.ADMINISTRATOR, Role.PRESCRIBER, Role.PHARMACIST):
        Membership.objects.create(user=of_one, clinic=Clinic.objects.get(name=ORDINARY), role=role.value)
    for whose, user in (("all clinics", everywhere), ("one of 1%", of_one)):
        client = Client(headers={"host": "localhost"})
        client.force_login(user, backend="clinics.backends.EmailBackend")
        client.get("/")
        for patient in Patient.objects.visible_to(user).order_by("-pk")[:20]:
            client.get(reverse("patient", args=[patient.pk]))
        yield whose, client


def _all_asked() -> Iterator[Asked]:
    """Each with as many different words as it is timed."""
    patients = list(Patient.objects.order_by("pk")[: TIMES * 97 : 97])
    serials = list(Pump.objects.order_by("pk").values_list("serial_number", flat=True)[: TIMES * 89 : 89])
    words = {
        "a single letter": [patient.family_name[:1] for patient in patients],
        "three letters of a common name": [patient.family_name[:3] for patient in patients],
        "a common name": [patient.family_name for patient in patients],
        "two names": [f"{patient.given_name} {patient.family_name}" for patient in patients],
        "two single letters": [f"{patient.given_name[:1]} {patient.family_name[:1]}" for patient in patients],
        "an MRN": [patient.mrn for patient in patients],
        "an MRN's first letter": [patient.mrn[:1] for patient in patients],
        "a phone number": [patient.phone for patient in patients],
        "its first digits": [patient.phone[3:8] for patient in patients],
        "its last four digits": [patient.phone[-4:] for patient in patients],
        "a serial number": serials,
        "its first three signs": [serial[:3] for serial in serials],
        "a name and a serial": [f"{each.family_name} {serials[0][:6]}" for each in patients],
        "nobody": [f"zzq{number}" for number in range(TIMES)],
        "nothing: opened last": [""] * TIMES,
    }
    search = reverse("search")
    for name, texts in words.items():
        yield Asked(f"search: {name}", [_query(search, q=text) for text in texts], MOST_TYPING, TYPING)
    for name in ("prescribing", "preparing", "administration", "audit"):
        yield Asked(f"page: {name}", [reverse(name)] * TIMES, MOST_PAGE, {})
    audit, ordinary = reverse("audit"), Clinic.objects.get(name=ORDINARY).pk
    person = User.objects.get(email="seen3@example.org").pk
    long_ago = "2025-06-01"
    queries: dict[str, dict[str, Any]] = {
        "one kind": {"clinic": ordinary, "kind": "viewing"},
        "one person": {"clinic": ordinary, "person": person},
        "long ago": {"clinic": ordinary, "since": long_ago, "until": "2025-06-30"},
    }
    for name, query in queries.items():
        yield Asked(f"audit: {name}", [_query(audit, **query)] * TIMES, MOST_PAGE, {})


def _query(address: str, **parameters: Any) -> str:
    return f"{address}?{urlencode(parameters)}"


def _measured(whose: str, client: Client, asked: Asked, large: set[str]) -> bool:
    """Print one line; whether it is too slow, or reads a large table from end to end."""
    with CaptureQueriesContext(connection) as queries:
        _get(client, asked, asked.addresses[0])
    plans = [plan_of(query["sql"]) for query in queries.captured_queries if query["sql"].startswith(PLANNED)]
    scanned = sorted({table for plan in plans for table in re.findall(r"Seq Scan on (\w+)", plan) if table in large})
    taken = [_timed(client, asked, address) for address in asked.addresses]
    is_slow = p95(taken) > asked.most_ms
    say(
        f"{whose:12} {asked.name:38} {len(plans):>3} queries  p50 {median(taken):6.1f} ms  p95 {p95(taken):6.1f} ms"
        f"{'  TOO SLOW' if is_slow else ''}{'  reads whole: ' + ', '.join(scanned) if scanned else ''}"
    )
    return is_slow or bool(scanned)


def _timed(client: Client, asked: Asked, address: str) -> float:
    started = time.perf_counter()
    _get(client, asked, address)
    return (time.perf_counter() - started) * 1000


def _get(client: Client, asked: Asked, address: str) -> None:
    response = client.get(address, headers=asked.headers)
    if response.status_code != 200:
        sys.exit(f"{address} answered {response.status_code}.")


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else PUMPS))

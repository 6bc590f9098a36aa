"""What the benchmarks share: simulated fleets, and how numbers are told."""

import gc
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from django.db import connection

from clinics.models import Clinic, User
from clinics.roles import Role
from clinics.services.members import add_member
from interop.simulation import SimClinic, fleet
from interop.writing import write

SEED = 11


def three_clinics(name: str) -> tuple[SimClinic, ...]:
    zones = ("America/New_York", "America/Denver", "Europe/London")
    return tuple(SimClinic(f"{name} {number}", zone) for number, zone in enumerate(zones, start=1))


def write_fleet(folder: Path, *, pumps: int, name: str, seed: int = SEED) -> None:
    clinics = three_clinics(name)
    write(folder, clinics, fleet(seed=seed, pumps=pumps, clinics=clinics, now=datetime.now(UTC)))


def insist_on_an_empty_database() -> None:
    """Thousands of simulated pumps do not belong among real ones."""
    if Clinic.objects.exists():
        sys.exit("This database holds clinics. Run bin/bench, which uses a throw-away one.")


def come_to_rest() -> None:
    """Be done with the making of a fleet, which a server that answers has not just made: its tables are tidied and
    written, and what it left in memory is not gone through again."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")
        cursor.execute("CHECKPOINT")
    gc.collect()
    gc.freeze()


def someone(role: Role) -> User:
    """An account with a role in all clinics."""
    email = f"{role.value}@example.org"
    return User.objects.filter(email=email).first() or add_member(email=email, role=role, clinic=None)


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def timed(action: Callable[[], object], times: int) -> list[float]:
    """Milliseconds of each of so many runs, after one that warms up."""
    action()
    found = []
    for _ in range(times):
        started = time.perf_counter()
        action()
        found.append((time.perf_counter() - started) * 1000)
    return found


def p95(values: Sequence[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]

"""Time and memory of importing 10,000 simulated pumps, against PostgreSQL's own COPY of the same event rows."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from django.db import connection, transaction

from bench._fleet import insist_on_an_empty_database, say, write_fleet
from pumps.models import Event, Forecast

ROOT = Path(__file__).resolve().parent.parent
# What an import of 10,000 pumps may take at most.
MOST_SECONDS, MOST_MB = 600, 500


def main(pumps: int) -> int:
    insist_on_an_empty_database()
    with tempfile.TemporaryDirectory(prefix="brim-bench-") as name:
        folder = Path(name)
        write_fleet(folder, pumps=pumps, name="Bench")
        seconds, megabytes = import_in_a_process(folder)
        again, _ = import_in_a_process(folder)
        copy_seconds = copy_events(folder / "events.copy")
    events = Event.objects.count()
    say(f"{pumps:,} pumps, {events:,} events, {Forecast.objects.count():,} forecasts")
    say(f"import: {seconds:.1f} s ({pumps / seconds:,.0f} pumps/s), peak {megabytes:.0f} MB resident")
    say(f"import of the same folder again, which changes nothing: {again:.1f} s")
    say(f"COPY of the events alone, with the same indexes and constraints: {copy_seconds:.1f} s")
    say(f"ratio import / COPY: {seconds / copy_seconds:.1f}")
    return int(seconds > MOST_SECONDS or megabytes > MOST_MB)


def import_in_a_process(folder: Path) -> tuple[float, float]:
    """Wall seconds and peak resident MB of `manage.py import_clinic`, start-up included."""
    command = [sys.executable, str(ROOT / "manage.py"), "import_clinic", str(folder)]
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    if status != 0:
        sys.exit("The import failed.")
    return seconds, usage.ru_maxrss / 1024


def copy_events(file: Path) -> float:
    """Seconds of COPY into a table with the columns, checks and indexes of the ledger's."""
    with transaction.atomic(), connection.cursor() as cursor:
        with file.open("wb") as out, cursor.copy("COPY pumps_event TO STDOUT") as rows:
            for part in rows:
                out.write(part)
        cursor.execute("CREATE TABLE bench_event (LIKE pumps_event INCLUDING ALL)")
        started = time.perf_counter()
        with file.open("rb") as parts, cursor.copy("COPY bench_event FROM STDIN") as sink:
            while part := parts.read(1 << 16):
                sink.write(part)
        seconds = time.perf_counter() - started
        cursor.execute("DROP TABLE bench_event")
    return seconds


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000))

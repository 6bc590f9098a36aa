"""The nightly run over 10,000 to 1,000,000 pumps, against PostgreSQL's own COPY of the same rows out and in."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from django.db import connection, transaction
from django.utils import timezone

from bench import _explain
from bench._explain import ORDINARY
from bench._fleet import SEED, insist_on_an_empty_database, say, someone, three_clinics, timed
from bench._growing import grow
from clinics.roles import Role
from interop.importing import import_folder
from interop.simulated_history import Wish
from interop.simulation import SimClinic, simulate
from interop.writing import write
from pumps import forecasting
from pumps.models import Event, FleetCheck, Forecast, PriorVersion, Pump
from pumps.services import ledger, nightly, renewal
from pumps.services.entries import DoseEntry

ORIGINALS = 10_000
FILLS = 8
TIMES = 60
# The machine's speed varies by half within minutes: each figure is the least of so many rounds, but of one of a night
# over the largest fleet.
ROUNDS = 3
WORKERS = 2
# What is aimed at: the ratio to COPY when most rows changed and when none did, and memory a worker, MB.
MOST_CHANGED, NONE_CHANGED, MOST_MB = 4.0, 3.0, 300
# Milliseconds one entry may take on top of its write.
MOST_ON_TOP = 20.0
# One pump in so many has something besides refills and doses: four of five an interrogation, one a bolus, for which its
# whole ledger is read event by event.
MORE_EVENTS = 10


SIZES = [10_000, 100_000, 1_000_000]
HEAD = "     pumps      events  COPY out      in  most changed  ratio     none  ratio    MB     write    on top"
WRITTEN = Path(__file__).resolve().parent.parent / "docs" / "validation" / "fleet.md"
TEXT = f"""## The night

`bin/bench fleet`: the nightly run (learn, check every forecast, renew) by {WORKERS} workers, against the time
PostgreSQL needs in the same run to COPY the pumps and events out and the forecasts in. {FILLS} refills a pump; one pump
in {MORE_EVENTS} has other events. *Most changed* is a night with a new prior version, *none* the night after; aimed at
are ratios of at most {MOST_CHANGED:g} and {NONE_CHANGED:g}, and {MOST_MB} MB a worker. Learning costs the same in every
fleet, so it weighs most in a small one. Each is the least of {ROUNDS} rounds, the largest fleet's nights of one.
Of one event, in the median: *write*, its row alone, stored under the pump's
lock; *on top*, what reading the ledger, checking the entry, its forecast and its alerts add (at most {MOST_ON_TOP:g}).

```
{{table}}
```
"""


def main(sizes: Sequence[int]) -> int:
    insist_on_an_empty_database()
    load(min(ORIGINALS, *sizes))
    missed, lines = False, [HEAD]
    say(HEAD)
    for pumps in sizes:
        grow(pumps)
        rounds = [_measured() for _ in range(ROUNDS if pumps < SIZES[-1] else 1)]
        # Each at its fastest: what else the machine does only ever slows down.
        out, back, changed, none = (min(times) for times in zip(*(times for times, _ in rounds), strict=True))
        peak = max(megabytes for _, megabytes in rounds)
        most, least = changed / (out + back), none / (out + back)
        write, on_top = min((one_event() for _ in range(ROUNDS)), key=sum)
        lines.append(
            f"{pumps:>10,} {Event.objects.count():>11,} {out:>8.1f}s {back:>6.1f}s {changed:>12.1f}s {most:>6.2f} "
            f"{none:>7.1f}s {least:>6.2f} {peak:>5.0f} {write:>6.1f} ms {on_top:>6.1f} ms"
        )
        say(lines[-1])
        missed |= most > MOST_CHANGED or least > NONE_CHANGED or peak > MOST_MB or on_top > MOST_ON_TOP
    if list(sizes) == SIZES:
        WRITTEN.write_text(TEXT.format(table="\n".join(lines)))
    missed |= _explain.report()
    return int(missed)


def _measured() -> tuple[tuple[float, float, float, float], float]:
    """Seconds of COPY out and in, of a night that renews most, and of one that renews none; and the peak in MB."""
    believe_the_catalogue()
    out, back = copied()
    changed, megabytes = a_night(expect_renewed=True)
    none, megabytes_none = a_night(expect_renewed=False)
    return (out, back, changed, none), max(megabytes, megabytes_none)


def load(pumps: int) -> None:
    """The originals: simulated, imported, some with other events."""
    clinics = (*three_clinics("Bench"), SimClinic(ORDINARY, "Europe/London"))
    now = datetime.now(UTC)
    fleet = (
        simulate(seed=SEED, number=number, clinic=clinics[_clinic_of(number)], now=now, wish=Wish(fills=FILLS))
        for number in range(pumps)
    )
    with tempfile.TemporaryDirectory(prefix="brim-bench-") as folder:
        write(Path(folder), clinics, fleet)
        import_folder(folder=Path(folder), user=None, now=timezone.now())
    chosen = Pump.objects.filter(model__programmable=True).order_by("pk").values_list("pk", flat=True)[::MORE_EVENTS]
    last = dict(Forecast.objects.filter(pump__in=chosen).values_list("pump_id", "filled_at"))
    Event.objects.bulk_create(
        Event(
            pump_id=pk,
            kind=Event.Kind.INTERROGATION if number % 5 else Event.Kind.BOLUS,
            occurred_at=filled_at + timedelta(minutes=30),
            source=Event.Source.IMPORT,
            volume_ml=Decimal(20) if number % 5 else None,
            dose_mcg=None if number % 5 else Decimal(10),
        )
        for number, (pk, filled_at) in enumerate(last.items())
        if filled_at is not None
    )
    forecasting.recompute(list(last), now=now)


def _clinic_of(number: int) -> int:
    """One pump in a hundred is in a clinic that is no third of the fleet."""
    return 3 if number % 100 == 99 else number % 3


def believe_the_catalogue() -> None:
    """Every forecast as it was before anything was learned, so that a night renews it."""
    newest = forecasting.current_prior()
    PriorVersion.objects.create(priors=newest.believed, believed=newest.believed, reason="bench")
    ids = list(Pump.objects.order_by("pk").values_list("pk", flat=True))
    now = timezone.now()
    for start in range(0, len(ids), nightly.BATCH):
        with transaction.atomic():
            renewal.check_and_renew(ids[start : start + nightly.BATCH], now=now)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE) pumps_forecast")


def copied() -> tuple[float, float]:
    """Seconds PostgreSQL needs to copy the pumps and events out, and the forecasts in, indexes and checks included."""
    with tempfile.TemporaryDirectory(prefix="brim-bench-") as name, connection.cursor() as cursor:
        # The server writes the files, whoever it runs as.
        Path(name).chmod(0o777)
        started = time.perf_counter()
        for table in ("pumps_event", "pumps_pump"):
            cursor.execute(f"COPY {table} TO '{name}/{table}'")
        out = time.perf_counter() - started
        cursor.execute(f"COPY pumps_forecast TO '{name}/forecast'")
        cursor.execute("CREATE TABLE bench_forecast (LIKE pumps_forecast INCLUDING ALL)")
        started = time.perf_counter()
        cursor.execute(f"COPY bench_forecast FROM '{name}/forecast'")
        back = time.perf_counter() - started
        cursor.execute("DROP TABLE bench_forecast")
    return out, back


def a_night(*, expect_renewed: bool) -> tuple[float, float]:
    """Wall seconds of a nightly run by two workers that are up, and the greater peak of resident MB."""
    FleetCheck.objects.all().delete()
    command = [sys.executable, "-m", "bench._night"]
    workers = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(WORKERS)]
    pipes = [(worker.stdin, worker.stdout) for worker in workers]
    for _, said in pipes:
        # It says a line once it is up, as a worker of Celery's is long before the night.
        if said is None or not said.readline():
            sys.exit("A worker did not come up.")
    started = time.perf_counter()
    for signal, _ in pipes:
        if signal is not None:
            signal.close()
    for _, said in pipes:
        # That it ends is no part of the night: a worker of Celery's goes on.
        if said is None or not said.readline():
            sys.exit("A worker did not come to the end of the night.")
    seconds = time.perf_counter() - started
    ended = [os.wait4(worker.pid, 0) for worker in workers]
    check = FleetCheck.objects.get()
    if any(status != 0 for _, status, _ in ended) or check.finished_at is None or check.differing:
        sys.exit(f"The nightly run failed: {check}.")
    if (check.renewed > check.pumps / 2) is not expect_renewed:
        sys.exit(f"{check.renewed} of {check.pumps} forecasts were renewed, which was not to be measured.")
    return seconds, max(usage.ru_maxrss for _, _, usage in ended) / 1024


def one_event() -> tuple[float, float]:
    """Median milliseconds of a write alone, and of what an entry takes on top of it: checks, forecast and alerts."""
    user, now = someone(Role.PRESCRIBER), timezone.now()
    chosen = Pump.objects.filter(model__programmable=True).order_by("-pk").values_list("pk", flat=True)
    ids = list(chosen[: 2 * (TIMES + 1)])
    pumps = iter(ids)
    confirmed = ("factor_4", "factor_24", "step_above_band", "step_below_band")
    mode, dose = "simple_continuous", Decimal(200)

    @transaction.atomic
    def write() -> None:
        pump = Pump.objects.select_for_update(no_key=True).get(pk=next(pumps))
        given = {"mode": mode, "daily_dose_mcg": dose, "recorded_by": user, "clock_offset_s": 0}
        Event.objects.create(pump=pump, kind=Event.Kind.DOSE_CHANGE, occurred_at=now, **given)

    def record() -> None:
        entry = DoseEntry(effective_at=now, mode=mode, daily_dose_mcg=dose)
        ledger.record(pump_id=next(pumps), entry=entry, user=user, source="api", now=now, confirmed=confirmed)

    alone = statistics.median(timed(write, TIMES))
    on_top = statistics.median(timed(record, TIMES)) - alone
    # A row written alone has left its forecast behind, which the next night would report.
    forecasting.recompute(ids, now=now)
    return alone, on_top


if __name__ == "__main__":
    sys.exit(main([int(size) for size in sys.argv[1:]] or SIZES))

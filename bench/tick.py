"""A round of the engine at 10,000 and 1,000,000 pumps with the same 500 due; then messages against a bare SMTP loop."""

import importlib
import importlib.util
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

from django.db import connection, transaction
from django.utils import timezone

from alerts.models import Alert, Notification
from bench._fleet import SEED, insist_on_an_empty_database, say, someone, three_clinics
from bench._growing import STRIDE, grow
from clinics.roles import Role
from interop.importing import import_folder
from interop.simulated_history import Wish
from interop.simulation import simulate
from interop.writing import write
from pumps.models import Forecast
from pumps.services import fleet

SIZES = [10_000, 1_000_000]
ORIGINALS = 5_000
FILLS = 2
DUE = 500
TIMES = 15
FIRST_TIER = timedelta(days=28)
# What is aimed at: the time at the greater size, by that at the lesser.
MOST = 1.3
SENDING = "bench._sending"
MESSAGES, LEAST_OF_BARE = 10_000, 0.5
WRITTEN = Path(__file__).resolve().parent.parent / "docs" / "validation" / "tick.md"
HEAD = f"{'pumps':>12} {'open alerts':>12} {'median':>10} {'fastest':>10} {'slowest':>10}  per pump that is due"
TEXT = f"""# A round

`bin/bench tick`: a round of the engine with the same {DUE} pumps due, in a fleet of each size: their alerts are opened,
the outbox is written, and the audit looks for what was forgotten. Every pump whose alert began earlier has one open, as
a fleet in use does. {TIMES} rounds each, every one rolled back. Aimed at: the last at most {MOST:g} times the first.
Messages are handed to a local SMTP server; aimed at is {LEAST_OF_BARE:g} of the rate of a bare loop in the same run.

```
{{table}}
```
"""


class _Undone(Exception):
    """Rolls a round back, so that the next finds the same."""


def main(sizes: Sequence[int]) -> int:
    insist_on_an_empty_database()
    load()
    lines, medians = [HEAD], []
    say(HEAD)
    for pumps in sizes:
        grow(pumps)
        now = timezone.now()
        alerts = stand(now)
        times = rounds(now)
        medians.append(statistics.median(times))
        lines.append(
            f"{pumps:>12,} {alerts:>12,} {medians[-1]:>7.0f} ms {min(times):>7.0f} ms {max(times):>7.0f} ms"
            f"  {medians[-1] / DUE:.2f} ms"
        )
        say(lines[-1])
    ratio = medians[-1] / medians[0]
    lines.append(f"ratio of medians {ratio:.2f}")
    say(lines[-1])
    is_missed = ratio > MOST
    if importlib.util.find_spec(SENDING) is not None:
        is_missed |= not sends_fast_enough(lines)
    if list(sizes) == SIZES:
        WRITTEN.write_text(TEXT.format(table="\n".join(lines)))
    return int(is_missed)


def sends_fast_enough(lines: list[str]) -> bool:
    """Messages of the outbox handed to a local mail server, against a bare loop over one connection a worker."""
    Notification.objects.filter(state="queued").update(state="cancelled")
    rates = importlib.import_module(SENDING).measure(MESSAGES)
    lines.append(
        f"{MESSAGES:,} messages: {rates.outbox:.0f} a second, a bare loop {rates.bare:.0f}: ratio {rates.ratio:.2f}; "
        f"{rates.taken:,} taken, {rates.distinct:,} different"
    )
    say(lines[-1])
    return bool(rates.ratio >= LEAST_OF_BARE and rates.taken == rates.distinct == MESSAGES)


def load() -> None:
    for role in (Role.SCHEDULER, Role.NURSE, Role.ADMINISTRATOR):
        someone(role)
    clinics, now = three_clinics("Tick"), timezone.now()
    simulated = (
        simulate(seed=SEED, number=number, clinic=clinics[number % 3], now=now, wish=Wish(fills=FILLS))
        for number in range(ORIGINALS)
    )
    with tempfile.TemporaryDirectory(prefix="brim-bench-") as folder:
        write(Path(folder), clinics, simulated)
        import_folder(folder=Path(folder), user=None, now=now)
    # So that the copies have their alerts at moments of their own.
    dice = Random(SEED)  # noqa: S311  no secret
    rows = list(Forecast.objects.exclude(next_alert_at=None))
    for row in rows:
        row.next_alert_at = now + timedelta(days=dice.uniform(-25, 60))
    Forecast.objects.bulk_update(rows, ["next_alert_at"], batch_size=1000)


def stand(now: datetime) -> int:
    """An open alert, told already, for each pump whose alert began earlier; how many there are."""
    Forecast.objects.filter(pk__in=chosen()).update(next_alert_at=now + timedelta(days=30))
    pattern = _pattern(now)
    if pattern is not None:
        _copy_alert(pattern, now)
    with connection.cursor() as cursor:
        for model in (Forecast, Alert, Notification):
            cursor.execute(f"VACUUM (ANALYZE) {model._meta.db_table}")
    return Alert.objects.open().count()


def _pattern(now: datetime) -> int | None:
    """A refill alert as a round writes it, to copy."""
    refills = Alert.objects.filter(kind=Alert.Kind.REFILL_DUE)
    if not refills.exists():
        _only(Forecast.objects.due(now).filter(in_use=True, refill_by__lt=now)[0].pk, now)
    return refills.order_by("pk").values_list("pk", flat=True).first()


def _only(pump: int, now: datetime) -> None:
    """A round in which one pump alone is due."""
    waiting = Forecast.objects.filter(next_alert_at__lte=now).exclude(pk=pump)
    kept = dict(waiting.values_list("pk", "next_alert_at"))
    waiting.update(next_alert_at=now + timedelta(days=365))
    fleet.tick(now)
    rows = list(Forecast.objects.filter(pk__in=kept))
    for row in rows:
        row.next_alert_at = kept[row.pk]
    Forecast.objects.bulk_update(rows, ["next_alert_at"], batch_size=1000)


def _copy_alert(pattern: int, now: datetime) -> None:
    """To every pump whose refill alert has begun and is not open, but for the chosen ones; made by the database."""
    columns = [str(field.column) for field in Alert._meta.concrete_fields if field.column != "id"]
    own = {
        "clinic_id": "f.clinic_id",
        "pump_id": "f.pump_id",
        "patient_id": "p.patient_id",
        "refill_by": "f.refill_by",
        "next_due_at": "%(now)s + random() * interval '7 days' + interval '1 hour'",
    }
    names = ", ".join(f'"{column}"' for column in columns)
    values = ", ".join(own.get(column, f'a."{column}"') for column in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO alerts_alert ({names}) SELECT {values} "  # noqa: S608
            "FROM pumps_forecast f JOIN pumps_pump p ON p.id = f.pump_id, alerts_alert a "
            "WHERE f.refill_by < %(begun)s AND f.in_use AND f.pump_id <> ALL(%(chosen)s) AND a.id = %(pattern)s "
            "AND NOT EXISTS (SELECT FROM alerts_alert o WHERE o.pump_id = f.pump_id AND o.closed_at IS NULL "
            "AND o.kind = a.kind)",
            {"now": now, "begun": now + FIRST_TIER, "chosen": chosen(), "pattern": pattern},
        )
        cursor.execute("UPDATE pumps_forecast SET next_alert_at = NULL WHERE next_alert_at <= %s", [now])
        columns = [str(field.column) for field in Notification._meta.concrete_fields if field.column != "id"]
        names = ", ".join(f'"{column}"' for column in columns)
        own = {"alert_id": "a.id", "clinic_id": "a.clinic_id"}
        values = ", ".join(own.get(column, f'n."{column}"') for column in columns)
        cursor.execute(
            f"INSERT INTO alerts_notification ({names}) SELECT {values} FROM alerts_alert a, "  # noqa: S608
            "(SELECT * FROM alerts_notification WHERE alert_id = %(pattern)s AND channel = 'screen' LIMIT 1) n "
            "WHERE NOT EXISTS (SELECT FROM alerts_notification o WHERE o.alert_id = a.id)",
            {"pattern": pattern},
        )


def chosen() -> list[int]:
    """The same pumps at every size."""
    originals = Forecast.objects.filter(pk__lt=STRIDE, in_use=True, stopped_at=None, unknown_reason="")
    with_date = originals.filter(refill_by__isnull=False, stalled_at=None).order_by("pk")
    return list(with_date.values_list("pk", flat=True)[:DUE])


def rounds(now: datetime) -> list[float]:
    """Milliseconds of each round, its rolling back apart."""
    due = chosen()

    found: list[float] = []
    for _ in range(TIMES + 1):
        try:
            with transaction.atomic():
                Forecast.objects.filter(pk__in=due).update(next_alert_at=now, refill_by=now - timedelta(days=1))
                started = time.perf_counter()
                told = fleet.tick(now)
                found.append((time.perf_counter() - started) * 1000)
                if told < DUE:
                    raise SystemExit(f"A round told {told} alerts, where {DUE} were due.")
                raise _Undone
        except _Undone:
            continue
    return found[1:]


if __name__ == "__main__":
    sys.exit(main([int(size) for size in sys.argv[1:]] or SIZES))

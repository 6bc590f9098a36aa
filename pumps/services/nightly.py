"""The nightly run: learn from the fleet, check every stored forecast against its ledger, renew it.

The fleet is shared out in ranges of pump ids; workers take one each, a batch a transaction, so that any of them can be
killed at any moment and the run goes on where it stopped.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Sum

from pumps import forecasting
from pumps.models import FleetCheck, FleetPart, PriorVersion, Pump
from pumps.services import figures, priors, renewal

logger = logging.getLogger(__name__)

# So many pumps are in memory at once.
BATCH = 4000
# Ranges of a run: enough that the workers finish together, however the pumps lie in them.
PARTS = 8
# The fleet is checked once a day, from this hour UTC on.
NIGHT_HOUR = 2
KEPT_DIFFERENCES = 100
# The key of the lock under which a run begins: any number that nothing else locks.
BEGIN_LOCK = 0x_B81A_2002


def run_if_due(now: datetime) -> FleetCheck | None:
    """Begin a run, or go on with one; None if tonight's is done. Several workers may do so at once, and share it."""
    check = begun(now)
    if check is None:
        return None
    while _advance(check, now):
        pass
    _finish(check, now)
    check.refresh_from_db()
    return check


@transaction.atomic
def begun(now: datetime) -> FleetCheck | None:
    """The run to work on, begun now if the last is from an earlier night; None if tonight's is done."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [BEGIN_LOCK])
    last = FleetCheck.objects.first()
    if last is not None and last.finished_at is None:
        return last
    if last is not None and last.started_at >= _last_night(now):
        return None
    check = FleetCheck.objects.create(started_at=now, prior_version=_learned())
    FleetPart.objects.bulk_create(
        FleetPart(check_run=check, done_pump_id=first - 1, last_pump_id=last_id) for first, last_id in _ranges()
    )
    return check


def _learned() -> PriorVersion:
    """What the fleet teaches; if that breaks, what was believed before, since the check must not wait for it."""
    try:
        return priors.learn()
    except Exception:  # the run's edge: the forecasts are checked whatever happens here
        logger.exception("nothing could be learned from the fleet tonight")
        return forecasting.current_prior()


def _last_night(now: datetime) -> datetime:
    """When the latest night began."""
    tonight = now.replace(hour=NIGHT_HOUR, minute=0, second=0, microsecond=0)
    return tonight if tonight <= now else tonight - timedelta(days=1)


def _ranges() -> list[tuple[int, int]]:
    """Ranges of ids with about as many pumps each."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT min(id), max(id) FROM (SELECT id, ntile(%s) OVER (ORDER BY id) AS part FROM pumps_pump) AS shared "
            "GROUP BY part ORDER BY part",
            [PARTS],
        )
        return [(first, last) for first, last in cursor.fetchall()]


@transaction.atomic
def _advance(check: FleetCheck, now: datetime) -> bool:
    """Do the next batch of a part that no other worker is at; False if there is none."""
    part = check.parts.select_for_update(skip_locked=True).filter(finished_at=None).first()
    if part is None:
        return False
    in_part = Pump.objects.filter(pk__gt=part.done_pump_id, pk__lte=part.last_pump_id).order_by("pk")
    ids = list(in_part.values_list("pk", flat=True)[:BATCH])
    if ids:
        renewed, differing = _checked(ids, now)
        part.done_pump_id = ids[-1]
        part.pumps += len(ids)
        part.renewed += renewed
        part.differing += len(differing)
        part.differing_pumps = [*part.differing_pumps, *differing][:KEPT_DIFFERENCES]
    if len(ids) < BATCH:
        part.finished_at = now
    part.save()
    return True


def _checked(ids: Sequence[int], now: datetime) -> tuple[int, list[dict[str, Any]]]:
    """How many forecasts were renewed, and which pumps' differed. If a batch breaks, it is halved until the pump that
    breaks it is alone, so that one pump cannot hide those behind it."""
    try:
        with transaction.atomic():
            return renewal.check_and_renew(ids, now=now)
    except Exception:  # the run's edge: whatever it is, the other pumps go on
        logger.exception("the forecasts of pumps %s to %s could not be checked", ids[0], ids[-1])
    if len(ids) == 1:
        return 0, [{"pump": ids[0], "fields": ["could not be computed"]}]
    middle = len(ids) // 2
    parts = [_checked(half, now) for half in (ids[:middle], ids[middle:])]
    return sum(renewed for renewed, _ in parts), [row for _, rows in parts for row in rows]


@transaction.atomic
def _finish(check: FleetCheck, now: datetime) -> None:
    """Sum up, once the last part is done; whoever comes first does it."""
    locked = FleetCheck.objects.select_for_update().get(pk=check.pk)
    if locked.finished_at is not None or locked.parts.filter(finished_at=None).exists():
        return
    total = locked.parts.aggregate(pumps=Sum("pumps"), renewed=Sum("renewed"), differing=Sum("differing"))
    locked.pumps, locked.renewed = total["pumps"] or 0, total["renewed"] or 0
    locked.differing = total["differing"] or 0
    rows = [row for part in locked.parts.all() for row in part.differing_pumps]
    locked.differing_pumps = rows[:KEPT_DIFFERENCES]
    locked.finished_at = now
    locked.save()
    figures.renew(now)


def last_check() -> dict[str, Any] | None:
    """The newest nightly check, for the health probe; None before the first."""
    check = FleetCheck.objects.first()
    if check is None:
        return None
    return {
        "started_at": check.started_at,
        "finished_at": check.finished_at,
        "pumps": check.pumps,
        "differing": check.differing,
    }

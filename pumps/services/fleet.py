"""The fleet's regular work: alerts that have become due, and the nightly check of every forecast."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from alerts.services import engine, telling
from pumps import forecasting
from pumps.alerting import reconcile
from pumps.models import FleetCheck, Forecast, Pump

logger = logging.getLogger(__name__)

BATCH = 500
# The fleet is checked once a day, from this hour UTC on.
NIGHT_HOUR = 2
KEPT_DIFFERENCES = 100


def tick(now: datetime) -> int:
    """One round of the engine; returns how many alerts were acted on.

    In steps: (1) open the alerts of forecasts that have come due; (2) tell whoever has to be told; (3) beat. Each step
    commits on its own and can be run again.
    """
    _open_due(now)
    told = telling.advance(now)
    engine.beat(engine.TICK, now=now)
    return told


def _open_due(now: datetime) -> None:
    """Reconcile every due forecast that no other tick or write holds, a batch a transaction.

    A batch that breaks is gone through pump by pump, so that one pump cannot hold up the others; the one that broke
    stays due, which the engine's health counts as late.
    """
    broken: set[int] = set()
    while True:
        with transaction.atomic():
            rows = _claim_due(now, broken)
            if not rows:
                return
            try:
                with transaction.atomic():
                    reconcile(rows, now=now)
            except Exception:  # noqa: BLE001  stored and logged pump by pump below
                broken |= _reconcile_singly(rows, now)


def _claim_due(now: datetime, without: set[int]) -> list[Forecast]:
    due = Forecast.objects.due(now).exclude(pump__in=without).select_related("pump")
    return list(due.select_for_update(skip_locked=True, of=("self",))[:BATCH])


def _reconcile_singly(rows: Sequence[Forecast], now: datetime) -> set[int]:
    """The pumps whose alerts could not be brought into line."""
    broken = set()
    for row in rows:
        try:
            with transaction.atomic():
                reconcile([row], now=now)
        except Exception:  # the tick's edge: whatever it is, the other pumps go on
            logger.exception("the alerts of pump %s could not be brought into line", row.pump_id)
            broken.add(row.pump_id)
    return broken


def late_pumps(now: datetime) -> int:
    """Forecasts whose alert should have been opened by now."""
    return Forecast.objects.due(now - engine.patience()).count()


def nightly_if_due(now: datetime) -> FleetCheck | None:
    """Start a check, or go on with an interrupted one, if the last is from an earlier night.

    The newest check is locked for the length of one batch only, so two workers share the work rather than do it twice.
    """
    last = FleetCheck.objects.first()
    if last is not None and last.finished_at is not None and last.started_at >= _last_night(now):
        return None
    if last is None or last.finished_at is not None:
        last = FleetCheck.objects.create(started_at=now, prior_version=forecasting.current_prior())
    while _check_batch(last.pk, now):
        pass
    last.refresh_from_db()
    return last


def _last_night(now: datetime) -> datetime:
    """When the latest night began."""
    tonight = now.replace(hour=NIGHT_HOUR, minute=0, second=0, microsecond=0)
    return tonight if tonight <= now else tonight - timedelta(days=1)


@transaction.atomic
def _check_batch(check_id: int, now: datetime) -> bool:
    """Check the next batch and store how far the run has come; False once the fleet is through.

    Each stored forecast is computed anew with its own prior version and must be equal. Then it is renewed with the
    current prior version, where that differs.
    """
    check = FleetCheck.objects.select_for_update().get(pk=check_id)
    if check.finished_at is not None:
        return False
    ids = list(Pump.objects.filter(pk__gt=check.last_pump_id).order_by("pk").values_list("pk", flat=True)[:BATCH])
    if not ids:
        check.finished_at = now
        check.save()
        return False
    differing = _compare_and_renew(ids, now)
    check.last_pump_id = ids[-1]
    check.pumps += len(ids)
    check.differing += len(differing)
    check.differing_pumps = [*check.differing_pumps, *differing][:KEPT_DIFFERENCES]
    check.save()
    return True


def _compare_and_renew(pump_ids: Sequence[int], now: datetime) -> list[dict[str, Any]]:
    """Compare a batch and renew it; if that breaks, pump by pump, so that one pump cannot hide those behind it."""
    try:
        with transaction.atomic():
            differing = compare(pump_ids, now=now)
            forecasting.recompute(pump_ids, now=now)
    except Exception:
        logger.exception("the forecasts of pumps %s to %s could not be checked", pump_ids[0], pump_ids[-1])
        if len(pump_ids) == 1:
            return [{"pump": pump_ids[0], "fields": ["could not be computed"]}]
        return [found for pump_id in pump_ids for found in _compare_and_renew([pump_id], now)]
    return differing


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


def compare(pump_ids: Sequence[int], *, now: datetime) -> list[dict[str, Any]]:
    """Pumps whose stored forecast is not what the ledger gives with the same prior version; there should be none."""
    pumps = forecasting.locked(pump_ids)
    stored = Forecast.objects.select_related("prior_version").in_bulk(pump_ids)
    missing = [pump.pk for pump in pumps if pump.pk not in stored]
    known = [pump for pump in pumps if pump.pk in stored]
    fresh = forecasting.fresh(known, [stored[pump.pk].prior_version for pump in known], now=now)
    differing: list[dict[str, Any]] = [{"pump": pump_id, "fields": ["missing"]} for pump_id in missing]
    for row in fresh:
        fields = forecasting.differs(stored[row.pump_id], row)
        if fields:
            logger.error("forecast of pump %s differs from its ledger in %s", row.pump_id, ", ".join(fields))
            differing.append({"pump": row.pump_id, "fields": fields})
    return differing

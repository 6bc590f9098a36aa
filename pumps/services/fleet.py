"""The fleet's regular work by day: alerts that have become due. By night: `nightly`."""

import logging
from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from alerts.services import digests, engine, telling
from pumps.alerting import reconcile
from pumps.models import Forecast

logger = logging.getLogger(__name__)

BATCH = 500


def tick(now: datetime) -> int:
    """One round of the engine; returns how many alerts were acted on.

    In steps: (1) open the alerts of forecasts that have come due; (2) write the digests of clinics whose morning has
    come; (3) tell whoever has to be told; (4) beat. Each step commits on its own and can be run again.
    """
    _open_due(now)
    digests.write_due(now)
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

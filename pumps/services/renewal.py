"""Check and renew the forecasts of many pumps at once.

No lock is held while they are computed. A row is replaced only if it still is the one that was read (its `computed_at`
is compared and set), so what somebody records meanwhile always wins; a row that seems to differ from its ledger is
looked at again by itself, under the pump's lock, before it is reported.
"""

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np

from clinical.columns import Ints
from clinical.depletion import measure
from clinical.forecast import forecasts
from pumps import batches, forecasting, stored
from pumps.looking import next_looks
from pumps.models import Forecast, PriorVersion

logger = logging.getLogger(__name__)


def check_and_renew(pump_ids: Sequence[int], *, now: datetime) -> tuple[int, list[dict[str, Any]]]:
    """How many forecasts were renewed, and the pumps whose stored one was not what the ledger gives; `pump_ids` in
    order.

    Each is computed anew with its own prior version and must be equal; then with the newest one, where that is another.
    """
    rows = stored.read(np.array(pump_ids, dtype=np.int64))
    missing = sorted({*pump_ids} - {*rows.pump_id.tolist()})
    differing = compare(missing, now=now)
    if missing:
        forecasting.recompute(missing, now=now)
    if len(rows.pump_id) == 0:
        return len(missing), differing
    batch = batches.read(rows.pump_id.tolist())
    versions = list(PriorVersion.objects.filter(pk__in=np.unique(rows.version_id).tolist()).order_by("pk"))
    places = np.searchsorted([version.pk for version in versions], rows.version_id)
    measured = measure(batch.fleet)
    found = forecasts(batch.believing(versions, places), batch.terms, batch.watched, measured)
    differences = stored.differing(rows, stored.fresh(batch, found), found.findings)
    differing += compare(rows.pump_id[_any(differences, len(rows.pump_id))].tolist(), now=now)
    current = forecasting.current_prior()
    if [version.pk for version in versions] != [current.pk]:
        believing = batch.believing([current], np.zeros_like(places))
        found = forecasts(believing, batch.terms, batch.watched, measured)
        differences = stored.differing(rows, stored.fresh(batch, found), found.findings)
    changed = _any(differences, len(rows.pump_id))
    if len(changed):
        stored.replace(
            rows,
            changed,
            stored.fresh(batch, found),
            found.findings,
            version_id=current.pk,
            next_alert_at=next_looks(batch, found, now=now),
            now=now,
        )
    return len(changed) + len(missing), differing


def _any(differences: dict[str, Any], pumps: int) -> Ints:
    """The places that differ in some field."""
    flags = np.zeros(pumps, dtype=np.bool_)
    for each in differences.values():
        flags |= each
    return np.flatnonzero(flags)


def compare(pump_ids: Sequence[int], *, now: datetime) -> list[dict[str, Any]]:
    """Pumps whose stored forecast is not what the ledger gives with the same prior version, under their locks."""
    found: list[dict[str, Any]] = []
    for pump in forecasting.locked(pump_ids) if pump_ids else ():
        row = Forecast.objects.select_related("prior_version").filter(pump=pump).first()
        if row is None:
            found.append({"pump": pump.pk, "fields": ["missing"]})
            continue
        [fresh] = forecasting.fresh([pump], [row.prior_version], now=now)
        fields = forecasting.differs(row, fresh)
        if fields:
            logger.error("forecast of pump %s differs from its ledger in %s", pump.pk, ", ".join(fields))
            found.append({"pump": pump.pk, "fields": fields})
    return found

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
from pumps.services import outliers
from pumps.stored import Stored

logger = logging.getLogger(__name__)


def check_and_renew(pump_ids: Sequence[int], *, now: datetime) -> tuple[int, list[dict[str, Any]]]:
    """How many forecasts were renewed, and the pumps whose stored one was not what the ledger gives; `pump_ids` in
    order.

    Each is computed anew with its own prior version and must be equal; then with the newest one, where that is another.
    Which of them stand out of the fleet is written anew with it.
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
    believing = batch.believing(versions, places)
    found = forecasts(believing, batch.terms, batch.watched, measured)
    differences = stored.differing(rows, stored.fresh(batch, found), found.findings)
    suspects = rows.pump_id[_any(differences, len(rows.pump_id))].tolist()
    differing += compare(suspects, now=now)
    disagreeing = _disagreeing(rows, set(suspects) - {found["pump"] for found in differing})
    differing += [{"pump": pump_id, "fields": ["columns"]} for pump_id in sorted(disagreeing)]
    current = forecasting.current_prior()
    if [version.pk for version in versions] != [current.pk]:
        believing = batch.believing([current], np.zeros_like(places))
        found = forecasts(believing, batch.terms, batch.watched, measured)
        differences = stored.differing(rows, stored.fresh(batch, found), found.findings)
    outliers.renew(batch, believing, measured.segments, found.ratios)
    changed = _any(differences, len(rows.pump_id))
    changed = changed[~np.isin(rows.pump_id[changed], list(disagreeing))]
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


def _disagreeing(rows: Stored, pump_ids: set[int]) -> set[int]:
    """Pumps whose columns give something else than their ledger read event by event, and have not been stored anew
    since: a fault of ours, which is reported, and never written."""
    present = dict(Forecast.objects.filter(pump__in=pump_ids).values_list("pump_id", "computed_at"))
    seen = dict(zip(rows.pump_id.tolist(), rows.computed_at.tolist(), strict=True))
    found = {pump_id for pump_id, at in present.items() if seen[pump_id] == round(at.timestamp() * 1_000_000)}
    for pump_id in sorted(found):
        logger.error("the columns of pump %s do not give what its ledger gives", pump_id)
    return found


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

"""Forecasts of many pumps as the database holds them: held against fresh ones, and replaced where they differ."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from clinical.columns import Flags, Floats, Ints
from clinical.dates import LIMITS, REASONS
from clinical.findings import NO_SHELF_LIFE, Finding
from clinical.forecast import Forecasts
from clinical.units import to_seconds
from pumps import packed
from pumps.batches import Batch
from pumps.forecasting import UNKNOWN_SORTS_AT
from pumps.models import Forecast
from pumps.packed import FLAG, MOMENT, NEVER, REAL, SMALL, WHOLE, Kind

MOMENTS = (
    "programmed_low_at",
    "programmed_empty_at",
    "low_at",
    "empty_at",
    "earliest_low_at",
    "drug_expires_at",
    "max_interval_at",
    "refill_by",
    "service_ends_at",
    "filled_at",
    "stopped_at",
    "stalled_at",
)
# What two forecasts of a pump are compared by, beside their findings.
COMPARED: dict[str, Kind] = {
    **dict.fromkeys(MOMENTS, MOMENT),
    "flow_ratio_mean": REAL,
    "flow_ratio_sd": REAL,
    "flow_ratio_refills": SMALL,
    "limiting_factor": SMALL,
    "unknown_reason": SMALL,
    "clinic_id": WHOLE,
    "in_use": FLAG,
}
# Findings come as numbers first: none, only that no shelf life is known, or others, which are read one by one.
NONE, ONLY_SHELF_LIFE, OTHERS = range(3)
_LIMITS = [limit.value for limit in LIMITS]
Table = dict[str, Any]


def _selected(name: str) -> str:
    if name in MOMENTS:
        return f"coalesce({name}, '-infinity')"
    listed = {"limiting_factor": "limits", "unknown_reason": "reasons"}.get(name)
    return f"array_position(%({listed})s::text[], {name}::text) - 1" if listed else name


_READ = f"""
SELECT array_agg(pump_id), array_agg(computed_at), array_agg(prior_version_id),
       array_agg(CASE WHEN findings = '[]' THEN {NONE} WHEN findings = %(shelf)s::jsonb THEN {ONLY_SHELF_LIFE}
                      ELSE {OTHERS} END),
       {", ".join(f"array_agg({_selected(name)})" for name in COMPARED)}
FROM pumps_forecast WHERE pump_id = ANY(%(pumps)s)
"""  # noqa: S608  # our own columns


@dataclass(frozen=True)
class Stored:
    """Rows of the table in order of their pumps; `columns` are those of COMPARED."""

    pump_id: Ints
    computed_at: Ints
    version_id: Ints
    findings: Ints
    columns: Table


def read(ids: Ints) -> Stored:
    parameters = {
        "pumps": packed.pack(ids, WHOLE),
        "shelf": json.dumps([NO_SHELF_LIFE.as_json()]),
        "limits": _LIMITS,
        "reasons": list(REASONS),
    }
    found = packed.read(_READ, parameters, [WHOLE, MOMENT, WHOLE, SMALL, *COMPARED.values()])
    order = np.argsort(found[0])
    pump_id, computed_at, version_id, findings, *columns = (column[order] for column in found)
    return Stored(pump_id, computed_at, version_id, findings, dict(zip(COMPARED, columns, strict=True)))


def fresh(batch: Batch, found: Forecasts) -> Table:
    """What the table would hold."""
    dates = found.dates
    moments = (
        dates.programmed_low,
        dates.programmed_empty,
        dates.low,
        dates.empty,
        dates.earliest_low,
        dates.drug_expires,
        dates.max_interval,
        dates.refill_by,
        found.service_ends,
        dates.filled,
        dates.stopped,
        dates.stalled,
    )
    return {
        **{name: _microseconds(column) for name, column in zip(MOMENTS, moments, strict=True)},
        "flow_ratio_mean": found.ratios.mean,
        "flow_ratio_sd": found.ratios.sd,
        "flow_ratio_refills": found.ratios.refills,
        "limiting_factor": dates.limit,
        "unknown_reason": dates.reason,
        "clinic_id": batch.clinic_ids,
        "in_use": batch.is_in_use,
    }


def _microseconds(seconds: Floats) -> Ints:
    unknown = np.isnan(seconds)
    return np.where(unknown, NEVER, np.rint(np.where(unknown, 0.0, seconds) * 1e6)).astype(np.int64)


def differing(stored: Stored, table: Table, findings: Sequence[tuple[Finding, ...]]) -> dict[str, Flags]:
    """By field, which pumps have it otherwise in the table; fields without a difference are left out. Rows align."""
    found = {name: stored.columns[name] != table[name] for name in COMPARED}
    codes = np.array([_code(each) for each in findings], dtype=np.int64)
    odd = codes != stored.findings
    both = np.flatnonzero(~odd & (codes == OTHERS))
    if len(both):
        ids = stored.pump_id[both].tolist()
        known = dict(Forecast.objects.filter(pump__in=ids).values_list("pump_id", "findings"))
        odd[both] = [known.get(pk) != _json(findings[place]) for pk, place in zip(ids, both.tolist(), strict=True)]
    found["findings"] = odd
    return {name: flags for name, flags in found.items() if flags.any()}


def _code(findings: tuple[Finding, ...]) -> int:
    if not findings:
        return NONE
    return ONLY_SHELF_LIFE if findings == (NO_SHELF_LIFE,) else OTHERS


def _json(findings: tuple[Finding, ...]) -> list[dict[str, str]]:
    return [finding.as_json() for finding in findings]


_WRITTEN: Mapping[str, Kind] = {"pump_id": WHOLE, "seen": MOMENT, **COMPARED, "next_alert_at": MOMENT}


def _assigned(name: str) -> str:
    if name in (*MOMENTS, "next_alert_at"):
        return f"{name} = nullif(new.{name}, '-infinity')"
    listed = {"limiting_factor": "limits", "unknown_reason": "reasons"}.get(name)
    return f"{name} = (%({listed})s::text[])[new.{name} + 1]" if listed else f"{name} = new.{name}"


# The rows are locked in the order of their pumps, as every other writer of many forecasts has it.
_WRITE = f"""
WITH held AS MATERIALIZED (
    SELECT pump_id FROM pumps_forecast WHERE pump_id = ANY(%(pump_id)s) ORDER BY pump_id FOR NO KEY UPDATE
)
UPDATE pumps_forecast AS old SET
    {", ".join(_assigned(name) for name in _WRITTEN if name not in ("pump_id", "seen"))},
    findings = new.findings::jsonb, prior_version_id = %(version)s, computed_at = %(now)s,
    worklist_at = coalesce(nullif(new.refill_by, '-infinity'), %(unknown)s)
FROM unnest({", ".join(f"%({name})s" for name in _WRITTEN)}, %(findings)s::text[])
    AS new({", ".join(_WRITTEN)}, findings) JOIN held USING (pump_id)
WHERE old.pump_id = new.pump_id AND old.computed_at = new.seen
"""  # noqa: S608  # our own columns


def replace(
    stored: Stored,
    which: Ints,
    table: Table,
    findings: Sequence[tuple[Finding, ...]],
    *,
    version_id: int,
    next_alert_at: Floats,
    now: datetime,
) -> int:
    """Store the fresh forecasts of the rows `which`, but of a pump whose forecast was stored anew since it was read.

    `next_alert_at` is in seconds. Returns how many rows were stored.
    """
    values = {
        **table,
        "pump_id": stored.pump_id,
        "seen": stored.computed_at,
        "next_alert_at": _microseconds(next_alert_at),
    }
    known = {code: json.dumps(_json(each)) for code, each in ((NONE, ()), (ONLY_SHELF_LIFE, (NO_SHELF_LIFE,)))}
    texts = [known.get(_code(findings[place])) or json.dumps(_json(findings[place])) for place in which.tolist()]
    parameters = {name: packed.pack(values[name][which], kind) for name, kind in _WRITTEN.items()}
    return packed.write(
        _WRITE,
        {
            **parameters,
            "findings": texts,
            "limits": _LIMITS,
            "reasons": list(REASONS),
            "version": version_id,
            "now": now,
            "unknown": UNKNOWN_SORTS_AT,
        },
    )


def moment_of(now: datetime) -> float:
    return to_seconds(now)

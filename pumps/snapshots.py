"""A pump at one moment: its dates, and what its reservoir holds."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from math import isnan
from typing import Any

from clinical import forecast as clinical
from clinical.ledger import LedgerEvent
from clinical.terms import ClinicRules
from pumps import folding
from pumps.known import known
from pumps.models import Forecast, PriorVersion, Pump
from pumps.tip import Tip, tip_of

DATES = (
    "programmed_low_at",
    "programmed_empty_at",
    "low_at",
    "empty_at",
    "earliest_low_at",
    "drug_expires_at",
    "max_interval_at",
    "refill_by",
    "service_ends_at",
)


@dataclass(frozen=True)
class Volume:
    """mL in the reservoir, and the flow in mL/day; None while unknown. Low and high: 1st and 99th percentile."""

    programmed: float | None
    expected: float | None
    low: float | None
    high: float | None
    flow_ml_per_day: float | None


@dataclass(frozen=True)
class Snapshot:
    at: datetime
    known_at: datetime | None
    dates: dict[str, datetime | None]
    limiting_factor: str
    unknown_reason: str
    flow_ratio: clinical.FlowRatio
    findings: list[dict[str, Any]]
    prior_version_id: int
    volume: Volume
    tip: Tip | None = None


def snapshot(pump: Pump, *, at: datetime, now: datetime, known_at: datetime | None = None) -> Snapshot:
    """A pump at `at`, as it is known today, or as it was known at `known_at` (not after `now`).

    Without `known_at` it is hindsight. For the past: the events that happened until `at`, as they stand today, with
    today's settings and prior version. From now on: the stored forecast.

    With `known_at` it is the forecast as it stood then: the entries, plans included, that were recorded until then,
    voids only if they were too, with the settings and the prior version of then (`pumps.known` says how far those are
    kept). An `at` before `known_at` leaves out what happened after `at`, as above. Before a pump's first entry was
    recorded the forecast is unknown, as it is for any pump without a fill.

    `pump` comes with model, clinic and forecast with its version.
    """
    if known_at is not None:
        stood = known(pump, known_at)
        until = at if at < known_at else None
        ledger = folding.ledgers([pump.pk], until=until, known_at=known_at).get(pump.pk, [])
        tip = tip_of(stood.pump, ledger, at)
        return replace(_computed(stood.pump, ledger, stood.version, stood.rules, at), known_at=known_at, tip=tip)
    row = pump.forecast
    version = row.prior_version
    ledger = folding.ledgers([pump.pk], until=at if at < now else None).get(pump.pk, [])
    tip = tip_of(pump, ledger, at)
    if at >= now:
        volume = _volume(clinical.volumes(folding.device(pump, version).facts, ledger, [at]))
        return replace(_stored(row, at, volume), tip=tip)
    rules = folding.rules([pump.clinic])[pump.clinic_id]
    return replace(_computed(pump, ledger, version, rules, at), tip=tip)


def _computed(
    pump: Pump, ledger: Sequence[LedgerEvent], version: PriorVersion, rules: ClinicRules, at: datetime
) -> Snapshot:
    device = folding.device(pump, version)
    volume = _volume(clinical.volumes(device.facts, ledger, [at]))
    return _past(clinical.forecast(device, ledger, rules), at, version, volume)


def _volume(curve: clinical.VolumeCurve) -> Volume:
    return Volume(
        programmed=_known(curve.programmed[0]),
        expected=_known(curve.expected[0]),
        low=_known(curve.low[0]),
        high=_known(curve.high[0]),
        flow_ml_per_day=_known(curve.flow_ml_per_day[0]),
    )


def _known(value: float) -> float | None:
    return None if isnan(value) else value


def _stored(row: Forecast, at: datetime, volume: Volume) -> Snapshot:
    return Snapshot(
        at=at,
        known_at=None,
        dates={name: getattr(row, name) for name in DATES},
        limiting_factor=row.limiting_factor,
        unknown_reason=row.unknown_reason,
        flow_ratio=clinical.FlowRatio(row.flow_ratio_mean, row.flow_ratio_sd, row.flow_ratio_refills),
        findings=row.findings,
        prior_version_id=row.prior_version_id,
        volume=volume,
    )


def _past(found: clinical.Forecast, at: datetime, version: PriorVersion, volume: Volume) -> Snapshot:
    return Snapshot(
        at=at,
        known_at=None,
        dates={name: getattr(found, name) for name in DATES},
        limiting_factor=found.limiting_factor.value,
        unknown_reason=found.unknown_reason,
        flow_ratio=found.flow_ratio,
        findings=[finding.as_json() for finding in found.findings],
        prior_version_id=version.pk,
        volume=volume,
    )

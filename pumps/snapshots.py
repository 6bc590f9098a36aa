"""A pump at one moment: its dates, and what its reservoir holds."""

from dataclasses import dataclass
from datetime import datetime
from math import isnan
from typing import Any

from clinical import forecast as clinical
from pumps import folding
from pumps.models import Forecast, PriorVersion, Pump

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
    dates: dict[str, datetime | None]
    limiting_factor: str
    unknown_reason: str
    flow_ratio: clinical.FlowRatio
    findings: list[dict[str, Any]]
    prior_version_id: int
    volume: Volume


def snapshot(pump: Pump, *, at: datetime, now: datetime) -> Snapshot:
    """A pump as known at `at`: for the past from the events up to then, from now on from the stored forecast.

    `pump` comes with model, clinic and forecast.
    """
    row = pump.forecast
    version = row.prior_version
    ledger = folding.ledgers([pump.pk], until=at if at < now else None).get(pump.pk, [])
    device = folding.device(pump, version)
    volume = _volume(clinical.volumes(device.facts, ledger, [at]))
    if at >= now:
        return _stored(row, at, volume)
    rules = folding.rules([pump.clinic])[pump.clinic_id]
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
        dates={name: getattr(found, name) for name in DATES},
        limiting_factor=found.limiting_factor.value,
        unknown_reason=found.unknown_reason,
        flow_ratio=found.flow_ratio,
        findings=[finding.as_json() for finding in found.findings],
        prior_version_id=version.pk,
        volume=volume,
    )

"""Forecasts from the ledger into their table: for one pump within the write, for the fleet in batches."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import connection, transaction

from clinical import forecast as clinical
from clinical.ledger import LedgerEvent
from clinical.terms import ClinicRules
from clinics.models import Clinic
from patients.models import Patient
from pumps import folding
from pumps.models import Forecast, PriorVersion, Pump

UNKNOWN_SORTS_AT = datetime(1970, 1, 1, tzinfo=UTC)
_BOOKKEEPING = {"pump", "clinic", "computed_at", "next_alert_at"}
_UPDATED = [field.name for field in Forecast._meta.concrete_fields if field.name != "pump"]
_COMPARED = [field.attname for field in Forecast._meta.concrete_fields if field.name not in _BOOKKEEPING]


def current_prior() -> PriorVersion:
    """The newest belief about flow ratios.

    Raises:
        PriorVersion.DoesNotExist: the catalogue was never synced (`sync_catalogue`).
    """
    return PriorVersion.objects.latest("pk")


Ledgers = Mapping[int, Sequence[LedgerEvent]]


def fresh(
    pumps: Sequence[Pump],
    versions: Sequence[PriorVersion],
    *,
    now: datetime,
    ledgers: Ledgers | None = None,
    rules: Mapping[int, ClinicRules] | None = None,
) -> list[Forecast]:
    """Unsaved forecasts of pumps, `versions[i]` for `pumps[i]`. Pumps come with model, clinic and patient.

    `ledgers` are their events by pump id, and `rules` what their clinics set by clinic id, where the caller has them
    already, or asks what would follow from others.
    """
    if ledgers is None:
        ledgers = folding.ledgers([pump.pk for pump in pumps])
    if rules is None:
        rules = folding.rules({pump.clinic_id: pump.clinic for pump in pumps}.values())
    results = clinical.forecast_fleet(
        [folding.device(pump, version) for pump, version in zip(pumps, versions, strict=True)],
        [ledgers.get(pump.pk, []) for pump in pumps],
        [rules[pump.clinic_id] for pump in pumps],
    )
    return [_row(*found, now) for found in zip(pumps, versions, results, strict=True)]


def _row(pump: Pump, version: PriorVersion, result: clinical.Forecast, now: datetime) -> Forecast:
    in_use = pump.status == Pump.Status.ACTIVE and pump.patient.status == Patient.Status.ACTIVE
    return Forecast(
        pump=pump,
        clinic=pump.clinic,
        in_use=in_use,
        limiting_factor=result.limiting_factor.value,
        unknown_reason=result.unknown_reason,
        flow_ratio_mean=result.flow_ratio.mean,
        flow_ratio_sd=result.flow_ratio.sd,
        flow_ratio_refills=result.flow_ratio.refills,
        findings=[finding.as_json() for finding in result.findings],
        prior_version=version,
        worklist_at=result.refill_by or UNKNOWN_SORTS_AT,
        computed_at=now,
        # Whatever changed, the next tick looks at its alerts; a write that reconciles them itself sets this again.
        next_alert_at=now,
        **_moments(result),
    )


def _moments(result: clinical.Forecast) -> dict[str, Any]:
    names = (
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
    return {name: getattr(result, name) for name in names}


def store(forecasts: Iterable[Forecast]) -> None:
    """Insert or replace the forecasts of their pumps."""
    Forecast.objects.bulk_create(
        forecasts,
        batch_size=1000,
        update_conflicts=True,
        unique_fields=["pump"],
        update_fields=_UPDATED,
    )


def differs(stored: Forecast, computed: Forecast) -> list[str]:
    """The fields in which two forecasts of a pump disagree, bookkeeping aside."""
    return [name for name in _COMPARED if getattr(stored, name) != getattr(computed, name)]


def locked(pump_ids: Sequence[int]) -> list[Pump]:
    """Pumps locked in id order, so that nothing else writes to their ledgers until the transaction ends.

    What they point to is read after the lock is had: a settings change that committed while this waited counts.
    """
    pumps = Pump.objects.filter(pk__in=pump_ids).order_by("pk")
    list(pumps.select_for_update(no_key=True).values_list("pk", flat=True))
    return _read(pump_ids)


def _read(pump_ids: Sequence[int]) -> list[Pump]:
    return list(Pump.objects.filter(pk__in=pump_ids).order_by("pk").select_related("model", "clinic", "patient"))


# Pump by pump: a forecast is locked after its pump, in one trip to the database.
_LOCK = """
WITH pump AS MATERIALIZED (SELECT id FROM pumps_pump WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE)
SELECT count(*) FROM pump
LEFT JOIN LATERAL (SELECT FROM pumps_forecast WHERE pump_id = pump.id FOR UPDATE) AS forecast ON true
"""


def held(pump_ids: Sequence[int]) -> list[Pump]:
    """As `locked`, with their forecasts: neither another write nor a round moves their alerts meanwhile."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [list(pump_ids)])
    return _read(pump_ids)


@transaction.atomic
def recompute(pump_ids: Sequence[int], *, now: datetime) -> int:
    """Forecast pumps anew with the current prior and store what changed; the next tick moves their alerts.

    Returns how many forecasts changed.
    """
    pumps = locked(pump_ids)
    version = current_prior()
    stored = Forecast.objects.in_bulk([pump.pk for pump in pumps])
    changed = [
        row
        for row in fresh(pumps, [version] * len(pumps), now=now)
        if row.pump_id not in stored or differs(stored[row.pump_id], row)
    ]
    store(changed)
    return len(changed)


Progress = Callable[[int, int], None]


def quiet(done: int, total: int) -> None:
    """No progress."""


def recompute_clinic(clinic: Clinic, *, now: datetime, batch: int = 1000, progress: Progress = quiet) -> int:
    """Forecast all pumps of a clinic anew, after its settings changed; `progress` is told how many are done."""
    ids = list(Pump.objects.filter(clinic=clinic).order_by("pk").values_list("pk", flat=True))
    changed = 0
    for start in range(0, len(ids), batch):
        progress(start, len(ids))
        changed += recompute(ids[start : start + batch], now=now)
    progress(len(ids), len(ids))
    return changed

"""Rows of the database as the kernel's facts: the only reader of the ledger for forecasts."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from clinical.forecast import ClinicRules, Device
from clinical.ledger import Fill, LedgerEvent, Prior, ProgramChange, PumpFacts
from clinics.models import Clinic
from pumps.models import Event, PriorVersion, Pump
from pumps.programs_json import program_of

_COLUMNS = (
    "pump_id",
    "kind",
    "occurred_at",
    "filled_ml",
    "aspirated_ml",
    "concentration_mcg_per_ml",
    "programmed_concentration_mcg_per_ml",
    "stability_days",
    "drug_expires_on",
    "mode",
    "daily_dose_mcg",
    "steps",
    "boluses",
    "clock_offset_s",
)


def ledgers(pump_ids: Sequence[int], *, until: datetime | None = None) -> dict[int, list[LedgerEvent]]:
    """The standing events of pumps, by pump id; up to and including `until` if given. One query."""
    rows = Event.objects.standing().filter(pump__in=pump_ids).order_by("pump_id", "occurred_at", "pk")
    if until is not None:
        rows = rows.filter(occurred_at__lte=until)
    found: dict[int, list[LedgerEvent]] = defaultdict(list)
    for row in rows.values_list(*_COLUMNS).iterator(chunk_size=10_000):
        found[row[0]].append(_fact(row))
    return found


def _fact(row: tuple) -> LedgerEvent:  # type: ignore[type-arg]  # a row of _COLUMNS, mixed types
    _, kind, at, filled, aspirated, concentration, programmed, stability, expires, *dose = row
    if kind == Event.Kind.REFILL:
        return Fill(at, filled, aspirated, concentration, programmed, stability, expires)
    mode, daily_dose, steps, boluses, offset = dose
    return ProgramChange(at, program_of(mode, daily_dose, steps, boluses), offset)


def device(pump: Pump, version: PriorVersion) -> Device:
    """A pump with what its catalogue row adds. `pump.model` is read."""
    model = pump.model
    prior = version.priors[model.slug]
    return Device(
        facts=PumpFacts(
            low_reservoir_ml=pump.low_reservoir_alarm_ml,
            prior=Prior(prior["mean"], prior["sd"], prior["noise_ml"]),
            programmable=model.programmable,
            factory_flow_ml_per_day=pump.factory_flow_ml_per_day,
        ),
        implanted_on=pump.implanted_on,
        service_life_years=model.service_life_years,
        min_flow_ml_per_day=model.min_flow_ml_per_day,
        max_flow_ml_per_day=model.max_flow_ml_per_day,
    )


def rules(clinics: Iterable[Clinic]) -> dict[int, ClinicRules]:
    return {
        clinic.pk: ClinicRules(clinic.zone, clinic.refill_margin_days, clinic.max_refill_interval_days)
        for clinic in clinics
    }

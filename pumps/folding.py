"""Rows of the database as the kernel's facts: the only reader of the ledger for forecasts."""

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection

from clinical.labels import LABEL_SETS
from clinical.ledger import (
    AlarmReport,
    Bridge,
    Emptying,
    Fill,
    Interrogation,
    LedgerEvent,
    Motor,
    MotorChange,
    MriScan,
    Prior,
    ProgramChange,
    PumpBolus,
    PumpFacts,
    ReservoirAccess,
)
from clinical.terms import ClinicRules, Device, Product
from clinics.models import Clinic
from pumps.models import DrugProduct, Event, PriorVersion, Pump, PumpModel
from pumps.programs_json import program_of


class Row(NamedTuple):
    """The columns of an event that a forecast reads, under the model's own names."""

    pump_id: int
    kind: str
    occurred_at: datetime
    filled_ml: Any
    aspirated_ml: Any
    concentration_mcg_per_ml: Any
    programmed_concentration_mcg_per_ml: Any
    stability_days: int | None
    drug_expires_on: Any
    formulation: str
    mode: str
    daily_dose_mcg: Any
    steps: Any
    boluses: Any
    clock_offset_s: int | None
    injected_ml: Any
    volume_ml: Any
    dose_mcg: Any
    duration_hours: Any
    alarms: Any
    tones: int | None
    reservoir_emptied: bool | None
    emptying: str
    patient_bolus_mcg: Any
    patient_boluses_per_day: int | None
    is_planned: bool
    confirms_at: datetime | None


def ledgers(
    pump_ids: Sequence[int],
    *,
    until: datetime | None = None,
    without: Collection[int] = (),
    known_at: datetime | None = None,
) -> dict[int, list[LedgerEvent]]:
    """The standing events of pumps as facts, by pump id. One query; the rest as `rows`."""
    return facts(rows(pump_ids, until=until, without=without, known_at=known_at))


# A fleet's ledgers come in pieces of so many events, one pump's in one.
PIECE = 10_000
# What `EventQuerySet.standing` says, of one pump: composing it anew takes Django thrice as long as asking it.
_OF_ONE = f"""
SELECT id, {", ".join(Row._fields)} FROM pumps_event AS event
WHERE pump_id = %s AND kind <> 'void' AND NOT EXISTS (SELECT FROM pumps_event AS void WHERE void.voids_id = event.id)
ORDER BY occurred_at, id
"""  # noqa: S608  # names of our own
_JSON = [1 + Row._fields.index(name) for name in ("steps", "boluses")]


def rows(
    pump_ids: Sequence[int],
    *,
    until: datetime | None = None,
    without: Collection[int] = (),
    known_at: datetime | None = None,
) -> Iterator[Row]:
    """The standing events of pumps, each pump's in order; up to and including `until` if given, `without` some.

    With `known_at` they are those that stood then: recorded until then, and not declared an error until then.
    """
    if len(pump_ids) == 1 and known_at is None:
        found = (Row._make(row) for pk, *row in _of_one(pump_ids[0]) if pk not in without)
        return (row for row in found if until is None or row.occurred_at <= until)
    standing = Event.objects.standing(known_at=known_at).filter(pump__in=pump_ids)
    standing = standing.order_by("pump_id", "occurred_at", "pk")
    if until is not None:
        standing = standing.filter(occurred_at__lte=until)
    if without:
        standing = standing.exclude(pk__in=without)
    return map(Row._make, standing.values_list(*Row._fields).iterator(chunk_size=PIECE))


def _of_one(pump_id: int) -> Iterator[list[Any]]:
    """Standing events of a pump: the id, then the columns of `Row`."""
    with connection.cursor() as cursor:
        cursor.execute(_OF_ONE, [pump_id])
        found = [list(row) for row in cursor.fetchall()]
    for row in found:
        for place in _JSON:
            row[place] = json.loads(row[place])
        yield row


def facts(rows: Iterable[Row]) -> dict[int, list[LedgerEvent]]:
    """What a forecast reads of events, by pump id."""
    found: dict[int, list[LedgerEvent]] = defaultdict(list)
    confirmed: dict[int, set[datetime | None]] = defaultdict(set)
    for row in rows:
        if row.kind in _FACTS:
            found[row.pump_id].append(_FACTS[row.kind](row))
        elif row.kind == Kind.DOSE_CONFIRMED:
            confirmed[row.pump_id].add(row.confirms_at)
    for pump_id, moments in confirmed.items():
        found[pump_id] = [_confirmed(fact) if fact.at in moments else fact for fact in found[pump_id]]
    return found


def with_event(ledger: Sequence[LedgerEvent], event: Event) -> list[LedgerEvent]:
    """A pump's ledger with one event more, saved or not; the same ledger for a kind that moves no date."""
    row = Row(*(getattr(event, name) for name in Row._fields))
    if row.kind == Kind.DOSE_CONFIRMED:
        return [_confirmed(fact) if fact.at == row.confirms_at else fact for fact in ledger]
    return [*ledger, _FACTS[row.kind](row)] if row.kind in _FACTS else list(ledger)


def _confirmed(fact: LedgerEvent) -> LedgerEvent:
    """A dose change that somebody has seen programmed is no plan any more."""
    return replace(fact, is_planned=False) if isinstance(fact, ProgramChange) else fact


def _fill(row: Row) -> Fill:
    return Fill(
        at=row.occurred_at,
        filled_ml=row.filled_ml,
        aspirated_ml=row.aspirated_ml,
        concentration_mcg_per_ml=row.concentration_mcg_per_ml,
        programmed_concentration_mcg_per_ml=row.programmed_concentration_mcg_per_ml,
        stability_days=row.stability_days,
        drug_expires_on=row.drug_expires_on,
        formulation=row.formulation,
        emptying=Emptying(row.emptying),
    )


def _program(row: Row) -> ProgramChange:
    program = program_of(
        row.mode, row.daily_dose_mcg, row.steps, row.boluses, row.patient_bolus_mcg, row.patient_boluses_per_day
    )
    if row.clock_offset_s is None:
        raise ValueError("a dose change has a clock")
    return ProgramChange(row.occurred_at, program, row.clock_offset_s, row.is_planned)


def _motor(motor: Motor) -> Callable[[Row], MotorChange]:
    return lambda row: MotorChange(row.occurred_at, motor)


def _interrogation(row: Row) -> Interrogation:
    return Interrogation(
        at=row.occurred_at,
        volume_ml=row.volume_ml,
        daily_dose_mcg=row.daily_dose_mcg,
        clock_offset_s=row.clock_offset_s,
        alarms=tuple(sorted(row.alarms)),
        patient_bolus_mcg=row.patient_bolus_mcg,
    )


Kind = Event.Kind
# A catheter's access or revision moves no volume of the reservoir.
_FACTS: dict[str, Callable[[Row], LedgerEvent]] = {
    Kind.REFILL: _fill,
    Kind.DOSE_CHANGE: _program,
    Kind.INTERROGATION: _interrogation,
    Kind.STOP: _motor(Motor.STOPPED),
    Kind.RESTART: _motor(Motor.RESTARTED),
    Kind.STALL: _motor(Motor.STALLED),
    Kind.STALL_RECOVERY: _motor(Motor.RECOVERED),
    Kind.MRI: lambda row: MriScan(row.occurred_at, row.reservoir_emptied),
    Kind.BOLUS: lambda row: PumpBolus(row.occurred_at, dose_mcg=row.dose_mcg),
    Kind.PRIMING_BOLUS: lambda row: PumpBolus(row.occurred_at, volume_ml=row.volume_ml),
    Kind.BRIDGE_BOLUS: lambda row: Bridge(row.occurred_at, row.volume_ml, row.duration_hours),
    Kind.RESERVOIR_ACCESS: lambda row: ReservoirAccess(row.occurred_at, row.aspirated_ml, row.injected_ml),
    Kind.ALARM_REPORTED: lambda row: AlarmReport(row.occurred_at, row.tones),
}


def device(pump: Pump, version: PriorVersion) -> Device:
    """A pump with what its catalogue row adds. `pump.model` is read."""
    model = pump.model
    return Device(
        facts=PumpFacts(
            low_reservoir_ml=pump.low_reservoir_alarm_ml,
            prior=prior_of(version, model),
            programmable=model.programmable,
            factory_flow_ml_per_day=pump.factory_flow_ml_per_day,
        ),
        implanted_on=pump.implanted_on,
        service_life_years=model.service_life_years,
        min_flow_ml_per_day=model.min_flow_ml_per_day,
        max_flow_ml_per_day=model.max_flow_ml_per_day,
        mri_behaviour=model.mri_behaviour,
    )


def prior_of(version: PriorVersion, model: PumpModel) -> Prior:
    """What a version says of a model. The oldest versions say less."""
    return Prior(**version.priors[model.slug])


def rules(clinics: Iterable[Clinic]) -> dict[int, ClinicRules]:
    """What each clinic has set, by clinic id. One query."""
    by_id = {clinic.pk: clinic for clinic in clinics}
    products: dict[int, dict[str, Product]] = defaultdict(dict)
    for product in DrugProduct.objects.filter(clinic__in=by_id):
        products[product.clinic_id][product.key] = Product(
            product.name, product.stability_days, product.max_refill_interval_days
        )
    return {pk: rules_of(clinic, products[pk]) for pk, clinic in by_id.items()}


def rules_of(clinic: Clinic, products: dict[str, Product]) -> ClinicRules:
    return ClinicRules(
        timezone=clinic.zone,
        margin_days=clinic.refill_margin_days,
        max_refill_interval_days=clinic.max_refill_interval_days,
        labels=LABEL_SETS[clinic.label_set],
        products=products,
    )

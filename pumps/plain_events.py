"""What nearly every ledger consists of, as whole columns: refills of an emptied reservoir, dose changes, and
interrogations that showed what the ledger has."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from clinical.columns import EVENT_COLUMNS, FILL, PROGRAM, READING, CurveTable, Flags, Floats, Ints
from clinical.curves import stepped
from clinical.terms import DRUG_COLUMNS, ClinicRules, product_key
from clinical.units import SECONDS_PER_DAY, start_of_day, to_seconds
from pumps import packed
from pumps.packed import DAY, MOMENT, REAL, SMALL, WHOLE
from pumps.programs_json import curve_of_json

MICROSECONDS = 1e6
EPOCH = date(1970, 1, 1)
UNKNOWN_DAY = date(1900, 1, 1)
NO_CLOCK = -1_000_000
_KINDS = (WHOLE, WHOLE, SMALL, MOMENT, REAL, REAL, REAL, REAL, SMALL, DAY, SMALL, SMALL, REAL)
# A program without an hour, with steps of the day alone, and with boluses or weekdays.
UNIFORM, STEPPED, SHAPED = range(3)
# Odd (-1) are a dose change that is planned or lets the patient call for boluses, an interrogation with alarms or with
# what a patient called for, and all other kinds.
_SQL = f"""
SELECT array_agg(pump_id), array_agg(id), array_agg(what), array_agg(occurred_at), array_agg(amount),
       array_agg(aspirated), array_agg(filled), array_agg(programmed), array_agg(stability), array_agg(expires_on),
       array_agg(clock), array_agg(shape), array_agg(read)
FROM (
    SELECT pump_id, id, occurred_at,
           CASE WHEN emptying = 'emptied' THEN {FILL}
                WHEN kind = 'dose_change' AND NOT is_planned AND patient_boluses_per_day IS NULL THEN {PROGRAM}
                WHEN kind = 'interrogation' AND alarms = '{{}}' AND patient_bolus_mcg IS NULL THEN {READING}
                ELSE -1 END::int4 AS what,
           coalesce(filled_ml::float8, daily_dose_mcg::float8, 'NaN') AS amount,
           coalesce(aspirated_ml::float8, 'NaN') AS aspirated,
           coalesce(concentration_mcg_per_ml::float8, 'NaN') AS filled,
           coalesce(programmed_concentration_mcg_per_ml::float8, 'NaN') AS programmed,
           coalesce(stability_days, -1)::int4 AS stability,
           coalesce(drug_expires_on, '{UNKNOWN_DAY}') AS expires_on,
           coalesce(clock_offset_s, {NO_CLOCK}) AS clock,
           coalesce(volume_ml::float8, 'NaN') AS read,
           CASE WHEN steps = '[]' AND boluses = '[]' THEN {UNIFORM}
                WHEN boluses = '[]' AND NOT steps @? '$[*].days[*]' THEN {STEPPED}
                ELSE {SHAPED} END::int4 AS shape
    FROM pumps_event WHERE pump_id = ANY(%(pumps)s)
) AS event
"""  # noqa: S608  # numbers and a date of our own


@dataclass(frozen=True)
class Events:
    """Rows of events in any order: the place of their pump, their order within it, and the kernel's columns."""

    pump: Ints
    order: Ints
    columns: dict[str, Floats]
    drug: dict[str, Floats]


@dataclass(frozen=True)
class _Rows:
    """What the database answers, one entry an event, in order."""

    pump: Ints
    pk: Ints
    what: Ints
    at: Floats
    amount: Floats
    aspirated: Floats
    filled: Floats
    programmed: Floats
    stability: Ints
    expires_on: Ints
    clock: Ints
    shape: Ints
    read: Floats


def read(ids: Ints, rules: Sequence[ClinicRules], curves: CurveTable) -> tuple[Events, list[int]]:
    """The plain ledgers of pumps, `rules[i]` for ids[i], and the places of pumps whose ledger is not plain."""
    rows = _read(ids)
    odd = np.unique(rows.pump[(rows.what < 0) | _shows_another_dose(rows)])
    rows = _chosen(rows, ~np.isin(rows.pump, odd))
    return Events(rows.pump, np.arange(len(rows.pump)), _columns(rows, curves), _drug(rows, rules)), odd.tolist()


def _read(ids: Ints) -> _Rows:
    found = packed.read(_SQL, {"pumps": packed.pack(ids, WHOLE)}, _KINDS)
    pump_id, pk, what, at, *rest = found
    rows = _Rows(np.searchsorted(ids, pump_id), pk, what, at / MICROSECONDS, *rest)
    # Filled before programmed at one moment, and by id where that leaves it open, as `ledger.in_order` has it.
    return _chosen(rows, np.lexsort((pk, what, at, rows.pump)))


def _shows_another_dose(rows: _Rows) -> Flags:
    """Interrogations that showed a dose which is not the one in the ledger: there is something to say about those."""
    index = np.arange(len(rows.pk))
    program = np.maximum.accumulate(np.where(rows.what == PROGRAM, index, -1)) if len(index) else index
    known = (program >= 0) & (rows.pump[program] == rows.pump)
    is_same = known & (rows.amount[program] == rows.amount)
    is_another: Flags = (rows.what == READING) & ~np.isnan(rows.amount) & ~is_same
    return is_another


def _chosen(rows: _Rows, which: Flags | Ints) -> _Rows:
    return _Rows(*(getattr(rows, name)[which] for name in _Rows.__dataclass_fields__))


def _columns(rows: _Rows, curves: CurveTable) -> dict[str, Floats]:
    nothing, zero = np.full(len(rows.pk), np.nan), np.zeros(len(rows.pk))
    is_fill, is_program = rows.what == FILL, rows.what == PROGRAM
    columns = dict.fromkeys(EVENT_COLUMNS, nothing)
    columns.update(dict.fromkeys(("given_ml", "given_mcg", "added_ml", "by_patient_mcg", "is_planned"), zero))
    columns.update(
        at=rows.at,
        what=rows.what.astype(np.float64),
        filled_ml=np.where(is_fill, rows.amount, np.nan),
        aspirated_ml=np.where(is_fill, rows.aspirated, np.nan),
        concentration=np.where(is_fill, rows.programmed, np.nan),
        dose=np.where(is_program, rows.amount, np.nan),
        clock_offset_s=np.where(rows.clock == NO_CLOCK, np.nan, rows.clock),
        read_ml=rows.read,
        curve=_curves(rows, curves),
    )
    return columns


def _curves(rows: _Rows, curves: CurveTable) -> Floats:
    """The row of each program's curve in the table."""
    found = np.zeros(len(rows.pk))
    stepped = np.flatnonzero((rows.what == PROGRAM) & (rows.shape == STEPPED))
    if len(stepped):
        found[stepped] = _stepped(rows.pk[stepped], curves)
    shaped = np.flatnonzero((rows.what == PROGRAM) & (rows.shape == SHAPED))
    if len(shaped) == 0:
        return found
    parameters = {"events": packed.pack(rows.pk[shaped], WHOLE)}
    programs = packed.rows(
        "SELECT id, steps::text, boluses::text FROM pumps_event WHERE id = ANY(%(events)s)", parameters
    )
    known = {pk: curves.add(curve_of_json(json.loads(steps), json.loads(boluses))) for pk, steps, boluses in programs}
    found[shaped] = [known[pk] for pk in rows.pk[shaped].tolist()]
    return found


_STEPS = """
SELECT array_agg(id), array_agg(minute), array_agg(rate)
FROM (
    SELECT event.id, left(step.start, 2)::int4 * 60 + substr(step.start, 4)::int4 AS minute, step.rate_mcg_per_h AS rate
    FROM pumps_event AS event, jsonb_to_recordset(event.steps) AS step(start text, rate_mcg_per_h float8)
    WHERE event.id = ANY(%(events)s)
) AS step
"""


def _stepped(events: Ints, curves: CurveTable) -> Ints:
    """The rows in the table of the curves of events whose programs have steps of the day alone."""
    event, minute, rate = packed.read(_STEPS, {"events": packed.pack(events, WHOLE)}, (WHOLE, SMALL, REAL))
    order = np.lexsort((minute, event))
    ordered = np.sort(events)
    first = curves.add_stepped(*stepped(np.searchsorted(ordered, event[order]), minute[order], rate[order]))
    rows: Ints = first + np.searchsorted(ordered, events)
    return rows


def _drug(rows: _Rows, rules: Sequence[ClinicRules]) -> dict[str, Floats]:
    """The columns of `clinical.terms` for fills."""
    fills = np.flatnonzero(rows.what == FILL)
    found = {name: np.full(len(rows.pk), np.nan) for name in DRUG_COLUMNS}
    stability = np.where(rows.stability < 0, np.nan, rows.stability.astype(np.float64))
    longest = np.array([each.max_refill_interval_days for each in rules], dtype=np.float64)[rows.pump]
    _count_products(rows, rules, stability, longest)
    found["stable_until"][fills] = rows.at[fills] + stability[fills] * SECONDS_PER_DAY
    found["interval_until"][fills] = rows.at[fills] + longest[fills] * SECONDS_PER_DAY
    found["filled_concentration"][fills] = rows.filled[fills]
    expiring = fills[rows.expires_on[fills] != (UNKNOWN_DAY - EPOCH).days]
    found["expires_at"][expiring] = _each(
        lambda pump, day: _day_begins(day, rules[pump].timezone), rows.pump[expiring], rows.expires_on[expiring]
    )
    return found


def _each(function: Callable[[int, int], float], pumps: Ints, values: Ints) -> list[float]:
    return [function(pump, value) for pump, value in zip(pumps.tolist(), values.tolist(), strict=True)]


@lru_cache(maxsize=16_384)
def _day_begins(day: int, zone: ZoneInfo) -> float:
    """The first moment of a calendar day (counted from 1970) in a timezone, in seconds UTC."""
    return to_seconds(start_of_day(EPOCH + timedelta(days=day), zone))


def _count_products(rows: _Rows, rules: Sequence[ClinicRules], stability: Floats, longest: Floats) -> None:
    """Fill in what a clinic has set for the product of a fill."""
    has_products = np.array([bool(each.products) for each in rules], dtype=np.bool_)
    fills = np.flatnonzero((rows.what == FILL) & has_products[rows.pump])
    if len(fills) == 0:
        return
    parameters = {"events": packed.pack(rows.pk[fills], WHOLE)}
    names = dict(packed.rows("SELECT id, formulation FROM pumps_event WHERE id = ANY(%(events)s)", parameters))
    for place in fills.tolist():
        product = rules[rows.pump[place]].products.get(product_key(names.get(int(rows.pk[place]), "")))
        if product is None:
            continue
        if product.stability_days is not None and np.isnan(stability[place]):
            stability[place] = product.stability_days
        if product.max_refill_interval_days is not None:
            longest[place] = product.max_refill_interval_days

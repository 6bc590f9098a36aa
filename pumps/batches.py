"""Many pumps at once: their ledgers straight from the database into the kernel's columns.

A plain ledger (`plain_events`) is read as whole columns. A pump that has anything else in it goes the way of a single
pump (`folding`), event by event. Both give the same numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from clinical import columns as kernel
from clinical import terms as clinical
from clinical.columns import CurveTable, Flags, Fleet, Floats, Ints
from clinical.judging import Watched
from clinical.ledger import Prior, in_order
from clinical.terms import ClinicRules, Terms, life_ends_at
from clinical.units import SECONDS_PER_DAY
from clinics.models import Clinic
from pumps import folding, packed, plain_events
from pumps.models import PriorVersion, PumpModel
from pumps.packed import DAY, FLAG, REAL, WHOLE
from pumps.plain_events import EPOCH, Events

_PRIOR = ("mean", "sd", "noise_ml", "first_ml", "drift")
# Of a model that came into the catalogue after a version was made; none of its pumps believes in that version.
_NO_PRIOR = Prior(np.nan, np.nan, np.nan)
_PRIOR_COLUMNS = ("prior_mean", "prior_sd", "noise_ml", "first_ml", "drift")


_KINDS = (WHOLE, WHOLE, WHOLE, FLAG, REAL, REAL, DAY, REAL)
_SQL = """
SELECT array_agg(pump.id), array_agg(pump.clinic_id), array_agg(model_id),
       array_agg(pump.status = 'active' AND patient.status = 'active'), array_agg(low_reservoir_alarm_ml::float8),
       array_agg(coalesce(factory_flow_ml_per_day::float8, 'NaN')), array_agg(implanted_on),
       array_agg(coalesce(pump.flow_accuracy_pct, model.flow_accuracy_pct)::float8)
FROM pumps_pump AS pump JOIN patients_patient AS patient ON patient.id = patient_id
    JOIN pumps_pumpmodel AS model ON model.id = model_id
WHERE pump.id = ANY(%(pumps)s)
"""


@dataclass(frozen=True)
class _Pumps:
    """What the database answers, one entry a pump, in order of their ids; `implanted_on` in days since 1970."""

    pk: Ints
    clinic: Ints
    model: Ints
    is_in_use: Flags
    low_ml: Floats
    factory_flow: Floats
    implanted_on: Ints
    accuracy_pct: Floats


@dataclass(frozen=True)
class Batch:
    """Pumps in order of their ids, one entry a pump; `model` indexes `models`. The fleet has no priors yet.

    `accuracy_pct` is how good the device's flow is, in percent either way.
    """

    ids: Ints
    clinic_ids: Ints
    is_in_use: Flags
    models: Sequence[PumpModel]
    model: Ints
    accuracy_pct: Floats
    fleet: Fleet
    terms: Terms
    watched: Watched

    def believing(self, versions: Sequence[PriorVersion], version: Ints) -> Fleet:
        """The fleet with priors: pump i believes in versions[version[i]]."""
        priors = [
            [folding.prior_of(each, model) if model.slug in each.priors else _NO_PRIOR for model in self.models]
            for each in versions
        ]
        tables = {
            name: np.array([[getattr(prior, name) for prior in row] for row in priors], dtype=np.float64)
            for name in _PRIOR
        }
        columns = {
            column: tables[name][version, self.model] for name, column in zip(_PRIOR, _PRIOR_COLUMNS, strict=True)
        }
        return replace(self.fleet, **columns)  # type: ignore[arg-type]  # they are columns of floats


def read(pump_ids: Sequence[int]) -> Batch:
    """Pumps with their standing ledgers."""
    pumps = _read(np.array(pump_ids, dtype=np.int64))
    models = list(PumpModel.objects.order_by("pk"))
    model = np.searchsorted([each.pk for each in models], pumps.model)
    rules = folding.rules(Clinic.objects.filter(pk__in=np.unique(pumps.clinic).tolist()))
    by_pump = [rules[clinic_id] for clinic_id in pumps.clinic.tolist()]
    curves = CurveTable()
    plain, odd_places = plain_events.read(pumps.pk, by_pump, curves)
    odd, watched = _odd(pumps.pk, odd_places, by_pump, [models[place] for place in model.tolist()], curves)
    fleet, terms = _together(_of_pumps(pumps, by_pump, models, model), (plain, odd), curves)
    return Batch(pumps.pk, pumps.clinic, pumps.is_in_use, models, model, pumps.accuracy_pct, fleet, terms, watched)


def _read(pump_ids: Ints) -> _Pumps:
    found = packed.read(_SQL, {"pumps": packed.pack(pump_ids, WHOLE)}, _KINDS)
    order = np.argsort(found[0])
    pk, clinic, model, is_in_use, *rest = (column[order] for column in found)
    return _Pumps(pk, clinic, model, is_in_use.astype(np.bool_), *rest)


def _odd(
    ids: Ints,
    places: Sequence[int],
    rules: Sequence[ClinicRules],
    models: Sequence[PumpModel],
    curves: CurveTable,
) -> tuple[Events, Watched]:
    """The ledgers of some of the pumps, event by event."""
    facts = folding.ledgers(ids[places].tolist()) if places else {}
    ordered = {place: in_order(facts.get(int(ids[place]), [])) for place in places}
    numbers = [kernel.event_numbers(event, curves) for place in places for event in ordered[place]]
    drug = [clinical.drug_numbers(event, rules[place]) for place in places for event in ordered[place]]
    pump = np.repeat(np.array(places, dtype=np.int64), [len(ordered[place]) for place in places])
    events = Events(
        pump,
        np.arange(len(pump)),
        kernel.table(kernel.EVENT_COLUMNS, numbers),
        kernel.table(clinical.DRUG_COLUMNS, drug),
    )
    return events, {place: (ordered[place], models[place].mri_behaviour) for place in places}


def _together(
    pumps: tuple[dict[str, Floats], dict[str, Floats]], parts: Sequence[Events], curves: CurveTable
) -> tuple[Fleet, Terms]:
    """Events of several parts, each in order within a pump, as one fleet."""
    facts, devices = pumps
    pump = np.concatenate([part.pump for part in parts])
    order = np.lexsort((np.concatenate([part.order for part in parts]), pump))
    events = {name: np.concatenate([part.columns[name] for part in parts])[order] for name in kernel.EVENT_COLUMNS}
    drug = {name: np.concatenate([part.drug[name] for part in parts])[order] for name in clinical.DRUG_COLUMNS}
    sizes = np.bincount(pump, minlength=len(facts["low_ml"]))
    return kernel.from_columns(facts, events, sizes, curves), Terms(**devices, **drug)


def _of_pumps(
    pumps: _Pumps, rules: Sequence[ClinicRules], models: Sequence[PumpModel], model: Ints
) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """The kernel's columns of pumps, without priors, and those of `clinical.terms`."""
    no_prior = dict.fromkeys(_PRIOR_COLUMNS, np.zeros(len(pumps.pk)))
    programmable = np.array([each.programmable for each in models], dtype=np.float64)[model]
    facts = {"low_ml": pumps.low_ml, "programmable": programmable, "factory_flow": pumps.factory_flow, **no_prior}
    years = [models[place].service_life_years for place in model.tolist()]
    life = zip(pumps.implanted_on.tolist(), years, rules, strict=True)
    devices = {
        "margin_s": np.array([each.margin_days for each in rules], dtype=np.float64) * SECONDS_PER_DAY,
        "life_ends_at": np.array([_life_ends_at(day, lasting, each.timezone) for day, lasting, each in life]),
        "min_flow": np.array([_number(each.min_flow_ml_per_day) for each in models])[model],
        "max_flow": np.array([_number(each.max_flow_ml_per_day) for each in models])[model],
        "labels": np.array([clinical.LABELS.index(each.labels) for each in rules], dtype=np.float64),
    }
    return facts, devices


def _number(value: Decimal | None) -> float:
    return np.nan if value is None else float(value)


@lru_cache(maxsize=16_384)
def _life_ends_at(implanted_on: int, years: int | None, zone: ZoneInfo) -> float:
    return life_ends_at(EPOCH + timedelta(days=implanted_on), years, zone)

"""Many pumps at once: their ledgers straight from the database into the kernel's columns.

A plain ledger (`plain_events`) is read as whole columns. A pump that has anything else in it goes the way of a single
pump (`folding`), event by event. Both give the same numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from clinical import columns as kernel
from clinical import terms as clinical
from clinical.columns import CurveTable, Flags, Fleet, Floats, Ints
from clinical.judging import Watched
from clinical.ledger import Prior, in_order
from clinical.terms import ClinicRules, Terms, life_ends_at
from clinical.units import SECONDS_PER_DAY
from clinics.models import Clinic
from patients.models import Patient
from pumps import folding, plain_events
from pumps.models import PriorVersion, Pump, PumpModel
from pumps.plain_events import Events

_PRIOR = ("mean", "sd", "noise_ml", "first_ml", "drift")
# Of a model that came into the catalogue after a version was made; none of its pumps believes in that version.
_NO_PRIOR = Prior(np.nan, np.nan, np.nan)
_PRIOR_COLUMNS = ("prior_mean", "prior_sd", "noise_ml", "first_ml", "drift")


class PumpRow(NamedTuple):
    """The columns of a pump that a forecast reads, under the model's own names."""

    pk: int
    clinic_id: int
    model_id: int
    status: str
    patient__status: str
    low_reservoir_alarm_ml: Decimal
    factory_flow_ml_per_day: Decimal | None
    implanted_on: date

    @property
    def is_in_use(self) -> bool:
        return self.status == Pump.Status.ACTIVE and self.patient__status == Patient.Status.ACTIVE


@dataclass(frozen=True)
class Batch:
    """Pumps in order of their ids, one entry a pump; `model` indexes `models`. The fleet has no priors yet."""

    pumps: Sequence[PumpRow]
    ids: Ints
    is_in_use: Flags
    models: Sequence[PumpModel]
    model: Ints
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
    found = Pump.objects.filter(pk__in=pump_ids).order_by("pk").values_list(*PumpRow._fields)
    rows = [PumpRow(*values) for values in found]
    models = list(PumpModel.objects.all())
    places = {model.pk: place for place, model in enumerate(models)}
    model = np.array([places[row.model_id] for row in rows], dtype=np.int64)
    rules = folding.rules(Clinic.objects.filter(pk__in={row.clinic_id for row in rows}))
    by_pump = [rules[row.clinic_id] for row in rows]
    ids = np.array([row.pk for row in rows], dtype=np.int64)
    curves = CurveTable()
    plain, odd_places = plain_events.read(ids, by_pump, curves)
    odd, watched = _odd(rows, odd_places, by_pump, [models[place] for place in model], curves)
    fleet, terms = _together(_of_pumps(rows, by_pump, [models[place] for place in model]), (plain, odd), curves)
    in_use = np.array([row.is_in_use for row in rows], dtype=np.bool_)
    return Batch(rows, ids, in_use, models, model, fleet, terms, watched)


def _odd(
    rows: Sequence[PumpRow],
    places: Sequence[int],
    rules: Sequence[ClinicRules],
    models: Sequence[PumpModel],
    curves: CurveTable,
) -> tuple[Events, Watched]:
    """The ledgers of some of the pumps, event by event."""
    facts = folding.ledgers([rows[place].pk for place in places]) if places else {}
    ordered = {place: in_order(facts.get(rows[place].pk, [])) for place in places}
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
    rows: Sequence[PumpRow], rules: Sequence[ClinicRules], models: Sequence[PumpModel]
) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """The kernel's columns of pumps, without priors, and those of `clinical.terms`."""
    facts = [
        (float(row.low_reservoir_alarm_ml), model.programmable, _number(row.factory_flow_ml_per_day), 0, 0, 0, 0, 0)
        for row, model in zip(rows, models, strict=True)
    ]
    devices = [
        (
            each.margin_days * SECONDS_PER_DAY,
            _life_ends_at(row.implanted_on, model.service_life_years, each.timezone),
            _number(model.min_flow_ml_per_day),
            _number(model.max_flow_ml_per_day),
            clinical.LABELS.index(each.labels),
        )
        for row, model, each in zip(rows, models, rules, strict=True)
    ]
    return kernel.table(kernel.PUMP_COLUMNS, facts), kernel.table(clinical.DEVICE_COLUMNS, devices)


def _number(value: Decimal | None) -> float:
    return np.nan if value is None else float(value)


_life_ends_at = lru_cache(maxsize=16_384)(life_ends_at)

"""A simulated fleet as the forecast sees it, with its forecast at every fill beside the truth."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np

from bench._information_limit import best, held
from bench._simulated_fleet import HEALTHY, Fleet, Scenario, is_there
from bench._simulated_lives import Flags, Floats, Ints, Life
from clinical.forecast import Forecast, forecast_fleet
from clinical.learning import learn
from clinical.ledger import Fill, LedgerEvent, Prior, ProgramChange, PumpFacts
from clinical.programs import Mode, Program, checked
from clinical.terms import ClinicRules, Device
from interop.simulated_history import SimModel

RULES = ClinicRules(ZoneInfo("UTC"), 7, 180)
# What the catalogue says of every model's measurements (clinical rules, section 2).
CATALOGUE_NOISE_ML = 0.7


@dataclass(frozen=True)
class Judged:
    """Forecasts and truth at every fill of a fleet: shape (pumps,) for the first six, else (pumps, fills).

    Entry k is made from the ledger cut off after fill k, with the refills until then. Days are since that fill; inf
    is never. `deviates` and `is_dry` are the findings `calibrated_deviation` and `aspirated_zero`. `best_*` is of the
    learner who knows the true prior, noise and residue, and no jumps.
    """

    model: Ints
    kind: Ints
    jump: Ints
    refills: Ints
    mean: Floats
    sd: Floats
    is_there: Flags
    true_low: Floats
    true_ratio: Floats
    programmed_low: Floats
    low: Floats
    earliest_low: Floats
    full_ml_per_ml_day: Floats
    ratio: Floats
    ratio_sd: Floats
    ratio_low: Floats
    ratio_high: Floats
    deviates: Flags
    is_dry: Flags
    best_low: Floats
    best_earliest_low: Floats

    @property
    def is_healthy(self) -> Flags:
        healthy: Flags = self.kind == HEALTHY
        return healthy


@dataclass(frozen=True)
class Result:
    """A scenario's fleets, judged together, and the priors they were judged with."""

    scenario: Scenario
    judged: Judged
    priors: list[dict[str, Prior]]


def joined(parts: Sequence[Judged]) -> Judged:
    """Several fleets of one scenario as one."""
    return Judged(
        **{each.name: np.concatenate([getattr(part, each.name) for part in parts]) for each in fields(Judged)}
    )


def judge(fleet: Fleet, models: Sequence[SimModel]) -> tuple[Judged, list[dict[str, Prior]]]:
    """The fleet's forecasts beside the truth, and the priors they were made with, one set a group learned from."""
    recorded = ledgers(fleet)
    names = [life.model.name for life in fleet.lives]
    facts = [_facts(life, catalogue(life.model)) for life in fleet.lives]
    size = fleet.scenario.learned_from or len(recorded)
    learned, forecasts = [], []
    for start in range(0, len(recorded), size):
        group = slice(start, start + size)
        priors = learn(facts[group], recorded[group], names[group])
        learned.append(priors)
        forecasts += forecasts_at_fills(fleet.lives[group], recorded[group], priors)
    return _table(fleet, models, forecasts), learned


def ledgers(fleet: Fleet) -> list[list[LedgerEvent]]:
    """What a clinic records of each pump."""
    return [_ledger(life, fleet.aspirated_ml[place]) for place, life in enumerate(fleet.lives)]


def catalogue(model: SimModel) -> Prior:
    return Prior(model.ratio_mean, model.ratio_sd, CATALOGUE_NOISE_ML)


def _facts(life: Life, prior: Prior) -> PumpFacts:
    flow = life.history.factory_flow
    return PumpFacts(Decimal(str(life.model.low_ml)), prior, flow is None, None if flow is None else Decimal(str(flow)))


def _ledger(life: Life, aspirated: Floats) -> list[LedgerEvent]:
    """The events of a life, in order."""
    events: list[LedgerEvent] = []
    for place, filling in enumerate(life.history.fillings):
        strength = Decimal(filling.concentration_mcg_per_ml)
        read = None if place == 0 else Decimal(f"{aspirated[place - 1]:.1f}")
        events.append(Fill(filling.at, Decimal(str(filling.filled_ml)), read, strength, strength))
    if life.history.factory_flow is None:
        for setting in life.history.settings:
            dose = Decimal(str(setting.program.daily_dose_mcg))
            events.append(ProgramChange(setting.at, checked(Program(Mode.SIMPLE_CONTINUOUS, dose)), 0))
    # A sort keeps what was filled before what is programmed at the same visit.
    return sorted(events, key=lambda event: event.at)


def forecasts_at_fills(
    lives: Sequence[Life], recorded: Sequence[Sequence[LedgerEvent]], priors: dict[str, Prior]
) -> list[list[Forecast]]:
    """Forecasts of each pump at each of its fills, from what was recorded until then."""
    devices, cut = [], []
    for life, ledger in zip(lives, recorded, strict=True):
        facts = _facts(life, priors[life.model.name])
        device = Device(facts, life.history.implanted_on, None, None, None)
        for filling in life.history.fillings:
            devices.append(device)
            cut.append([event for event in ledger if event.at <= filling.at])
    made = iter(forecast_fleet(devices, cut, [RULES] * len(devices)))
    return [[next(made) for _ in life.history.fillings] for life in lives]


def _table(fleet: Fleet, models: Sequence[SimModel], forecasts: Sequence[Sequence[Forecast]]) -> Judged:
    there = is_there(fleet)
    flat = [each for row in forecasts for each in row]
    filled = [filling.at for life in fleet.lives for filling in life.history.fillings]

    def spread(values: Sequence[float]) -> Floats:
        table = np.zeros(there.shape)
        table[there] = values
        return table

    def days(moments: Sequence[datetime | None]) -> Floats:
        return spread([_days(start, end) for start, end in zip(filled, moments, strict=True)])

    def found(code: str) -> Flags:
        return spread([any(finding.code == code for finding in each.findings) for each in flat]) > 0

    best_ratio, best_high = best(fleet)
    flow = np.where(there, fleet.rate, 1.0)
    # The learner knows the residue, so what is held; but not that a fill went astray.
    left = held(fleet.scenario, fleet.filled_ml, there.shape[1]) - fleet.low_ml[:, None]
    return Judged(
        model=np.array([models.index(life.model) for life in fleet.lives], dtype=np.int64),
        kind=fleet.kind,
        jump=fleet.jump,
        refills=fleet.refills,
        mean=fleet.mean,
        sd=fleet.sd,
        is_there=there,
        true_low=fleet.low_after_days(),
        true_ratio=fleet.ratio,
        programmed_low=days([each.programmed_low_at for each in flat]),
        low=days([each.low_at for each in flat]),
        earliest_low=days([each.earliest_low_at for each in flat]),
        full_ml_per_ml_day=(fleet.filled_ml - fleet.low_ml)[:, None] / flow,
        ratio=spread([each.flow_ratio.mean for each in flat]),
        ratio_sd=spread([each.flow_ratio.sd for each in flat]),
        ratio_low=spread([each.ratio_low for each in flat]),
        ratio_high=spread([each.ratio_high for each in flat]),
        deviates=found("calibrated_deviation"),
        is_dry=found("aspirated_zero"),
        best_low=left / (best_ratio * flow),
        best_earliest_low=left / (best_high * flow),
    )


def _days(start: datetime, end: datetime | None) -> float:
    return np.inf if end is None else (end - start).total_seconds() / 86_400

"""What simulated pumps truly deliver, and what the syringe shows at each refill. Pure, seeded, its own arithmetic.

A pump's flow ratio is drawn from its model's true figures. In interval k, from fill k to fill k + 1, it delivers ratio
x programmed volume as long as there is drug. A refill takes out what is left but for the residue that no syringe
reaches, reads it with noise, to 0.1 mL, never below 0 and exactly 0 where nothing comes out, and fills the reservoir.
A pump that jumps does so once:

- over-infusion: from a moment within interval `jump` on it delivers 1.2 to 1.4 times as much as before;
- stall: from a moment within that interval on it delivers 0 to 0.5 times as much;
- pocket fill: of fill `jump` nothing (half of the cases) or 10 to 60 % enters the reservoir, that once.

The moment is when a uniformly drawn part of the interval's volume has flowed. Every scenario of a seed has the same
lives and the same draws, so that scenarios differ by what they are named for and not by chance.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from bench._simulated_lives import Flags, Floats, Ints, Life, lives, padded

HEALTHY, OVER_INFUSION, STALL, POCKET_FILL = range(4)
JUMP_KINDS = (OVER_INFUSION, STALL, POCKET_FILL)
KINDS = ("healthy", "over-infusion", "stall", "pocket fill")
OVER_INFUSION_TIMES, STALL_TIMES, POCKET_PART = (1.2, 1.4), (0.0, 0.5), (0.1, 0.6)
# A jump has one measured interval before it and three refills after it.
BEFORE_JUMP, AFTER_JUMP = 1, 3
SMALLEST_RATIO = 0.5
MISREAD_TIMES = 8.0


@dataclass(frozen=True)
class Scenario:
    """What a fleet is like. Volumes in mL; `drift` is the standard deviation of a ratio's step from refill to refill.

    `off` is by how much the true mean ratio of a model, by name, is above the catalogue's. `jumps` is the share of
    pumps that jump, of those with enough refills. `refills` follow the first fill, from and to. `learned_from` is the
    size of the groups of pumps that priors are learned from, None for the whole fleet. `misread` is the share of
    readings that are wrong: their noise is MISREAD_TIMES as much.
    """

    name: str
    about: str
    noise_ml: float = 0.5
    residue_ml: float = 0.0
    drift: float = 0.0
    off: Mapping[str, float] = field(default_factory=dict, hash=False)
    jumps: float = 0.0
    refills: tuple[int, int] = (2, 14)
    learned_from: int | None = None
    misread: float = 0.0


@dataclass(frozen=True)
class Fleet:
    """A simulated fleet: arrays of shape (pumps,), (pumps, intervals) or (pumps, fills), padded with what is harmless.

    `ratio[:, k]` is in force after fill k if nothing jumps within interval k. `held_ml[:, k]` is what is in the
    reservoir after fill k, `aspirated_ml[:, k]` what the refill that ends interval k reads. `jump` is the interval
    (or the fill) of the jump, -1 without one.
    """

    scenario: Scenario
    lives: list[Life]
    refills: Ints
    mean: Floats
    sd: Floats
    low_ml: Floats
    filled_ml: Floats
    programmed_ml: Floats
    rate: Floats
    ratio: Floats
    kind: Ints
    jump: Ints
    held_ml: Floats
    aspirated_ml: Floats

    def low_after_days(self) -> Floats:
        """Days from each fill until the low level if nothing changes any more; inf where nothing flows."""
        flow = self.ratio * self.rate
        left = np.maximum(self.held_ml - self.low_ml[:, None], 0.0)
        return np.divide(left, flow, out=np.full_like(flow, np.inf), where=flow > 0)


@dataclass(frozen=True)
class _Draws:
    """Standard draws, the same in every scenario of a seed."""

    pump: Floats
    noise: Floats
    step: Floats
    chance: Floats
    misread: Floats

    @classmethod
    def of(cls, seed: int, pumps: int, width: int) -> "_Draws":
        random = np.random.default_rng(seed)
        return cls(
            pump=random.standard_normal(pumps),
            noise=random.standard_normal((pumps, width)),
            step=random.standard_normal((pumps, width)),
            chance=random.random((6, pumps)),
            misread=random.random((pumps, width)),
        )


def simulate(scenario: Scenario, *, seed: int, pumps: int) -> Fleet:
    """A fleet of so many pumps; the same arguments give the same fleet."""
    found = lives(seed=seed, pumps=pumps, refills=scenario.refills)
    width = scenario.refills[1]
    draws = _Draws.of(seed, pumps, width)
    refills = np.array([life.refills for life in found], dtype=np.int64)
    mean = np.array([life.model.ratio_mean + scenario.off.get(life.model.name, 0.0) for life in found])
    sd = np.array([life.model.ratio_sd for life in found])
    own = np.maximum(mean + sd * draws.pump, SMALLEST_RATIO)
    steps = np.cumsum(scenario.drift * draws.step, axis=1)
    ratio = own[:, None] + np.concatenate((np.zeros((pumps, 1)), steps), axis=1)
    kind, jump, times, moment = _jumps(scenario, refills, draws.chance)
    changes = np.isin(kind, (OVER_INFUSION, STALL))
    later = changes[:, None] & (np.arange(width + 1) > jump[:, None])
    programmed = padded([life.programmed_ml for life in found], width)
    at_jump = changes[:, None] & (np.arange(width) == jump[:, None])
    # Before the moment at its own ratio, after it at the new one.
    within = np.where(at_jump, moment[:, None] + (1 - moment[:, None]) * times[:, None], 1.0)
    ratio = np.where(later, ratio * times[:, None], ratio)
    entering = np.where((kind == POCKET_FILL)[:, None] & (np.arange(width + 1) == jump[:, None]), times[:, None], 1.0)
    filled = np.array([life.model.reservoir_ml for life in found], dtype=np.float64)
    demand = programmed * ratio[:, :-1] * within
    noise = scenario.noise_ml * draws.noise * np.where(draws.misread < scenario.misread, MISREAD_TIMES, 1.0)
    held, aspirated = _emptied_and_filled(scenario.residue_ml, filled, entering, demand, noise)
    return Fleet(
        scenario=scenario,
        lives=found,
        refills=refills,
        mean=mean,
        sd=sd,
        low_ml=np.array([life.model.low_ml for life in found], dtype=np.float64),
        filled_ml=filled,
        programmed_ml=programmed,
        rate=padded([life.rates for life in found], width + 1),
        ratio=ratio,
        kind=kind,
        jump=jump,
        held_ml=held,
        aspirated_ml=aspirated,
    )


def _jumps(scenario: Scenario, refills: Ints, chance: Floats) -> tuple[Ints, Ints, Floats, Floats]:
    """Kind, place, size and moment of each pump's jump."""
    possible = refills - AFTER_JUMP - BEFORE_JUMP + 1
    has_jump = (chance[0] < scenario.jumps) & (possible > 0)
    kind = np.where(has_jump, 1 + (3 * chance[1]).astype(np.int64), HEALTHY)
    jump = np.where(has_jump, BEFORE_JUMP + (chance[2] * np.maximum(possible, 1)).astype(np.int64), -1)
    part = np.where(chance[3] < 0.5, 0.0, _between(POCKET_PART, chance[4]))
    size = np.select(
        [kind == OVER_INFUSION, kind == STALL, kind == POCKET_FILL],
        [_between(OVER_INFUSION_TIMES, chance[4]), _between(STALL_TIMES, chance[4]), part],
        default=1.0,
    )
    return kind, jump, size, chance[5]


def _between(ends: tuple[float, float], part: Floats) -> Floats:
    return ends[0] + (ends[1] - ends[0]) * part


def _emptied_and_filled(
    residue_ml: float, filled: Floats, entering: Floats, demand: Floats, noise: Floats
) -> tuple[Floats, Floats]:
    """What is held after each fill, and what the refill after it reads, mL: one interval after the other."""
    held = np.empty((len(filled), demand.shape[1] + 1))
    read = np.empty(demand.shape)
    held[:, 0] = filled * entering[:, 0]
    for place in range(demand.shape[1]):
        left = np.maximum(held[:, place] - demand[:, place], 0.0)
        out = np.maximum(left - residue_ml, 0.0)
        measured = np.clip(np.round(out + noise[:, place], 1), 0.0, filled)
        read[:, place] = np.where(out > 0, measured, 0.0)
        held[:, place + 1] = left - out + filled * entering[:, place + 1]
    return held, read


def is_there(fleet: Fleet) -> Flags:
    """Which fills of the padded arrays exist."""
    return np.arange(fleet.held_ml.shape[1]) <= fleet.refills[:, None]

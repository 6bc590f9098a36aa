"""Lives of simulated pumps for the validation: when they are filled and programmed, and what that adds up to.

The lives are those of the simulated clinics (`interop.simulated_history`): implant and fill, titration in steps of 10
to 25 %, a dose change at some refills, refills 3 to 10 days before the programmed low date and at most 170 days apart.
Doses are constant over the day, so that a day more or less is never a matter of the hour. Nothing here or in
`interop.simulated_history` uses the kernel that is judged.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from interop.simulated_history import History, SimModel, Wish, live
from interop.simulation import MODEL_WEIGHTS, MODELS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

DAY_S = 86_400.0
# Lives are laid so that they end here; any fixed moment does.
NOW = datetime(2027, 1, 1, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Life:
    """A pump's life. After fill k `rates[k]` mL/day is programmed; until the next one `programmed_ml[k]`."""

    model: SimModel
    history: History
    programmed_ml: tuple[float, ...]
    rates: tuple[float, ...]

    @property
    def refills(self) -> int:
        """How many refills follow the first fill."""
        return len(self.programmed_ml)


def lives(*, seed: int, pumps: int, refills: tuple[int, int]) -> list[Life]:
    """Lives with so many refills after the first fill (from, to), fewer where six years are over before."""
    return [_life(Random(f"{seed}:{number}"), refills) for number in range(pumps)]  # noqa: S311  # repeatable


def _life(random: Random, refills: tuple[int, int]) -> Life:
    model = random.choices(MODELS, MODEL_WEIGHTS)[0]
    wish = Wish(fills=1 + random.randint(*refills), shape="simple_continuous")
    history = live(random, model, wish, ZoneInfo("UTC"), NOW)
    return Life(model, history, tuple(_programmed(history)), tuple(_rates(history)))


def _programmed(history: History) -> list[float]:
    """mL programmed from each fill to the next: days under each dose x dose / concentration, added up."""
    volumes = []
    for filling, following in zip(history.fillings, history.fillings[1:], strict=False):
        total = 0.0
        for place, setting in enumerate(history.settings):
            is_last = place + 1 == len(history.settings)
            until = following.at if is_last else min(history.settings[place + 1].at, following.at)
            days = (until - max(setting.at, filling.at)).total_seconds() / DAY_S
            total += max(days, 0.0) * setting.program.daily_dose_mcg / filling.concentration_mcg_per_ml
        volumes.append(total)
    return volumes


def _rates(history: History) -> list[float]:
    """mL/day just after each fill, with a dose changed at that visit."""
    found = []
    for filling in history.fillings:
        dose = next(each.program.daily_dose_mcg for each in reversed(history.settings) if each.at <= filling.at)
        found.append(dose / filling.concentration_mcg_per_ml)
    return found


def padded(rows: list[tuple[float, ...]], width: int) -> Floats:
    """Rows of unequal length as one array, filled up with 0."""
    table = np.zeros((len(rows), width))
    for place, row in enumerate(rows):
        table[place, : len(row)] = row
    return table

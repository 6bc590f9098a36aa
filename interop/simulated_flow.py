"""What a simulated pump truly delivers. Its own arithmetic, so that it can be held against the kernel's."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

DAY_S = 86_400.0
HORIZON = timedelta(days=800)


@dataclass(frozen=True)
class Program:
    """24 hours of the pump's clock: (minute, mcg/h) until the next step, and (minute, mcg). Constant without any."""

    mode: str
    daily_dose_mcg: float
    steps: tuple[tuple[int, float], ...] = ()
    boluses: tuple[tuple[int, float], ...] = ()

    def since_midnight(self, second: float) -> float:
        """mcg from the clock's midnight to a second of the day, the 24 hours scaled to the daily dose."""
        if not self.steps and not self.boluses:
            return self.daily_dose_mcg * second / DAY_S
        return self.daily_dose_mcg * self._written(second) / self._written(DAY_S)

    def _written(self, second: float) -> float:
        total = sum(dose for minute, dose in self.boluses if minute * 60 <= second)
        if not self.steps:
            return total
        starts = [0.0, *(minute * 60.0 for minute, _ in self.steps)]
        # Before the first step the last one still holds.
        rates = [self.steps[-1][1], *(rate for _, rate in self.steps)]
        ends = [*starts[1:], DAY_S]
        hours = (max(min(end, second) - start, 0.0) / 3600 for start, end in zip(starts, ends, strict=True))
        return total + sum(rate * lasting for rate, lasting in zip(rates, hours, strict=True))


@dataclass(frozen=True)
class Filling:
    at: datetime
    filled_ml: float
    concentration_mcg_per_ml: int


@dataclass(frozen=True)
class Setting:
    """A program from a moment on, on a clock `clock_offset_s` ahead of UTC."""

    at: datetime
    program: Program
    clock_offset_s: float

    def delivered_mcg(self, start: datetime, end: datetime) -> float:
        return self._until(end) - self._until(start)

    def _until(self, moment: datetime) -> float:
        day, second = divmod(moment.timestamp() + self.clock_offset_s, DAY_S)
        return day * self.program.daily_dose_mcg + self.program.since_midnight(second)


@dataclass(frozen=True)
class Truth:
    """What the records do not show, at `now`; moments None if later than 800 days after the last fill, or never."""

    flow_ratio: float
    volume_ml: float
    programmed_volume_ml: float
    low_at: datetime | None
    programmed_low_at: datetime | None


def programmed_ml(filling: Filling, until: datetime, settings: Sequence[Setting]) -> float:
    """What is programmed to flow from a fill to a moment."""
    total = 0.0
    for place, setting in enumerate(settings):
        following = settings[place + 1].at if place + 1 < len(settings) else until
        start, end = max(setting.at, filling.at), min(following, until)
        if start < end:
            total += setting.delivered_mcg(start, end)
    return total / filling.concentration_mcg_per_ml


def aspirated_ml(filling: Filling, at: datetime, settings: Sequence[Setting], ratio: float) -> float:
    """What is truly left of a fill."""
    return max(filling.filled_ml - ratio * programmed_ml(filling, at, settings), 0.0)


def truth(
    fillings: Sequence[Filling], settings: Sequence[Setting], ratio: float, low_ml: float, now: datetime
) -> Truth:
    last = fillings[-1]
    return Truth(
        flow_ratio=ratio,
        volume_ml=aspirated_ml(last, now, settings, ratio),
        programmed_volume_ml=aspirated_ml(last, now, settings, 1.0),
        low_at=_reached(last, settings, (last.filled_ml - low_ml) / ratio),
        programmed_low_at=_reached(last, settings, last.filled_ml - low_ml),
    )


def _reached(filling: Filling, settings: Sequence[Setting], need_ml: float) -> datetime | None:
    """When so much has been programmed to flow, to the second, by halving."""
    early, late = filling.at, filling.at + HORIZON
    if programmed_ml(filling, late, settings) < need_ml:
        return None
    while late - early > timedelta(milliseconds=200):
        middle = early + (late - early) / 2
        if programmed_ml(filling, middle, settings) < need_ml:
            early = middle
        else:
            late = middle
    return late

"""Moments and numbers as places in a picture, and the ticks that say which is where."""

from dataclasses import dataclass
from datetime import datetime
from math import floor, log10
from zoneinfo import ZoneInfo

from clinics.words import short_day
from pumps.pictures.shapes import WIDTH, Drawing, Line, Words

MOST_TICKS = 5


@dataclass(frozen=True)
class Time:
    """The axis from `start` to `end`, days being those of `zone`; what lies beyond is put at its edge."""

    start: datetime
    end: datetime
    zone: ZoneInfo

    def x(self, at: datetime) -> float:
        return (min(max(at, self.start), self.end) - self.start) / (self.end - self.start) * WIDTH

    def holds(self, at: datetime) -> bool:
        return self.start <= at <= self.end


@dataclass(frozen=True)
class Scale:
    """Numbers from `least` at the y of `bottom` to `most` at the y of `top`."""

    top: float
    bottom: float
    least: float
    most: float

    def y(self, value: float) -> float:
        share = (min(max(value, self.least), self.most) - self.least) / (self.most - self.least)
        return self.bottom - share * (self.bottom - self.top)


def draw_days(found: Drawing, axis: Time, y: float) -> None:
    """Evenly spaced days below the line at `y`; every second one is left out where there is no room."""
    count = min(MOST_TICKS, max(2, (axis.end - axis.start).days + 1))
    for place in range(count):
        at = axis.start + (axis.end - axis.start) * place / (count - 1)
        anchor = "start" if place == 0 else "end" if place == count - 1 else "middle"
        found.lines.append(Line("tick", [(axis.x(at), y), (axis.x(at), y + 5)]))
        found.words.append(
            Words(axis.x(at), y + 18, short_day(at.astimezone(axis.zone).date()), anchor, is_extra=place % 2 == 1)
        )


def draw_numbers(found: Drawing, scale: Scale, step: float, unit: str) -> None:
    """Lines across at the multiples of `step`, each with its number upon it at the left."""
    value = scale.least
    while value <= scale.most + step / 1000:
        y = scale.y(value)
        found.lines.append(Line("grid", [(0, y), (WIDTH, y)]))
        found.words.append(Words(2, y - 3, f"{value:g} {unit}".strip(), kind="number"))
        value += step


def step_of(most: float, *, parts: int = 4) -> float:
    """A round step that cuts 0 to `most` into about so many parts: 1, 2, 2.5 or 5 times a power of ten."""
    if most <= 0:
        return 1.0
    rough = most / parts
    power = 10.0 ** floor(log10(rough))
    return next(size * power for size in (1, 2, 2.5, 5, 10) if size * power >= rough * 0.999)

"""What a picture is made of.

x runs from 0 to 1000 over the picture's width, however wide it is shown; y counts points from the top. `kind` says what
a shape is of, never how it looks: `static/brim/picture.css` and `paper.py` say that, by kind.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

WIDTH = 1000.0
Point = tuple[float, float]

# What a mark looks like, so that no two kinds of one picture differ by colour alone.
SHAPES = {
    "measured": "circle",
    "read": "ring",
    "dose": "diamond",
    "plan": "hollow",
    "visit": "square",
    "entry": "stroke",
    "pain": "circle",
    "spasms": "square",
    "tone": "triangle",
    "outlier": "diamond",
    "worst": "stroke",
}
PATHS = {
    "circle": "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0",
    "ring": "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0",
    "square": "M-4-4h8v8h-8z",
    "triangle": "M0-5 5 4h-10z",
    "diamond": "M0-5.5 5 0 0 5.500-5 0z",
    "hollow": "M0-5.5 5 0 0 5.500-5 0z",
    "stroke": "M0-5v10",
}


def _joined(points: Sequence[Point]) -> str:
    return " ".join(f"{x:.4g},{y:.1f}" for x, y in points)


@dataclass(frozen=True)
class Line:
    kind: str
    points: Sequence[Point]

    @property
    def svg(self) -> str:
        return _joined(self.points)


@dataclass(frozen=True)
class Band:
    """What lies within a closed line."""

    kind: str
    points: Sequence[Point]

    @property
    def svg(self) -> str:
        return _joined(self.points)


@dataclass(frozen=True)
class Area:
    """A box: a bar, or a stretch of time."""

    kind: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Dots:
    """Many points of one kind that need no words each."""

    kind: str
    points: Sequence[Point]

    @property
    def svg(self) -> str:
        return "".join(f"M{x:.4g} {y:.1f}h0" for x, y in self.points)


@dataclass(frozen=True)
class Mark:
    """One point, and what it says."""

    kind: str
    x: float
    y: float
    title: str

    @property
    def shape(self) -> str:
        return SHAPES[self.kind]

    @property
    def path(self) -> str:
        return PATHS[self.shape]

    @property
    def across(self) -> str:
        return across(self.x)


@dataclass(frozen=True)
class Words:
    """Text within the picture; where `is_extra`, left out of one too narrow for it."""

    x: float
    y: float
    text: str
    anchor: str = "start"
    kind: str = "plain"
    is_extra: bool = False

    @property
    def across(self) -> str:
        return across(self.x)


@dataclass(frozen=True)
class Key:
    """A line of the legend: what a kind is called. `drawn` is line, area, dots or mark."""

    kind: str
    words: str
    drawn: str = "line"

    @property
    def shape(self) -> str:
        return SHAPES[self.kind]

    @property
    def path(self) -> str:
        return PATHS[self.shape]


@dataclass(frozen=True)
class Moment:
    """A place of the picture that can be pointed at: what is there, a value for each of the picture's `series`."""

    x: float
    words: str
    values: Sequence[str]
    note: str = ""


@dataclass(frozen=True)
class Table:
    """The picture in numbers; the first cell of a row names it."""

    name: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Picture:
    """`says` tells in one sentence what is seen. `start` is the moment read first."""

    name: str
    says: str
    height: float
    table: Table
    areas: Sequence[Area] = ()
    bands: Sequence[Band] = ()
    lines: Sequence[Line] = ()
    dots: Sequence[Dots] = ()
    marks: Sequence[Mark] = ()
    words: Sequence[Words] = ()
    keys: Sequence[Key] = ()
    series: Sequence[str] = ()
    moments: Sequence[Moment] = ()
    start: int = 0

    @property
    def data(self) -> dict[str, object]:
        """What the script that shows values reads; numbers are already words."""
        return {
            "series": list(self.series),
            "moments": [[round(one.x, 1), one.words, list(one.values), one.note] for one in self.moments],
            "start": self.start,
        }


@dataclass
class Drawing:
    """A picture while it is drawn: lists to add to."""

    areas: list[Area] = field(default_factory=list)
    bands: list[Band] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    dots: list[Dots] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    words: list[Words] = field(default_factory=list)


def across(x: float) -> str:
    """An x as a part of whatever width the picture has."""
    return f"{x / 10:.2f}%"

"""Dose, phases, refills and scores on one time axis: one definition of the picture, for the page and the PDF."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from clinical.ledger import Fill
from clinical.scales import Ashworth, middle_grade
from clinical.titration import Dose
from clinical.units import plain
from therapy.models import Assessment, Phase, PhaseChange
from therapy.standing import Standing

WIDTH, HEIGHT = 760.0, 380.0
LEFT, RIGHT = 58.0, 10.0
DOSE_TOP, DOSE_BOTTOM = 40.0, 190.0
SCORE_TOP, SCORE_BOTTOM = 232.0, 340.0
MOST_TICKS = 5
GRADES = [grade.value for grade in Ashworth]


@dataclass(frozen=True)
class Line:
    """A line through points in the picture's own units. `kind` says what it is; it is drawn by that."""

    kind: str
    points: Sequence[tuple[float, float]]

    @property
    def svg(self) -> str:
        return " ".join(f"{x:.1f},{y:.1f}" for x, y in self.points)


@dataclass(frozen=True)
class Area:
    kind: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Words:
    x: float
    y: float
    text: str
    anchor: str = "start"


@dataclass(frozen=True)
class Mark:
    """A point of a score: `kind` is pain, spasms or tone, each of another shape."""

    kind: str
    x: float
    y: float
    title: str


@dataclass(frozen=True)
class Scores:
    """What an assessment says, in the words of the table; blank where it was not measured."""

    pain: str = ""
    spasms: str = ""
    tone: str = ""


@dataclass(frozen=True)
class Change:
    """A dose, from when, and the scores last measured before it and last measured under it."""

    at: datetime
    daily_dose_mcg: Decimal
    before: Scores
    after: Scores


@dataclass(frozen=True)
class Chart:
    lines: list[Line] = field(default_factory=list)
    areas: list[Area] = field(default_factory=list)
    words: list[Words] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    width: float = WIDTH
    height: float = HEIGHT


def chart(
    standing: Standing, phases: Sequence[PhaseChange], assessments: Sequence[Assessment], now: datetime
) -> Chart | None:
    """The picture of a course until now; None where nothing has happened yet. Phases and assessments in order."""
    fills = [event.at for event in standing.ledger if isinstance(event, Fill)]
    begun = [
        *(dose.at for dose in standing.doses),
        *fills,
        *(phase.began_at for phase in phases),
        *(each.measured_at for each in assessments),
    ]
    if not begun:
        return None
    axis = _Axis(min(begun), max(now, min(begun) + timedelta(days=1)))
    found = Chart(changes=changes_of(standing.doses, assessments))
    _draw_phases(found, axis, phases)
    _draw_doses(found, axis, standing.doses)
    for at in fills:
        found.lines.append(Line("refill", [(axis.x(at), DOSE_BOTTOM), (axis.x(at), DOSE_BOTTOM + 9)]))
    _draw_scores(found, axis, assessments)
    _draw_days(found, axis)
    return found


@dataclass(frozen=True)
class _Axis:
    start: datetime
    end: datetime

    def x(self, at: datetime) -> float:
        share = (min(max(at, self.start), self.end) - self.start) / (self.end - self.start)
        return LEFT + share * (WIDTH - LEFT - RIGHT)


def _draw_phases(found: Chart, axis: _Axis, phases: Sequence[PhaseChange]) -> None:
    ends = [*(phase.began_at for phase in phases[1:]), axis.end]
    for place, (phase, end) in enumerate(zip(phases, ends, strict=False)):
        x, width = axis.x(phase.began_at), axis.x(end) - axis.x(phase.began_at)
        found.areas.append(Area("phase-odd" if place % 2 else "phase", x, 8, width, SCORE_BOTTOM - 8))
        label = Phase(phase.phase).label.split(",")[0]
        if width > 7 * len(label):
            found.words.append(Words(x + 4, 22, label))


def _draw_doses(found: Chart, axis: _Axis, doses: Sequence[Dose]) -> None:
    top = _round_up(max((float(dose.daily_dose_mcg) for dose in doses), default=100.0))
    scale = _Scale(DOSE_TOP, DOSE_BOTTOM, 0, top)
    for value in (0.0, top / 2, top):
        y = scale.y(value)
        found.lines.append(Line("grid", [(LEFT, y), (WIDTH - RIGHT, y)]))
        found.words.append(Words(LEFT - 6, y + 4, f"{value:g}", "end"))
    found.words.append(Words(4, DOSE_TOP - 10, "mcg/day"))
    points: list[tuple[float, float]] = []
    for dose in doses:
        x, y = axis.x(dose.at), scale.y(float(dose.daily_dose_mcg))
        points += [(x, points[-1][1]), (x, y)] if points else [(x, y)]
    if points:
        found.lines.append(Line("dose", [*points, (axis.x(axis.end), points[-1][1])]))


@dataclass(frozen=True)
class _Scale:
    top: float
    bottom: float
    least: float
    most: float

    def y(self, value: float) -> float:
        return self.bottom - (value - self.least) / (self.most - self.least) * (self.bottom - self.top)


def _draw_scores(found: Chart, axis: _Axis, assessments: Sequence[Assessment]) -> None:
    scales = {
        "pain": _Scale(SCORE_TOP, SCORE_BOTTOM, 0, 10),
        "spasms": _Scale(SCORE_TOP, SCORE_BOTTOM, 0, 4),
        "tone": _Scale(SCORE_TOP, SCORE_BOTTOM, 0, len(GRADES) - 1),
    }
    for y, words in ((SCORE_TOP, "most"), (SCORE_BOTTOM, "none")):
        found.lines.append(Line("grid", [(LEFT, y), (WIDTH - RIGHT, y)]))
        found.words.append(Words(LEFT - 6, y + 4, words, "end"))
    for kind, scale in scales.items():
        points = []
        for each in assessments:
            value = _value(each, kind)
            if value is not None:
                points.append((axis.x(each.measured_at), scale.y(value)))
                found.marks.append(Mark(kind, *points[-1], title=getattr(scores_of(each), kind)))
        if len(points) > 1:
            found.lines.append(Line(kind, points))


def _value(each: Assessment, kind: str) -> float | None:
    if kind == "tone":
        grade = middle_grade(each.ashworth)
        return GRADES.index(grade) if grade is not None else None
    return each.pain if kind == "pain" else each.spasm_frequency


def _draw_days(found: Chart, axis: _Axis) -> None:
    count = min(MOST_TICKS, max(2, (axis.end - axis.start).days + 1))
    for place in range(count):
        at = axis.start + (axis.end - axis.start) * place / (count - 1)
        anchor = "start" if place == 0 else "end" if place == count - 1 else "middle"
        found.lines.append(Line("tick", [(axis.x(at), SCORE_BOTTOM), (axis.x(at), SCORE_BOTTOM + 5)]))
        found.words.append(Words(axis.x(at), SCORE_BOTTOM + 19, f"{at.day} {at:%b %Y}", anchor))


def _round_up(value: float) -> float:
    for step in (50, 100, 200, 300, 400, 500, 600, 800, 1000, 1500, 2000, 2500):
        if value <= step:
            return float(step)
    return value


def scores_of(each: Assessment) -> Scores:
    """The scores of an assessment in words."""
    grade = middle_grade(each.ashworth)
    severity = f", severity {each.spasm_severity} of 3" if each.spasm_severity is not None else ""
    return Scores(
        pain=f"pain {each.pain} of 10" if each.pain is not None else "",
        spasms=f"spasms {each.spasm_frequency} of 4{severity}" if each.spasm_frequency is not None else "",
        tone=f"tone {grade} (middle of {len(each.ashworth)} Ashworth grade{'s' if len(each.ashworth) > 1 else ''})"
        if grade is not None
        else "",
    )


def changes_of(doses: Sequence[Dose], assessments: Sequence[Assessment]) -> list[Change]:
    """Each dose with the scores around it, newest first."""
    ends = [*(dose.at for dose in doses[1:]), None]
    found = []
    for dose, end in zip(doses, ends, strict=False):
        before = [each for each in assessments if each.measured_at <= dose.at]
        after = [
            each for each in assessments if each.measured_at > dose.at and (end is None or each.measured_at <= end)
        ]
        found.append(Change(dose.at, dose.daily_dose_mcg, _last(before), _last(after)))
    return found[::-1]


def _last(assessments: Sequence[Assessment]) -> Scores:
    """The last word on each score."""
    found = [scores_of(each) for each in assessments]
    return Scores(
        *(
            next((value for each in reversed(found) if (value := getattr(each, name))), "")
            for name in ("pain", "spasms", "tone")
        )
    )


def dose_words(dose: Decimal) -> str:
    return f"{plain(dose)} mcg/day" if dose else "stopped"

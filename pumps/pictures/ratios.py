"""The flow ratios of a fleet: a row for each model, each pump's ratio or all of them together, over what is usual."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil, floor

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from pumps.pictures.shapes import WIDTH, Area, Dots, Drawing, Key, Line, Mark, Moment, Picture, Point, Table, Words
from pumps.services.figures import ModelFigure

TOP, ROW, BELOW = 22.0, 64.0, 26.0
BIN = 0.01
# Beyond so many dots upon each other they move closer together.
STACK, DOT = 36.0, 5.0
# So many of a model's pumps are named; the list beneath the picture has all.
NAMED = 3
USUAL_SDS = 2.0


@dataclass(frozen=True)
class Row:
    """A model: what its pumps start from, and either each pump's ratio or the mean and spread of all.

    `outliers` are ratios and what to call those pumps, the furthest first.
    """

    name: str
    prior_mean: float
    prior_sd: float
    ratios: Sequence[float] = ()
    mean: float | None = None
    sd: float | None = None
    count: int = 0
    outliers: Sequence[tuple[float, str]] = field(default=())

    @property
    def usual(self) -> tuple[float, float]:
        return self.prior_mean - USUAL_SDS * self.prior_sd, self.prior_mean + USUAL_SDS * self.prior_sd

    @property
    def usual_words(self) -> str:
        low, high = self.usual
        return _("%(low)s to %(high)s") % {"low": f"{low:.3f}", "high": f"{high:.3f}"}

    @property
    def count_words(self) -> str:
        count = self.count or len(self.ratios)
        return ngettext("%(count)s pump measured", "%(count)s pumps measured", count) % {"count": count}

    @property
    def mean_words(self) -> str:
        mean = self.mean
        if mean is None and self.ratios:
            mean = sum(self.ratios) / len(self.ratios)
        if mean is None:
            return _("none measured")
        return f"{mean:.3f} ± {self.sd:.3f}" if self.sd is not None else f"{mean:.3f}"


@dataclass(frozen=True)
class _Axis:
    least: float
    most: float

    def x(self, ratio: float) -> float:
        return (min(max(ratio, self.least), self.most) - self.least) / (self.most - self.least) * WIDTH


def of_models(models: Sequence[ModelFigure]) -> list[Row]:
    """All pumps of each model together, as of last night."""
    return [
        Row(
            name=one.model.model,
            prior_mean=one.learned.mean if one.learned else float(one.model.flow_ratio_mean),
            prior_sd=one.learned.sd if one.learned else float(one.model.flow_ratio_sd),
            mean=one.figure.ratio_mean,
            sd=one.figure.ratio_sd,
            count=one.figure.measured,
        )
        for one in models
    ]


def ratio_picture(rows: Sequence[Row]) -> Picture | None:
    """None where there is no model."""
    if not rows:
        return None
    axis, drawn = _axis(rows), Drawing()
    foot = TOP + ROW * len(rows)
    _draw_axis(drawn, axis, foot)
    for place, row in enumerate(rows):
        _draw_row(drawn, axis, row, TOP + ROW * place)
    moments = _moments(axis, rows)
    return Picture(
        name=_("Flow ratios"),
        says=_("Flow ratio of each pump by model, over the range that is usual for the model; 1 is as programmed."),
        height=foot + BELOW,
        table=_table(rows),
        areas=drawn.areas,
        lines=drawn.lines,
        dots=drawn.dots,
        marks=drawn.marks,
        words=drawn.words,
        keys=_keys(drawn),
        series=[row.name for row in rows],
        moments=moments,
        start=min(range(len(moments)), key=lambda place: abs(moments[place].x - axis.x(1.0))),
    )


def _axis(rows: Sequence[Row]) -> _Axis:
    """From 0.85 to 1.15, or as far as anything lies, in steps of 0.05."""
    values = [0.85, 1.15]
    for row in rows:
        values += [*row.usual, *row.ratios, *(ratio for ratio, _name in row.outliers)]
        if row.mean is not None:
            values += [row.mean - USUAL_SDS * (row.sd or 0), row.mean + USUAL_SDS * (row.sd or 0)]
    return _Axis(floor(max(min(values), 0) * 20 + 1e-9) / 20, ceil(min(max(values), 3) * 20 - 1e-9) / 20)


def _draw_axis(drawn: Drawing, axis: _Axis, foot: float) -> None:
    wide = axis.most - axis.least
    step = 0.05 if wide < 0.35 else 0.1 if wide < 0.85 else 0.25
    first, count = ceil(axis.least / step - 1e-9), floor(wide / step + 1e-9)
    for place in range(count + 1):
        ratio = (first + place) * step
        if ratio > axis.most + 1e-9:
            break
        x = axis.x(ratio)
        drawn.lines.append(Line("programmed" if abs(ratio - 1) < 0.001 else "grid", [(x, TOP), (x, foot)]))
        anchor = "start" if x < 20 else "end" if x > 980 else "middle"
        drawn.words.append(Words(x, foot + 16, f"{ratio:.2f}", anchor, is_extra=place % 2 == 1))
    drawn.words.append(Words(axis.x(1.0), TOP - 8, _("as programmed"), "middle"))
    drawn.lines.append(Line("foot", [(0, foot), (WIDTH, foot)]))


def _draw_row(drawn: Drawing, axis: _Axis, row: Row, top: float) -> None:
    low, high = (axis.x(value) for value in row.usual)
    drawn.areas.append(Area("prior", low, top + 18, high - low, ROW - 22))
    drawn.words.append(Words(2, top + 12, f"{row.name}: {row.count_words}", kind="name"))
    base = top + ROW - 8
    if row.ratios:
        drawn.dots.append(Dots("pump", _stacked(axis, row.ratios, base)))
    elif row.mean is not None:
        spread, middle = USUAL_SDS * (row.sd or 0), top + ROW / 2 + 8
        drawn.lines.append(Line("mean", [(axis.x(row.mean - spread), middle), (axis.x(row.mean + spread), middle)]))
        drawn.marks.append(Mark("measured", axis.x(row.mean), middle, row.mean_words))
    _draw_outliers(drawn, axis, row, base)


def _stacked(axis: _Axis, ratios: Sequence[float], base: float) -> list[Point]:
    """Each pump a dot, those of one ratio upon each other."""
    bins = [round(ratio / (BIN / 2)) for ratio in ratios]
    step = min(DOT, STACK / max(Counter(bins).values()))
    seen: Counter[int] = Counter()
    points = []
    for place, ratio in sorted(zip(bins, ratios, strict=True)):
        points.append((axis.x(ratio), base - step * seen[place]))
        seen[place] += 1
    return points


def _draw_outliers(drawn: Drawing, axis: _Axis, row: Row, base: float) -> None:
    taken: list[tuple[float, float]] = []
    for ratio, name in row.outliers[:NAMED]:
        x, words = axis.x(ratio), f"{name} {ratio:.3f}"
        drawn.marks.append(Mark("outlier", x, base, words))
        anchor, width = ("end", -11.0 * len(words)) if x > 500 else ("start", 11.0 * len(words))
        begin, end = sorted((x, x + width))
        if all(end < other or begin > last for other, last in taken):
            taken.append((begin, end))
            drawn.words.append(Words(x + (-9 if anchor == "end" else 9), base - 9, words, anchor, "outlier"))


_KEYS = (
    ("prior", gettext_lazy("usual for the model: 95 of 100 pumps"), "area"),
    ("pump", gettext_lazy("a pump"), "dots"),
    ("mean", gettext_lazy("95 of 100 pumps here"), "line"),
    ("measured", gettext_lazy("mean here"), "mark"),
    ("outlier", gettext_lazy("stands out"), "mark"),
    ("programmed", gettext_lazy("as programmed"), "line"),
)


def _keys(drawn: Drawing) -> list[Key]:
    there = {*(one.kind for one in drawn.areas), *(one.kind for one in drawn.lines)}
    there |= {*(one.kind for one in drawn.dots), *(one.kind for one in drawn.marks)}
    return [Key(kind, str(words), how) for kind, words, how in _KEYS if kind in there]


def _moments(axis: _Axis, rows: Sequence[Row]) -> list[Moment]:
    """Steps of the ratio with how many pumps each model has there; or, of sums, each model at its mean."""
    if not any(row.ratios for row in rows):
        known = sorted((row.mean if row.mean is not None else row.prior_mean, place) for place, row in enumerate(rows))
        return [
            Moment(axis.x(mean), rows[place].name, [""] * len(rows), f"{rows[place].mean_words}, {_usual(rows[place])}")
            for mean, place in known
        ]
    count = round((axis.most - axis.least) / (2 * BIN))
    return [_moment(axis, rows, axis.least + place * 2 * BIN) for place in range(count)]


def _usual(row: Row) -> str:
    return _("usual %(range)s") % {"range": row.usual_words}


def _moment(axis: _Axis, rows: Sequence[Row], low: float) -> Moment:
    high = low + 2 * BIN
    counts = [sum(low <= ratio < high for ratio in row.ratios) for row in rows]
    values = [ngettext("%(count)s pump", "%(count)s pumps", each) % {"count": each} if each else "" for each in counts]
    named = [f"{name} {ratio:.3f}" for row in rows for ratio, name in row.outliers if low <= ratio < high]
    words = _("%(low)s to %(high)s") % {"low": f"{low:.2f}", "high": f"{high:.2f}"}
    return Moment(axis.x(low + BIN), words, values, "; ".join(named))


def _table(rows: Sequence[Row]) -> Table:
    heads = [_("Model"), _("Measured"), _("Ratio here"), _("Usual"), _("Stand out")]
    return Table(
        _("Flow ratios by model"),
        heads,
        [
            [
                row.name,
                row.count_words,
                row.mean_words,
                row.usual_words,
                "; ".join(f"{name} {ratio:.3f}" for ratio, name in row.outliers) or _("none"),
            ]
            for row in rows
        ],
    )

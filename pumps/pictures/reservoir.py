"""The reservoir over time: measured, programmed and expected volumes, and what is planned."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from math import isnan

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinical.forecast import VolumeCurve
from clinical.ledger import Fill, Interrogation, LedgerEvent, ProgramChange
from clinics.words import day, moment_words, short_day
from pumps.pictures import levels
from pumps.pictures.axes import Scale, Time, draw_days, draw_numbers, step_of
from pumps.pictures.levels import ml
from pumps.pictures.shapes import WIDTH, Band, Drawing, Key, Line, Mark, Moment, Picture, Point, Table, Words
from pumps.reading import Reading

HEIGHT, TOP, FOOT, LANE = 310.0, 36.0, 262.0, 272.0
POINTS = 240
WITHOUT_END = timedelta(days=30)
JUST = timedelta(seconds=1)
YEAR = timedelta(days=365)


class Span(StrEnum):
    """How far back the picture goes."""

    FILL = "fill"
    THREE = "three"
    YEAR = "year"
    ALL = "all"


SPAN_WORDS = {
    Span.FILL: gettext_lazy("Since the last fill"),
    Span.THREE: gettext_lazy("Last 3 fills"),
    Span.YEAR: gettext_lazy("1 year"),
    Span.ALL: gettext_lazy("All"),
}


@dataclass(frozen=True)
class _Plot:
    """What is drawn: moments from `axis.start` to its end, and the volumes at each."""

    reading: Reading
    axis: Time
    scale: Scale
    moments: Sequence[datetime]
    curve: VolumeCurve

    @property
    def events(self) -> list[LedgerEvent]:
        return [event for event in self.reading.ledger if self.axis.holds(event.at)]

    def line(self, values: Sequence[float]) -> list[list[Point]]:
        """The points of a line, cut where the volume is not known."""
        parts: list[list[Point]] = [[]]
        for at, value in zip(self.moments, values, strict=True):
            if isnan(value):
                parts.append([])
            else:
                parts[-1].append((self.axis.x(at), self.scale.y(value)))
        return [part for part in parts if len(part) > 1]


def reservoir(reading: Reading, span: Span = Span.FILL, visits: Sequence[datetime] = ()) -> Picture | None:
    """The picture of a pump, with visits that stand; None before its first fill."""
    fills = [fill.at for fill in reading.fills if fill.at <= reading.now]
    if not fills:
        return None
    plot = _plot(reading, _start(fills, span, reading.now), _end(reading, visits))
    drawn = Drawing()
    _draw_frame(drawn, plot)
    _draw_volumes(drawn, plot)
    _draw_dates(drawn, plot)
    _draw_entries(drawn, plot, visits)
    return Picture(
        name=_("Reservoir"),
        says=_says(plot),
        height=HEIGHT,
        table=_table(plot, visits),
        bands=drawn.bands,
        lines=drawn.lines,
        marks=drawn.marks,
        words=drawn.words,
        keys=_keys(drawn),
        series=[_("Expected"), _("Range (98 %)"), _("As programmed")],
        moments=_moments_of(plot, visits),
        start=plot.moments.index(reading.now),
    )


def _says(plot: _Plot) -> str:
    now, by = plot.curve.expected[plot.moments.index(plot.reading.now)], plot.reading.row.refill_by
    return _("Volume in the reservoir over time: now %(volume)s, refill by %(day)s.") % {
        "volume": _("not known") if isnan(now) else ml(now),
        "day": day(by, plot.axis.zone) if by is not None else _("not known"),
    }


def _start(fills: Sequence[datetime], span: Span, now: datetime) -> datetime:
    match span:
        case Span.FILL:
            return fills[-1]
        case Span.THREE:
            return fills[-3:][0]
        case Span.YEAR:
            return max(fills[0], min(now - YEAR, fills[-1]))
        case Span.ALL:
            return fills[0]


def _end(reading: Reading, visits: Sequence[datetime]) -> datetime:
    """Beyond empty, refill-by and the visits."""
    row = reading.row
    ends = [at for at in (row.empty_at, row.programmed_empty_at, row.refill_by) if at is not None]
    return max([*ends, *visits, reading.now + (timedelta(0) if ends else WITHOUT_END)]) + timedelta(days=2)


def _plot(reading: Reading, start: datetime, end: datetime) -> _Plot:
    """Evenly spaced moments, and both sides of every event, where the line jumps or bends."""
    step = (end - start) / POINTS
    even = [start + step * number for number in range(POINTS + 1)]
    events = [event for event in reading.ledger if start <= event.at <= end]
    before = [event.at - JUST for event in events if isinstance(event, Fill) and event.at > start]
    moments = sorted({*even, *before, reading.now, *(event.at for event in events)})
    scale = Scale(TOP, FOOT, 0.0, float(reading.pump.model.reservoir_ml) * 1.05)
    return _Plot(reading, Time(start, end, reading.zone), scale, moments, reading.volumes(moments))


def _draw_frame(drawn: Drawing, plot: _Plot) -> None:
    draw_numbers(drawn, plot.scale, step_of(float(plot.reading.pump.model.reservoir_ml)), "mL")
    drawn.lines.append(Line("foot", [(0, FOOT), (WIDTH, FOOT)]))
    draw_days(drawn, plot.axis, FOOT + 18)


def _draw_volumes(drawn: Drawing, plot: _Plot) -> None:
    for low, high in zip(plot.line(plot.curve.low), plot.line(plot.curve.high), strict=True):
        drawn.bands.append(Band("range", [*high, *low[::-1]]))
    drawn.lines.extend(Line("programmed", part) for part in plot.line(plot.curve.programmed))
    drawn.lines.extend(Line("expected", part) for part in plot.line(plot.curve.expected))
    _draw_names(drawn, plot)
    for event in plot.events:
        at = plot.axis.x(event.at)
        if isinstance(event, Fill) and event.aspirated_ml is not None and event.at > plot.axis.start:
            measured = float(event.aspirated_ml)
            drawn.marks.append(Mark("measured", at, plot.scale.y(measured), _aspirated_words(event)))
        if isinstance(event, Interrogation) and event.volume_ml is not None:
            drawn.marks.append(Mark("read", at, plot.scale.y(float(event.volume_ml)), _read_words(event)))


def _draw_names(drawn: Drawing, plot: _Plot) -> None:
    """What the two lines are called, at either side of them half-way to the end; the steeper one lies lower."""
    begun = plot.reading.last_fill
    if begun is None or plot.axis.x(begun.at) > 250:
        return
    place = min(range(len(plot.moments)), key=lambda number: abs(plot.axis.x(plot.moments[number]) - 450))
    named = [(_("as programmed"), plot.curve.programmed[place]), (_("expected"), plot.curve.expected[place])]
    if any(isnan(value) for _name, value in named):
        return
    (below, low), (above, high) = sorted(named, key=lambda pair: pair[1])
    x = plot.axis.x(plot.moments[place])
    drawn.words.append(Words(x + 8, plot.scale.y(high) - 6, above, kind="name"))
    drawn.words.append(Words(x - 8, plot.scale.y(low) + 16, below, "end", kind="name"))


def _aspirated_words(fill: Fill) -> str:
    return _("%(volume)s mL aspirated") % {"volume": f"{fill.aspirated_ml:.1f}"}


def _read_words(event: Interrogation) -> str:
    return _("%(volume)s mL read by the programmer") % {"volume": f"{event.volume_ml:.1f}"}


def _draw_dates(drawn: Drawing, plot: _Plot) -> None:
    """Now, refill-by and the low level, each named where it is."""
    low = plot.scale.y(float(plot.reading.pump.low_reservoir_alarm_ml))
    drawn.lines.append(Line("low", [(0, low), (WIDTH, low)]))
    drawn.words.append(Words(130, low - 3, _("low level"), kind="low"))
    marked = [
        ("now", _("now"), plot.reading.now, 12.0),
        ("refill-by", _("refill by"), plot.reading.row.refill_by, 26.0),
    ]
    for kind, name, at, y in marked:
        if at is None or not plot.axis.holds(at):
            continue
        x = plot.axis.x(at)
        drawn.lines.append(Line(kind, [(x, y + 3), (x, FOOT)]))
        words = f"{name} {short_day(at.astimezone(plot.axis.zone).date())}" if kind == "refill-by" else name
        drawn.words.append(Words(x, y, words, _anchor(x), kind))


def _anchor(x: float) -> str:
    return "start" if x < 250 else "end" if x > 750 else "middle"


def _draw_entries(drawn: Drawing, plot: _Plot, visits: Sequence[datetime]) -> None:
    """Below the line: doses, plans, what else happened, and the visit that is booked."""
    for event in plot.events:
        words = levels.entry_words(event)
        if words:
            kind = "entry"
            if isinstance(event, ProgramChange):
                kind = "plan" if event.is_planned else "dose"
            drawn.marks.append(Mark(kind, plot.axis.x(event.at), LANE, _dated(words, event.at, plot)))
    for at in visits:
        if plot.axis.holds(at):
            drawn.marks.append(Mark("visit", plot.axis.x(at), LANE, _dated(_("Visit booked"), at, plot)))


def _dated(words: str, at: datetime, plot: _Plot) -> str:
    return f"{words}, {day(at, plot.axis.zone)}"


_KEYS = (
    ("expected", gettext_lazy("expected"), "line"),
    ("range", gettext_lazy("Range (98 %)"), "area"),
    ("programmed", gettext_lazy("as programmed"), "line"),
    ("low", gettext_lazy("low level"), "line"),
    ("measured", gettext_lazy("aspirated at a refill"), "mark"),
    ("read", gettext_lazy("read by the programmer"), "mark"),
    ("dose", gettext_lazy("dose change"), "mark"),
    ("plan", gettext_lazy("planned dose change"), "mark"),
    ("entry", gettext_lazy("other entry"), "mark"),
    ("visit", gettext_lazy("visit booked"), "mark"),
    ("now", gettext_lazy("now"), "line"),
    ("refill-by", gettext_lazy("refill by"), "line"),
)


def _keys(drawn: Drawing) -> list[Key]:
    """The legend, of what is there."""
    there = {*(one.kind for one in drawn.bands), *(one.kind for one in drawn.lines), *(one.kind for one in drawn.marks)}
    return [Key(kind, str(words), how) for kind, words, how in _KEYS if kind in there]


def _moments_of(plot: _Plot, visits: Sequence[datetime]) -> list[Moment]:
    notes: dict[datetime, list[str]] = {}
    for at, words in _notes(plot, visits):
        notes.setdefault(at, []).append(words)
    found, curve = [], plot.curve
    columns = zip(plot.moments, curve.expected, curve.low, curve.high, curve.programmed, strict=True)
    for at, expected, low, high, programmed in columns:
        values = ["", "", ""] if isnan(expected) else [ml(expected), levels.range_words(low, high), ml(programmed)]
        note = "; ".join(notes.get(at, []))
        found.append(Moment(plot.axis.x(at), moment_words(at, plot.axis.zone), values, note))
    return found


def _notes(plot: _Plot, visits: Sequence[datetime]) -> list[tuple[datetime, str]]:
    """What is said at a moment beside the volumes, at the moment of the picture that is nearest."""
    said = [(plot.reading.now, _("now"))]
    for event in plot.events:
        words = levels.entry_words(event)
        if isinstance(event, Fill):
            words = _("filled with %(volume)s mL") % {"volume": f"{event.filled_ml:.1f}"}
            if event.aspirated_ml is not None:
                words = f"{_aspirated_words(event)}, {words}"
        elif isinstance(event, Interrogation) and event.volume_ml is not None:
            words = _read_words(event)
        if words:
            said.append((event.at, words))
    later = [(plot.reading.row.refill_by, _("refill by")), *((at, _("visit booked")) for at in visits)]
    for at, words in later:
        if at is not None and plot.axis.holds(at):
            nearest = min(plot.moments, key=lambda moment: abs(moment - at))
            said.append((nearest, f"{words} {moment_words(at, plot.axis.zone)}"))
    return said


def _table(plot: _Plot, visits: Sequence[datetime]) -> Table:
    """At each date that matters, then at each entry, then before each refill with what was aspirated."""
    zone, events = plot.axis.zone, plot.events
    entries = [(words, event.at) for event in events if (words := levels.entry_words(event))]
    fills = [event for event in events if isinstance(event, Fill) and event.at > plot.axis.start]
    measured = {fill.at - JUST: _measured(fill) for fill in fills}
    named = [
        *levels.of_dates(plot.reading),
        *((_("Visit booked"), at) for at in visits),
        *entries,
        *((_("Refill"), at) for at in measured),
    ]
    rows = [
        [one.name, day(one.at, zone), ml(one.expected), one.range_words, ml(one.programmed), measured.get(one.at, "")]
        for one in levels.volumes_at(plot.reading, named)
    ]
    heads = [_("What"), _("When"), _("Expected"), _("Range (98 %)"), _("As programmed"), _("Aspirated")]
    return Table(_("Volumes in the reservoir"), heads, rows)


def _measured(fill: Fill) -> str:
    return ml(float(fill.aspirated_ml)) if fill.aspirated_ml is not None else _("not measured")

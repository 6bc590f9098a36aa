"""How full a clinic's days are: visits booked against the places there are, and the refills due."""

from collections.abc import Sequence

from django.utils.dateformat import format as formatted
from django.utils.translation import gettext as _

from clinics.words import calendar_day
from pumps.agenda import Day
from pumps.pictures.axes import Scale, draw_numbers, step_of
from pumps.pictures.shapes import WIDTH, Area, Drawing, Key, Line, Mark, Moment, Picture, Table, Words

HEIGHT = 230.0
TOP, BOTTOM = 18.0, 196.0
# Of a day's width, the bar; the rest is the gap to the next.
BAR = 0.72
# Room at the left for the numbers of the scale.
LEFT = 40.0


def picture(days: Sequence[Day]) -> Picture:
    """One bar a day within the outline of its places; a diamond at the number of refills due. Days in order, one at
    least."""
    found = Drawing()
    most = max(max(day.load.booked, day.load.places, day.load.due) for day in days)
    step = max(step_of(most), 1.0)
    scale = Scale(TOP, BOTTOM, 0, max(most, step))
    width = (WIDTH - LEFT) / len(days)
    draw_numbers(found, scale, step, "")
    for place, day in enumerate(days):
        _draw(found, scale, day, LEFT + place * width, width)
    found.lines.append(Line("foot", [(0, BOTTOM), (WIDTH, BOTTOM)]))
    for place in range(0, len(days), 7):
        x, anchor = (LEFT, "start") if place == 0 else (LEFT + (place + 0.5) * width, "middle")
        found.words.append(Words(x, BOTTOM + 18, formatted(days[place].day, "j M"), anchor, is_extra=place % 14 == 7))
    return Picture(
        name=_("Load by day"),
        says=_says(days),
        height=HEIGHT,
        table=_table(days),
        areas=found.areas,
        lines=found.lines,
        marks=found.marks,
        words=found.words,
        keys=_keys(),
        series=[_("Booked"), _("Places"), _("Refills due"), _("Due without a visit")],
        moments=[
            Moment(LEFT + (place + 0.5) * width, calendar_day(day.day), _numbers(day), note=_closed(day))
            for place, day in enumerate(days)
        ],
    )


def _keys() -> list[Key]:
    return [
        Key("bar", _("Visits booked"), drawn="area"),
        Key("bar-free", _("Places still free"), drawn="area"),
        Key("bar-over", _("Booked beyond the places"), drawn="area"),
        Key("closed", _("Closed"), drawn="area"),
        Key("plan", _("Refills due that day"), drawn="mark"),
    ]


def _draw(found: Drawing, scale: Scale, day: Day, x: float, width: float) -> None:
    left, bar, load = x + width * (1 - BAR) / 2, width * BAR, day.load
    if day.is_closed:
        found.areas.append(Area("closed", x, TOP, width, BOTTOM - TOP))
    within = min(load.booked, load.places)
    if load.places > within:
        found.areas.append(_bar("bar-free", scale, left, bar, within, load.places))
    if within:
        found.areas.append(_bar("bar", scale, left, bar, 0, within))
    if load.booked > within:
        found.areas.append(_bar("bar-over", scale, left, bar, within, load.booked))
    if load.due:
        said = _("%(day)s: %(due)d due") % {"day": calendar_day(day.day), "due": load.due}
        found.marks.append(Mark("plan", x + width / 2, scale.y(load.due), said))


def _bar(kind: str, scale: Scale, left: float, width: float, low: int, high: int) -> Area:
    top = scale.y(high)
    return Area(kind, left, top, width, scale.y(low) - top)


def _closed(day: Day) -> str:
    return (day.closed_name or _("Closed")) if day.is_closed else ""


def _numbers(day: Day) -> list[str]:
    load = day.load
    return [str(number) for number in (load.booked, load.places, load.due, load.unbooked)]


def _says(days: Sequence[Day]) -> str:
    """The whole in one sentence."""
    return _("From %(first)s to %(last)s: %(booked)d visits booked of %(places)d places, %(due)d refills due.") % {
        "first": calendar_day(days[0].day),
        "last": calendar_day(days[-1].day),
        "booked": sum(day.load.booked for day in days),
        "places": sum(day.load.places for day in days),
        "due": sum(day.load.due for day in days),
    }


def _table(days: Sequence[Day]) -> Table:
    heads = [_("Day"), _("Booked"), _("Places"), _("Refills due"), _("Due without a visit"), _("Closed")]
    rows = [[calendar_day(day.day), *_numbers(day), _closed(day)] for day in days]
    return Table(_("Load by day, in numbers"), heads, rows)

"""How late messages left, hour by hour: the median as a bar, the worst as a stroke above it."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from alerts.services.delays import Delay
from clinics.words import moment_words
from pumps.pictures.axes import Scale, Time, draw_days, draw_numbers, step_of
from pumps.pictures.shapes import WIDTH, Area, Drawing, Key, Line, Mark, Moment, Picture, Table, Words

HEIGHT, TOP, FOOT = 230.0, 24.0, 196.0
_KEYS = (
    ("median", gettext_lazy("median of the hour"), "area"),
    ("worst", gettext_lazy("longest of the hour"), "mark"),
    ("limit", gettext_lazy("late: an administrator is told"), "line"),
)


def delay_picture(delays: Sequence[Delay], axis: Time, patience: timedelta) -> Picture:
    """`delays` of hours in which something left, in order; `patience` is from when on a message counts as late."""
    most = max([patience.total_seconds() * 1.25, *(one.longest_s for one in delays)])
    scale, drawn = Scale(TOP, FOOT, 0.0, most / 60), Drawing()
    draw_numbers(drawn, scale, step_of(most / 60), "min")
    limit = scale.y(patience.total_seconds() / 60)
    drawn.lines.append(Line("limit", [(0, limit), (WIDTH, limit)]))
    drawn.words.append(Words(WIDTH - 2, limit - 4, _("late"), "end"))
    drawn.lines.append(Line("foot", [(0, FOOT), (WIDTH, FOOT)]))
    draw_days(drawn, axis, FOOT)
    moments = [_draw(drawn, axis, scale, one) for one in delays]
    return Picture(
        name=_("Delay of messages"),
        says=_("How long after it was due each message left, by hour of the last 7 days."),
        height=HEIGHT,
        table=_table(delays, axis),
        areas=drawn.areas,
        lines=drawn.lines,
        marks=drawn.marks,
        words=drawn.words,
        keys=[Key(kind, str(words), how) for kind, words, how in _KEYS],
        series=[_("Messages"), _("Median"), _("Longest")],
        moments=moments,
        start=max(len(moments) - 1, 0),
    )


def _draw(drawn: Drawing, axis: Time, scale: Scale, one: Delay) -> Moment:
    x, width = axis.x(one.hour), axis.x(one.hour + timedelta(hours=1)) - axis.x(one.hour)
    height = max(scale.bottom - scale.y(one.median_s / 60), 1.0)
    drawn.areas.append(Area("median", x, scale.bottom - height, width, height))
    drawn.marks.append(Mark("worst", x + width / 2, scale.y(one.longest_s / 60), _span(one.longest_s)))
    return Moment(x + width / 2, _hour(one.hour, axis), [str(one.messages), _span(one.median_s), _span(one.longest_s)])


def _hour(at: datetime, axis: Time) -> str:
    return moment_words(at, axis.zone)


def _span(seconds: float) -> str:
    """`40 s`, `12 min`, `3 h`."""
    if seconds < 90:
        return _("%(count)s s") % {"count": round(seconds)}
    if seconds < 5400:
        return _("%(count)s min") % {"count": round(seconds / 60)}
    hours = round(seconds / 3600)
    return ngettext("%(count)s hour", "%(count)s hours", hours) % {"count": hours}


def _table(delays: Sequence[Delay], axis: Time) -> Table:
    heads = [_("Hour"), _("Messages"), _("Median"), _("Longest")]
    rows = [
        [_hour(one.hour, axis), str(one.messages), _span(one.median_s), _span(one.longest_s)] for one in delays[::-1]
    ]
    return Table(_("Delay of messages by hour"), heads, rows)

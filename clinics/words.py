"""Dates and times as staff read them, in their language: in the clinic's timezone, the weekday said, the month never a
number. Numbers keep their point in every language, since that is how the programmers of pumps show them."""

from collections.abc import Callable
from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from django.utils import dateformat, translation
from django.utils.functional import lazy
from django.utils.translation import get_language, gettext, ngettext, pgettext


def _put_together(text: str, values: dict[str, object]) -> str:
    return gettext(text) % values


_later = lazy(_put_together, str)


def later(text: str, **values: object) -> str:
    """A text with its values, put together when it is read: `later(gettext_noop("At most %(n)s."), n=3)`."""
    return _later(text, values)


def in_english(make: Callable[..., object], *values: object) -> str:
    """What a call says in English, for texts that are kept: pages show them in the reader's language by `|said`."""
    with translation.override("en"):
        return str(make(*values))


# Days are counted up to here, years beyond.
A_LONG_TIME = 730


def calendar_day(day: date) -> str:
    """`Fri 4 Dec 2026`, `vie 4 dic 2026`."""
    return _day_words(day, get_language())


@lru_cache(maxsize=4096)
def _day_words(day: date, language: str | None) -> str:
    return dateformat.format(day, pgettext("day with its weekday", "D j M Y"))


def short_day(day: date) -> str:
    """`4 Dec 2026`, `4 dic 2026`."""
    return dateformat.format(day, pgettext("day without its weekday", "j M Y"))


def day(moment: datetime, zone: ZoneInfo) -> str:
    return calendar_day(moment.astimezone(zone).date())


def moment_words(moment: datetime, zone: ZoneInfo) -> str:
    """`Fri 4 Dec 2026, 14:30`."""
    local = moment.astimezone(zone)
    return f"{calendar_day(local.date())}, {local:%H:%M}"


def days_until(moment: datetime, now: datetime, zone: ZoneInfo) -> int:
    """Midnights between now and a moment on the clinic's wall; negative once they lie behind."""
    return (moment.astimezone(zone).date() - now.astimezone(zone).date()).days


def left(moment: datetime, now: datetime, zone: ZoneInfo) -> str:
    """`in 12 days`, `tomorrow`, `today`, `passed today`, `3 days past`."""
    days = days_until(moment, now, zone)
    if days == 0:
        return gettext("passed today") if moment <= now else gettext("today")
    if days == 1:
        return gettext("tomorrow")
    if days < 0:
        return ngettext("%(days)s day past", "%(days)s days past", -days) % {"days": -days}
    if days > A_LONG_TIME:
        years = days // 365
        return ngettext("in %(years)s year", "in %(years)s years", years) % {"years": years}
    return ngettext("in %(days)s day", "in %(days)s days", days) % {"days": days}

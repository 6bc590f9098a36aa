"""Units and moments.

Doses are mcg, concentrations mcg/mL, volumes mL, flows mL/day. Decimal at the edges, float64 inside the kernel;
a moment inside the kernel is seconds since 1970 in UTC, ``nan`` where there is none.
"""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from math import isnan
from zoneinfo import ZoneInfo

SECONDS_PER_DAY = 86_400.0
HOURS_PER_DAY = Decimal(24)


def to_seconds(moment: datetime) -> float:
    """Seconds since 1970 UTC of an aware datetime."""
    return moment.timestamp()


# Beyond this a level counts as never reached: no device or drug lives so long, and calendars end.
HORIZON = datetime(2200, 1, 1, tzinfo=UTC).timestamp()


def to_moment(seconds: float) -> datetime | None:
    """The UTC datetime of kernel seconds, rounded to whole seconds; ``None`` for ``nan`` or beyond the horizon."""
    if isnan(seconds) or seconds > HORIZON:
        return None
    return datetime.fromtimestamp(round(seconds), tz=UTC)


def start_of_day(day: date, timezone: ZoneInfo) -> datetime:
    """The first moment of a calendar day in a timezone, in UTC."""
    return datetime.combine(day, time.min, tzinfo=timezone).astimezone(UTC)


def days(number: float | int) -> timedelta:
    return timedelta(days=number)


def utc_offset_seconds(moment: datetime, timezone: ZoneInfo) -> int:
    """What a clock set in `timezone` at `moment` runs ahead of UTC, in seconds."""
    offset = moment.astimezone(timezone).utcoffset()
    if offset is None:
        raise ValueError("the timezone gives no UTC offset")
    return int(offset.total_seconds())


def plain(value: Decimal) -> str:
    """A decimal as a person writes it: no exponent, no trailing zeros."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text

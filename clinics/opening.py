"""On which days a clinic refills, and the last such day before a date. Pure."""

from collections.abc import Collection
from datetime import date, timedelta

WEEK = range(7)
WORKING_WEEK = range(5)
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
# A clinic closed for longer than this has no opening day before a date.
LOOK_BACK_DAYS = 60


def last_open_day(day: date, opening_days: Collection[int], closed: Collection[date]) -> date | None:
    """The day itself if the clinic is open on it, or the last open one before; None within a long closure."""
    for back in range(LOOK_BACK_DAYS):
        candidate = day - timedelta(days=back)
        if candidate.weekday() in opening_days and candidate not in closed:
            return candidate
    return None

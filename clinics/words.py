"""Dates and times as staff read them: in the clinic's timezone, the weekday said, the month never a number."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

# Days are counted up to here, years beyond.
A_LONG_TIME = 730


def calendar_day(day: date) -> str:
    """`Fri 4 Dec 2026`."""
    return f"{day:%a} {day.day} {day:%b %Y}"


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
        return "passed today" if moment <= now else "today"
    if days == 1:
        return "tomorrow"
    if days < 0:
        return f"{-days} day{'s' if days < -1 else ''} past"
    if days > A_LONG_TIME:
        return f"in {days // 365} years"
    return f"in {days} days"

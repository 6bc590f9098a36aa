"""A clinic's visits as a calendar that other programs subscribe to: iCalendar (RFC 5545).

It is read on screens nobody here knows, so it holds no health data: "Visit", a reference number, when, and whether it
was cancelled. UID and SEQUENCE are those of the visit, so that a moved one moves and a cancelled one goes.
"""

from collections.abc import Iterable
from datetime import UTC, timedelta

from django.utils.translation import gettext
from icalendar import Calendar, Event

from scheduling.models import Appointment, VisitRules
from scheduling.states import State

# So much of the past is still shown, and so much of the future.
BACK = timedelta(days=31)
AHEAD = timedelta(days=731)
REFRESH = timedelta(minutes=15)


def calendar(rules: VisitRules, visits: Iterable[Appointment]) -> bytes:
    """The calendar's text."""
    found = Calendar()
    found.add("prodid", "-//Brim//Visits//EN")
    found.add("version", "2.0")
    found.add("x-wr-calname", gettext("Visits"))
    found.add("refresh-interval", REFRESH)
    for visit in visits:
        found.add_component(_event(rules, visit))
    text: bytes = found.to_ical()
    return text


def _event(rules: VisitRules, visit: Appointment) -> Event:
    event = Event()
    event.add("uid", f"visit-{visit.pk}-{rules.feed_key}@brim")
    event.add("sequence", visit.sequence)
    event.add("summary", gettext("Visit %(number)s") % {"number": visit.pk})
    event.add("dtstamp", visit.changed_at.astimezone(UTC))
    event.add("last-modified", visit.changed_at.astimezone(UTC))
    event.add("dtstart", visit.starts_at.astimezone(UTC))
    event.add("dtend", visit.ends_at.astimezone(UTC))
    event.add("status", "CANCELLED" if visit.state == State.CANCELLED else "CONFIRMED")
    return event

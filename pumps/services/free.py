"""Which times a clinic has for a refill, and what is odd about one that somebody chose."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db import connection
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from clinics.models import Clinic
from clinics.words import calendar_day, moment_words
from pumps.models import Forecast, Pump
from scheduling.models import Appointment, VisitRules
from scheduling.times import slots, spread

# Times are offered within so long before the refill is due: earlier, much of the drug would be thrown away.
WINDOW = timedelta(days=28)
# Bookings at one clinic take turns while one checks that a time is free.
TURNS = 0x62726D
# After `refill_by`, and where no such date is known, times of the days that come first.
AFTER = timedelta(days=14)
MOST_AFTER = 3


@dataclass(frozen=True)
class Offer:
    """Free times of a pump: those until `refill_by`, and the first ones after it, which need a reason. Where no date is
    known none is late."""

    in_time: list[datetime]
    late: list[datetime]


def offer(*, pump: Pump, row: Forecast, now: datetime, most: int = 6) -> Offer:
    """Times for a pump's refill, earliest first. The number of queries does not depend on how many there are."""
    if not row.in_use:
        return Offer([], [])
    zone = pump.clinic.zone
    if row.refill_by is None:
        return Offer(spread(times_between(pump.clinic, now, now + AFTER, without=pump), most, zone), [])
    first = max(now, row.refill_by)
    late = times_between(pump.clinic, first, first + AFTER, without=pump)
    return Offer(spread(list(_free(pump, row, now)), most, zone), spread(late, MOST_AFTER, zone))


def times_between(clinic: Clinic, first: datetime, last: datetime, *, without: Pump | None = None) -> list[datetime]:
    """The times after `first` and until `last` at which a clinic is open and has a place, but for one pump's visit."""
    rules = VisitRules.objects.of([clinic.pk])[clinic.pk]
    length = timedelta(minutes=rules.minutes)
    taken = _taken(clinic, without, first, last + length)
    found = []
    for day in _open_days(clinic, first, last):
        moments = list(slots(day, rules.opens_at, rules.closes_at, rules.minutes, clinic.zone))
        here = [span for span in taken if moments and span[0] < moments[-1] + length and span[1] > moments[0]]
        found += [
            moment
            for moment in moments
            if first < moment <= last and _busy(here, moment, moment + length) < rules.places
        ]
    return found


def has_place(pump: Pump, starts_at: datetime) -> bool:
    """Whether a time is one at which the clinic is open and has a place, whatever the pump's date."""
    return starts_at in times_between(pump.clinic, starts_at - timedelta(minutes=1), starts_at, without=pump)


def is_any_place(pump: Pump, starts_at: datetime, minutes: int) -> bool:
    """Whether somebody else's visits leave a place at a time, in the clinic's hours or not."""
    rules = VisitRules.objects.of([pump.clinic_id])[pump.clinic_id]
    return _others(pump, starts_at, minutes) < rules.places


def _others(pump: Pump, starts_at: datetime, minutes: int) -> int:
    """The most visits of other pumps at once within a time."""
    ends_at = starts_at + timedelta(minutes=minutes)
    return _busy(_taken(pump.clinic, pump, starts_at, ends_at), starts_at, ends_at)


def free_times(*, pump: Pump, now: datetime, most: int = 6) -> list[datetime]:
    """Times for a pump's refill at which the clinic is open and has a place, over several days, earliest first.

    Never later than `refill_by`; none where that is unknown or has passed, or the pump is not in use. Three queries.
    """
    row = Forecast.objects.get(pump=pump)
    found = list(_free(pump, row, now)) if row.in_use else []
    return spread(found, most, pump.clinic.zone)


def is_free(pump: Pump, row: Forecast, starts_at: datetime, *, now: datetime) -> bool:
    """Whether a time is one of all that are free."""
    return row.in_use and any(moment == starts_at for moment in _free(pump, row, now))


def take_turns(clinic_id: int) -> None:
    """Wait until no other booking at the clinic is under way, to the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [TURNS, clinic_id])


def _free(pump: Pump, row: Forecast, now: datetime) -> Iterator[datetime]:
    if row.refill_by is not None and row.refill_by > now:
        yield from times_between(pump.clinic, max(now, row.refill_by - WINDOW), row.refill_by, without=pump)


def _open_days(clinic: Clinic, first: datetime, last: datetime) -> Iterator[date]:
    closed = set(clinic.closed_days.values_list("day", flat=True))
    day, end = first.astimezone(clinic.zone).date(), last.astimezone(clinic.zone).date()
    while day <= end:
        if day.weekday() in clinic.opening_days and day not in closed:
            yield day
        day += timedelta(days=1)


Span = tuple[datetime, datetime]


def _taken(clinic: Clinic, without: Pump | None, first: datetime, last: datetime) -> list[Span]:
    """When the visits that stand at a clinic begin and end, but that of one pump, which may be moved."""
    # A visit lasts 8 hours at most, so one that is going on began within the day before.
    rows = Appointment.objects.standing().filter(clinic=clinic).between(first - timedelta(days=1), last)
    rows = rows.exclude(pump=without) if without is not None else rows
    return [(visit.starts_at, visit.ends_at) for visit in rows]


def _busy(taken: list[Span], start: datetime, end: datetime) -> int:
    """The most visits at once within a span."""
    within = [span for span in taken if span[0] < end and span[1] > start]
    moments = Counter({max(begins, start): 0 for begins, _ in within})
    for begins, ends in within:
        for moment in moments:
            moments[moment] += begins <= moment < ends
    return max(moments.values(), default=0)


NOT_ON = (
    gettext_lazy("The clinic does not refill on Mondays."),
    gettext_lazy("The clinic does not refill on Tuesdays."),
    gettext_lazy("The clinic does not refill on Wednesdays."),
    gettext_lazy("The clinic does not refill on Thursdays."),
    gettext_lazy("The clinic does not refill on Fridays."),
    gettext_lazy("The clinic does not refill on Saturdays."),
    gettext_lazy("The clinic does not refill on Sundays."),
)


def remarks(visit: Appointment) -> list[str]:
    """What is odd about a visit's time; it is booked all the same, since those who book know why."""
    clinic, zone = visit.clinic, visit.clinic.zone
    rules = VisitRules.objects.of([clinic.pk])[clinic.pk]
    starts, ends = visit.starts_at.astimezone(zone), visit.ends_at.astimezone(zone)
    found = []
    closed = clinic.closed_days.filter(day=starts.date()).first()
    if closed is not None:
        found.append(
            _("The clinic is closed on %(closed)s.")
            % {"closed": str(closed).replace(str(closed.day), calendar_day(closed.day))}
        )
    elif starts.weekday() not in clinic.opening_days:
        found.append(str(NOT_ON[starts.weekday()]))
    if starts.time() < rules.opens_at or ends.time() > rules.closes_at or ends.date() > starts.date():
        found.append(
            _("The clinic refills from %(opens_at)s to %(closes_at)s.")
            % {"opens_at": _hour(rules.opens_at), "closes_at": _hour(rules.closes_at)}
        )
    others = _others(visit.pump, visit.starts_at, visit.minutes)
    if others >= rules.places:
        found.append(
            ngettext(
                "%(others)s other visit is booked at this time.",
                "%(others)s other visits are booked at this time.",
                others,
            )
            % {"others": others}
        )
    return found


def _hour(wall: time) -> str:
    return f"{wall:%H:%M}"


def late_words(row: Forecast) -> str:
    """What is asked of somebody who books after the date."""
    when = moment_words(row.refill_by, row.clinic.zone) if row.refill_by is not None else ""
    return _("This is after refill-by (%(when)s). Choose an earlier time, or say why it cannot be earlier.") % {
        "when": when
    }

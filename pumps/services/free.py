"""Which times a clinic has for a refill, and what is odd about one that somebody chose."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from django.db import connection
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from clinical.saying import say
from clinics.models import Clinic
from clinics.words import calendar_day, moment_words
from pumps.models import Forecast, Pump
from scheduling.models import Appointment, VisitRules
from scheduling.times import slots, spread

# Times are offered within so long before the refill is due: earlier, much of the drug would be thrown away.
WINDOW = timedelta(days=28)
# Until so long before it the last days come first; nearer than this the first ones do, since time is short.
SOON = timedelta(days=7)
# Bookings at one clinic take turns while one checks that a time is free.
TURNS = 0x62726D
# After `refill_by`, and where no such date is known, times of the days that come first.
AFTER = timedelta(days=14)
MOST_AFTER = 3
# Where it is too late for any time before `refill_by`: those of the first so many days that have one.
EARLIEST_DAYS = 3
# Kept with a visit at one of those, where nobody wrote a reason.
NONE_LEFT = say("no open time was left before refill-by when it was booked")


@dataclass(frozen=True)
class Offer:
    """Free times of a pump: those until `refill_by`, and the first ones after it, which need a reason; or, where no
    open time is left before it, the `earliest`, which are late and need none. Where no date is known none is late."""

    in_time: list[datetime]
    late: list[datetime]
    earliest: list[datetime] = field(default_factory=list)
    # No visit can be in time any more, whether there are `earliest` times or not.
    is_late: bool = False

    @property
    def at_once(self) -> list[datetime]:
        """Those that are booked without a reason."""
        return self.in_time or self.earliest


def offer(*, pump: Pump, row: Forecast, now: datetime, most: int = 6, most_late: int = MOST_AFTER) -> Offer:
    """Times for a pump's refill, in order of time, without the time its visit has already.

    Those of the last open days before `refill_by`, so that little drug is thrown away, a morning and an afternoon of
    each; where it is less than SOON away, of the first ones. Where no open time is left before it, the earliest there
    are. The number of queries does not depend on how many there are.
    """
    if not row.in_use:
        return Offer([], [])
    zone = pump.clinic.zone
    if row.refill_by is None:
        return Offer(spread(times_between(pump.clinic, now, now + AFTER, without=pump), most, zone), [])
    in_time: list[datetime] = []
    if row.refill_by > now:
        in_time = times_between(pump.clinic, max(now, row.refill_by - WINDOW), row.refill_by, without=pump)
    if not in_time and is_too_late(pump, row, now):
        return Offer([], [], spread(_earliest(pump, now), most, zone), is_late=True)
    late: list[datetime] = []
    if most_late:
        late = times_between(pump.clinic, row.refill_by, row.refill_by + AFTER, without=pump)
    is_of_last = row.refill_by - now > SOON
    return Offer(spread(in_time, most, zone, is_of_last=is_of_last), spread(late, most_late, zone))


def free_times(*, pump: Pump, now: datetime, most: int = 6) -> list[datetime]:
    """The times that `offer` has and that need no reason; none where no date is known, or the pump is not in use."""
    row = Forecast.objects.get(pump=pump)
    return offer(pump=pump, row=row, now=now, most=most, most_late=0).at_once if row.refill_by is not None else []


def is_too_late(pump: Pump, row: Forecast, now: datetime) -> bool:
    """Whether `refill_by` has passed, or passes before the clinic opens again: no visit can be in time."""
    if row.refill_by is None or row.refill_by > now + WINDOW:
        return False
    return row.refill_by <= now or not _open_times(pump.clinic, _rules(pump.clinic), now, row.refill_by)


def is_among_earliest(pump: Pump, row: Forecast, starts_at: datetime, *, now: datetime) -> bool:
    """Whether a time after `refill_by` is one of the earliest there are, and so needs no reason."""
    return row.in_use and is_too_late(pump, row, now) and starts_at in _earliest(pump, now)


def _earliest(pump: Pump, now: datetime) -> list[datetime]:
    """All free times of the first EARLIEST_DAYS days that have any."""
    found = times_between(pump.clinic, now, now + AFTER, without=pump)
    days = [moment.astimezone(pump.clinic.zone).date() for moment in found]
    first = sorted(set(days))[:EARLIEST_DAYS]
    return [moment for moment, day in zip(found, days, strict=True) if day in first]


def times_between(
    clinic: Clinic, first: datetime, last: datetime, *, without: Pump | None = None, own_too: bool = False
) -> list[datetime]:
    """The times after `first` and until `last` at which a clinic is open and has a place.

    One pump's visit takes none of them, since it may be moved; its present time is left out, unless `own_too`.
    """
    rules = _rules(clinic)
    length = timedelta(minutes=rules.minutes)
    visits = _visits(clinic, first, last + length)
    taken = _spans(visits, without)
    own = {visit.starts_at for visit in visits if without is not None and visit.pump_id == without.pk and not own_too}
    found = []
    for moments in _open_times(clinic, rules, first, last):
        here = [span for span in taken if span[0] < moments[-1] + length and span[1] > moments[0]]
        found += [
            moment for moment in moments if moment not in own and _busy(here, moment, moment + length) < rules.places
        ]
    return found


def _rules(clinic: Clinic) -> VisitRules:
    return VisitRules.objects.of([clinic.pk])[clinic.pk]


def _open_times(clinic: Clinic, rules: VisitRules, first: datetime, last: datetime) -> list[list[datetime]]:
    """By day, the times after `first` and until `last` at which a clinic is open, free or not; no day without one."""
    days = (
        slots(day, rules.opens_at, rules.closes_at, rules.minutes, clinic.zone)
        for day in _open_days(clinic, first, last)
    )
    found = ([moment for moment in moments if first < moment <= last] for moments in days)
    return [moments for moments in found if moments]


def has_place(pump: Pump, starts_at: datetime) -> bool:
    """Whether a time is one at which the clinic is open and has a place, whatever the pump's date."""
    return starts_at in times_between(
        pump.clinic, starts_at - timedelta(minutes=1), starts_at, without=pump, own_too=True
    )


def is_any_place(pump: Pump, starts_at: datetime, minutes: int) -> bool:
    """Whether somebody else's visits leave a place at a time, in the clinic's hours or not."""
    rules = VisitRules.objects.of([pump.clinic_id])[pump.clinic_id]
    return _others(pump, starts_at, minutes) < rules.places


def is_taken_since(visit: Appointment, starts_at: datetime, minutes: int, *, since: datetime) -> bool:
    """Whether another visit came to a time after a moment: one that was overbooked before has lost no place to it."""
    ends_at = starts_at + timedelta(minutes=minutes)
    others = Appointment.objects.standing().filter(clinic=visit.clinic_id, changed_at__gt=since).exclude(pk=visit.pk)
    near = others.between(starts_at - timedelta(days=1), ends_at)
    return any(each.starts_at + timedelta(minutes=each.minutes) > starts_at for each in near)


def _others(pump: Pump, starts_at: datetime, minutes: int) -> int:
    """The most visits of other pumps at once within a time."""
    ends_at = starts_at + timedelta(minutes=minutes)
    return _busy(_spans(_visits(pump.clinic, starts_at, ends_at), pump), starts_at, ends_at)


def is_free(pump: Pump, row: Forecast, starts_at: datetime, *, now: datetime) -> bool:
    """Whether a time is one of all that need no reason and are free: not those that are offered alone."""
    if not row.in_use or row.refill_by is None:
        return False
    if starts_at > row.refill_by:
        return is_among_earliest(pump, row, starts_at, now=now)
    first = max(now, row.refill_by - WINDOW)
    return starts_at in times_between(pump.clinic, first, row.refill_by, without=pump, own_too=True)


def take_turns(clinic_id: int) -> None:
    """Wait until no other booking at the clinic is under way, to the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [TURNS, clinic_id])


def _open_days(clinic: Clinic, first: datetime, last: datetime) -> Iterator[date]:
    closed = set(clinic.closed_days.values_list("day", flat=True))
    day, end = first.astimezone(clinic.zone).date(), last.astimezone(clinic.zone).date()
    while day <= end:
        if day.weekday() in clinic.opening_days and day not in closed:
            yield day
        day += timedelta(days=1)


Span = tuple[datetime, datetime]


def _visits(clinic: Clinic, first: datetime, last: datetime) -> list[Appointment]:
    """The visits that stand at a clinic and last into a span."""
    # A visit lasts 8 hours at most, so one that is going on began within the day before.
    return list(Appointment.objects.standing().filter(clinic=clinic).between(first - timedelta(days=1), last))


def _spans(visits: Sequence[Appointment], without: Pump | None) -> list[Span]:
    """When visits begin and end, but that of one pump, which may be moved."""
    others = (visit for visit in visits if without is None or visit.pump_id != without.pk)
    return [(visit.starts_at, visit.ends_at) for visit in others]


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


def earliest_words(row: Forecast, now: datetime) -> str:
    """What stands above the earliest times, where no visit can be in time."""
    if row.refill_by is not None and row.refill_by > now:
        return _("No open time is left before refill-by: the earliest times")
    return _("Refill-by is past: the earliest times")

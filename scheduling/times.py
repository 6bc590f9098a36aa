"""When a patient is reminded of a visit, when it counts as missed, and which times a clinic has. Pure.

Moments are aware; days and hours are of the clinic's wall, whatever the clocks do in between.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from clinical.escalation import Anchor, Channel, Tier, allowed_from

# One who came, but for whom no refill was recorded, is asked about after this much longer than one who did not.
GRACE_OF_ARRIVED = timedelta(hours=24)
# By which patients can be reminded of a visit.
CHANNELS = (Channel.EMAIL, Channel.SMS, Channel.VOICE)


@dataclass(frozen=True)
class Allowed:
    """The hours of the wall within which patients are written to: from `start` until before `end`."""

    start: time
    end: time

    def __contains__(self, wall: time) -> bool:
        return self.start <= wall < self.end

    def next(self, moment: datetime, zone: ZoneInfo) -> datetime:
        """The moment itself, or the next one at which a patient may be written to."""
        quiet = Tier("visit", Anchor.OPENED, 0, (), True, 1, True, quiet_from=self.end, quiet_to=self.start)
        return allowed_from(moment, quiet, zone)


def remind_at(starts_at: datetime, days: int, zone: ZoneInfo, allowed: Allowed) -> datetime:
    """So many days before a visit at the wall time of the visit; where that is not allowed, at the first hour that is.

    An hour that the clocks skip on that day is the one after it.
    """
    local = starts_at.astimezone(zone)
    at = local.time() if local.time() in allowed else allowed.start
    wall = datetime.combine(local.date() - timedelta(days=days), at, tzinfo=zone)
    return wall.astimezone(UTC)


def next_reminder(
    starts_at: datetime, days: Sequence[int], zone: ZoneInfo, allowed: Allowed, after: datetime
) -> datetime | None:
    """The first reminder still to come after a moment; None if that was the last."""
    moments = (remind_at(starts_at, each, zone, allowed) for each in days)
    return min((moment for moment in moments if after < moment < starts_at), default=None)


def nearest(starts_at: datetime, days: Sequence[int], zone: ZoneInfo, allowed: Allowed, at: datetime) -> int | None:
    """Of the reminders whose moment has come, the one nearest to the visit, in days before; None before the first."""
    return min((each for each in days if remind_at(starts_at, each, zone, allowed) <= at), default=None)


def reminder_tier(days: int) -> str:
    """What the outbox calls the reminder of so many days before."""
    return f"visit_{days}"


def overdue_at(starts_at: datetime, zone: ZoneInfo, hours: int | None) -> datetime:
    """From when on a visit that nobody came to is missed: so many hours after it began, or the end of its day."""
    if hours is not None:
        return starts_at + timedelta(hours=hours)
    tomorrow = starts_at.astimezone(zone).date() + timedelta(days=1)
    return datetime.combine(tomorrow, time(0), tzinfo=zone).astimezone(UTC)


def slots(day: date, opens_at: time, closes_at: time, minutes: int, zone: ZoneInfo) -> Iterator[datetime]:
    """The times of a day at which a visit can begin and still end before closing.

    A time that the clocks skip or show twice on that day is left out: nobody could tell which is meant.
    """
    wall, end = datetime.combine(day, opens_at), datetime.combine(day, closes_at)
    length = timedelta(minutes=minutes)
    while wall + length <= end:
        first = wall.replace(tzinfo=zone)
        moment = first.astimezone(UTC)
        is_shown = moment.astimezone(zone).replace(tzinfo=None) == wall
        if is_shown and first.utcoffset() == first.replace(fold=1).utcoffset():
            yield moment
        wall += length


def spread(moments: Sequence[datetime], most: int, zone: ZoneInfo, *, is_of_last: bool = False) -> list[datetime]:
    """At most so many of some moments, one in the morning and one in the afternoon of as many days as there are: of
    the first days, or of the last ones."""
    chosen: dict[tuple[date, bool], datetime] = {}
    for moment in moments:
        local = moment.astimezone(zone)
        chosen.setdefault((local.date(), local.hour < 12), moment)
    found = [*chosen.values()]
    kept = set(found)
    others = [moment for moment in moments if moment not in kept]
    if is_of_last:
        found, others = found[::-1], others[::-1]
    return sorted([*found, *others][:most])

"""Who is on call when: a weekly rota of people in turn, and those who stand in. Pure.

A turn lasts from one hand-over to the next, each on the same weekday and time of the clinic's wall clock, so that the
week of a change of the clocks is an hour shorter or longer. A hand-over that the clocks skip happens as much later as
they went forward; of one that happens twice, the first counts. People are ids.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Rota:
    """`people` take turns in this order, the first from `starts_on` at the hand-over time to the first hand-over."""

    starts_on: date
    weekday: int
    at: time
    people: tuple[int, ...]


@dataclass(frozen=True)
class StandIn:
    """Somebody who is on call from `begins` until before `ends`, whoever's turn it is."""

    person: int
    begins: datetime
    ends: datetime


@dataclass(frozen=True)
class Duty:
    """From `begins` until before `ends` this person is on call; nobody where it is None."""

    person: int | None
    begins: datetime
    ends: datetime
    is_stand_in: bool = False


def begins_at(rota: Rota, zone: ZoneInfo) -> datetime:
    """When the first turn begins."""
    return _moment(rota.starts_on, rota.at, zone)


def turn_at(rota: Rota, zone: ZoneInfo, now: datetime) -> Duty | None:
    """Whose turn it is at `now`; None before the rota begins."""
    if now < begins_at(rota, zone):
        return None
    number = _turn_number(rota, zone, now)
    person = rota.people[number % len(rota.people)] if rota.people else None
    return Duty(person, _hand_over(rota, zone, number), _hand_over(rota, zone, number + 1))


def in_force(rotas: Sequence[Rota], zone: ZoneInfo, now: datetime) -> Rota | None:
    """Of rotas in the order in which they were written, the newest that has begun."""
    begun = [rota for rota in rotas if begins_at(rota, zone) <= now]
    return begun[-1] if begun else None


def duty_at(rotas: Sequence[Rota], stand_ins: Sequence[StandIn], zone: ZoneInfo, now: datetime) -> Duty:
    """Who is on call at `now`, since when, and until when that holds; at least a week is looked ahead."""
    [first, *_] = duties(rotas, stand_ins, zone, now, now + 2 * WEEK)
    return first


def duties(
    rotas: Sequence[Rota], stand_ins: Sequence[StandIn], zone: ZoneInfo, begins: datetime, ends: datetime
) -> list[Duty]:
    """Who is on call from `begins` until before `ends`, without a gap: each a turn, its rest, or a stand-in.

    `rotas` in the order in which they were written; of stand-ins that overlap the last counts.
    """
    found: list[Duty] = []
    latest: Source = None
    for start, end in pairwise(_cuts(rotas, stand_ins, zone, begins, ends)):
        person, source = _source_at(rotas, stand_ins, zone, start)
        begun = found.pop().begins if found and source == latest else start
        found.append(Duty(person, begun, end, is_stand_in=isinstance(source, StandIn)))
        latest = source
    return found


# What puts somebody on call: a stand-in, or a turn of a rota.
Source = StandIn | Duty | None


def _source_at(
    rotas: Sequence[Rota], stand_ins: Sequence[StandIn], zone: ZoneInfo, moment: datetime
) -> tuple[int | None, Source]:
    standing = [one for one in stand_ins if one.begins <= moment < one.ends]
    if standing:
        return standing[-1].person, standing[-1]
    rota = in_force(rotas, zone, moment)
    turn = turn_at(rota, zone, moment) if rota is not None else None
    return (turn.person, turn) if turn is not None and turn.person is not None else (None, None)


def _cuts(
    rotas: Sequence[Rota], stand_ins: Sequence[StandIn], zone: ZoneInfo, begins: datetime, ends: datetime
) -> list[datetime]:
    """Every moment at which somebody else may take over, with both ends."""
    moments = {begins, ends}
    for one in stand_ins:
        moments |= {one.begins, one.ends}
    for rota in rotas:
        moments.add(begins_at(rota, zone))
        turn = turn_at(rota, zone, max(begins, begins_at(rota, zone)))
        while turn is not None and turn.ends < ends:
            moments.add(turn.ends)
            turn = turn_at(rota, zone, turn.ends)
    return sorted(moment for moment in moments if begins <= moment <= ends)


def _turn_number(rota: Rota, zone: ZoneInfo, now: datetime) -> int:
    """How many hand-overs there were from the rota's beginning until `now`: the first turn is 0."""
    days = (now.astimezone(zone).date() - _first_hand_over(rota)).days
    number = max(days // 7 + 1, 0)
    return number - 1 if number > 0 and now < _hand_over(rota, zone, number) else number


def _hand_over(rota: Rota, zone: ZoneInfo, number: int) -> datetime:
    """When the turn of this number begins."""
    if number == 0:
        return begins_at(rota, zone)
    return _moment(_first_hand_over(rota) + (number - 1) * WEEK, rota.at, zone)


def _first_hand_over(rota: Rota) -> date:
    """The first day of the weekday behind the one on which the rota begins."""
    return rota.starts_on + timedelta(days=(rota.weekday - rota.starts_on.weekday() - 1) % 7 + 1)


def _moment(day: date, at: time, zone: ZoneInfo) -> datetime:
    """In UTC, since two datetimes of one zone are compared by their walls."""
    return datetime.combine(day, at, tzinfo=zone).astimezone(UTC)

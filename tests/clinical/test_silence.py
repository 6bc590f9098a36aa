"""The promise as a property: whatever the dates and whoever acknowledges, nobody is left untold for long."""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinical.escalation import (
    ACKNOWLEDGED_PAST,
    LONGEST_REPEAT_HOURS,
    REFILL_LADDER,
    Deadlines,
    Tier,
    acknowledged_at_most,
    acknowledged_until,
    allowed_from,
    earlier,
    for_risk,
    is_quieted,
    next_due,
    next_start,
    problems,
    tier_at,
)

REFILL_BY = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WATCHED = 20 * DAY


@st.composite
def a_ladder(draw: st.DrawFn) -> Sequence[Tier]:
    """Any ladder that a clinic can set."""
    leads = sorted(draw(st.sets(st.integers(-90, -1), min_size=4, max_size=4)))
    tiers = []
    for tier, lead in zip(REFILL_LADDER, [*leads, 0, 0, 0], strict=True):
        hours = draw(st.integers(1, LONGEST_REPEAT_HOURS.get(tier.code, 14 * 24)))
        tiers.append(replace(tier, lead_days=lead, repeat_hours=hours))
    assert problems(tiers) == {}
    return earlier(tiers, draw(st.integers(0, 28)))


def moments(lowest: int, highest: int) -> st.SearchStrategy[datetime | None]:
    """Hours from refill-by, or not known."""
    return st.none() | st.integers(lowest * 60, highest * 60).map(
        lambda minutes: REFILL_BY + timedelta(minutes=minutes)
    )


DEADLINES = st.builds(
    lambda opened, low, empty, filled: Deadlines(opened or REFILL_BY, REFILL_BY, low, empty, filled),
    moments(-2000, 100),
    moments(-200, 400),
    moments(-200, 400),
    moments(-4000, -1),
)
# When somebody acknowledges after the last one did, and for how long they wish; None for as long as they may.
ACKNOWLEDGEMENTS = st.lists(
    st.tuples(
        st.integers(1, 4000).map(lambda minutes: timedelta(minutes=minutes)),
        st.none() | st.integers(1, 10_000).map(lambda minutes: timedelta(minutes=minutes)),
    ),
    max_size=60,
)


def tellings(
    ladder: Sequence[Tier],
    deadlines: Deadlines,
    start: datetime,
    acknowledgements: Sequence[tuple[timedelta, timedelta | None]],
) -> list[datetime]:
    """When an engine that is never late tells, from `start` on, and people acknowledge meanwhile."""
    told: list[datetime] = []
    due: datetime | None = start
    running: datetime | None = None
    at = start
    waiting = list(acknowledgements)
    while due is not None and due <= REFILL_BY + WATCHED:
        if waiting and at + waiting[0][0] < due:
            after, wish = waiting.pop(0)
            at += after
            wanted = at + wish if wish is not None else None
            due = running = acknowledged_until(
                tier_at(ladder, deadlines, at), deadlines, at, wanted=wanted, running=running
            )
            continue
        running, at = None, due
        if tier_at(ladder, deadlines, due) is None:
            due = next_start(ladder, deadlines, due)
            continue
        told.append(due)
        due = next_due(ladder, deadlines, due)
    return told


@settings(max_examples=300, deadline=None)
@given(a_ladder(), DEADLINES, st.integers(-60 * 24, 48), ACKNOWLEDGEMENTS)
def test_from_refill_by_on_silence_is_never_longer_than_repeat_and_acknowledgement(
    ladder: Sequence[Tier],
    deadlines: Deadlines,
    start_hours: int,
    acknowledgements: list[tuple[timedelta, timedelta | None]],
) -> None:
    start = REFILL_BY + start_hours * HOUR
    told = tellings(ladder, deadlines, start, acknowledgements)
    late = [moment for moment in told if moment >= REFILL_BY]
    first_by = max(start, REFILL_BY)
    severe = tier_at(ladder, deadlines, REFILL_BY)
    assert severe is not None
    # `past` tells on the moment; where low or empty has begun before, their own shorter repeat goes on.
    assert late[0] <= first_by + severe.repeat_hours * HOUR + ACKNOWLEDGED_PAST
    for before, after in itertools.pairwise(late):
        tier = tier_at(ladder, deadlines, before)
        assert tier is not None
        assert after - before <= tier.repeat_hours * HOUR + ACKNOWLEDGED_PAST
    assert REFILL_BY + WATCHED - late[-1] <= 24 * HOUR + ACKNOWLEDGED_PAST


@pytest.mark.parametrize(
    ("hours", "at_most"),
    [
        (-200, -128),  # 72 hours
        (-72, 0),  # exactly up to refill-by
        (-71.99, 0),
        (-0.01, 0),
        (0, 4),
        (24, 28),
        (166, 168),  # low begins after 7 days
        (168, 169),
        (200, 201),
        (287.5, 288),  # empty begins after 12 days
        (288, 289),
        (5000, 5001),
    ],
)
def test_an_acknowledgement_lasts_at_most(hours: float, at_most: float) -> None:
    deadlines = Deadlines(REFILL_BY - 60 * DAY, REFILL_BY, REFILL_BY + 7 * DAY, REFILL_BY + 12 * DAY)
    now = REFILL_BY + hours * HOUR
    tier = tier_at(REFILL_LADDER, deadlines, now)
    assert acknowledged_at_most(tier, deadlines, now) == REFILL_BY + at_most * HOUR


def test_a_running_acknowledgement_is_not_prolonged() -> None:
    deadlines = Deadlines(REFILL_BY, REFILL_BY)
    tier = tier_at(REFILL_LADDER, deadlines, REFILL_BY)
    first = acknowledged_until(tier, deadlines, REFILL_BY, wanted=None, running=None)
    later = REFILL_BY + 3 * HOUR
    assert first == REFILL_BY + 4 * HOUR
    assert acknowledged_until(tier, deadlines, later, wanted=None, running=first) == first
    assert acknowledged_until(tier, deadlines, later, wanted=later + HOUR / 2, running=first) == later + HOUR / 2
    assert acknowledged_until(tier, deadlines, first, wanted=None, running=first) == first + 4 * HOUR


@pytest.mark.parametrize(("seconds", "is_quiet"), [(-1, True), (0, True), (1, False)])
def test_a_visit_up_to_refill_by_quiets(seconds: int, is_quiet: bool) -> None:
    deadlines = Deadlines(REFILL_BY, REFILL_BY)
    booked = REFILL_BY + timedelta(seconds=seconds)
    quieted = [tier.code for tier in REFILL_LADDER if is_quieted(tier, deadlines, booked)]
    assert quieted == (["book", "patient", "unbooked"] if is_quiet else [])
    assert not any(is_quieted(tier, deadlines, None) for tier in REFILL_LADDER)


def test_risk_begins_what_comes_before_refill_by_earlier_and_nothing_else() -> None:
    shifted = for_risk(REFILL_LADDER, ["t6_or_above"], 10)
    assert [tier.lead_days for tier in shifted] == [-38, -31, -24, -17, 0, 0, 0]
    assert for_risk(REFILL_LADDER, ["epilepsy", "pregnant"], 10) is REFILL_LADDER


# In each zone the night before the clocks change, and the night in which they do.
NIGHTS = [
    ("America/New_York", "2026-03-07T23:00", "2026-03-08T08:00", 8),
    ("America/New_York", "2026-10-31T23:00", "2026-11-01T08:00", 10),
    ("Europe/London", "2026-03-28T23:00", "2026-03-29T08:00", 8),
    ("Europe/London", "2026-10-24T23:00", "2026-10-25T08:00", 10),
    ("Australia/Sydney", "2026-04-04T23:00", "2026-04-05T08:00", 10),
    ("Australia/Sydney", "2026-10-03T23:00", "2026-10-04T08:00", 8),
]


@pytest.mark.parametrize(("name", "late", "allowed", "hours"), NIGHTS)
def test_quiet_hours_end_by_the_wall_when_the_clocks_change(name: str, late: str, allowed: str, hours: int) -> None:
    zone = ZoneInfo(name)
    moment, expected = (datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC) for text in (late, allowed))
    found = allowed_from(moment, REFILL_LADDER[0], zone)
    assert found == expected
    assert found - moment == hours * HOUR
    assert allowed_from(found, REFILL_LADDER[0], zone) == found


@pytest.mark.parametrize(("name", "late", "allowed", "hours"), NIGHTS)
@pytest.mark.parametrize("minutes", range(0, 60 * 12, 97))
def test_what_is_held_over_a_change_of_clocks_is_held_until_morning_and_no_longer(
    name: str, late: str, allowed: str, hours: int, minutes: int
) -> None:
    zone = ZoneInfo(name)
    start = datetime.fromisoformat(late).replace(tzinfo=zone).astimezone(UTC)
    moment = start + timedelta(minutes=minutes)
    found = allowed_from(moment, REFILL_LADDER[0], zone)
    assert found == max(moment, start + hours * HOUR)


@pytest.mark.parametrize(
    ("quiet_from", "quiet_to", "local", "allowed"),
    [
        ("12:00", "14:00", "11:59", "11:59"),
        ("12:00", "14:00", "12:00", "14:00"),
        ("12:00", "14:00", "13:59", "14:00"),
        ("12:00", "14:00", "14:00", "14:00"),
        ("20:00", "20:00", "21:00", "21:00"),  # no quiet hours at all
        ("00:00", "06:00", "00:00", "06:00"),
    ],
)
def test_quiet_hours_within_a_day(quiet_from: str, quiet_to: str, local: str, allowed: str) -> None:
    zone = ZoneInfo("Europe/London")
    tier = replace(REFILL_LADDER[0], quiet_from=time.fromisoformat(quiet_from), quiet_to=time.fromisoformat(quiet_to))
    moment, expected = (datetime.fromisoformat(f"2026-12-01T{text}").replace(tzinfo=zone) for text in (local, allowed))
    assert allowed_from(moment, tier, zone) == expected

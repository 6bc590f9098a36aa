"""Reminders, missed visits and free times on the clinic's wall, whatever the clocks do."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from scheduling.times import Allowed, nearest, next_reminder, overdue_at, remind_at, slots, spread

NEW_YORK, LONDON = ZoneInfo("America/New_York"), ZoneInfo("Europe/London")
ALLOWED = Allowed(time(8), time(20))
DAYS = [7, 2, 1]


def wall(text: str, zone: ZoneInfo = NEW_YORK) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


@pytest.mark.parametrize(
    ("starts", "days", "at"),
    [
        ("2026-12-04 10:30", 2, "2026-12-02 10:30"),
        ("2026-12-04 07:30", 2, "2026-12-02 08:00"),  # too early on the wall
        ("2026-12-04 20:00", 2, "2026-12-02 08:00"),  # the end is not allowed any more
        ("2026-11-02 10:00", 1, "2026-11-01 10:00"),  # the clocks went back that night: 24 hours before is 11:00
        ("2026-03-09 10:00", 1, "2026-03-08 10:00"),  # the clocks went forward
    ],
)
def test_a_reminder_comes_so_many_days_before_in_allowed_hours(starts: str, days: int, at: str) -> None:
    assert remind_at(wall(starts), days, NEW_YORK, ALLOWED) == wall(at)


def test_the_next_reminder_is_the_first_that_is_still_to_come() -> None:
    starts = wall("2026-12-11 10:00")
    cases = [
        ("2026-12-01 00:00", "2026-12-04 10:00"),
        ("2026-12-04 10:00", "2026-12-09 10:00"),
        ("2026-12-09 12:00", "2026-12-10 10:00"),
    ]
    for after, expected in cases:
        assert next_reminder(starts, DAYS, NEW_YORK, ALLOWED, wall(after)) == wall(expected)
    assert next_reminder(starts, DAYS, NEW_YORK, ALLOWED, wall("2026-12-10 10:00")) is None
    assert next_reminder(starts, [], NEW_YORK, ALLOWED, wall("2026-12-01 00:00")) is None


def test_the_nearest_of_those_that_have_come() -> None:
    starts = wall("2026-12-11 10:00")
    assert nearest(starts, DAYS, NEW_YORK, ALLOWED, wall("2026-12-03 00:00")) is None
    assert nearest(starts, DAYS, NEW_YORK, ALLOWED, wall("2026-12-08 00:00")) == 7
    assert nearest(starts, DAYS, NEW_YORK, ALLOWED, wall("2026-12-10 12:00")) == 1


def test_at_night_the_next_allowed_hour_is_the_morning() -> None:
    assert ALLOWED.next(wall("2026-12-04 22:00"), NEW_YORK) == wall("2026-12-05 08:00")
    assert ALLOWED.next(wall("2026-12-05 03:00"), NEW_YORK) == wall("2026-12-05 08:00")
    assert ALLOWED.next(wall("2026-12-05 19:59"), NEW_YORK) == wall("2026-12-05 19:59")


@pytest.mark.parametrize("starts", ["2026-03-08 01:30", "2026-11-01 23:30", "2026-12-04 10:00"])
def test_a_day_ends_at_its_midnight(starts: str) -> None:
    over = overdue_at(wall(starts), NEW_YORK, None).astimezone(NEW_YORK)
    assert over.time() == time(0)
    assert over.date() == date.fromisoformat(starts[:10]) + timedelta(days=1)


def test_hours_count_from_the_beginning() -> None:
    assert overdue_at(wall("2026-11-01 00:30"), NEW_YORK, 4) == wall("2026-11-01 00:30") + timedelta(hours=4)


def test_a_visit_ends_before_closing() -> None:
    found = list(slots(date(2026, 12, 4), time(9), time(10, 20), 30, NEW_YORK))
    assert found == [wall("2026-12-04 09:00"), wall("2026-12-04 09:30")]


def test_a_time_that_the_clocks_skip_or_show_twice_is_not_offered() -> None:
    spring = [f"{one.astimezone(LONDON):%H:%M}" for one in slots(date(2026, 3, 29), time(0), time(3), 30, LONDON)]
    assert spring == ["00:00", "00:30", "02:00", "02:30"]
    autumn = [f"{one.astimezone(LONDON):%H:%M}" for one in slots(date(2026, 10, 25), time(0), time(3), 30, LONDON)]
    assert autumn == ["00:00", "00:30", "02:00", "02:30"]


def test_offers_are_spread_over_days() -> None:
    days = [date(2026, 12, 4), date(2026, 12, 7)]
    everything = [moment for day in days for moment in slots(day, time(9), time(16), 30, NEW_YORK)]
    hours = [f"{moment.astimezone(NEW_YORK):%d %H:%M}" for moment in spread(everything, 4, NEW_YORK)]
    assert hours == ["04 09:00", "04 12:00", "07 09:00", "07 12:00"]
    assert len(spread(everything, 6, NEW_YORK)) == 6
    assert spread(everything[:1], 6, NEW_YORK) == everything[:1]

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from clinical.rota import Duty, Rota, StandIn, duties, duty_at, turn_at

NEW_YORK, LONDON, SYDNEY = ZoneInfo("America/New_York"), ZoneInfo("Europe/London"), ZoneInfo("Australia/Sydney")
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
# Monday 2 November 2026.
ROTA = Rota(date(2026, 11, 2), 0, time(8), (1, 2, 3))


def wall(zone: ZoneInfo, *parts: int) -> datetime:
    return datetime(*parts, tzinfo=zone).astimezone(UTC)  # type: ignore[arg-type, misc]  # year, month, day, hour, minute


def who(rota: Rota, zone: ZoneInfo, now: datetime) -> int | None:
    turn = turn_at(rota, zone, now)
    return turn.person if turn is not None else None


@pytest.mark.parametrize("zone", [NEW_YORK, LONDON, SYDNEY])
def test_the_turn_changes_at_the_minute_of_the_hand_over(zone: ZoneInfo) -> None:
    at = wall(zone, 2026, 11, 9, 8)
    assert who(ROTA, zone, at - MINUTE) == 1
    assert who(ROTA, zone, at - timedelta(microseconds=1)) == 1
    assert who(ROTA, zone, at) == 2


def test_before_the_rota_begins_it_is_nobodys_turn() -> None:
    at = wall(NEW_YORK, 2026, 11, 2, 8)
    assert turn_at(ROTA, NEW_YORK, at - MINUTE) is None
    assert who(ROTA, NEW_YORK, at) == 1


def test_people_come_round_again_for_ever() -> None:
    at = wall(LONDON, 2026, 11, 2, 8)
    assert [who(ROTA, LONDON, at + timedelta(weeks=week)) for week in range(7)] == [1, 2, 3, 1, 2, 3, 1]
    assert (
        who(ROTA, LONDON, wall(LONDON, 2036, 11, 3, 8)) == [1, 2, 3][(date(2036, 11, 3) - ROTA.starts_on).days // 7 % 3]
    )


@pytest.mark.parametrize(
    ("starts_on", "days"), [(date(2026, 11, 4), 5), (date(2026, 11, 8), 1), (date(2026, 11, 9), 7)]
)
def test_the_first_turn_lasts_until_the_first_hand_over_behind_it(starts_on: date, days: int) -> None:
    rota = Rota(starts_on, 0, time(8), (1, 2))
    turn = turn_at(rota, LONDON, wall(LONDON, starts_on.year, starts_on.month, starts_on.day, 8))
    assert turn is not None
    assert (turn.person, turn.ends - turn.begins) == (1, timedelta(days=days))
    assert who(rota, LONDON, turn.ends) == 2


@pytest.mark.parametrize(
    ("zone", "before", "hours"),
    [
        (NEW_YORK, (2026, 3, 2, 8), 167),
        (NEW_YORK, (2026, 10, 26, 8), 169),
        (LONDON, (2026, 3, 23, 8), 167),
        (LONDON, (2026, 10, 19, 8), 169),
        (SYDNEY, (2026, 9, 28, 8), 167),
        (SYDNEY, (2026, 3, 30, 8), 169),
    ],
)
def test_the_week_in_which_the_clocks_change_is_an_hour_shorter_or_longer(
    zone: ZoneInfo, before: tuple[int, ...], hours: int
) -> None:
    rota = Rota(date(2026, 1, 5), 0, time(8), (1, 2))
    begins = wall(zone, *before)
    turn = turn_at(rota, zone, begins)
    assert turn is not None
    assert (turn.begins, turn.ends - turn.begins) == (begins, hours * HOUR)
    assert turn.ends.astimezone(zone).time() == time(8)
    assert who(rota, zone, turn.ends - MINUTE) != who(rota, zone, turn.ends)


@pytest.mark.parametrize(
    ("zone", "skipped", "after"),
    [
        (NEW_YORK, date(2026, 3, 8), (2026, 3, 8, 3, 30)),
        (LONDON, date(2026, 3, 29), (2026, 3, 29, 2, 30)),
        (SYDNEY, date(2026, 10, 4), (2026, 10, 4, 3, 30)),
    ],
)
def test_a_hand_over_the_clocks_skip_happens_an_hour_later(
    zone: ZoneInfo, skipped: date, after: tuple[int, ...]
) -> None:
    at = time(1, 30) if zone is LONDON else time(2, 30)
    rota = Rota(skipped - timedelta(days=7), 6, at, (1, 2))
    moment = wall(zone, *after)
    assert [who(rota, zone, moment - MINUTE), who(rota, zone, moment)] == [1, 2]


@pytest.mark.parametrize(
    ("zone", "day", "at"),
    [
        (NEW_YORK, date(2026, 11, 1), time(1, 30)),
        (LONDON, date(2026, 10, 25), time(1, 30)),
        (SYDNEY, date(2026, 4, 5), time(2, 30)),
    ],
)
def test_of_a_hand_over_that_happens_twice_the_first_counts(zone: ZoneInfo, day: date, at: time) -> None:
    rota = Rota(day - timedelta(days=7), 6, at, (1, 2))
    first = datetime.combine(day, at, tzinfo=zone).astimezone(UTC)
    second = datetime.combine(day, at, tzinfo=zone).replace(fold=1).astimezone(UTC)
    assert second - first == HOUR
    assert [who(rota, zone, moment) for moment in (first - MINUTE, first, second - MINUTE, second)] == [1, 2, 2, 2]


def test_a_newer_rota_takes_over_when_it_begins() -> None:
    newer = Rota(date(2026, 11, 18), 2, time(12), (7, 8))
    begins, takes_over = wall(LONDON, 2026, 11, 16, 8), wall(LONDON, 2026, 11, 18, 12)
    found = duties([ROTA, newer], [], LONDON, begins, wall(LONDON, 2026, 11, 26))
    assert found == [
        Duty(3, begins, takes_over),
        Duty(7, takes_over, takes_over + timedelta(weeks=1)),
        Duty(8, takes_over + timedelta(weeks=1), wall(LONDON, 2026, 11, 26)),
    ]


def test_a_stand_in_is_on_call_from_its_beginning_until_before_its_end() -> None:
    begins, ends = wall(LONDON, 2026, 11, 4, 18), wall(LONDON, 2026, 11, 10, 6)
    one = StandIn(9, begins, ends)
    on = [duty_at([ROTA], [one], LONDON, at).person for at in (begins - MINUTE, begins, ends - MINUTE, ends)]
    assert on == [1, 9, 9, 2]
    assert duty_at([ROTA], [one], LONDON, begins + HOUR) == Duty(9, begins + HOUR, ends, is_stand_in=True)


def test_nobody_is_a_duty_of_its_own() -> None:
    at = wall(LONDON, 2026, 11, 1)
    assert duties([ROTA], [], LONDON, at, at + timedelta(days=3)) == [
        Duty(None, at, wall(LONDON, 2026, 11, 2, 8)),
        Duty(1, wall(LONDON, 2026, 11, 2, 8), at + timedelta(days=3)),
    ]
    assert duty_at([], [], LONDON, at).person is None
    assert duty_at([Rota(date(2026, 10, 1), 0, time(8), ())], [], LONDON, at).person is None


@pytest.mark.parametrize("zone", [NEW_YORK, LONDON, SYDNEY])
def test_every_hour_of_two_years_belongs_to_the_one_whose_turn_covers_it(zone: ZoneInfo) -> None:
    rota = Rota(date(2026, 1, 7), 6, time(2, 30), (1, 2, 3))
    begins = wall(zone, 2026, 1, 8)
    table = duties([rota], [], zone, begins, begins + timedelta(days=730))
    for duty in table:
        assert turn_at(rota, zone, duty.begins + HOUR) == turn_at(rota, zone, duty.ends - MINUTE)
        assert who(rota, zone, duty.begins) == duty.person
    assert all(first.ends == second.begins for first, second in pairwise(table))
    assert all(first.person != second.person for first, second in pairwise(table))

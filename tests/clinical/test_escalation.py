from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from clinical.escalation import (
    IMMEDIATE_LADDER,
    REFILL_LADDER,
    Deadlines,
    allowed_from,
    next_due,
    next_start,
    tier_at,
    tier_from_json,
    tier_to_json,
)

REFILL_BY = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)


def at(days: float) -> datetime:
    """Days from refill-by."""
    return REFILL_BY + timedelta(days=days)


DEADLINES = Deadlines(opened_at=at(-28), refill_by=REFILL_BY, low_at=at(7), empty_at=at(12), filled_at=at(-80))


@pytest.mark.parametrize(
    ("days", "code"),
    [
        (-28.001, None),
        (-28, "book"),
        (-21.001, "book"),
        (-21, "patient"),
        (-14, "unbooked"),
        (-7, "urgent"),
        (-0.001, "urgent"),
        (0, "past"),
        (6.999, "past"),
        (7, "low"),
        (12, "empty"),
        (500, "empty"),
    ],
)
def test_each_tier_begins_on_its_day(days: float, code: str | None) -> None:
    tier = tier_at(REFILL_LADDER, DEADLINES, at(days))
    assert (tier.code if tier is not None else None) == code


def test_a_short_interval_scales_the_leads() -> None:
    short = replace(DEADLINES, filled_at=at(-17.5))  # half of 35 days
    assert tier_at(REFILL_LADDER, short, at(-14.001)) is None
    assert [tier_at(REFILL_LADDER, short, at(days)).code for days in (-14, -10.5, -7, -3.5)] == [  # type: ignore[union-attr]  # all begun
        "book",
        "patient",
        "unbooked",
        "urgent",
    ]


def test_a_refill_by_before_the_fill_leaves_no_lead() -> None:
    assert tier_at(REFILL_LADDER, replace(DEADLINES, filled_at=at(3)), at(-0.001)) is None


def test_without_a_low_date_past_is_the_last() -> None:
    tier = tier_at(REFILL_LADDER, replace(DEADLINES, low_at=None, empty_at=None), at(90))
    assert tier is not None
    assert tier.code == "past"


def test_the_next_turn_is_the_repeat_or_the_next_tier() -> None:
    assert next_due(REFILL_LADDER, DEADLINES, at(-60)) == at(-28)
    assert next_due(REFILL_LADDER, DEADLINES, at(-28)) == at(-21)
    assert next_due(REFILL_LADDER, DEADLINES, at(-7)) == at(-6)
    assert next_due(REFILL_LADDER, DEADLINES, at(-0.25)) == at(0)
    assert next_due(REFILL_LADDER, DEADLINES, at(12)) == at(12) + timedelta(hours=1)
    assert next_start(REFILL_LADDER, DEADLINES, at(12)) is None


def test_the_last_tier_repeats_without_end() -> None:
    assert next_due(REFILL_LADDER, DEADLINES, at(5000)) == at(5000) + timedelta(hours=1)


def test_what_is_wrong_now_has_begun_when_it_opened() -> None:
    now = at(0)
    assert tier_at(IMMEDIATE_LADDER, Deadlines(opened_at=now), now) is IMMEDIATE_LADDER[0]


@pytest.mark.parametrize(
    ("local", "allowed"),
    [
        ("2026-11-22T19:59", "2026-11-22T19:59"),
        ("2026-11-22T20:00", "2026-11-23T08:00"),
        ("2026-11-22T23:30", "2026-11-23T08:00"),
        ("2026-11-22T00:30", "2026-11-22T08:00"),
        ("2026-11-22T08:00", "2026-11-22T08:00"),
        ("2026-10-31T23:00", "2026-11-01T08:00"),  # over the end of summer time
    ],
)
def test_quiet_hours_end_at_eight_at_the_clinic(local: str, allowed: str) -> None:
    zone = ZoneInfo("America/New_York")
    moment, expected = (datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC) for text in (local, allowed))
    quiet, loud = REFILL_LADDER[0], REFILL_LADDER[4]
    assert allowed_from(moment, quiet, zone) == expected
    assert allowed_from(moment, loud, zone) == moment


def test_from_past_on_there_are_no_quiet_hours() -> None:
    codes = [tier.code for tier in REFILL_LADDER if not tier.quiet_hours]
    assert codes == ["past", "low", "empty"]


@pytest.mark.parametrize("tier", [*REFILL_LADDER, *IMMEDIATE_LADDER])
def test_a_tier_survives_storage(tier: object) -> None:
    assert tier_from_json(tier_to_json(tier)) == tier  # type: ignore[arg-type]  # parametrize types its values as object

"""Programs whose days differ, and patient boluses, by hand. 2026-03-02 is a Monday; `after(0)` is Sunday noon UTC."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from clinical.forecast import forecast, volumes
from clinical.ledger import Interrogation, LedgerEvent, ProgramChange
from clinical.programs import Bolus, Mode, Program, Step, checked, daily_sum_mcg
from tests.clinical.ledgers import RULES, a_device, after, dose, facts, fill
from tests.clinical.stepping import first_minute_at_or_below

HOUR = 3600
MONDAY = 0.5  # 2026-03-02 00:00 UTC, in days after START


def weekly(days: float, mcg: str, *parts: Step | Bolus, offset_s: int = 0) -> ProgramChange:
    steps = tuple(part for part in parts if isinstance(part, Step))
    boluses = tuple(part for part in parts if isinstance(part, Bolus))
    mode = Mode.FLEX if steps else Mode.PERIODIC_BOLUS
    return ProgramChange(after(days), checked(Program(mode, Decimal(mcg), steps, boluses)), offset_s)


# 10 mcg/h, on Saturday and Sunday 45: (5 x 240 + 2 x 1080) / 7 = 480 mcg/day on average. 500 mcg/mL.
WEEKEND = (Step(0, Decimal(10)), Step(0, Decimal(45), (5, 6)))


@pytest.mark.parametrize(
    ("filled", "start", "days"),
    [
        pytest.param("2.48", MONDAY, 1, id="Monday's 0.48 mL end with Monday"),
        pytest.param("4.4", MONDAY, 5, id="Monday to Friday take 2.4 mL"),
        pytest.param("6.56", MONDAY, 6, id="Saturday takes 2.16 mL"),
        pytest.param("8.72", MONDAY, 7, id="a week takes 6.72 mL"),
        pytest.param("5.48", MONDAY, 5.5, id="half of Saturday"),
        pytest.param("5.24", MONDAY + 5, 1.5, id="from Saturday: a day and a half at 2.16 mL/day"),
    ],
)
def test_days_of_a_week_differ(filled: str, start: float, days: float) -> None:
    ledger: list[LedgerEvent] = [fill(start, filled), weekly(start, "480", *WEEKEND)]
    found = forecast(a_device(), ledger, RULES).programmed_low_at
    assert found is not None
    assert abs(found - after(start + days)) <= timedelta(seconds=1)


@pytest.mark.parametrize(("offset_h", "hours"), [(0, 24), (5, 24 - 5), (-5, 24 + 5)])
def test_the_week_is_that_of_the_pumps_clock(offset_h: int, hours: int) -> None:
    """A bolus of 500 mcg (1 mL) at Tuesday 00:00 on a pump set on Monday 00:00 UTC, ahead of it or behind."""
    program = weekly(MONDAY, "71.4286", Bolus(0, Decimal(500), (1,)), offset_s=offset_h * HOUR)
    ledger: list[LedgerEvent] = [fill(MONDAY, "3"), program]
    assert forecast(a_device(), ledger, RULES).programmed_low_at == after(MONDAY + hours / 24)


@pytest.mark.parametrize("day", range(7))
def test_a_bolus_on_one_day_is_given_on_that_day(day: int) -> None:
    ledger: list[LedgerEvent] = [fill(MONDAY, "4"), weekly(MONDAY, "71.4286", Bolus(720, Decimal(500), (day,)))]
    assert forecast(a_device(), ledger, RULES).programmed_low_at == after(MONDAY + day + 0.5 + 7)
    around = [after(MONDAY + day + 0.5 - 0.001), after(MONDAY + day + 0.5 + 0.001)]
    assert volumes(facts(), ledger, around).programmed == pytest.approx([4.0, 3.0], abs=1e-5)


def test_a_rate_runs_past_midnight_into_the_next_day() -> None:
    """Monday's 30 mcg/h from 18:00 runs on until Tuesday's first step at 06:00; the others step at 06:00 only."""
    parts = (Step(360, Decimal(10)), Step(360, Decimal(10), (0,)), Step(1080, Decimal(30), (0,)))
    # 7 days of 240 mcg, and 12 h at 20 mcg/h more.
    program = Program(Mode.FLEX, Decimal(240) + Decimal(240) / 7, parts)
    assert daily_sum_mcg(program) == Decimal(7 * 240 + 240) / 7
    ledger: list[LedgerEvent] = [fill(MONDAY, "40"), weekly(MONDAY, "274.2857", *parts)]
    asked = [after(MONDAY + hours / 24) for hours in (0, 18, 24, 30, 48)]
    mcg = [(40 - volume) * 500 for volume in volumes(facts(), ledger, asked).programmed]
    assert mcg == pytest.approx([0, 180, 360, 540, 720], abs=0.01)


def test_an_unnamed_day_has_what_names_no_day_and_a_named_one_only_its_own() -> None:
    parts = (Step(0, Decimal(10)), Bolus(60, Decimal(40)), Step(0, Decimal(5), (2,)))
    ledger: list[LedgerEvent] = [fill(MONDAY, "40"), weekly(MONDAY, "257.1429", *parts)]
    asked = [after(MONDAY + day) for day in range(8)]
    held = volumes(facts(), ledger, asked).programmed
    given = [(before - behind) * 500 for before, behind in pairwise(held)]
    assert given == pytest.approx([280, 280, 120, 280, 280, 280, 280], abs=0.01)


@pytest.mark.parametrize("start", [0, 0.5, 1.7, 2.25, 3, 4.9, 6.01])
@pytest.mark.parametrize("offset_s", [-12 * HOUR, -5 * HOUR, 0, 20_700])
def test_weekly_dates_agree_with_stepping_on_every_weekday(start: float, offset_s: int) -> None:
    day = round(start * 96) / 96
    ledger: list[LedgerEvent] = [fill(day, "9.3"), weekly(day, "480", *WEEKEND, offset_s=offset_s)]
    found, expected = forecast(a_device(), ledger, RULES).programmed_low_at, first_minute_at_or_below(ledger, "2")
    assert found is not None
    assert expected is not None
    assert timedelta(seconds=-1) <= expected - found <= timedelta(seconds=61)


def called(change: ProgramChange, mcg: str = "25", most: int = 4) -> ProgramChange:
    """The change with patient boluses: at most 100 mcg a day, 0.2 mL of 500 mcg/mL."""
    program = replace(change.program, patient_bolus_mcg=Decimal(mcg), patient_boluses_per_day=most)
    return replace(change, program=checked(program))


def read(days: float, mcg: str) -> Interrogation:
    return Interrogation(after(days), patient_bolus_mcg=Decimal(mcg))


CALLED = (fill(0), called(dose(0)))  # 0.4 mL/day and at most 0.2 more


@pytest.mark.parametrize(
    ("ledger", "low_after_days"),
    [
        pytest.param([*CALLED], 38 / 0.6, id="future: the most allowed"),
        pytest.param([*CALLED, read(10, "0")], 10 + 34 / 0.6, id="none called for"),
        pytest.param([*CALLED, read(10, "500")], 10 + 33 / 0.6, id="500 mcg in 10 days are 1 mL"),
        pytest.param([*CALLED, read(10, "500"), read(20, "250")], 20 + 28.5 / 0.6, id="since the last reading"),
        pytest.param([*CALLED, dose(20)], 20 + 26 / 0.4, id="no longer allowed"),
        pytest.param([*CALLED, Interrogation(after(10))], 38 / 0.6, id="a reading that does not say"),
        pytest.param([*CALLED, fill(10, "20", "30"), read(20, "500")], 20 + 13 / 0.6, id="since the refill"),
    ],
)
def test_patient_boluses_by_hand(ledger: Sequence[LedgerEvent], low_after_days: float) -> None:
    found = forecast(a_device(), ledger, RULES).programmed_low_at
    assert found is not None
    assert abs(found - after(low_after_days)) <= timedelta(seconds=1)


@pytest.mark.parametrize(
    ("ledger", "refills"),
    [
        pytest.param([*CALLED, fill(45, "40", "20")], 0, id="allowed, never read"),
        pytest.param([*CALLED, read(45, "500"), fill(45, "40", "21")], 1, id="read at the refill"),
        pytest.param([*CALLED, read(20, "500"), fill(45, "40", "21")], 0, id="the rest was not read"),
        pytest.param([*CALLED, fill(45, "40", "20"), read(45.01, "0")], 0, id="read after the refill: of the next"),
        pytest.param([*CALLED, read(20, "100"), dose(20), fill(45, "40", "21.8")], 1, id="read when taken away"),
    ],
)
def test_an_interval_calibrates_only_if_its_patient_boluses_were_read(
    ledger: Sequence[LedgerEvent], refills: int
) -> None:
    found = forecast(a_device(), ledger, RULES).flow_ratio
    assert found.refills == refills
    assert found.mean == pytest.approx(1.0, abs=1e-9)


def test_what_was_called_for_counts_whatever_the_program_gave_meanwhile() -> None:
    """A bolus every Friday only, and 100 mcg read on the Tuesday: 0.2 mL, spread evenly over the time."""
    ledger: list[LedgerEvent] = [
        fill(MONDAY, "20"),
        called(weekly(MONDAY, "71.4286", Bolus(720, Decimal(500), (4,)))),
        read(MONDAY + 1, "100"),
    ]
    asked = [after(MONDAY + 0.5), after(MONDAY + 1), after(MONDAY + 2)]
    assert volumes(facts(), ledger, asked).programmed == pytest.approx([19.9, 19.8, 19.6], abs=1e-4)


def test_the_most_is_called_for_in_the_pauses_of_a_program_too() -> None:
    """Nothing by itself until Friday noon, but 100 mcg a day by the patient: 0.8 mL are gone on Friday 00:00."""
    friday = weekly(MONDAY, "71.4286", Bolus(720, Decimal(500), (4,)))
    ledger: list[LedgerEvent] = [fill(MONDAY, "2.8"), called(friday)]
    found = forecast(a_device(), ledger, RULES).programmed_low_at
    assert found is not None
    assert abs(found - after(MONDAY + 4)) <= timedelta(seconds=1)


def test_a_stopped_pump_gives_no_patient_boluses() -> None:
    program = checked(Program(Mode.STOPPED, Decimal(0)))
    ledger: list[LedgerEvent] = [*CALLED, ProgramChange(after(10), program, 0), dose(20)]
    assert forecast(a_device(), ledger, RULES).programmed_low_at == after(20 + 32 / 0.4)

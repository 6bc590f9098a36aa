from decimal import Decimal as D

import pytest

from clinical.curves import curve_of
from clinical.programs import Bolus, Mode, Program, ProgramError, Step, checked, daily_sum_mcg, hourly_mcg


def flex(dose: str, *steps: tuple[int, str], boluses: tuple[Bolus, ...] = ()) -> Program:
    return Program(Mode.FLEX, D(dose), tuple(Step(start, D(rate)) for start, rate in steps), boluses)


def test_the_last_step_runs_past_midnight_to_the_first() -> None:
    program = flex("129.5", (360, "4.0469"), (1320, "8.0938"))
    assert daily_sum_mcg(program) == D("16") * D("4.0469") + D("8") * D("8.0938")


def test_what_the_steps_add_up_to_counts_as_exactly_the_daily_dose() -> None:
    [first, second] = curve_of(checked(flex("100", (0, "4.17"), (720, "4.16")))).knots
    at_midnight = second.after + 43_200 * second.slope_per_s
    assert at_midnight == pytest.approx(1, abs=1e-15)
    assert first.slope_per_s / second.slope_per_s == pytest.approx(4.17 / 4.16)


@pytest.mark.parametrize(
    ("program", "field"),
    [
        (Program(Mode.SIMPLE_CONTINUOUS, D(0)), "daily_dose_mcg"),
        (Program(Mode.SIMPLE_CONTINUOUS, D(-1)), "daily_dose_mcg"),
        (Program(Mode.STOPPED, D(1)), "daily_dose_mcg"),
        (Program(Mode.FLEX, D(100)), "steps"),
        (Program(Mode.PERIODIC_BOLUS, D(100)), "boluses"),
        (Program(Mode.SIMPLE_CONTINUOUS, D(24), (Step(0, D(1)),)), "steps"),
        (Program(Mode.SIMPLE_CONTINUOUS, D(24), (), (Bolus(0, D(24)),)), "boluses"),
        (flex("100", (0, "4"), (0, "4")), "steps"),
        (flex("100", (1440, "4")), "steps"),
        (flex("100", (0, "-4")), "steps"),
        (flex("100", (0, "4.145")), "steps"),  # 99.48: more than 0.5 % off
        (Program(Mode.PERIODIC_BOLUS, D(100), (), (Bolus(0, D(0)),)), "boluses"),
        (Program(Mode.PERIODIC_BOLUS, D(100), (), (Bolus(0, D("99.4")),)), "boluses"),
    ],
)
def test_impossible_programs_name_the_field(program: Program, field: str) -> None:
    with pytest.raises(ProgramError) as error:
        checked(program)
    assert error.value.field == field


@pytest.mark.parametrize("total", ["99.5", "100.5"])
def test_a_sum_exactly_half_a_percent_off_is_accepted(total: str) -> None:
    checked(Program(Mode.PERIODIC_BOLUS, D(100), (), (Bolus(0, D(total)),)))


def test_the_daily_curve_ends_at_one_and_jumps_at_boluses() -> None:
    program = checked(flex("100", (0, "3"), (720, "4"), boluses=(Bolus(480, D(16)),)))
    knots = curve_of(program).knots
    assert [knot.second for knot in knots] == [0.0, 480 * 60.0, 720 * 60.0]
    assert knots[1].after - knots[1].before == pytest.approx(0.16)
    end = knots[-1].after + knots[-1].slope_per_s * (86400 - knots[-1].second)
    assert end == pytest.approx(1.0, abs=1e-12)


def test_before_the_first_step_the_last_one_still_holds() -> None:
    knots = curve_of(checked(flex("96", (360, "2"), (1080, "6")))).knots
    assert knots[0].slope_per_s == pytest.approx(6 / 3600 / 96)


def test_the_hourly_equivalent_is_a_24th() -> None:
    assert hourly_mcg(Program(Mode.SIMPLE_CONTINUOUS, D(60))) == D("2.5")

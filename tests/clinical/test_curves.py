"""Many curves at once are those of one program each, to the last bit."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from clinical.columns import CurveTable
from clinical.curves import curve, stepped

# Steps of a day: minute to mcg/h, some of them none; a day that gives nothing at all is no program.
days = st.dictionaries(st.integers(0, 1439), st.integers(0, 9000).map(lambda rate: rate / 100), min_size=1, max_size=24)


@given(st.lists(days.filter(lambda steps: any(steps.values())), min_size=1, max_size=8))
def test_steps_of_many_programs_give_each_its_own_curve(programs: list[dict[int, float]]) -> None:
    rows = [(number, *step) for number, steps in enumerate(programs) for step in sorted(steps.items())]
    program, minute, rate = (np.array(column) for column in zip(*rows, strict=True))
    sizes, knots = stepped(program, minute, rate)
    expected = [curve([(minute, rate, ()) for minute, rate in steps.items()], []) for steps in programs]
    assert sizes.tolist() == [len(each.knots) for each in expected]
    assert knots.tolist() == [list(knot) for each in expected for knot in each.knots]


def test_a_table_holds_what_was_added_one_by_one_and_at_once() -> None:
    table = CurveTable()
    one = table.add(curve([(0, 1.0, (0,)), (60, 2.0, (1, 2, 3, 4, 5, 6))], []))
    many = table.add_stepped(*stepped(np.array([0, 1, 1]), np.array([60, 0, 720]), np.array([5.0, 1.0, 3.0])))
    last = table.add(curve([], [(30, 12.0, ())]))
    found = table.columns()
    assert (one, many, last) == (1, 2, 4)
    assert found.days.tolist() == [1.0, 7.0, 1.0, 1.0, 1.0]
    assert found.second[many + 1, :2].tolist() == [0.0, 43_200.0]
    assert found.after[last, 1] == 1.0

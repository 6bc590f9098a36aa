"""A clinic's own protocol may be tighter than the label, and never looser."""

from decimal import Decimal as D

import pytest

from clinical.labels import LABEL_SETS
from clinical.protocols import FIGURES, Tighter, of_label, problems, tightened

SETS = sorted(LABEL_SETS)
# The way out of the label, and into it, by a step small enough for every figure.
OUT = {Tighter.LESS: D("1.01"), Tighter.MORE: D("0.99")}
IN = {Tighter.LESS: D("0.99"), Tighter.MORE: D("1.01")}


@pytest.mark.parametrize("code", SETS)
@pytest.mark.parametrize("key", sorted(FIGURES))
def test_a_figure_may_be_the_labels_or_tighter_and_never_looser(code: str, key: str) -> None:
    labels = LABEL_SETS[code]
    label, way = of_label(key, labels), FIGURES[key].tighter
    assert problems({key: label}, labels) == {}
    assert problems({key: label * IN[way]}, labels) == {}
    [said] = problems({key: label * OUT[way]}, labels)[key]
    assert labels.name in said
    assert FIGURES[key].unit in said
    tight = tightened(labels, {key: label * IN[way]})
    assert of_label(key, tight) == label * IN[way]
    others = [other for other in FIGURES if other != key]
    assert [of_label(other, tight) for other in others] == [of_label(other, labels) for other in others]
    with pytest.raises(ValueError, match=key.replace(".", r"\.")):
        tightened(labels, {key: label * OUT[way]})


def test_what_is_no_figure_is_refused_with_the_figures_there_are() -> None:
    labels = LABEL_SETS["us"]
    assert "increase_interval_hours" in problems({"highest": D(1)}, labels)["highest"][0]
    assert problems({"increase_interval_hours": D("NaN")}, labels)["increase_interval_hours"] == [
        "Write a number above 0."
    ]
    assert "lower end" in problems({"titration_step_pct.spinal": D(5)}, labels)["titration_step_pct.spinal"][0]
    assert problems({"decrease_pct": D(5)}, labels)["decrease_pct"] == ["From 10 to 20 %."]


def test_a_tightened_label_keeps_its_sources() -> None:
    labels = LABEL_SETS["uk"]
    tight = tightened(labels, {"increase_interval_hours": D(48)})
    assert tight.source_of("increase_interval_hours") == labels.source_of("increase_interval_hours")

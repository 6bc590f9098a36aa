import pytest

from clinical.scales import Ashworth, Grade, middle_grade, problems_of_grades, problems_of_penn, vitals_words


def grades(*codes: str) -> list[dict[str, str]]:
    return [{"muscle": "hip_adductors", "side": "left", "grade": code} for code in codes]


def test_the_grades_are_six_ordered_codes() -> None:
    assert [grade.value for grade in Ashworth] == ["0", "1", "1+", "2", "3", "4"]


@pytest.mark.parametrize(
    ("given", "middle"),
    [([], None), (["1+"], "1+"), (["1", "1+", "2"], "1+"), (["4", "0"], "4"), (["2", "1", "1", "3", "1+"], "1+")],
)
def test_the_middle_grade_is_a_grade(given: list[str], middle: str | None) -> None:
    assert middle_grade(grades(*given)) == middle


def test_a_grade_is_one_of_the_codes_once_a_muscle_and_side() -> None:
    left = Grade("hip_adductors", "left", "1+")
    assert problems_of_grades([left, Grade("hip_adductors", "right", "0")]) == []
    assert "one of 0, 1, 1+" in problems_of_grades([Grade("hip_adductors", "left", "1.5")])[0]
    assert "choose a muscle group" in problems_of_grades([Grade("nose", "left", "1")])[0]
    assert "graded twice" in problems_of_grades([left, left])[0]


def test_the_severity_of_spasms_is_absent_without_any() -> None:
    assert problems_of_penn(0, None) == problems_of_penn(None, None) == problems_of_penn(2, 3) == {}
    assert "blank" in problems_of_penn(0, 1)["spasm_severity"][0]
    assert "blank" in problems_of_penn(None, 1)["spasm_severity"][0]
    assert "how severe" in problems_of_penn(1, None)["spasm_severity"][0]


@pytest.mark.parametrize(
    ("signs", "said"),
    [
        ({}, ""),
        ({"systolic_mmhg": 124, "diastolic_mmhg": 78, "pulse_per_min": 70}, "blood pressure 124/78 mmHg, pulse 70/min"),
        ({"diastolic_mmhg": 78}, "blood pressure ?/78 mmHg"),
        ({"oxygen_pct": 97, "breaths_per_min": 14}, "breathing 14/min, oxygen saturation 97 %"),
    ],
)
def test_vital_signs_are_said_with_their_units(signs: dict[str, int], said: str) -> None:
    assert vitals_words(signs) == said

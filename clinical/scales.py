"""What is measured of spasticity: scales, their codes, and what cannot be entered.

Grades of the Modified Ashworth Scale are six ordered codes, 1+ among them, never numbers (clinical rules, section 1).
The severity of the Penn scale is absent where the frequency is 0.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Ashworth(StrEnum):
    """Modified Ashworth grades, in order. Bohannon and Smith 1987."""

    ZERO = "0"
    ONE = "1"
    ONE_PLUS = "1+"
    TWO = "2"
    THREE = "3"
    FOUR = "4"


ASHWORTH_WORDS = {
    Ashworth.ZERO: "no increase in tone",
    Ashworth.ONE: "slight increase: a catch, or little resistance at the end of the range",
    Ashworth.ONE_PLUS: "slight increase: a catch, then little resistance through less than half of the range",
    Ashworth.TWO: "more marked increase through most of the range, easily moved",
    Ashworth.THREE: "considerable increase, passive movement difficult",
    Ashworth.FOUR: "rigid in flexion or extension",
}

MUSCLES = {
    "hip_adductors": "Hip adductors",
    "hip_flexors": "Hip flexors",
    "knee_flexors": "Knee flexors",
    "knee_extensors": "Knee extensors",
    "plantar_flexors": "Plantar flexors",
    "shoulder_adductors": "Shoulder adductors",
    "elbow_flexors": "Elbow flexors",
    "elbow_extensors": "Elbow extensors",
    "wrist_flexors": "Wrist flexors",
    "finger_flexors": "Finger flexors",
}
SIDES = {"left": "Left", "right": "Right"}

PENN_FREQUENCY = {
    0: "none",
    1: "mild, when provoked",
    2: "less than once an hour",
    3: "more than once an hour",
    4: "more than ten times an hour",
}
PENN_SEVERITY = {1: "mild", 2: "moderate", 3: "severe"}
PAIN = range(11)
# Goal attainment scaling, from much less to much more than expected. Kiresuk and Sherman 1968.
GOALS = {-2: "much less than expected", -1: "less", 0: "as expected", 1: "more", 2: "much more than expected"}


@dataclass(frozen=True)
class Vital:
    """A vital sign: its words, its unit, and the values that can be entered."""

    words: str
    unit: str
    least: int
    most: int


VITALS = {
    "systolic_mmhg": Vital("Blood pressure, upper", "mmHg", 40, 280),
    "diastolic_mmhg": Vital("Blood pressure, lower", "mmHg", 20, 200),
    "pulse_per_min": Vital("Pulse", "/min", 20, 250),
    "breaths_per_min": Vital("Breathing", "/min", 2, 70),
    "oxygen_pct": Vital("Oxygen saturation", "%", 50, 100),
}


def vitals_words(signs: Mapping[str, int]) -> str:
    """`blood pressure 124/78 mmHg, pulse 70/min`, in the order of VITALS; of a pressure a missing part is a `?`."""
    upper, lower = signs.get("systolic_mmhg"), signs.get("diastolic_mmhg")
    said = []
    if upper is not None or lower is not None:
        said.append(f"blood pressure {'?' if upper is None else upper}/{'?' if lower is None else lower} mmHg")
    for name, vital in VITALS.items():
        if name in signs and not name.endswith("_mmhg"):
            said.append(f"{vital.words.lower()} {signs[name]}{'' if vital.unit.startswith('/') else ' '}{vital.unit}")
    return ", ".join(said)


@dataclass(frozen=True)
class Grade:
    """One Modified Ashworth grade: a muscle group of MUSCLES, a side of SIDES."""

    muscle: str
    side: str
    grade: str

    def as_json(self) -> dict[str, str]:
        return {"muscle": self.muscle, "side": self.side, "grade": self.grade}


def problems_of_grades(grades: Sequence[Grade]) -> list[str]:
    """What cannot be about some grades; empty if nothing."""
    found = []
    for each in grades:
        if each.muscle not in MUSCLES or each.side not in SIDES:
            found.append(f"{each.muscle}, {each.side}: choose a muscle group ({', '.join(MUSCLES)}) and left or right.")
        if each.grade not in {grade.value for grade in Ashworth}:
            found.append(f"{each.grade}: a grade is one of {', '.join(Ashworth)}.")
    places = [(each.muscle, each.side) for each in grades]
    twice = sorted({place for place in places if places.count(place) > 1})
    return [*found, *(f"{MUSCLES.get(muscle, muscle)}, {side}: graded twice." for muscle, side in twice)]


def problems_of_penn(frequency: int | None, severity: int | None) -> dict[str, list[str]]:
    """What cannot be about spasms, by field."""
    if severity is not None and not frequency:
        return {"spasm_severity": ["Leave the severity blank where there are no spasms, or say how often they come."]}
    if frequency and severity is None:
        return {"spasm_severity": ["Say how severe the spasms are."]}
    return {}


def middle_grade(grades: Sequence[Mapping[str, str]]) -> str | None:
    """The median grade of an examination, the higher of the two middle ones; None without a grade.

    Grades are ordered codes, so there is a middle one and no mean.
    """
    order = [grade.value for grade in Ashworth]
    ranks = sorted(order.index(each["grade"]) for each in grades if each["grade"] in order)
    return order[ranks[len(ranks) // 2]] if ranks else None

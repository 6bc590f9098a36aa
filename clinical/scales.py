"""What is measured of spasticity: scales, their codes, and what cannot be entered.

Grades of the Modified Ashworth Scale are six ordered codes, 1+ among them, never numbers (clinical rules, section 1).
The severity of the Penn scale is absent where the frequency is 0.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from clinical.saying import say


class Ashworth(StrEnum):
    """Modified Ashworth grades, in order. Bohannon and Smith 1987."""

    ZERO = "0"
    ONE = "1"
    ONE_PLUS = "1+"
    TWO = "2"
    THREE = "3"
    FOUR = "4"


ASHWORTH_WORDS = {
    Ashworth.ZERO: say("no increase in tone"),
    Ashworth.ONE: say("slight increase: a catch, or little resistance at the end of the range"),
    Ashworth.ONE_PLUS: say("slight increase: a catch, then little resistance through less than half of the range"),
    Ashworth.TWO: say("more marked increase through most of the range, easily moved"),
    Ashworth.THREE: say("considerable increase, passive movement difficult"),
    Ashworth.FOUR: say("rigid in flexion or extension"),
}

MUSCLES = {
    "hip_adductors": say("Hip adductors"),
    "hip_flexors": say("Hip flexors"),
    "knee_flexors": say("Knee flexors"),
    "knee_extensors": say("Knee extensors"),
    "plantar_flexors": say("Plantar flexors"),
    "shoulder_adductors": say("Shoulder adductors"),
    "elbow_flexors": say("Elbow flexors"),
    "elbow_extensors": say("Elbow extensors"),
    "wrist_flexors": say("Wrist flexors"),
    "finger_flexors": say("Finger flexors"),
}
SIDES = {"left": say("Left"), "right": say("Right")}

PENN_FREQUENCY = {
    0: say("none"),
    1: say("mild, when provoked"),
    2: say("less than once an hour"),
    3: say("more than once an hour"),
    4: say("more than ten times an hour"),
}
PENN_SEVERITY = {1: say("mild"), 2: say("moderate"), 3: say("severe")}
PAIN = range(11)
# Goal attainment scaling, from much less to much more than expected. Kiresuk and Sherman 1968.
GOALS = {
    -2: say("much less than expected"),
    -1: say("less"),
    0: say("as expected"),
    1: say("more"),
    2: say("much more than expected"),
}


@dataclass(frozen=True)
class Vital:
    """A vital sign: its words, its unit, and the values that can be entered."""

    words: str
    unit: str
    least: int
    most: int


VITALS = {
    "systolic_mmhg": Vital(say("Blood pressure, upper"), "mmHg", 40, 280),
    "diastolic_mmhg": Vital(say("Blood pressure, lower"), "mmHg", 20, 200),
    "pulse_per_min": Vital(say("Pulse"), "/min", 20, 250),
    "breaths_per_min": Vital(say("Breathing"), "/min", 2, 70),
    "oxygen_pct": Vital(say("Oxygen saturation"), "%", 50, 100),
}


def vitals_words(signs: Mapping[str, int]) -> str:
    """`blood pressure 124/78 mmHg, pulse 70/min`, in the order of VITALS; of a pressure a missing part is a `?`."""
    upper, lower = signs.get("systolic_mmhg"), signs.get("diastolic_mmhg")
    said = []
    if upper is not None or lower is not None:
        said.append(
            say(
                "blood pressure %(upper)s/%(lower)s mmHg",
                upper="?" if upper is None else upper,
                lower="?" if lower is None else lower,
            )
        )
    if "pulse_per_min" in signs:
        said.append(say("pulse %(pulse)s/min", pulse=signs["pulse_per_min"]))
    if "breaths_per_min" in signs:
        said.append(say("breathing %(breaths)s/min", breaths=signs["breaths_per_min"]))
    if "oxygen_pct" in signs:
        said.append(say("oxygen saturation %(oxygen)s %%", oxygen=signs["oxygen_pct"]))
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
            found.append(
                say(
                    "%(muscle)s, %(side)s: choose a muscle group (%(muscles)s) and left or right.",
                    muscle=each.muscle,
                    side=each.side,
                    muscles=", ".join(MUSCLES),
                )
            )
        if each.grade not in {grade.value for grade in Ashworth}:
            found.append(
                say("%(grade)s: a grade is one of %(ashworth)s.", grade=each.grade, ashworth=", ".join(Ashworth))
            )
    places = [(each.muscle, each.side) for each in grades]
    twice = sorted({place for place in places if places.count(place) > 1})
    return [
        *found,
        *(
            say("%(muscle)s, %(side)s: graded twice.", muscle=MUSCLES.get(muscle, muscle), side=side)
            for muscle, side in twice
        ),
    ]


def problems_of_penn(frequency: int | None, severity: int | None) -> dict[str, list[str]]:
    """What cannot be about spasms, by field."""
    if severity is not None and not frequency:
        return {
            "spasm_severity": [say("Leave the severity blank where there are no spasms, or say how often they come.")]
        }
    if frequency and severity is None:
        return {"spasm_severity": [say("Say how severe the spasms are.")]}
    return {}


def middle_grade(grades: Sequence[Mapping[str, str]]) -> str | None:
    """The median grade of an examination, the higher of the two middle ones; None without a grade.

    Grades are ordered codes, so there is a middle one and no mean.
    """
    order = [grade.value for grade in Ashworth]
    ranks = sorted(order.index(each["grade"]) for each in grades if each["grade"] in order)
    return order[ranks[len(ranks) // 2]] if ranks else None

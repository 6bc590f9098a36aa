"""What a person enters about the course of therapy: phase, scores, adverse events, medicines, the rescue plan."""

from collections.abc import Iterator, Sequence
from typing import Any

from django import forms
from django.forms import BoundField
from django.utils.translation import gettext_lazy

from clinical.scales import (
    GOALS,
    MUSCLES,
    PENN_FREQUENCY,
    PENN_SEVERITY,
    SIDES,
    VITALS,
    Ashworth,
    Grade,
)
from clinics.fields import ClinicMoment, Day, Whole
from clinics.saying import said, said_later
from therapy.forms.fields import OfClinic, choice, words
from therapy.models import AdverseEvent, Phase

GRADES = [("", gettext_lazy("not graded")), *((grade.value, grade.value) for grade in Ashworth)]


# What a browser sends for each degree of attainment.
GOAL_CODES = {"much_less": -2, "less": -1, "expected": 0, "more": 1, "much_more": 2}


class PhaseForm(OfClinic):
    phase = choice(gettext_lazy("Phase"), Phase.choices)
    began_at = ClinicMoment(label=gettext_lazy("Since"))
    reason = words(gettext_lazy("Why"))


class AssessmentForm(OfClinic):
    """Grades by muscle group and side, by keyboard (type the grade) or by thumb."""

    measured_at = ClinicMoment(label=gettext_lazy("Measured at"))
    pain = Whole((0, 10), label=gettext_lazy("Pain"), required=False, help_text=gettext_lazy("0 none, 10 the worst"))
    spasm_frequency = choice(
        gettext_lazy("Spasms (Penn)"),
        [("", gettext_lazy("not asked")), *((str(k), said_later(v, f"{k}: ")) for k, v in PENN_FREQUENCY.items())],
        required=False,
    )
    spasm_severity = choice(
        gettext_lazy("Severity of spasms"),
        [("", gettext_lazy("not asked")), *((str(k), said_later(v, f"{k}: ")) for k, v in PENN_SEVERITY.items())],
        required=False,
    )
    goal = forms.CharField(label=gettext_lazy("Goal"), max_length=300, required=False)
    goal_attainment = choice(
        gettext_lazy("Goal attained"),
        [
            ("", gettext_lazy("not asked")),
            *((word, said_later(GOALS[degree], f"{degree:+d}: ")) for word, degree in GOAL_CODES.items()),
        ],
        required=False,
    )
    function_note = words(
        gettext_lazy("Function"),
        1000,
        required=False,
        help_text=gettext_lazy("Transfers, walking, hygiene, sleep, care."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, vital in VITALS.items():
            self.fields[name] = Whole((vital.least, vital.most), label=said(vital.words), required=False)
        for muscle, muscle_words in MUSCLES.items():
            for side, side_words in SIDES.items():
                label = f"{said(muscle_words)}, {said(side_words).lower()}"
                self.fields[f"{muscle}-{side}"] = choice(label, GRADES, required=False)

    def grade_rows(self) -> Iterator[tuple[str, Sequence[BoundField]]]:
        """Each muscle group with its fields, left and right."""
        for muscle, muscle_words in MUSCLES.items():
            yield said(muscle_words), [self[f"{muscle}-{side}"] for side in SIDES]

    def vital_fields(self) -> Iterator[tuple[BoundField, str]]:
        for name, vital in VITALS.items():
            yield self[name], vital.unit

    def values(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        grades = [
            Grade(muscle, side, cleaned[f"{muscle}-{side}"])
            for muscle in MUSCLES
            for side in SIDES
            if cleaned[f"{muscle}-{side}"]
        ]
        return {
            "measured_at": cleaned["measured_at"],
            "pain": cleaned["pain"],
            **{name: _number(cleaned[name]) for name in ("spasm_frequency", "spasm_severity")},
            "goal_attainment": GOAL_CODES.get(cleaned["goal_attainment"]),
            "goal": cleaned["goal"],
            "function_note": cleaned["function_note"],
            "vitals": {name: cleaned[name] for name in VITALS},
            "ashworth": grades,
        }


def _number(text: str) -> int | None:
    return int(text) if text else None


class AdverseForm(OfClinic):
    began_at = ClinicMoment(label=gettext_lazy("Began at"))
    kind = choice(gettext_lazy("What"), AdverseEvent.Kind.choices)
    severity = choice(gettext_lazy("Severity"), AdverseEvent.Severity.choices)
    relatedness = choice(gettext_lazy("Related to pump or drug"), AdverseEvent.Related.choices)
    outcome = choice(gettext_lazy("Outcome"), AdverseEvent.Outcome.choices)
    reported = forms.BooleanField(label=gettext_lazy("Reported to the regulator"), required=False)
    report_reference = forms.CharField(label=gettext_lazy("Reference of the report"), max_length=100, required=False)
    note = words(gettext_lazy("What happened"), 1000, required=False)


class MedicineForm(forms.Form):
    name = forms.CharField(
        label=gettext_lazy("Medicine"), max_length=200, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    dose = forms.CharField(
        label=gettext_lazy("Dose"), max_length=200, required=False, help_text=gettext_lazy("As the box says.")
    )
    started_on = Day(label=gettext_lazy("Since"), required=False)


class EndMedicineForm(forms.Form):
    ended_on = Day(label=gettext_lazy("Ended on"))


class RescueForm(forms.Form):
    text = words(
        gettext_lazy("Oral rescue plan"),
        2000,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text=gettext_lazy(
            "What to take by mouth, how much and how often, and whom to call. It stands on the card as written."
        ),
    )

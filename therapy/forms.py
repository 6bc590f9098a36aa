"""What a person enters about the course of therapy. The services judge it."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.forms import BoundField
from django.utils.translation import gettext_lazy

from clinical.labels import LabelSet
from clinical.protocols import FIGURES, Tighter, of_label
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
from clinical.units import plain
from clinical.weaning import Down
from clinics.fields import NOT_A_CHOICE, ClinicMoment, Day, Number, Whole
from pumps.forms.entries import RowsForm, hourly
from pumps.models import Event
from pumps.programs_json import MOST_PATIENT_BOLUSES
from therapy.models import AdverseEvent, Phase, ProgramTemplate, Protocol
from therapy.wanted import Wanted


def words(label: str, longest: int = 500, **kwargs: Any) -> forms.CharField:
    kwargs.setdefault("widget", forms.Textarea(attrs={"rows": 2}))
    return forms.CharField(label=label, max_length=longest, **kwargs)


def choice(label: str, choices: Any, **kwargs: Any) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=choices, error_messages={"invalid_choice": NOT_A_CHOICE}, **kwargs)


class OfClinic(forms.Form):
    """A form whose moments are on a clinic's wall; those without a value begin with now."""

    def __init__(self, *args: Any, zone: ZoneInfo, now: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            if isinstance(field, ClinicMoment):
                field.zone = zone
                field.help_text = f"The clinic's time ({zone.key})"
                if field.required:
                    self.initial.setdefault(name, now)


class ReasonForm(forms.Form):
    reason = words("Why")


class NoteForm(forms.Form):
    note = words("Note", required=False)


class PhaseForm(OfClinic):
    phase = choice("Phase", Phase.choices)
    began_at = ClinicMoment(label="Since")
    reason = words("Why")


class BeginScreeningForm(forms.Form):
    starts_small = forms.BooleanField(label="Begin with the smaller dose: a very small patient", required=False)


class BolusForm(OfClinic):
    dose_mcg = Number(label="Bolus", unit="mcg", max_digits=7, decimal_places=2)
    given_at = ClinicMoment(label="Given at")
    override_reason = words(
        "Why against the rule",
        required=False,
        help_text="Only where the rule refuses it, and by a prescriber alone. It stays visible.",
    )


class JudgeForm(forms.Form):
    responded = choice("Did the patient respond?", [("yes", "Yes"), ("no", "No")], widget=forms.RadioSelect)
    effect_hours = Number(
        label="The effect lasted", unit=gettext_lazy("hours"), required=False, max_digits=5, decimal_places=2,
        help_text="After a response, once it has worn off. The first daily dose follows from it.",
    )  # fmt: skip
    note = words("Note", required=False)

    def values(self) -> dict[str, Any]:
        return {**self.cleaned_data, "responded": self.cleaned_data["responded"] == "yes"}


# What a browser sends for each degree of attainment.
GOAL_CODES = {"much_less": -2, "less": -1, "expected": 0, "more": 1, "much_more": 2}
GRADES = [("", "not graded"), *((grade.value, grade.value) for grade in Ashworth)]


class AssessmentForm(OfClinic):
    """Grades by muscle group and side, by keyboard (type the grade) or by thumb."""

    measured_at = ClinicMoment(label="Measured at")
    pain = Whole((0, 10), label="Pain", required=False, help_text="0 none, 10 the worst")
    spasm_frequency = choice(
        "Spasms (Penn)",
        [("", "not asked"), *((str(k), f"{k}: {v}") for k, v in PENN_FREQUENCY.items())],
        required=False,
    )
    spasm_severity = choice(
        "Severity of spasms",
        [("", "not asked"), *((str(k), f"{k}: {v}") for k, v in PENN_SEVERITY.items())],
        required=False,
    )
    goal = forms.CharField(label="Goal", max_length=300, required=False)
    goal_attainment = choice(
        "Goal attained",
        [("", "not asked"), *((word, f"{degree:+d}: {GOALS[degree]}") for word, degree in GOAL_CODES.items())],
        required=False,
    )  # fmt: skip
    function_note = words("Function", 1000, required=False, help_text="Transfers, walking, hygiene, sleep, care.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, vital in VITALS.items():
            self.fields[name] = Whole((vital.least, vital.most), label=vital.words, required=False)
        for muscle, muscle_words in MUSCLES.items():
            for side, side_words in SIDES.items():
                label = f"{muscle_words}, {side_words.lower()}"
                self.fields[f"{muscle}-{side}"] = choice(label, GRADES, required=False)

    def grade_rows(self) -> Iterator[tuple[str, Sequence[BoundField]]]:
        """Each muscle group with its fields, left and right."""
        for muscle, muscle_words in MUSCLES.items():
            yield muscle_words, [self[f"{muscle}-{side}"] for side in SIDES]

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
    began_at = ClinicMoment(label="Began at")
    kind = choice("What", AdverseEvent.Kind.choices)
    severity = choice("Severity", AdverseEvent.Severity.choices)
    relatedness = choice("Related to pump or drug", AdverseEvent.Related.choices)
    outcome = choice("Outcome", AdverseEvent.Outcome.choices)
    reported = forms.BooleanField(label="Reported to the regulator", required=False)
    report_reference = forms.CharField(label="Reference of the report", max_length=100, required=False)
    note = words("What happened", 1000, required=False)


class MedicineForm(forms.Form):
    name = forms.CharField(label="Medicine", max_length=200, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    dose = forms.CharField(label="Dose", max_length=200, required=False, help_text="As the box says.")
    started_on = Day(label="Since", required=False)


class EndMedicineForm(forms.Form):
    ended_on = Day(label="Ended on")


class RescueForm(forms.Form):
    text = words(
        "Oral rescue plan", 2000, widget=forms.Textarea(attrs={"rows": 6}),
        help_text="What to take by mouth, how much and how often, and whom to call. It stands on the card as written.",
    )  # fmt: skip


# --- doses ------------------------------------------------------------------------------------------------------------


class ProposalForm(forms.Form):
    """A dose to be signed. Steps and boluses are lists beside it."""

    mode = choice("Mode", Event.ProgramMode.choices)
    daily_dose_mcg = Number(
        label="Daily dose", unit=gettext_lazy("mcg/day"), required=False, max_digits=10, decimal_places=3
    )
    patient_bolus_mcg = Number(
        label="Patient bolus", unit="mcg", required=False, max_digits=10, decimal_places=3,
        help_text="What the patient may call for at once. Blank where there are none.",
    )  # fmt: skip
    patient_boluses_per_day = Whole(
        (1, MOST_PATIENT_BOLUSES), label="Patient boluses", required=False, help_text="How many in 24 hours, at most."
    )
    concentration_mcg_per_ml = Number(
        label="New concentration", unit="mcg/mL", required=False, max_digits=9, decimal_places=3,
        help_text="Only where it changes with the next refill: the bridge bolus is computed.",
    )  # fmt: skip
    bridge_declined_reason = words(
        "Why no bridge bolus", required=False, help_text="Only where the concentration changes and none is given."
    )
    reason = words("Why the dose is changed")

    def __init__(self, *args: Any, current_mcg: Decimal | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if current_mcg is not None:
            said = f"At present {plain(current_mcg)} mcg/day, {hourly(current_mcg)}."
            self.fields["daily_dose_mcg"].help_text = said

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        is_stop = cleaned.get("mode") == Event.ProgramMode.STOPPED
        if cleaned.get("daily_dose_mcg") is None and not is_stop and "daily_dose_mcg" not in self.errors:
            self.add_error("daily_dose_mcg", "Write the dose of 24 hours in mcg.")
        return cleaned

    @property
    def entered_hourly(self) -> str:
        """The hourly equivalent of the dose in the form, so that a page without scripts shows it too."""
        dose = self.cleaned_data.get("daily_dose_mcg") if self.is_bound and hasattr(self, "cleaned_data") else None
        return hourly(dose) if dose is not None else ""

    def with_rows(self, steps: RowsForm, boluses: RowsForm) -> Wanted:
        values = dict(self.cleaned_data)
        values["daily_dose_mcg"] = values["daily_dose_mcg"] if values["daily_dose_mcg"] is not None else Decimal(0)
        return Wanted(**values, steps=steps.rows("start", "rate_mcg_per_h"), boluses=boluses.rows("at", "dose_mcg"))


class SignForm(forms.Form):
    override_reason = words("Why the rule is overridden", required=False, help_text="It stays visible for ever.")


class ReadBackForm(forms.Form):
    """What the programmer shows after programming: typed anew, never copied."""

    mode = choice("Mode shown", [("", "Choose"), *Event.ProgramMode.choices])
    daily_dose_mcg = Number(label="Daily dose shown", unit=gettext_lazy("mcg/day"), max_digits=10, decimal_places=3)
    concentration_mcg_per_ml = Number(label="Concentration shown", unit="mcg/mL", max_digits=9, decimal_places=3)
    bridge_volume_ml = Number(label="Bridge bolus shown", unit="mL", max_digits=8, decimal_places=4)
    bridge_hours = Number(label="Over", unit=gettext_lazy("hours"), max_digits=8, decimal_places=3)
    step_count = Number(label="Number of steps shown", max_digits=3, decimal_places=0)
    highest_rate_mcg_per_h = Number(label="Highest rate shown", unit="mcg/h", max_digits=10, decimal_places=4)
    bolus_count = Number(label="Number of timed boluses shown", max_digits=3, decimal_places=0)
    largest_bolus_mcg = Number(label="Largest timed bolus shown", unit="mcg", max_digits=10, decimal_places=4)
    patient_bolus_mcg = Number(label="Patient bolus shown", unit="mcg", max_digits=10, decimal_places=3)
    patient_boluses_per_day = Number(label="Patient boluses a day, at most", max_digits=3, decimal_places=0)

    def __init__(self, *args: Any, asked: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in [name for name in self.fields if name not in (*asked, "mode")]:
            del self.fields[name]


class DownRow(forms.Form):
    at = ClinicMoment(label="From", required=False)
    daily_dose_mcg = Number(
        label="Daily dose", unit=gettext_lazy("mcg/day"), required=False, max_digits=10, decimal_places=3
    )

    def __init__(self, *args: Any, zone: ZoneInfo, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        moment: Any = self.fields["at"]
        moment.zone = zone

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if (cleaned.get("at") is None) != (cleaned.get("daily_dose_mcg") is None) and not self.errors:
            raise forms.ValidationError("Fill in both the time and the dose, or neither.")
        return cleaned


WEANING_ROWS = 12
DownRows = forms.formset_factory(DownRow, extra=WEANING_ROWS, max_num=WEANING_ROWS, absolute_max=WEANING_ROWS)


def downs(rows: Any) -> list[Down]:
    """The steps of a filled in list."""
    filled = [row.cleaned_data for row in rows.forms if row.cleaned_data.get("at") is not None]
    return [Down(row["at"], row["daily_dose_mcg"]) for row in filled]


# --- what a clinic sets -----------------------------------------------------------------------------------------------


class ProtocolForm(forms.Form):
    """Figures that may be tighter than the label's; blank is the label's."""

    second_person = forms.BooleanField(
        label="Somebody else than the signer reads every pump back",
        required=False,
        help_text="Always so for a change of concentration, a rise above 20 %, and an overridden rule.",
    )
    rescue_words = words(
        "What a rescue plan begins with", 2000, required=False, widget=forms.Textarea(attrs={"rows": 4})
    )

    def __init__(self, data: Any, *, labels: LabelSet, protocol: Protocol | None) -> None:
        initial: dict[str, Any] = {}
        if protocol is not None:
            initial = {"second_person": protocol.second_person, "rescue_words": protocol.rescue_words}
            initial |= protocol.figures
        super().__init__(data, initial=initial)
        own = list(self.fields)
        for key, figure in FIGURES.items():
            side = "at most" if figure.tighter is Tighter.LESS else "at least"
            self.fields[key] = Number(
                label=figure.words, unit=figure.unit, required=False, max_digits=10, decimal_places=3,
                help_text=f"The label: {plain(of_label(key, labels))} {figure.unit}. Tighter is {side} that.",
            )  # fmt: skip
        self.order_fields([*FIGURES, *own])

    def figures(self) -> dict[str, Decimal]:
        return {key: self.cleaned_data[key] for key in FIGURES if self.cleaned_data.get(key) is not None}


class TemplateForm(forms.Form):
    name = forms.CharField(label="Name", max_length=100)
    mode = choice("Mode", [each for each in Event.ProgramMode.choices if each[0] != Event.ProgramMode.STOPPED])
    daily_dose_mcg = Number(
        label="Daily dose", unit=gettext_lazy("mcg/day"), max_digits=10, decimal_places=3,
        help_text="Steps and boluses below add up to it; they are scaled to whatever dose it is taken for.",
    )  # fmt: skip


class UseTemplateForm(forms.Form):
    template = forms.ModelChoiceField(
        ProgramTemplate.objects.none(), label="Template", error_messages={"invalid_choice": NOT_A_CHOICE}
    )
    dose = Number(label="For a daily dose of", unit=gettext_lazy("mcg/day"), max_digits=10, decimal_places=3)

    def __init__(self, *args: Any, clinic_id: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["template"]
        field.queryset = ProgramTemplate.objects.filter(clinic=clinic_id)

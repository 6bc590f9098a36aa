"""What a person enters about the course of therapy. The services judge it."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django import forms
from django.forms import BoundField
from django.utils.translation import gettext as _
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
from clinics.saying import said, said_later
from pumps.forms.entries import RowsForm, hourly
from pumps.models import Event
from pumps.programs_json import MOST_PATIENT_BOLUSES
from therapy.models import AdverseEvent, Phase, ProgramTemplate, Protocol
from therapy.wanted import Wanted

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise


def words(label: "str | StrPromise", longest: int = 500, **kwargs: Any) -> forms.CharField:
    kwargs.setdefault("widget", forms.Textarea(attrs={"rows": 2}))
    return forms.CharField(label=label, max_length=longest, **kwargs)


def choice(label: "str | StrPromise", choices: Any, **kwargs: Any) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=choices, error_messages={"invalid_choice": NOT_A_CHOICE}, **kwargs)


class OfClinic(forms.Form):
    """A form whose moments are on a clinic's wall; those without a value begin with now."""

    def __init__(self, *args: Any, zone: ZoneInfo, now: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            if isinstance(field, ClinicMoment):
                field.zone = zone
                field.help_text = _("The clinic's time (%(key)s)") % {"key": zone.key}
                if field.required:
                    self.initial.setdefault(name, now)


class ReasonForm(forms.Form):
    reason = words(gettext_lazy("Why"))


class NoteForm(forms.Form):
    note = words(gettext_lazy("Note"), required=False)


class PhaseForm(OfClinic):
    phase = choice(gettext_lazy("Phase"), Phase.choices)
    began_at = ClinicMoment(label=gettext_lazy("Since"))
    reason = words(gettext_lazy("Why"))


class BeginScreeningForm(forms.Form):
    starts_small = forms.BooleanField(
        label=gettext_lazy("Begin with the smaller dose: a very small patient"), required=False
    )


class BolusForm(OfClinic):
    dose_mcg = Number(label=gettext_lazy("Bolus"), unit="mcg", max_digits=7, decimal_places=2)
    given_at = ClinicMoment(label=gettext_lazy("Given at"))
    override_reason = words(
        gettext_lazy("Why against the rule"),
        required=False,
        help_text=gettext_lazy("Only where the rule refuses it, and by a prescriber alone. It stays visible."),
    )


class JudgeForm(forms.Form):
    responded = choice(
        gettext_lazy("Did the patient respond?"),
        [("yes", gettext_lazy("Yes")), ("no", gettext_lazy("No"))],
        widget=forms.RadioSelect,
    )
    effect_hours = Number(
        label=gettext_lazy("The effect lasted"),
        unit=gettext_lazy("hours"),
        required=False,
        max_digits=5,
        decimal_places=2,
        help_text=gettext_lazy("After a response, once it has worn off. The first daily dose follows from it."),
    )
    note = words(gettext_lazy("Note"), required=False)

    def values(self) -> dict[str, Any]:
        return {**self.cleaned_data, "responded": self.cleaned_data["responded"] == "yes"}


# What a browser sends for each degree of attainment.
GOAL_CODES = {"much_less": -2, "less": -1, "expected": 0, "more": 1, "much_more": 2}
GRADES = [("", gettext_lazy("not graded")), *((grade.value, grade.value) for grade in Ashworth)]


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


# --- doses ------------------------------------------------------------------------------------------------------------


class ProposalForm(forms.Form):
    """A dose to be signed. Steps and boluses are lists beside it."""

    mode = choice(gettext_lazy("Mode"), Event.ProgramMode.choices)
    daily_dose_mcg = Number(
        label=gettext_lazy("Daily dose"), unit=gettext_lazy("mcg/day"), required=False, max_digits=10, decimal_places=3
    )
    patient_bolus_mcg = Number(
        label=gettext_lazy("Patient bolus"),
        unit="mcg",
        required=False,
        max_digits=10,
        decimal_places=3,
        help_text=gettext_lazy("What the patient may call for at once. Blank where there are none."),
    )
    patient_boluses_per_day = Whole(
        (1, MOST_PATIENT_BOLUSES),
        label=gettext_lazy("Patient boluses"),
        required=False,
        help_text=gettext_lazy("How many in 24 hours, at most."),
    )
    concentration_mcg_per_ml = Number(
        label=gettext_lazy("New concentration"),
        unit="mcg/mL",
        required=False,
        max_digits=9,
        decimal_places=3,
        help_text=gettext_lazy("Only where it changes with the next refill: the bridge bolus is computed."),
    )
    bridge_declined_reason = words(
        gettext_lazy("Why no bridge bolus"),
        required=False,
        help_text=gettext_lazy("Only where the concentration changes and none is given."),
    )
    reason = words(gettext_lazy("Why the dose is changed"))

    def __init__(self, *args: Any, current_mcg: Decimal | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if current_mcg is not None:
            said = _("At present %(dose)s mcg/day, %(hourly)s.") % {
                "dose": plain(current_mcg),
                "hourly": hourly(current_mcg),
            }
            self.fields["daily_dose_mcg"].help_text = said

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        is_stop = cleaned.get("mode") == Event.ProgramMode.STOPPED
        if cleaned.get("daily_dose_mcg") is None and not is_stop and "daily_dose_mcg" not in self.errors:
            self.add_error("daily_dose_mcg", _("Write the dose of 24 hours in mcg."))
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
    override_reason = words(
        gettext_lazy("Why the rule is overridden"), required=False, help_text=gettext_lazy("It stays visible for ever.")
    )


class ReadBackForm(forms.Form):
    """What the programmer shows after programming: typed anew, never copied."""

    mode = choice(gettext_lazy("Mode shown"), [("", gettext_lazy("Choose")), *Event.ProgramMode.choices])
    daily_dose_mcg = Number(
        label=gettext_lazy("Daily dose shown"), unit=gettext_lazy("mcg/day"), max_digits=10, decimal_places=3
    )
    concentration_mcg_per_ml = Number(
        label=gettext_lazy("Concentration shown"), unit="mcg/mL", max_digits=9, decimal_places=3
    )
    bridge_volume_ml = Number(label=gettext_lazy("Bridge bolus shown"), unit="mL", max_digits=8, decimal_places=4)
    bridge_hours = Number(label=gettext_lazy("Over"), unit=gettext_lazy("hours"), max_digits=8, decimal_places=3)
    step_count = Number(label=gettext_lazy("Number of steps shown"), max_digits=3, decimal_places=0)
    highest_rate_mcg_per_h = Number(
        label=gettext_lazy("Highest rate shown"), unit="mcg/h", max_digits=10, decimal_places=4
    )
    bolus_count = Number(label=gettext_lazy("Number of timed boluses shown"), max_digits=3, decimal_places=0)
    largest_bolus_mcg = Number(
        label=gettext_lazy("Largest timed bolus shown"), unit="mcg", max_digits=10, decimal_places=4
    )
    patient_bolus_mcg = Number(label=gettext_lazy("Patient bolus shown"), unit="mcg", max_digits=10, decimal_places=3)
    patient_boluses_per_day = Number(
        label=gettext_lazy("Patient boluses a day, at most"), max_digits=3, decimal_places=0
    )

    def __init__(self, *args: Any, asked: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in [name for name in self.fields if name not in (*asked, "mode")]:
            del self.fields[name]


class DownRow(forms.Form):
    at = ClinicMoment(label=gettext_lazy("From"), required=False)
    daily_dose_mcg = Number(
        label=gettext_lazy("Daily dose"), unit=gettext_lazy("mcg/day"), required=False, max_digits=10, decimal_places=3
    )

    def __init__(self, *args: Any, zone: ZoneInfo, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        moment: Any = self.fields["at"]
        moment.zone = zone

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if (cleaned.get("at") is None) != (cleaned.get("daily_dose_mcg") is None) and not self.errors:
            raise forms.ValidationError(_("Fill in both the time and the dose, or neither."))
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
        label=gettext_lazy("Somebody else than the signer reads every pump back"),
        required=False,
        help_text=gettext_lazy("Always so for a change of concentration, a rise above 20 %, and an overridden rule."),
    )
    rescue_words = words(
        gettext_lazy("What a rescue plan begins with"), 2000, required=False, widget=forms.Textarea(attrs={"rows": 4})
    )

    def __init__(self, data: Any, *, labels: LabelSet, protocol: Protocol | None) -> None:
        initial: dict[str, Any] = {}
        if protocol is not None:
            initial = {"second_person": protocol.second_person, "rescue_words": protocol.rescue_words}
            initial |= protocol.figures
        super().__init__(data, initial=initial)
        own = list(self.fields)
        for key, figure in FIGURES.items():
            side = _("at most") if figure.tighter is Tighter.LESS else _("at least")
            self.fields[key] = Number(
                label=said(figure.words),
                unit=said(figure.unit),
                required=False,
                max_digits=10,
                decimal_places=3,
                help_text=_("The label: %(value)s %(unit)s. Tighter is %(side)s that.")
                % {"value": plain(of_label(key, labels)), "unit": said(figure.unit), "side": side},
            )
        self.order_fields([*FIGURES, *own])

    def figures(self) -> dict[str, Decimal]:
        return {key: self.cleaned_data[key] for key in FIGURES if self.cleaned_data.get(key) is not None}


class TemplateForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=100)
    mode = choice(
        gettext_lazy("Mode"), [each for each in Event.ProgramMode.choices if each[0] != Event.ProgramMode.STOPPED]
    )
    daily_dose_mcg = Number(
        label=gettext_lazy("Daily dose"),
        unit=gettext_lazy("mcg/day"),
        max_digits=10,
        decimal_places=3,
        help_text=gettext_lazy(
            "Steps and boluses below add up to it; they are scaled to whatever dose it is taken for."
        ),
    )


class UseTemplateForm(forms.Form):
    template = forms.ModelChoiceField(
        ProgramTemplate.objects.none(), label=gettext_lazy("Template"), error_messages={"invalid_choice": NOT_A_CHOICE}
    )
    dose = Number(
        label=gettext_lazy("For a daily dose of"), unit=gettext_lazy("mcg/day"), max_digits=10, decimal_places=3
    )

    def __init__(self, *args: Any, clinic_id: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["template"]
        field.queryset = ProgramTemplate.objects.filter(clinic=clinic_id)

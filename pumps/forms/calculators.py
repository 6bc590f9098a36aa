"""The calculators' forms. They read and shape input; the services judge it."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinical.labels import LABEL_SETS
from clinical.titration import Phase
from clinics.fields import NOT_A_CHOICE, ClinicMoment, Number, Whole
from clinics.saying import said_later
from patients.models import Patient
from pumps.models import PumpModel

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise


def volume(label: "str | StrPromise", highest: int = 1000, **kwargs: Any) -> Number:
    return Number(label=label, unit="mL", max_digits=12, decimal_places=6, max_value=highest, **kwargs)


def concentration(label: "str | StrPromise") -> Number:
    return Number(label=label, unit="mcg/mL", max_digits=14, decimal_places=6)


def dose(label: "str | StrPromise") -> Number:
    return Number(label=label, unit=gettext_lazy("mcg/day"), max_digits=14, decimal_places=6)


def pump_model() -> forms.Field:
    return forms.ModelChoiceField(
        PumpModel.objects.all(),
        label=gettext_lazy("Pump model"),
        empty_label=gettext_lazy("Choose"),
        error_messages={"invalid_choice": NOT_A_CHOICE},
    )


class CalculatorForm(forms.Form):
    """One of several on a page: its prefix says which was sent."""

    prefix = ""

    def __init__(self, data: Any, zone: ZoneInfo) -> None:
        is_sent = any(name.startswith(f"{self.prefix}-") for name in data)
        super().__init__(data if is_sent else None)
        for field in self.fields.values():
            if isinstance(field, ClinicMoment):
                field.zone, field.help_text = zone, _("Time of %(key)s") % {"key": zone.key}

    def take(self, errors: Mapping[str, Sequence[str]]) -> None:
        """Show the service's messages at their fields."""
        for field, messages in errors.items():
            self.add_error(field if field in self.fields else None, list(messages))


class RefillCalculatorForm(CalculatorForm):
    prefix = "refill"

    volume_ml = volume(gettext_lazy("In the reservoir"))
    low_reservoir_alarm_ml = volume(gettext_lazy("Low level"))
    daily_dose_mcg = dose(gettext_lazy("Daily dose"))
    concentration_mcg_per_ml = concentration(gettext_lazy("Concentration"))
    filled_at = ClinicMoment(label=gettext_lazy("Filled at"))


class BridgeCalculatorForm(CalculatorForm):
    prefix = "bridge"

    tubing_volume_ml = volume(gettext_lazy("Tubing inside the pump"), 10)
    catheter_volume_ml = volume(gettext_lazy("Catheter"), 10)
    old_concentration_mcg_per_ml = concentration(gettext_lazy("Concentration before"))
    new_concentration_mcg_per_ml = concentration(gettext_lazy("Concentration after"))
    old_daily_dose_mcg = dose(gettext_lazy("Daily dose before"))
    new_daily_dose_mcg = dose(gettext_lazy("Daily dose after"))


class ResidualCalculatorForm(CalculatorForm):
    prefix = "residual"

    model = pump_model()
    filled_ml = volume(gettext_lazy("Filled last"))
    programmed_ml = volume(gettext_lazy("Programmed to flow since"))
    aspirated_ml = volume(gettext_lazy("Aspirated now"))


class CatheterCalculatorForm(CalculatorForm):
    prefix = "catheter"

    model = pump_model()
    implanted_length_cm = Number(
        label=gettext_lazy("Implanted length"), unit="cm", max_digits=9, decimal_places=4, max_value=200, required=False
    )
    trimmed_cm = Number(
        label=gettext_lazy("or what was trimmed"),
        unit="cm",
        max_digits=9,
        decimal_places=4,
        max_value=200,
        required=False,
    )


def a_label_set() -> forms.ChoiceField:
    return _choice(
        gettext_lazy("Label set"), [(code, said_later(labels.name, "")) for code, labels in LABEL_SETS.items()]
    )


def _choice(label: "str | StrPromise", choices: Sequence[tuple[str, Any]]) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=choices, error_messages={"invalid_choice": NOT_A_CHOICE})


def hours(label: "str | StrPromise", **kwargs: Any) -> Number:
    return Number(label=label, unit=gettext_lazy("hours"), max_digits=9, decimal_places=3, **kwargs)


def bolus_dose(label: "str | StrPromise", **kwargs: Any) -> Number:
    return Number(label=label, unit="mcg", max_digits=14, decimal_places=6, **kwargs)


class TitrationCalculatorForm(CalculatorForm):
    prefix = "titration"

    label_set = a_label_set()
    origin = _choice(gettext_lazy("Origin of the spasticity"), Patient.Origin.choices)
    age_years = Whole((0, 130), of=gettext_lazy("years"), label=gettext_lazy("Age in years"))
    phase = _choice(gettext_lazy("Phase"), [(phase.value, capfirst(said_later(phase.value))) for phase in Phase])
    current_daily_dose_mcg = dose(gettext_lazy("Daily dose now"))
    proposed_daily_dose_mcg = dose(gettext_lazy("Proposed daily dose"))
    hours_since_last_change = hours(gettext_lazy("Since the last change, or the start"))


class InitialDoseForm(CalculatorForm):
    prefix = "first"

    label_set = a_label_set()
    screening_dose_mcg = bolus_dose(gettext_lazy("Screening dose that worked"))
    effect_hours = hours(gettext_lazy("How long it worked"))


RESPONSES = [("", gettext_lazy("Still observed")), ("yes", gettext_lazy("Yes")), ("no", gettext_lazy("No"))]


class ScreeningForm(CalculatorForm):
    prefix = "screening"

    label_set = a_label_set()
    starts_small = forms.BooleanField(label=gettext_lazy("A very small patient: begin with less"), required=False)
    last_dose_mcg = bolus_dose(
        gettext_lazy("Last bolus"), required=False, help_text=gettext_lazy("Blank before the first.")
    )
    given_at = ClinicMoment(label=gettext_lazy("Given at"), required=False)
    responded = forms.ChoiceField(
        label=gettext_lazy("Did the patient respond?"),
        choices=RESPONSES,
        required=False,
        error_messages={"invalid_choice": NOT_A_CHOICE},
    )

    def clean_responded(self) -> bool | None:
        return {"yes": True, "no": False}.get(self.cleaned_data["responded"])

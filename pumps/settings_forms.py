"""Forms of the pages only administrators save: a clinic's settings, a catalogue row."""

from typing import Any

from django import forms

from clinics.fields import Number
from clinics.models import Clinic
from pumps.models import PumpModel
from pumps.services.catalogue import EDITABLE
from pumps.services.settings import INTERVAL_DAYS, MARGIN_DAYS, ClinicSettings

NUMBERS = (
    "reservoir_ml",
    "low_reservoir_ml",
    "min_flow_ml_per_day",
    "max_flow_ml_per_day",
    "flow_accuracy_pct",
    "internal_tubing_ml",
    "flow_ratio_mean",
    "flow_ratio_sd",
)


def _days(label: str, limits: tuple[int, int], help_text: str) -> forms.IntegerField:
    lowest, highest = limits
    return forms.IntegerField(
        label=label,
        min_value=lowest,
        max_value=highest,
        help_text=f"{help_text} From {lowest} to {highest} days.",
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )


class ClinicForm(forms.Form):
    refill_margin_days = _days("Refill margin", MARGIN_DAYS, "A refill is due this long before the first deadline.")
    max_refill_interval_days = _days("Longest interval", INTERVAL_DAYS, "No pump goes longer without a refill.")
    patient_facing_name = forms.CharField(
        label="Name in messages to patients",
        required=False,
        max_length=200,
        help_text='A neutral name that gives no diagnosis away. Blank: "your clinic".',
    )

    @classmethod
    def of(cls, clinic: Clinic, data: Any) -> "ClinicForm":
        return cls(data, initial={name: getattr(clinic, name) for name in cls.base_fields})

    def settings(self) -> ClinicSettings:
        return ClinicSettings(**self.cleaned_data)


class PumpModelForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs alone
    class Meta:
        model = PumpModel
        fields = EDITABLE
        field_classes = dict.fromkeys(NUMBERS, Number)
        labels = {  # noqa: RUF012
            "reservoir_ml": "Reservoir, mL",
            "low_reservoir_ml": "Low level, mL",
            "min_flow_ml_per_day": "Lowest flow, mL/day",
            "max_flow_ml_per_day": "Highest flow, mL/day",
            "flow_accuracy_pct": "Accuracy, ± %",
            "internal_tubing_ml": "Internal tubing, mL",
            "flow_ratio_mean": "Flow ratio, mean before any refill",
            "flow_ratio_sd": "Flow ratio, standard deviation",
            "max_steps_per_day": "Steps a day, at most",
            "service_life_years": "Service life, years",
            "reservoir_confirmed": "Reservoir read in the manual",
            "flow_confirmed": "Flow and accuracy read in the manual",
            "tubing_confirmed": "Tubing read in the manual",
            "mri_behaviour": "In the MRI scanner",
        }

    def clean(self) -> dict[str, Any]:
        """What the catalogue's constraints would refuse, said at the field."""
        cleaned = super().clean() or {}
        for name in ("reservoir_ml", "flow_ratio_mean", "flow_ratio_sd"):
            if cleaned.get(name) is not None and cleaned[name] <= 0:
                self.add_error(name, "Must be above 0.")
        for name in ("low_reservoir_ml", "min_flow_ml_per_day", "max_flow_ml_per_day", "internal_tubing_ml"):
            if cleaned.get(name) is not None and cleaned[name] < 0:
                self.add_error(name, "Cannot be negative.")
        return cleaned

"""What a person enters about a pump itself, and about who does its next refill."""

from typing import Any

from django import forms

from clinics.fields import NOT_A_CHOICE, Day, Number
from pumps.models import Pump, PumpModel, RefillOwner


class PumpForm(forms.Form):
    model = forms.ModelChoiceField(
        PumpModel.objects.all(), label="Model", empty_label="Choose", error_messages={"invalid_choice": NOT_A_CHOICE}
    )
    serial_number = forms.CharField(
        label="Serial number", max_length=64, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    implanted_on = Day(label="Implanted on")
    catheter_volume_ml = Number(
        label="Catheter volume",
        unit="mL",
        required=False,
        max_digits=6,
        decimal_places=4,
        help_text="From the implant record; needed for a bridge bolus.",
    )
    low_reservoir_alarm_ml = Number(
        label="Low level",
        unit="mL",
        required=False,
        max_digits=6,
        decimal_places=2,
        help_text="Blank: the model's own, from the catalogue.",
    )
    factory_flow_ml_per_day = Number(
        label="Factory flow",
        unit="mL/day",
        required=False,
        max_digits=8,
        decimal_places=4,
        help_text="Of a constant-flow pump, printed on its label. Leave blank for a programmable one.",
    )
    flow_accuracy_pct = Number(
        label="Accuracy, ± %",
        required=False,
        max_digits=5,
        decimal_places=2,
        max_value=100,
        help_text="Blank: the model's own, from the catalogue.",
    )

    @classmethod
    def of(cls, pump: Pump, data: Any) -> "PumpForm":
        return cls(data, initial={name: getattr(pump, name) for name in cls.base_fields})


class ExplantForm(forms.Form):
    on = Day(label="Explanted on")
    reason = forms.CharField(label="Why", max_length=500, widget=forms.Textarea(attrs={"rows": 2}))


class ReplaceForm(PumpForm):
    """The new pump, and why the old one came out. Both on one day."""

    implanted_on = None  # type: ignore[assignment]  # Django's way of leaving out a field of the class it extends
    on = Day(label="Replaced on")
    reason = forms.CharField(label="Why", max_length=500, widget=forms.Textarea(attrs={"rows": 2}))
    field_order = ("on", "reason", "model", "serial_number")


class LowLevelForm(forms.Form):
    noticed_on = Day(label="Noticed on")
    reason = forms.CharField(
        label="What was noticed?",
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Such as itching, more spasms or fever, and how long before the low date.",
    )


class HandoverForm(forms.Form):
    owner = forms.ChoiceField(
        label="Who does the next refill?",
        choices=RefillOwner.choices,
        widget=forms.RadioSelect,
        error_messages={"invalid_choice": NOT_A_CHOICE},
    )
    name = forms.CharField(
        label="Name", max_length=200, required=False, help_text="Of the service or hospital; blank for this clinic."
    )
    phone = forms.CharField(
        label="Phone", max_length=40, required=False, widget=forms.TextInput(attrs={"type": "tel", "inputmode": "tel"})
    )
    reason = forms.CharField(label="Note", max_length=500, required=False)

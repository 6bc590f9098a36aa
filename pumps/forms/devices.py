"""What a person enters about a pump itself, and about who does its next refill."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from clinics.fields import NOT_A_CHOICE, Day, Number
from pumps.models import Pump, PumpModel, RefillOwner


class PumpForm(forms.Form):
    model = forms.ModelChoiceField(
        PumpModel.objects.all(),
        label=gettext_lazy("Model"),
        empty_label=gettext_lazy("Choose"),
        error_messages={"invalid_choice": NOT_A_CHOICE},
    )
    serial_number = forms.CharField(
        label=gettext_lazy("Serial number"), max_length=64, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    implanted_on = Day(label=gettext_lazy("Implanted on"))
    catheter_volume_ml = Number(
        label=gettext_lazy("Catheter volume"),
        unit="mL",
        required=False,
        max_digits=6,
        decimal_places=4,
        help_text=gettext_lazy("From the implant record; needed for a bridge bolus."),
    )
    low_reservoir_alarm_ml = Number(
        label=gettext_lazy("Low level"),
        unit="mL",
        required=False,
        max_digits=6,
        decimal_places=2,
        help_text=gettext_lazy("Blank: the model's own, from the catalogue."),
    )
    factory_flow_ml_per_day = Number(
        label=gettext_lazy("Factory flow"),
        unit=gettext_lazy("mL/day"),
        required=False,
        max_digits=8,
        decimal_places=4,
        help_text=gettext_lazy("Of a constant-flow pump, printed on its label. Leave blank for a programmable one."),
    )
    flow_accuracy_pct = Number(
        label=gettext_lazy("Accuracy, ± %"),
        required=False,
        max_digits=5,
        decimal_places=2,
        max_value=100,
        help_text=gettext_lazy("Blank: the model's own, from the catalogue."),
    )

    @classmethod
    def of(cls, pump: Pump, data: Any) -> "PumpForm":
        return cls(data, initial={name: getattr(pump, name) for name in cls.base_fields})


class ExplantForm(forms.Form):
    on = Day(label=gettext_lazy("Explanted on"))
    reason = forms.CharField(label=gettext_lazy("Why"), max_length=500, widget=forms.Textarea(attrs={"rows": 2}))


class ReplaceForm(PumpForm):
    """The new pump, and why the old one came out. Both on one day."""

    implanted_on = None  # type: ignore[assignment]  # Django's way of leaving out a field of the class it extends
    on = Day(label=gettext_lazy("Replaced on"))
    reason = forms.CharField(label=gettext_lazy("Why"), max_length=500, widget=forms.Textarea(attrs={"rows": 2}))
    field_order = ("on", "reason", "model", "serial_number")


class LowLevelForm(forms.Form):
    noticed_on = Day(label=gettext_lazy("Noticed on"))
    reason = forms.CharField(
        label=gettext_lazy("What was noticed?"),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("Such as itching, more spasms or fever, and how long before the low date."),
    )


class HandoverForm(forms.Form):
    owner = forms.ChoiceField(
        label=gettext_lazy("Who does the next refill?"),
        choices=RefillOwner.choices,
        widget=forms.RadioSelect,
        error_messages={"invalid_choice": NOT_A_CHOICE},
    )
    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=200,
        required=False,
        help_text=gettext_lazy("Of the service or hospital; blank for this clinic."),
    )
    phone = forms.CharField(
        label=gettext_lazy("Phone"),
        max_length=40,
        required=False,
        widget=forms.TextInput(attrs={"type": "tel", "inputmode": "tel"}),
    )
    reason = forms.CharField(label=gettext_lazy("Note"), max_length=500, required=False)

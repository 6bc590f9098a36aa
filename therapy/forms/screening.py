"""What a person enters about a screening trial."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from clinics.fields import ClinicMoment, Number
from therapy.forms.fields import OfClinic, choice, words


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

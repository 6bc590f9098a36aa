"""What a person enters to propose a dose, to sign it and to read the pump back. The services judge it."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinical.units import plain
from clinics.fields import Number, Whole
from pumps.forms.entries import RowsForm, hourly
from pumps.models import Event
from pumps.programs_json import MOST_PATIENT_BOLUSES
from therapy.forms.fields import choice, words
from therapy.wanted import Wanted

# What a mode has rows for; the others of the form are hidden where scripts run.
WITH_STEPS = (Event.ProgramMode.FLEX,)
WITH_BOLUSES = (Event.ProgramMode.PERIODIC_BOLUS, Event.ProgramMode.FLEX)


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
        """The form begins with what runs: what another mode has no place for does not count, and the review says so."""
        values = dict(self.cleaned_data)
        values["daily_dose_mcg"] = values["daily_dose_mcg"] if values["daily_dose_mcg"] is not None else Decimal(0)
        mode = values["mode"]
        if mode == Event.ProgramMode.STOPPED:
            values["patient_bolus_mcg"] = values["patient_boluses_per_day"] = None
        return Wanted(
            **values,
            steps=steps.rows("start", "rate_mcg_per_h") if mode in WITH_STEPS else [],
            boluses=boluses.rows("at", "dose_mcg") if mode in WITH_BOLUSES else [],
        )


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

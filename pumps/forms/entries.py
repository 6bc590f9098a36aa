"""What a person enters about a pump. Forms read and shape input; the ledger's service judges it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, cast

from django import forms
from django.utils.dates import WEEKDAYS_ABBR
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinical.labels import LABEL_SETS
from clinical.programs import ProgramError, hourly_of
from clinical.units import plain
from clinical.weekdays import CODES, codes_of, days_of, words
from clinics.fields import NOT_A_CHOICE, ClinicMoment, Day, Number, Whole
from clinics.words import calendar_day
from pumps.models import Event, Pump
from pumps.programs_json import MOST_PATIENT_BOLUSES
from pumps.services.entries import DoseEntry, RefillEntry

OTHER = "other"
# The weekdays a step is for: none is every day that has no steps of its own.
WORKDAYS, WEEKEND = CODES[:5], CODES[5:]
DAYS = [
    ("", gettext_lazy("Every day")),
    ("+".join(WORKDAYS), gettext_lazy("Mon-Fri")),
    ("+".join(WEEKEND), gettext_lazy("Sat and Sun")),
    *((code, WEEKDAYS_ABBR[place]) for place, code in enumerate(CODES)),
]
MORE_ROWS = 3


class EntryForm(forms.Form):
    """A form whose errors may also come from the service, by the service's field names."""

    moment_field = ""
    # What the service calls a field, where the form has another name for it.
    renamed: Mapping[str, str] = {}

    def __init__(self, *args: Any, pump: Pump, now: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        moment = self.fields[self.moment_field]
        if isinstance(moment, ClinicMoment):
            moment.zone = pump.clinic.zone
            moment.help_text = _("%(name)s's time (%(timezone)s)") % {
                "name": pump.clinic.name,
                "timezone": pump.clinic.timezone,
            }
        self.initial.setdefault(self.moment_field, now)

    def take(self, errors: Mapping[str, Sequence[str]]) -> None:
        """Show the service's messages at their fields."""
        for field, messages in errors.items():
            name = self.renamed.get(field, field)
            self.add_error(name if name in self.fields else None, list(messages))


class RefillForm(EntryForm):
    moment_field = "refilled_at"
    # Fields of a form built on this one that are no part of the refill.
    beside: frozenset[str] = frozenset()

    refilled_at = ClinicMoment(label=gettext_lazy("Refilled at"))
    emptying = forms.ChoiceField(
        label=gettext_lazy("Before it was filled"),
        choices=Event.EmptyingFirst.choices,
        required=False,
        widget=forms.RadioSelect,
        initial=Event.EmptyingFirst.EMPTIED,
        error_messages={"invalid_choice": NOT_A_CHOICE},
    )
    aspirated_ml = Number(
        label=gettext_lazy("Aspirated"),
        unit="mL",
        required=False,
        max_digits=7,
        decimal_places=3,
        help_text=gettext_lazy("What was left in the reservoir. It teaches Brim how fast this pump really flows."),
    )
    filled_ml = Number(label=gettext_lazy("Filled"), unit="mL", max_digits=7, decimal_places=3)
    concentration = forms.ChoiceField(
        label=gettext_lazy("Concentration of the drug"), error_messages={"invalid_choice": NOT_A_CHOICE}
    )
    other_concentration = Number(
        label=gettext_lazy("Other concentration"), unit="mcg/mL", required=False, max_digits=9, decimal_places=3
    )
    programmed_concentration_mcg_per_ml = Number(
        label=gettext_lazy("Concentration programmed"),
        unit="mcg/mL",
        required=False,
        max_digits=9,
        decimal_places=3,
        help_text=gettext_lazy("What the pump was told. Required when the concentration has changed."),
    )
    formulation = forms.CharField(label=gettext_lazy("Drug product"), required=False, max_length=100)
    lot_number = forms.CharField(label=gettext_lazy("Lot number"), required=False, max_length=64)
    drug_expires_on = Day(label=gettext_lazy("Lot expires on"), required=False)
    stability_days = Whole((1, 1000), of=gettext_lazy("days"), label=gettext_lazy("Stable in the pump"), required=False)
    reason = forms.CharField(label=gettext_lazy("Note"), required=False, max_length=500)

    def __init__(self, *args: Any, pump: Pump, last: Event | None, products: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, pump=pump, **kwargs)
        self.market = [plain(sold) for sold in LABEL_SETS[pump.clinic.label_set].market_concentrations_mcg_per_ml]
        choices = [
            ("", _("Choose")),
            *((value, _("%(value)s mcg/mL") % {"value": value}) for value in self.market),
            (OTHER, _("Other")),
        ]
        self.fields["concentration"].choices = choices  # type: ignore[attr-defined]  # a ChoiceField
        self.products = products
        self.fields["formulation"].widget.attrs["list"] = "products"
        self.fields["stability_days"].help_text = _(
            "Blank: as your clinic has set it for the product. Where that is not set either, no drug date counts."
        )
        self.initial.setdefault("filled_ml", plain(pump.model.reservoir_ml))
        if last is None:
            # A first fill goes into an empty pump.
            del self.fields["emptying"]
        if last is not None and last.drug_expires_on is not None:
            self.fields["drug_expires_on"].help_text = _(
                "Expiry of the last fill's drug: %(day)s. Left blank, no expiry counts."
            ) % {"day": calendar_day(last.drug_expires_on)}
        if last is not None and last.concentration_mcg_per_ml is not None:
            self._start_from(last, plain(last.concentration_mcg_per_ml))

    @property
    def renamed(self) -> dict[str, str]:  # type: ignore[override]  # depends on what was chosen
        chosen = "other_concentration" if self._chosen() == OTHER else "concentration"
        return {"concentration_mcg_per_ml": chosen}

    def _chosen(self) -> str:
        cleaned = getattr(self, "cleaned_data", {})
        return str(cleaned.get("concentration", ""))

    def _start_from(self, last: Event, concentration: str) -> None:
        for name, value in self.concentration_initial(concentration).items():
            self.initial.setdefault(name, value)
        self.initial.setdefault("formulation", last.formulation)
        programmed = last.programmed_concentration_mcg_per_ml
        if programmed is not None:
            field = self.fields["programmed_concentration_mcg_per_ml"]
            field.help_text = _("%(help_text)s Last programmed: %(programmed)s mcg/mL.") % {
                "help_text": field.help_text,
                "programmed": plain(programmed),
            }

    def concentration_initial(self, concentration: str) -> dict[str, str]:
        """A concentration as the two fields of the form hold it."""
        on_market = concentration in self.market
        return {
            "concentration": concentration if on_market else OTHER,
            "other_concentration": "" if on_market else concentration,
        }

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("concentration") == OTHER and cleaned.get("other_concentration") is None:
            if "other_concentration" not in self.errors:
                self.add_error("other_concentration", _("Write the concentration in mcg/mL."))
        return cleaned

    def entry(self) -> RefillEntry:
        values = {name: value for name, value in self.cleaned_data.items() if name not in self.beside}
        chosen, other = values.pop("concentration"), values.pop("other_concentration")
        values["emptying"] = values.get("emptying") or Event.EmptyingFirst.EMPTIED.value
        return RefillEntry(**values, concentration_mcg_per_ml=other if chosen == OTHER else Decimal(chosen))


class DoseForm(EntryForm):
    moment_field = "effective_at"

    effective_at = ClinicMoment(label=gettext_lazy("In effect from"))
    mode = forms.ChoiceField(
        label=gettext_lazy("Mode"),
        choices=Event.ProgramMode.choices,
        # What a browser sends where nothing was chosen: it is no change.
        initial=Event.ProgramMode.SIMPLE_CONTINUOUS,
        error_messages={"invalid_choice": NOT_A_CHOICE},
    )
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
    reason = forms.CharField(label=gettext_lazy("Reason"), required=False, max_length=500)

    def __init__(self, *args: Any, current: Event | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        moment = self.fields["effective_at"]
        moment.help_text = _("%(help_text)s. A later time is stored as a plan, to be confirmed when it has come.") % {
            "help_text": moment.help_text
        }
        if current is not None and current.daily_dose_mcg is not None:
            self.initial.setdefault("mode", current.mode)
            dose = plain(current.daily_dose_mcg)
            self.fields["daily_dose_mcg"].help_text = _("At present %(dose)s mcg/day, %(daily_dose_mcg)s.") % {
                "dose": dose,
                "daily_dose_mcg": hourly(current.daily_dose_mcg),
            }

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        is_stop = cleaned.get("mode") == Event.ProgramMode.STOPPED
        if cleaned.get("daily_dose_mcg") is None and not is_stop and "daily_dose_mcg" not in self.errors:
            self.add_error("daily_dose_mcg", _("Write the dose of 24 hours in mcg."))
        return cleaned

    def with_rows(self, steps: "RowsForm", boluses: "RowsForm") -> DoseEntry:
        values = self.cleaned_data
        return DoseEntry(
            effective_at=values["effective_at"],
            mode=values["mode"],
            daily_dose_mcg=values["daily_dose_mcg"] if values["daily_dose_mcg"] is not None else Decimal(0),
            steps=steps.rows("start", "rate_mcg_per_h"),
            boluses=boluses.rows("at", "dose_mcg"),
            patient_bolus_mcg=values["patient_bolus_mcg"],
            patient_boluses_per_day=values["patient_boluses_per_day"],
            reason=values["reason"],
        )

    @property
    def entered_hourly(self) -> str:
        """The hourly equivalent of the dose in the form, so that a page without scripts shows it too."""
        dose = self.cleaned_data.get("daily_dose_mcg") if self.is_bound and hasattr(self, "cleaned_data") else None
        return hourly(dose) if dose is not None else ""


def hourly(daily_dose_mcg: Decimal) -> str:
    return _("%(daily_dose_mcg)s mcg/h on average") % {
        "daily_dose_mcg": plain(hourly_of(daily_dose_mcg).quantize(Decimal("0.001")))
    }


class RowForm(forms.Form):
    """A time of the pump's day and a number, both or none; and the weekdays it is for, as `mon+tue`."""

    clock = forms.CharField(
        label=gettext_lazy("Time"),
        required=False,
        max_length=5,
        widget=forms.TimeInput(attrs={"type": "time"}),
    )
    number = Number(label=gettext_lazy("Number"), required=False, max_digits=10, decimal_places=4)
    days = forms.ChoiceField(
        label=gettext_lazy("Days"), choices=DAYS, required=False, error_messages={"invalid_choice": NOT_A_CHOICE}
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._offer(str(self["days"].value() or ""))

    def _offer(self, days: str) -> None:
        """Whatever weekdays a program came with can be kept, also those that the list does not have."""
        try:
            chosen = days_of(filter(None, days.split("+")), "days")
        except ProgramError:
            return
        if (days, words(chosen)) not in DAYS and chosen and "+".join(codes_of(chosen)) == days:
            self.fields["days"].choices = [*DAYS, (days, words(chosen))]  # type: ignore[attr-defined]  # a ChoiceField

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if bool(cleaned.get("clock")) != (cleaned.get("number") is not None) and not self.errors:
            raise forms.ValidationError(_("Fill in both the time and the number, or neither."))
        return cleaned


class RowsForm(forms.BaseFormSet):  # type: ignore[type-arg]  # generic in the stubs alone
    """Repeatable rows; blank ones do not count."""

    def rows(self, clock: str, number: str) -> list[dict[str, Any]]:
        filled = [form.cleaned_data for form in self.forms if form.cleaned_data.get("clock")]
        return [
            {clock: row["clock"], number: f"{row['number']:f}"}
            | ({"days": row["days"].split("+")} if row.get("days") else {})
            for row in filled
        ]


MOST_ROWS = 48
_rows = forms.formset_factory(RowForm, formset=RowsForm, extra=MORE_ROWS, max_num=MOST_ROWS, absolute_max=MOST_ROWS)
Rows = cast("type[RowsForm]", _rows)


class VoidForm(forms.Form):
    reason = forms.CharField(
        label=gettext_lazy("What was wrong with it?"), max_length=500, widget=forms.Textarea(attrs={"rows": 3})
    )


# Why an entry is an error, as it is stored, and as it is offered.
ERRORS = {
    "of another patient or pump": gettext_lazy("It is of another patient or pump"),
    "a slip of a number": gettext_lazy("A slip of a number"),
    "at another time": gettext_lazy("It was at another time"),
    "entered twice": gettext_lazy("It was entered twice"),
    "not done": gettext_lazy("It was not done"),
}


class ErrorForm(VoidForm):
    """Why an entry is an error: one of the usual reasons, words of one's own, or both."""

    choice = forms.ChoiceField(
        label=gettext_lazy("The entry is wrong because"),
        choices=list(ERRORS.items()),
        required=False,
        widget=forms.RadioSelect,
        error_messages={"invalid_choice": NOT_A_CHOICE},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].required = False

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        parts = [part for part in (cleaned.get("choice"), cleaned.get("reason")) if part]
        if not parts and not self.errors:
            self.add_error("reason", _("Choose a reason above, or say what was wrong with the entry."))
        cleaned["reason"] = ": ".join(parts)[:500]
        return cleaned

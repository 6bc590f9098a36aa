"""What somebody tries of a pump. Every field starts from what the pump has; one left alone or blank stays as it is."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinical.units import plain
from clinics.fields import NOT_A_CHOICE, ClinicMoment, Day, Number, Whole
from pumps.forms.entries import RowsForm
from pumps.models import Event, Pump, PumpModel
from pumps.services.settings import INTERVAL_DAYS, MARGIN_DAYS, STABILITY_DAYS
from pumps.services.trying import Tried


def _days(label: str | Promise, limits: tuple[int, int], help_text: str | Promise = "") -> Whole:
    return Whole(limits, of=gettext_lazy("days"), label=label, required=False, help_text=help_text)


class WhatIfForm(forms.Form):
    mode = forms.ChoiceField(
        label=gettext_lazy("Mode"),
        required=False,
        choices=[("", gettext_lazy("As now")), *Event.ProgramMode.choices],
        error_messages={"invalid_choice": NOT_A_CHOICE},
    )
    daily_dose_mcg = Number(
        label=gettext_lazy("Daily dose"), unit=gettext_lazy("mcg/day"), required=False, max_digits=10, decimal_places=3
    )
    concentration_mcg_per_ml = Number(
        label=gettext_lazy("Concentration"),
        unit="mcg/mL",
        required=False,
        max_digits=9,
        decimal_places=3,
        help_text=gettext_lazy("Another one takes a refill, and the pump is told."),
    )
    volume_ml = Number(
        label=gettext_lazy("Fill volume"),
        unit="mL",
        required=False,
        max_digits=7,
        decimal_places=3,
        help_text=gettext_lazy("Another one takes a refill."),
    )
    filled_at = ClinicMoment(label=gettext_lazy("Refill at"), required=False)
    margin_days = _days(gettext_lazy("Margin before the deadline"), MARGIN_DAYS)
    max_refill_interval_days = _days(gettext_lazy("Longest refill interval"), INTERVAL_DAYS)
    stability_days = _days(gettext_lazy("Stable in the pump"), STABILITY_DAYS)
    drug_expires_on = Day(label=gettext_lazy("Lot expires on"), required=False)
    low_reservoir_alarm_ml = Number(
        label=gettext_lazy("Low level"), unit="mL", required=False, max_digits=6, decimal_places=2
    )
    catheter_volume_ml = Number(
        label=gettext_lazy("Catheter volume"),
        unit="mL",
        required=False,
        max_digits=6,
        decimal_places=4,
        help_text=gettext_lazy("For the bridge of a change of concentration."),
    )
    model = forms.ModelChoiceField(
        PumpModel.objects.all(),
        label=gettext_lazy("Pump model"),
        required=False,
        empty_label=gettext_lazy("As now"),
        error_messages={"invalid_choice": NOT_A_CHOICE},
        help_text=gettext_lazy("Another one is a new pump: filled, primed, and with its model's own flow."),
    )
    factory_flow_ml_per_day = Number(
        label=gettext_lazy("Factory flow"),
        unit=gettext_lazy("mL/day"),
        required=False,
        max_digits=8,
        decimal_places=4,
        help_text=gettext_lazy("Of a constant-flow pump alone."),
    )

    def __init__(self, data: Any, *, pump: Pump, present: Mapping[str, Any]) -> None:
        super().__init__(data, initial={name: _shown(value) for name, value in present.items()})
        moment = self.fields["filled_at"]
        if isinstance(moment, ClinicMoment):
            moment.zone = pump.clinic.zone
            moment.help_text = _("Blank: now, where a refill is needed. %(name)s's time.") % {"name": pump.clinic.name}

    def take(self, errors: Mapping[str, Sequence[str]]) -> None:
        """Show the service's messages at their fields; those of steps and boluses over the form."""
        for field, messages in errors.items():
            name = field if field in self.fields else None
            self.add_error(name, list(messages) if name else [f"{field}: {told}" for told in messages])

    def tried(self, rows: Mapping[str, RowsForm]) -> Tried:
        """What was changed. Rows left alone follow the dose."""
        changed = {name: self.cleaned_data[name] for name in self.changed_data if self.cleaned_data[name] != ""}
        if any(part.has_changed() for part in rows.values()):
            changed["steps"] = rows["steps"].rows("start", "rate_mcg_per_h")
            changed["boluses"] = rows["boluses"].rows("at", "dose_mcg")
        return Tried(**changed)


def _shown(value: Any) -> Any:
    """A decimal as a person writes it, which still compares with what is typed."""
    return Decimal(plain(value)) if isinstance(value, Decimal) else value

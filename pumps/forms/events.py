"""The form of an event of any kind beside refills and dose changes, made of the kind's own fields."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinical.watching import TWO_TONES, PumpAlarm
from clinics.fields import NOT_A_CHOICE, ClinicMoment, Number, WallTime
from pumps.forms.entries import EntryForm
from pumps.models import Pump
from pumps.services.entries import EventEntry
from pumps.services.kinds import EventKind

ALARM_WORDS = {
    PumpAlarm.LOW_RESERVOIR: gettext_lazy("Low reservoir"),
    PumpAlarm.EMPTY_RESERVOIR: gettext_lazy("Empty reservoir"),
    PumpAlarm.REPLACEMENT_DUE: gettext_lazy("Replacement due (ERI)"),
    PumpAlarm.END_OF_SERVICE: gettext_lazy("End of service"),
    PumpAlarm.MOTOR_STALL: gettext_lazy("Motor stall"),
    PumpAlarm.STOPPED_48_HOURS: gettext_lazy("Stopped more than 48 hours"),
    PumpAlarm.MEMORY_ERROR: gettext_lazy("Memory error, not critical"),
    PumpAlarm.CRITICAL_MEMORY_ERROR: gettext_lazy("Critical memory error"),
}


def _volume(label: str | Promise, help_text: str | Promise = "") -> Callable[[bool], forms.Field]:
    return lambda required: Number(
        label=label, unit="mL", required=required, max_digits=7, decimal_places=3, help_text=help_text
    )


def _fine_volume(label: str | Promise, help_text: str | Promise = "") -> Callable[[bool], forms.Field]:
    return lambda required: Number(
        label=label, unit="mL", required=required, max_digits=6, decimal_places=4, help_text=help_text
    )


def _dose(label: str | Promise, unit: str | Promise, help_text: str | Promise = "") -> Callable[[bool], forms.Field]:
    return lambda required: Number(
        label=label, unit=unit, required=required, max_digits=10, decimal_places=3, help_text=help_text
    )


FIELDS: dict[str, Callable[[bool], forms.Field]] = {
    "aspirated_ml": _volume(gettext_lazy("Taken out")),
    "injected_ml": _volume(gettext_lazy("Put in"), gettext_lazy("0 if nothing was.")),
    "volume_ml": _fine_volume(gettext_lazy("Volume")),
    "dose_mcg": _dose(gettext_lazy("Dose"), "mcg"),
    "daily_dose_mcg": _dose(gettext_lazy("Daily dose shown"), "mcg/day"),
    "patient_bolus_mcg": _dose(
        gettext_lazy("Given by patient boluses"),
        "mcg",
        gettext_lazy("Altogether since the last fill, or since they were last read."),
    ),
    "duration_hours": lambda required: Number(
        label=_("Duration"), unit=gettext_lazy("hours"), required=required, max_digits=8, decimal_places=3
    ),
    "catheter_volume_ml": _fine_volume(gettext_lazy("Catheter volume now"), gettext_lazy("Blank if it is not known.")),
    "pump_clock": lambda required: WallTime(
        label=_("Pump's clock"),
        required=required,
        help_text=_("The time of day the programmer showed for the pump, if it differs from the wall."),
    ),
    "alarms": lambda required: forms.MultipleChoiceField(
        label=_("Alarms in the log"),
        required=required,
        choices=[
            (alarm.value, _("%(alarm)s (two tones)") % {"alarm": words} if alarm in TWO_TONES else words)
            for alarm, words in ALARM_WORDS.items()
        ],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"invalid_choice": NOT_A_CHOICE},
    ),
    "tones": lambda required: forms.TypedChoiceField(
        label=_("What was heard"),
        required=required,
        choices=[
            ("", _("Nobody could tell")),
            ("1", _("One tone, about once an hour")),
            ("2", _("Two tones")),
        ],
        coerce=int,
        empty_value=None,
        widget=forms.RadioSelect,
        error_messages={"invalid_choice": NOT_A_CHOICE},
    ),
    "reservoir_emptied": lambda required: forms.TypedChoiceField(
        label=_("Was the reservoir emptied before?"),
        required=required,
        choices=[("", _("Not known")), ("yes", _("Yes")), ("no", _("No"))],
        coerce=lambda text: text == "yes",
        empty_value=None,
        widget=forms.RadioSelect,
        error_messages={"invalid_choice": NOT_A_CHOICE},
    ),
}
# Names that fit one kind better.
LABELS = {
    ("interrogation", "volume_ml"): gettext_lazy("Reservoir volume shown"),
    ("priming_bolus", "volume_ml"): gettext_lazy("Volume primed"),
    ("bridge_bolus", "volume_ml"): gettext_lazy("Volume of tubing and catheter"),
    ("catheter_access", "aspirated_ml"): gettext_lazy("Aspirated through the catheter"),
}


class EventForm(EntryForm):
    moment_field = "occurred_at"

    occurred_at = ClinicMoment(label=gettext_lazy("When"))

    def __init__(self, *args: Any, pump: Pump, kind: EventKind, now: datetime, **kwargs: Any) -> None:
        super().__init__(*args, pump=pump, now=now, **kwargs)
        self.kind = kind
        for name in kind.fields:
            self.fields[name] = FIELDS[name](name in kind.required)
            self.fields[name].label = LABELS.get((str(kind.code), name), self.fields[name].label)
        self.fields["reason"] = forms.CharField(label=_("Note"), required=False, max_length=500)

    def entry(self) -> EventEntry:
        return EventEntry(kind=str(self.kind.code), **self.cleaned_data)

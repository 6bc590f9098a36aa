"""Forms of visits: a time to book or move to, why one is cancelled, and what a clinic sets about them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinics.fields import NOT_A_CHOICE, ClinicMoment, WallTime, Whole
from clinics.words import moment_words
from pumps.forms.settings import CHANNEL_WORDS
from scheduling.models import VisitRules
from scheduling.services.rules import MINUTES, MISSED_HOURS, PLACES, Wanted
from scheduling.times import CHANNELS

OTHER = "other"


class VisitForm(forms.Form):
    """A time: one of those that are free, or another one of the clinic's wall."""

    slot = forms.ChoiceField(
        label=gettext_lazy("Free times before refill-by"),
        required=False,
        widget=forms.RadioSelect,
        error_messages={"invalid_choice": NOT_A_CHOICE},
    )
    starts_at = ClinicMoment(
        label=gettext_lazy("Another time"), required=False, help_text=gettext_lazy("On the clinic's clock.")
    )
    minutes = Whole(MINUTES, label=gettext_lazy("Lasts"))
    late_reason = forms.CharField(
        label=gettext_lazy("Why it cannot be earlier"),
        required=False,
        max_length=500,
        help_text=gettext_lazy(
            "Needed for a visit after refill-by. An alert stays open until it is moved before it, or refilled."
        ),
    )
    reason = forms.CharField(label=gettext_lazy("Why it is moved"), required=False, max_length=500)

    def __init__(
        self,
        data: Any,
        *,
        zone: ZoneInfo,
        free: Sequence[datetime],
        is_move: bool,
        free_label: str = "",
        **kwargs: Any,
    ) -> None:
        super().__init__(data, **kwargs)
        moment = self.fields["starts_at"]
        if isinstance(moment, ClinicMoment):
            moment.zone = zone
        slot = self.fields["slot"]
        if not free:
            del self.fields["slot"]
        elif isinstance(slot, forms.ChoiceField):
            times = [(each.isoformat(), moment_words(each, zone)) for each in free]
            slot.choices = [*times, (OTHER, _("Another time, as written below"))]
            slot.label = free_label or slot.label
        if not is_move:
            del self.fields["reason"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        slot, written = cleaned.pop("slot", ""), cleaned.get("starts_at")
        if "slot" in self.errors or "starts_at" in self.errors:
            return cleaned
        if slot and slot != OTHER:
            if written is not None:
                self.add_error("starts_at", _("Two times are given: choose “another time” above, or leave this blank."))
            cleaned["starts_at"] = datetime.fromisoformat(slot)
        elif written is None:
            self.add_error("starts_at", _("Choose a time above, or write one here."))
        # A time that was offered has to be free still; staff may write one that is taken.
        cleaned["must_be_free"] = bool(slot) and slot != OTHER
        return cleaned


class CancelForm(forms.Form):
    reason = forms.CharField(label=gettext_lazy("Why it is cancelled"), max_length=500)


class DaysBefore(forms.Field):
    """Whole numbers of days with commas between them; blank for none."""

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(str(day) for day in value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> list[int]:
        parts = [part.strip() for part in str(value or "").split(",") if part.strip()]
        if not all(part.isascii() and part.isdigit() and len(part) <= 3 for part in parts):
            raise forms.ValidationError(_("Write whole numbers of days with commas between them, such as 7, 2, 1."))
        return [int(part) for part in parts]

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(self.prepare_value(initial) != data)


class VisitRulesForm(forms.Form):
    opens_at = WallTime(
        label=gettext_lazy("Visits from"),
        help_text=gettext_lazy("Default: 09:00. Free times lie between these hours, on the clinic's opening days."),
    )
    closes_at = WallTime(
        label=gettext_lazy("Until"), help_text=gettext_lazy("Default: 16:00. The last visit ends by then.")
    )
    minutes = Whole(MINUTES, label=gettext_lazy("A visit lasts"), help_text=gettext_lazy("Default: 30."))
    places = Whole(
        PLACES,
        label=gettext_lazy("Places"),
        help_text=gettext_lazy("How many patients can be refilled at once. Default: 1."),
    )
    reminder_days = DaysBefore(
        label=gettext_lazy("Reminders, days before"),
        required=False,
        help_text=gettext_lazy("Default: 7, 2, 1. Blank: patients are not reminded of their visits."),
    )
    reminder_channels = forms.MultipleChoiceField(
        label=gettext_lazy("Reminders by"),
        choices=[(way.value, CHANNEL_WORDS[way]) for way in CHANNELS],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"invalid_choice": NOT_A_CHOICE},
        help_text=gettext_lazy("Each patient and contact is reminded by those of them they consent to."),
    )
    remind_from = WallTime(label=gettext_lazy("Reminders from"), help_text=gettext_lazy("Default: 08:00."))
    remind_until = WallTime(
        label=gettext_lazy("Reminders until"),
        help_text=gettext_lazy("Default: 20:00. None is sent outside these hours."),
    )
    missed_after_hours = Whole(
        MISSED_HOURS,
        label=gettext_lazy("Missed after"),
        help_text=gettext_lazy(
            "A visit counts as missed so long after it began if nobody said that the patient came. "
            "Blank, the default: at the end of its day."
        ),
        required=False,
    )

    @classmethod
    def of(cls, rules: VisitRules, data: Any) -> "VisitRulesForm":
        return cls(data, initial={name: getattr(rules, name) for name in cls.base_fields})

    def wanted(self) -> Wanted:
        return Wanted(**self.cleaned_data)

"""What a person says who acknowledges an alert, or closes one by hand."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from alerts.services.acknowledging import LONGEST_NAME, LONGEST_NOTE
from clinical.escalation import Acknowledging
from clinics.fields import NOT_A_CHOICE
from clinics.words import moment_words

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

# By which an acknowledgement can be shorter than it may.
HOURS = {
    1: gettext_lazy("1 hour"),
    4: gettext_lazy("4 hours"),
    12: gettext_lazy("12 hours"),
    24: gettext_lazy("1 day"),
    48: gettext_lazy("2 days"),
}
LONGEST = "longest"


def _note(label: "str | StrPromise", *, required: bool) -> forms.CharField:
    return forms.CharField(
        label=label, max_length=LONGEST_NOTE, required=required, widget=forms.Textarea(attrs={"rows": 2})
    )


class AcknowledgeForm(forms.Form):
    """One thumb: how long, and what the tier asks for. `longest` is until when it can be at most."""

    hours = forms.ChoiceField(
        label=gettext_lazy("Tell again after"),
        widget=forms.RadioSelect,
        initial=LONGEST,
        error_messages={"invalid_choice": NOT_A_CHOICE},
    )

    def __init__(
        self, data: Any, *, longest: datetime, asks_for: tuple[str, ...], zone: ZoneInfo, now: datetime
    ) -> None:
        super().__init__(data)
        shorter = [(str(hours), word) for hours, word in HOURS.items() if now + timedelta(hours=hours) < longest]
        field: Any = self.fields["hours"]
        field.choices = [
            *shorter,
            (LONGEST, _("%(moment_words)s, the longest possible now") % {"moment_words": moment_words(longest, zone)}),
        ]
        if Acknowledging.SPOKEN_WITH in asks_for:
            self.fields["spoken_with"] = forms.CharField(
                label=_("Spoken with"), max_length=LONGEST_NAME, help_text=_("The patient, a caregiver, the ward.")
            )
        self.fields["note"] = _note(_("What is being done"), required=Acknowledging.NOTE in asks_for)

    def until(self, now: datetime) -> datetime | None:
        """None for as long as possible."""
        chosen = self.cleaned_data["hours"]
        return None if chosen == LONGEST else now + timedelta(hours=int(chosen))


class ResolveForm(forms.Form):
    note = _note(gettext_lazy("What was found and done"), required=True)

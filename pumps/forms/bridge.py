"""What was done about the bridge of a change of concentration: asked in the review of a refill, stored with it."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinical.saying import say
from clinics.fields import NOT_A_CHOICE, Number
from pumps.models import Event
from pumps.services.bridges import BridgeNeed
from pumps.services.entries import EventEntry, RefillEntry

COMPUTED, FIGURES, NONE = "computed", "figures", "none"
LONGEST_REASON = 500


class BridgeForm(forms.Form):
    prefix = "bridge"

    choice = forms.ChoiceField(
        label=gettext_lazy("Was a bridge bolus programmed?"),
        widget=forms.RadioSelect,
        error_messages={
            "required": gettext_lazy("Say whether a bridge bolus was programmed."),
            "invalid_choice": NOT_A_CHOICE,
        },
    )
    volume_ml = Number(label=gettext_lazy("Volume"), unit="mL", required=False, max_digits=6, decimal_places=4)
    duration_hours = Number(
        label=gettext_lazy("Duration"), unit=gettext_lazy("hours"), required=False, max_digits=8, decimal_places=3
    )
    dose_mcg = Number(label=gettext_lazy("Bolus"), unit="mcg", required=False, max_digits=10, decimal_places=3)
    because = forms.CharField(label=gettext_lazy("Why no bridge"), required=False, max_length=300)

    def __init__(self, data: Any, *, need: BridgeNeed, note: str) -> None:
        super().__init__(data)
        self.need, self.note = need, note
        self.fields["choice"].choices = [  # type: ignore[attr-defined]  # a ChoiceField
            *([(COMPUTED, _("Yes, as computed"))] if need.computed is not None else []),
            (FIGURES, _("Yes, with the figures below")),
            (NONE, _("No, because")),
        ]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        choice = cleaned.get("choice")
        if choice == FIGURES:
            for name, unit in (("volume_ml", "mL"), ("duration_hours", "hours")):
                if cleaned.get(name) is None and name not in self.errors:
                    self.add_error(name, _("Write what was programmed, in %(unit)s.") % {"unit": unit})
        if choice == NONE and not cleaned.get("because"):
            self.add_error("because", _("Say why none was programmed; it is kept with the refill."))
        elif choice == NONE and len(self._reason(cleaned["because"])) > LONGEST_REASON:
            self.add_error("because", _("Too long together with the refill's note; shorten it."))
        return cleaned

    def _reason(self, because: str) -> str:
        return ". ".join(filter(None, (self.note.rstrip("."), say("No bridge bolus: %(because)s", because=because))))

    def answered(self, refill: RefillEntry) -> tuple[RefillEntry, EventEntry | None]:
        """The refill with the reason for none, and the bridge to store with it."""
        values = self.cleaned_data
        if values["choice"] == NONE:
            return replace(refill, reason=self._reason(values["because"])), None
        if values["choice"] == COMPUTED:
            return refill, self.need.entry(refill.refilled_at)
        return refill, self._entered(refill.refilled_at)

    def _entered(self, at: datetime) -> EventEntry:
        values = self.cleaned_data
        return EventEntry(
            kind=Event.Kind.BRIDGE_BOLUS.value,
            occurred_at=at,
            volume_ml=values["volume_ml"],
            duration_hours=values["duration_hours"],
            dose_mcg=values["dose_mcg"],
        )

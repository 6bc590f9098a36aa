"""What a guided refill visit asks beside the refill itself: who, the needle, what was programmed."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinical.units import plain
from clinics.fields import NOT_A_CHOICE
from pumps.forms.entries import DoseForm, RefillForm, RowsForm
from pumps.models import Event, Pump
from pumps.services.entries import DoseEntry
from pumps.services.visit_checks import FILL_STOP, Fill, Needle

UNCHANGED, CHANGED = "unchanged", "changed"
UNSURE_STOP = gettext_lazy(
    "Do not aspirate or fill until it is certain: find the port by ultrasound or X-ray, or ask a "
    "colleague. What is filled beside the port goes into the patient at once. If drug may have gone in "
    "beside it, call the prescriber now and keep the patient under watch."
)
NOTHING_WRITTEN = gettext_lazy("Write how much came out; 0 if nothing did.")


class GuidedForm(RefillForm):
    """The refill as the plain form has it, and what is looked at on the way. What is blank there is asked for here."""

    beside = frozenset({"place", "identity", "drug_checked", "needle", "fill", "program"})

    # The step the person is at, so that coming back opens it.
    place = forms.CharField(required=False, max_length=20, widget=forms.HiddenInput)
    identity = forms.BooleanField(
        label=gettext_lazy("Name, date of birth, pump model and serial number were said aloud, and fit"),
        error_messages={"required": gettext_lazy("Say them aloud with the patient, compare, then tick this.")},
    )
    drug_checked = forms.BooleanField(
        label=gettext_lazy("Allergies were asked about; drug, concentration and expiry on the vial were read aloud"),
        error_messages={"required": gettext_lazy("Read the vial and the allergies aloud, then tick this.")},
    )
    needle = forms.ChoiceField(
        label=gettext_lazy("How do you know that the needle is in the port?"),
        choices=[
            (Needle.FELT.value, gettext_lazy("Firm stop felt, and fluid came back")),
            (Needle.SEEN.value, gettext_lazy("Seen in the port by ultrasound or X-ray")),
            (Needle.UNSURE.value, gettext_lazy("It is not certain")),
        ],
        widget=forms.RadioSelect,
        error_messages={
            "invalid_choice": NOT_A_CHOICE,
            "required": gettext_lazy("Say how you know where the needle is."),
        },
    )
    fill = forms.ChoiceField(
        label=gettext_lazy("How did it go in?"),
        choices=[
            (Fill.EASY.value, gettext_lazy("As usual: no swelling around the pump, no pain, no sudden resistance")),
            (Fill.ODD.value, gettext_lazy("Something was odd: swelling, pain, or resistance that came or went")),
        ],
        widget=forms.RadioSelect,
        error_messages={"invalid_choice": NOT_A_CHOICE, "required": gettext_lazy("Say how the filling went.")},
    )
    program = forms.ChoiceField(
        label=gettext_lazy("The dose"),
        choices=[
            (UNCHANGED, gettext_lazy("Unchanged: the pump goes on as it was programmed")),
            (CHANGED, gettext_lazy("Changed at this visit, as below")),
        ],
        widget=forms.RadioSelect,
        initial=UNCHANGED,
        error_messages={"invalid_choice": NOT_A_CHOICE, "required": gettext_lazy("Say whether the dose was changed.")},
    )

    def __init__(self, *args: Any, pump: Pump, last: Event | None, **kwargs: Any) -> None:
        super().__init__(*args, pump=pump, last=last, **kwargs)
        self.fields["reason"].label = _("Note on this visit")
        self.fields["refilled_at"].label = _("Time of the refill")
        for name in ("aspirated_ml", "filled_ml"):
            self.fields[name].widget.attrs |= self._most(pump)
        if "emptying" in self.fields:
            self.fields["aspirated_ml"].widget.attrs["data-needed"] = NOTHING_WRITTEN
        for field in self.fields.values():
            if field.required:
                field.widget.attrs["data-missing"] = field.error_messages["required"]
        if not pump.model.programmable:
            del self.fields["program"]
            del self.fields["programmed_concentration_mcg_per_ml"]

    @staticmethod
    def _most(pump: Pump) -> dict[str, str]:
        """What the page says at once of a volume that cannot be; the service is the judge."""
        size = plain(pump.model.reservoir_ml)
        return {
            "data-most": size,
            "data-too-much": _("The reservoir holds %(size)s mL: more does not fit. Read the syringe again.")
            % {"size": size},
            "data-no-number": _("Write a number, such as 12.5, in %(unit)s.") % {"unit": "mL"},
        }

    @property
    def unsure_stop(self) -> str:
        return str(UNSURE_STOP)

    @property
    def fill_stop(self) -> str:
        return str(FILL_STOP)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("needle") == Needle.UNSURE:
            self.add_error("needle", UNSURE_STOP)
        is_emptied = "emptying" in self.fields and cleaned.get("emptying") == Event.EmptyingFirst.EMPTIED
        if is_emptied and cleaned.get("aspirated_ml") is None and "aspirated_ml" not in self.errors:
            self.add_error("aspirated_ml", NOTHING_WRITTEN)
        return cleaned

    @property
    def is_dose_changed(self) -> bool:
        return self.cleaned_data.get("program") == CHANGED

    def checks(self) -> dict[str, str]:
        """What was looked at, as it is kept with the visit."""
        return {"needle": str(self.cleaned_data["needle"]), "fill": str(self.cleaned_data["fill"])}


class VisitDoseForm(DoseForm):
    """The dose programmed at a visit: of the refill's own moment."""

    prefix = "dose"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["effective_at"]
        self.fields["reason"].label = _("Why the dose was changed")

    def at(self, moment: datetime, rows: Mapping[str, RowsForm]) -> DoseEntry:
        self.cleaned_data["effective_at"] = moment
        return self.with_rows(rows["steps"], rows["boluses"])

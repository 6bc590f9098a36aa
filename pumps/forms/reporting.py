"""What somebody on the phone says about a patient or their pump."""

from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils.functional import lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from alerts.services.reports import LONGEST_NOTE
from clinical.symptoms import OVERDOSE, WITHDRAWAL, Symptom
from clinics.fields import NOT_A_CHOICE, ClinicMoment
from clinics.saying import said

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

TONES = {
    "": gettext_lazy("It does not alarm"),
    "1": gettext_lazy("One tone, about once an hour"),
    "2": gettext_lazy("Two tones"),
    "unclear": gettext_lazy("Nobody can tell"),
}


def _sign(sign: Symptom) -> str:
    words = said(sign.words)
    return _("%(sign)s (emergency)") % {"sign": words} if sign.is_emergency else words


_sign_later = lazy(_sign, str)


def _symptoms(label: "str | StrPromise", listed: tuple[Symptom, ...]) -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(
        label=label,
        choices=[(each.code, _sign_later(each)) for each in listed],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"invalid_choice": NOT_A_CHOICE},
    )


class ReportForm(forms.Form):
    tones = forms.ChoiceField(
        label=gettext_lazy("How does the pump alarm?"),
        choices=list(TONES.items()),
        required=False,
        widget=forms.RadioSelect,
        error_messages={"invalid_choice": NOT_A_CHOICE},
        help_text=gettext_lazy("What nobody can tell is taken for two tones."),
    )
    withdrawal = _symptoms(gettext_lazy("Too little of the drug: signs of withdrawal"), WITHDRAWAL)
    overdose = _symptoms(gettext_lazy("Too much of the drug: signs of overdose"), OVERDOSE)
    call_back = forms.BooleanField(label=gettext_lazy("Wants to be called back"), required=False)
    began_at = ClinicMoment(label=gettext_lazy("Since"))
    note = forms.CharField(
        label=gettext_lazy("In their words"),
        max_length=LONGEST_NOTE,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, data: Any, *, zone: ZoneInfo, now: datetime) -> None:
        super().__init__(data, initial={"began_at": now.astimezone(zone), "tones": ""})
        moment: Any = self.fields["began_at"]
        moment.zone = zone

    def said(self) -> dict[str, Any]:
        """As `alerts.services.reports.said` takes it."""
        values = self.cleaned_data
        return {
            "symptoms": list(dict.fromkeys([*values["withdrawal"], *values["overdose"]])),
            "tones": {"": None, "1": 1}.get(values["tones"], 2),
            "call_back": values["call_back"],
            "note": values["note"],
            "began_at": values["began_at"],
        }

"""Fields and short forms that several pages of therapy use."""

from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinics.fields import NOT_A_CHOICE, ClinicMoment

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise


def words(label: "str | StrPromise", longest: int = 500, **kwargs: Any) -> forms.CharField:
    kwargs.setdefault("widget", forms.Textarea(attrs={"rows": 2}))
    return forms.CharField(label=label, max_length=longest, **kwargs)


def choice(label: "str | StrPromise", choices: Any, **kwargs: Any) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=choices, error_messages={"invalid_choice": NOT_A_CHOICE}, **kwargs)


class OfClinic(forms.Form):
    """A form whose moments are on a clinic's wall; those without a value begin with now."""

    def __init__(self, *args: Any, zone: ZoneInfo, now: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            if isinstance(field, ClinicMoment):
                field.zone = zone
                field.help_text = _("The clinic's time (%(key)s)") % {"key": zone.key}
                if field.required:
                    self.initial.setdefault(name, now)


class ReasonForm(forms.Form):
    reason = words(gettext_lazy("Why"))


class NoteForm(forms.Form):
    note = words(gettext_lazy("Note"), required=False)

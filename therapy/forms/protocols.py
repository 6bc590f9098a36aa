"""What a clinic's protocols and templates of programs are made of."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, cast
from zoneinfo import ZoneInfo

from django import forms
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinical.labels import LabelSet
from clinical.protocols import FIGURES, Tighter, of_label
from clinical.units import plain
from clinical.weaning import Down, Problem
from clinics.fields import NOT_A_CHOICE, ClinicMoment, Number
from clinics.saying import said
from pumps.models import Event
from therapy.forms.fields import choice, words
from therapy.models import ProgramTemplate, Protocol


class DownRow(forms.Form):
    at = ClinicMoment(label=gettext_lazy("From"), required=False)
    daily_dose_mcg = Number(
        label=gettext_lazy("Daily dose"), unit=gettext_lazy("mcg/day"), required=False, max_digits=10, decimal_places=3
    )

    def __init__(self, *args: Any, zone: ZoneInfo, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        moment: Any = self.fields["at"]
        moment.zone = zone

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if (cleaned.get("at") is None) != (cleaned.get("daily_dose_mcg") is None) and not self.errors:
            raise forms.ValidationError(_("Fill in both the time and the dose, or neither."))
        return cleaned


WEANING_ROWS = 12


class DownRowsForm(forms.BaseFormSet):  # type: ignore[type-arg]  # generic in the stubs alone
    """The steps of a taper; rows left blank do not count."""

    @property
    def filled(self) -> list[forms.Form]:
        return [row for row in self.forms if row.cleaned_data.get("at") is not None]

    def downs(self) -> list[Down]:
        return [Down(row.cleaned_data["at"], row.cleaned_data["daily_dose_mcg"]) for row in self.filled]

    def take(self, problems: Sequence[Problem]) -> list[str]:
        """Say what is wrong with a step at its field; answered is what is about none."""
        for problem in problems:
            if problem.step is not None:
                self.filled[problem.step - 1].add_error(problem.field, f"{capfirst(said(problem.told))}.")
        return [said(problem.text) for problem in problems if problem.step is None]


_down_rows = forms.formset_factory(
    DownRow, formset=DownRowsForm, extra=WEANING_ROWS, max_num=WEANING_ROWS, absolute_max=WEANING_ROWS
)
DownRows = cast("type[DownRowsForm]", _down_rows)


class SignPlanForm(forms.Form):
    """A tick that says what is signed, where a plan ends in a stop from a high dose."""

    seen = forms.BooleanField()

    def __init__(self, *args: Any, stops_from_mcg: Decimal | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if stops_from_mcg is None:
            del self.fields["seen"]
            return
        self.fields["seen"].label = _("I sign a stop from %(dose)s mcg/day: a drop of 100 %% at once.") % {
            "dose": plain(stops_from_mcg)
        }
        self.fields["seen"].error_messages["required"] = _("Tick it where you sign that. Nothing is signed yet.")


class ProtocolForm(forms.Form):
    """Figures that may be tighter than the label's; blank is the label's."""

    second_person = forms.BooleanField(
        label=gettext_lazy("Somebody else than the signer reads every pump back"),
        required=False,
        help_text=gettext_lazy("Always so for a change of concentration, a rise above 20 %, and an overridden rule."),
    )
    rescue_words = words(
        gettext_lazy("What a rescue plan begins with"), 2000, required=False, widget=forms.Textarea(attrs={"rows": 4})
    )

    def __init__(self, data: Any, *, labels: LabelSet, protocol: Protocol | None) -> None:
        initial: dict[str, Any] = {}
        if protocol is not None:
            initial = {"second_person": protocol.second_person, "rescue_words": protocol.rescue_words}
            initial |= protocol.figures
        super().__init__(data, initial=initial)
        own = list(self.fields)
        for key, figure in FIGURES.items():
            side = _("at most") if figure.tighter is Tighter.LESS else _("at least")
            self.fields[key] = Number(
                label=said(figure.words),
                unit=said(figure.unit),
                required=False,
                max_digits=10,
                decimal_places=3,
                help_text=_("The label: %(value)s %(unit)s. Tighter is %(side)s that.")
                % {"value": plain(of_label(key, labels)), "unit": said(figure.unit), "side": side},
            )
        self.order_fields([*FIGURES, *own])

    def figures(self) -> dict[str, Decimal]:
        return {key: self.cleaned_data[key] for key in FIGURES if self.cleaned_data.get(key) is not None}


class TemplateForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=100)
    mode = choice(
        gettext_lazy("Mode"), [each for each in Event.ProgramMode.choices if each[0] != Event.ProgramMode.STOPPED]
    )
    daily_dose_mcg = Number(
        label=gettext_lazy("Daily dose"),
        unit=gettext_lazy("mcg/day"),
        max_digits=10,
        decimal_places=3,
        help_text=gettext_lazy(
            "Steps and boluses below add up to it; they are scaled to whatever dose it is taken for."
        ),
    )


class UseTemplateForm(forms.Form):
    template = forms.ModelChoiceField(
        ProgramTemplate.objects.none(), label=gettext_lazy("Template"), error_messages={"invalid_choice": NOT_A_CHOICE}
    )
    dose = Number(
        label=gettext_lazy("For a daily dose of"), unit=gettext_lazy("mcg/day"), max_digits=10, decimal_places=3
    )

    def __init__(self, *args: Any, clinic_id: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["template"]
        field.queryset = ProgramTemplate.objects.filter(clinic=clinic_id)

"""Forms of who is on call, and of the daily digest."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from alerts.models import OnCallRota
from clinics.fields import NOT_A_CHOICE, ClinicMoment, Day, WallTime
from clinics.models import Clinic, User

# Places a form offers; a rota already longer keeps as many and two more.
PLACES = 8
NOT_THERE = {"invalid_choice": NOT_A_CHOICE}
Choices = list[tuple[str, str]]


def people_choices(people: Sequence[User], blank: str) -> Choices:
    return [("", blank), *((str(user.pk), str(user)) for user in people)]


class RotaForm(forms.Form):
    starts_on = Day(
        label=gettext_lazy("From"),
        help_text=gettext_lazy("The first person is on call from this day on, at the time below."),
    )
    weekday = forms.TypedChoiceField(
        label=gettext_lazy("Hand-over on"), choices=list(WEEKDAYS.items()), coerce=int, error_messages=NOT_THERE
    )
    hand_over_at = WallTime(label=gettext_lazy("at"))

    def __init__(self, *args: Any, people: Sequence[User], places: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for number in range(1, places + 1):
            self.fields[f"person_{number}"] = forms.TypedChoiceField(
                label=_("Week %(number)s") % {"number": number},
                required=False,
                choices=people_choices(people, _("nobody further")),
                coerce=int,
                empty_value=None,
                error_messages=NOT_THERE,
            )

    @classmethod
    def of(cls, rota: OnCallRota | None, people: Sequence[User], today: Any, data: Any) -> "RotaForm":
        order = rota.people if rota is not None else []
        initial: dict[str, Any] = {f"person_{number}": pk for number, pk in enumerate(order, start=1)}
        initial["starts_on"] = today
        initial["weekday"] = rota.weekday if rota is not None else 0
        initial["hand_over_at"] = rota.hand_over_at if rota is not None else "08:00"
        return cls(data, people=people, places=max(PLACES, len(order) + 2), initial=initial)

    def order(self) -> list[int]:
        """The people chosen, by id, in the order of the weeks; weeks left blank do not count."""
        names = [name for name in self.fields if name.startswith("person_")]
        return [self.cleaned_data[name] for name in names if self.cleaned_data.get(name) is not None]


class StandInForm(forms.Form):
    user = forms.TypedChoiceField(label=gettext_lazy("Who stands in"), coerce=int, error_messages=NOT_THERE)
    begins_at = ClinicMoment(label=gettext_lazy("From"))
    ends_at = ClinicMoment(label=gettext_lazy("Until"))
    reason = forms.CharField(
        label=gettext_lazy("Why"), max_length=300, help_text=gettext_lazy("Such as holiday, sickness, a swap.")
    )

    def __init__(self, *args: Any, clinic: Clinic, people: Sequence[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _choose(self.fields["user"], people)
        for name in ("begins_at", "ends_at"):
            _at(self.fields[name], clinic)


class HandOverForm(forms.Form):
    user = forms.TypedChoiceField(
        label=gettext_lazy("Give the rest of this turn to"), coerce=int, error_messages=NOT_THERE
    )
    reason = forms.CharField(label=gettext_lazy("Why"), max_length=200, required=False)

    def __init__(self, *args: Any, people: Sequence[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _choose(self.fields["user"], people)


class DigestForm(forms.Form):
    clinics = forms.TypedMultipleChoiceField(
        label=gettext_lazy("Each morning, send me the digest of"),
        required=False,
        coerce=int,
        widget=forms.CheckboxSelectMultiple,
        error_messages=NOT_THERE,
    )

    def __init__(self, *args: Any, clinics: Sequence[Clinic], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["clinics"]
        if isinstance(field, forms.ChoiceField):
            field.choices = [(str(clinic.pk), clinic.name) for clinic in clinics]


def _choose(field: forms.Field, people: Sequence[User]) -> None:
    if isinstance(field, forms.ChoiceField):
        field.choices = people_choices(people, _("choose a person"))


def _at(field: forms.Field, clinic: Clinic) -> None:
    if isinstance(field, ClinicMoment):
        field.zone = clinic.zone

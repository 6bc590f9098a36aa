"""What a person enters about a patient, and about those to tell beside them."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinics.fields import NOT_A_CHOICE, Day
from clinics.models import Clinic
from patients.models import Contact, Patient

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise


def _text(label: "str | StrPromise", longest: int, **kwargs: Any) -> forms.CharField:
    return forms.CharField(label=label, max_length=longest, **kwargs)


# The shortest numbers that are dialled have so many digits.
LEAST_DIGITS = 5


def validate_dialled(number: str) -> None:
    if sum(character.isdigit() for character in number) < LEAST_DIGITS:
        raise ValidationError(_("Write the whole number, such as +1 617 555 0100."))


def _phone() -> forms.CharField:
    return _text(
        gettext_lazy("Phone"),
        40,
        required=False,
        validators=[validate_dialled],
        widget=forms.TextInput(attrs={"type": "tel", "inputmode": "tel", "autocomplete": "off"}),
    )


def _email() -> forms.EmailField:
    return forms.EmailField(
        label=gettext_lazy("E-mail"),
        max_length=254,
        required=False,
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )


class PatientForm(forms.Form):
    mrn = _text("MRN", 64, help_text=gettext_lazy("The record number your clinic uses."))
    given_name = _text(gettext_lazy("Given name"), 100)
    family_name = _text(gettext_lazy("Family name"), 100)
    date_of_birth = Day(label=gettext_lazy("Born on"), years=(1900, 2200))
    spasticity_origin = forms.ChoiceField(
        label=gettext_lazy("Origin of the spasticity"),
        choices=[("", gettext_lazy("Choose")), *Patient.Origin.choices],
        help_text=gettext_lazy("The label's dose steps depend on it."),
        error_messages={"invalid_choice": NOT_A_CHOICE},
    )
    phone = _phone()
    email = _email()
    email_reminders = forms.BooleanField(label=gettext_lazy("Consents to reminders by e-mail"), required=False)
    phone_reminders = forms.BooleanField(
        label=gettext_lazy("Consents to reminders by text message and by calls of a voice"), required=False
    )
    language = forms.ChoiceField(
        label=gettext_lazy("Language of messages"),
        choices=settings.LANGUAGES,
        initial="en",
        required=False,
        error_messages={"invalid_choice": NOT_A_CHOICE},
    )
    allergies_status = forms.ChoiceField(
        label=gettext_lazy("Allergies"),
        choices=Patient.Allergies.choices,
        widget=forms.RadioSelect,
        initial=Patient.Allergies.NOT_ASKED,
        error_messages={"invalid_choice": NOT_A_CHOICE},
    )
    allergies = _text(gettext_lazy("List of allergies"), 1000, required=False, widget=forms.Textarea(attrs={"rows": 2}))
    flags = forms.MultipleChoiceField(
        label=gettext_lazy("Conditions that raise the risk"),
        choices=Patient.Flag.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"invalid_choice": NOT_A_CHOICE},
    )

    def clean_language(self) -> str:
        """Not chosen: as it was."""
        return self.cleaned_data["language"] or str(self.initial.get("language", "en"))

    @classmethod
    def of(cls, patient: Patient, data: Any) -> "PatientForm":
        form = cls(data, initial={name: getattr(patient, name) for name in cls.base_fields})
        if patient.language not in dict(settings.LANGUAGES):
            # Brim does not write it, but it is known: it stays, and the clinic's is used.
            language: Any = form.fields["language"]
            language.choices = [(patient.language, patient.language), *settings.LANGUAGES]
        return form


class NewPatientForm(PatientForm):
    """With the clinic first, where the person has more than one to enter patients in."""

    clinic = forms.ModelChoiceField(
        Clinic.objects.none(),
        label=gettext_lazy("Clinic"),
        empty_label=gettext_lazy("Choose"),
        error_messages={"invalid_choice": NOT_A_CHOICE},
    )
    field_order = ("clinic", *PatientForm.base_fields)

    def __init__(self, *args: Any, clinics: list[Clinic], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["clinic"]
        field.queryset = Clinic.objects.filter(pk__in=[clinic.pk for clinic in clinics])
        if len(clinics) == 1:
            field.widget = forms.HiddenInput()
            self.initial.setdefault("clinic", clinics[0].pk)


class ContactForm(forms.Form):
    kind = forms.ChoiceField(
        label=gettext_lazy("Who is it?"), choices=Contact.Kind.choices, error_messages={"invalid_choice": NOT_A_CHOICE}
    )
    name = _text(gettext_lazy("Name"), 200)
    relationship = _text(
        gettext_lazy("Relationship"), 100, required=False, help_text=gettext_lazy("Such as mother, or ward sister.")
    )
    phone = _phone()
    email = _email()
    email_reminders = forms.BooleanField(
        label=gettext_lazy("Consents, as does the patient, to reminders about the patient's visits by e-mail"),
        required=False,
    )
    phone_reminders = forms.BooleanField(
        label=gettext_lazy("The same by text message and by calls of a voice"), required=False
    )

    @classmethod
    def of(cls, contact: Contact, data: Any) -> "ContactForm":
        return cls(data, initial={name: getattr(contact, name) for name in cls.base_fields})


class StatusForm(forms.Form):
    status = forms.ChoiceField(
        label=gettext_lazy("Care"), choices=Patient.Status.choices, error_messages={"invalid_choice": NOT_A_CHOICE}
    )
    on = Day(label=gettext_lazy("Since"))
    reason = _text(gettext_lazy("Why"), 500, required=False, widget=forms.Textarea(attrs={"rows": 2}))


class OfferForm(forms.Form):
    message = _text(
        gettext_lazy("Note for the other clinic"),
        500,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class TakeOverForm(forms.Form):
    clinic = forms.ModelChoiceField(
        Clinic.objects.none(),
        label=gettext_lazy("Into"),
        empty_label=gettext_lazy("Choose"),
        error_messages={"invalid_choice": NOT_A_CHOICE},
    )
    mrn = _text(gettext_lazy("MRN at your clinic"), 64)

    def __init__(self, *args: Any, clinics: list[Clinic], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["clinic"]
        field.queryset = Clinic.objects.filter(pk__in=[clinic.pk for clinic in clinics])
        if len(clinics) == 1:
            self.initial.setdefault("clinic", clinics[0].pk)

"""Forms of accounts. allauth's own, in the look of the other forms, and those of invitations, people and keys."""

from typing import TYPE_CHECKING, Any, ClassVar

from allauth.account import forms as account_forms
from allauth.mfa.base import forms as mfa_forms
from allauth.mfa.totp import forms as totp_forms
from django import forms
from django.conf import settings
from django.contrib.auth import password_validation
from django.core.validators import MaxLengthValidator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinics.models import Look, User
from clinics.roles import ROLE_WORDS, Role

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

LONGEST_SECRET = 1000


class Plain:
    """No placeholders, which vanish when one types; a longest input; labels as elsewhere."""

    labels: ClassVar["dict[str, str | StrPromise]"] = {}
    fields: dict[str, forms.Field]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.widget.attrs.pop("placeholder", None)
            field.help_text = ""
            field.label = self.labels.get(name, field.label)
            if isinstance(field, forms.CharField) and field.max_length is None:
                field.validators.append(MaxLengthValidator(LONGEST_SECRET))


class LogInForm(Plain, account_forms.LoginForm):
    labels: ClassVar = {"login": gettext_lazy("E-mail"), "password": gettext_lazy("Password")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].widget.attrs |= {"autofocus": True, "autocomplete": "username webauthn"}


class ResetForm(Plain, account_forms.ResetPasswordForm):
    labels: ClassVar = {"email": gettext_lazy("E-mail")}


class NewPasswordForm(Plain, account_forms.ResetPasswordKeyForm):
    labels: ClassVar = {"password1": gettext_lazy("New password"), "password2": gettext_lazy("New password again")}


class ChangePasswordForm(Plain, account_forms.ChangePasswordForm):
    labels: ClassVar = {
        "oldpassword": gettext_lazy("Present password"),
        "password1": gettext_lazy("New password"),
        "password2": gettext_lazy("New password again"),
    }


class ReauthenticateForm(Plain, account_forms.ReauthenticateForm):
    pass


class SecondFactorForm(Plain, mfa_forms.AuthenticateForm):
    labels: ClassVar = {"code": gettext_lazy("Code from your app, or a recovery code")}


class ActivateTotpForm(Plain, totp_forms.ActivateTOTPForm):
    labels: ClassVar = {"code": gettext_lazy("Code your app shows")}


def roles_field(**kwargs: Any) -> forms.TypedMultipleChoiceField:
    return forms.TypedMultipleChoiceField(
        label=gettext_lazy("Roles"),
        choices=[(role.value, ROLE_WORDS[role]) for role in Role],
        coerce=Role,
        widget=forms.CheckboxSelectMultiple,
        error_messages={
            "invalid_choice": gettext_lazy("This is not a role."),
            "required": gettext_lazy("Choose at least one role."),
        },
        **kwargs,
    )


class InviteForm(forms.Form):
    email = forms.EmailField(
        label=gettext_lazy("E-mail"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "off", "inputmode": "email"}),
    )
    roles = roles_field()
    everywhere = forms.BooleanField(label=gettext_lazy("In all clinics, also later ones"), required=False)


class RolesForm(forms.Form):
    roles = roles_field(required=False)


class JoinForm(forms.Form):
    """Somebody invited makes their account."""

    name = forms.CharField(
        label=gettext_lazy("Your name"),
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "name", "autofocus": True}),
    )
    password1 = forms.CharField(
        label=gettext_lazy("Password"),
        max_length=LONGEST_SECRET,
        strip=False,
        help_text=gettext_lazy("At least 12 characters, and not one of the common ones."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    password2 = forms.CharField(
        label=gettext_lazy("Password again"),
        max_length=LONGEST_SECRET,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, email: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.email = email

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        first, second = cleaned.get("password1"), cleaned.get("password2")
        if first and second and first != second:
            self.add_error("password2", _("The two passwords are not the same."))
        elif first:
            try:
                password_validation.validate_password(first, User(email=self.email, name=cleaned.get("name", "")))
            except forms.ValidationError as error:
                self.add_error("password1", error)
        return cleaned


class AccountForm(forms.Form):
    name = forms.CharField(
        label=gettext_lazy("Name"), max_length=200, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    phone = forms.CharField(
        label=gettext_lazy("Phone for alerts"),
        max_length=40,
        required=False,
        help_text=gettext_lazy(
            "With its country's code, such as +1 555 010 0123. Text messages and calls reach you there, where your"
            " clinic's tiers use them."
        ),
        widget=forms.TextInput(attrs={"autocomplete": "tel", "inputmode": "tel"}),
    )
    language = forms.ChoiceField(
        label=gettext_lazy("Language of pages"),
        required=False,
        choices=[("", gettext_lazy("As the browser asks")), *settings.LANGUAGES],
    )
    look = forms.ChoiceField(
        label=gettext_lazy("Look"),
        required=False,
        choices=[("", gettext_lazy("As the system asks")), *Look.choices],
        help_text=gettext_lazy("High contrast is black on white, or white on black where the system is dark."),
    )


class KeyForm(forms.Form):
    name = forms.CharField(
        label=gettext_lazy("What is it for?"),
        max_length=100,
        help_text=gettext_lazy("Such as the program that will use it, so that you know it when you revoke it."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

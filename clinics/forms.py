from django import forms
from django.contrib.auth.forms import AuthenticationForm


class LogInForm(AuthenticationForm):
    """One message for every failure, so that nobody learns which accounts there are."""

    username = forms.EmailField(
        label="E-mail", widget=forms.EmailInput(attrs={"autofocus": True, "autocomplete": "username"})
    )
    error_messages = {  # noqa: RUF012  # as in the class it extends
        "invalid_login": "This e-mail and password do not match an account. Check both and try again.",
        "inactive": "This e-mail and password do not match an account. Check both and try again.",
    }

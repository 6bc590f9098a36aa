"""What a field says of what it cannot take: what to write, not what is ensured."""

import pytest
from django import forms
from django.core.validators import MaxLengthValidator

from clinics.fields import Number, Whole


class Asked(forms.Form):
    name = forms.CharField(label="Name", max_length=5)
    days = Whole((1, 90), label="Days")
    share = Number(label="Share", max_value=100)
    kind = forms.ChoiceField(label="Kind", choices=[("a", "A")])
    kinds = forms.MultipleChoiceField(label="Kinds", choices=[("a", "A")])
    mail = forms.EmailField(label="E-mail")
    sure = forms.BooleanField(label="Sure")


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (
            {},
            {
                "name": "Fill this in.",
                "days": "Fill this in.",
                "share": "Fill this in.",
                "kind": "Choose one.",
                "kinds": "Choose at least one.",
                "mail": "Fill this in.",
                "sure": "Tick this to go on.",
            },
        ),
        (
            {"name": "Longer", "days": "91", "share": "101", "kind": "b", "kinds": ["b"], "mail": "me", "sure": "on"},
            {
                "name": "Write at most 5 characters, not 6.",
                "days": "Write 90 or less.",
                "share": "Write 100 or less.",
                "kind": "Choose one of the list.",
                "kinds": "Choose one of the list.",
                "mail": "Write an e-mail address, such as name@clinic.org.",
            },
        ),
        (
            {"name": "Ada", "days": "0", "share": "1", "kind": "a", "kinds": ["a"], "mail": "a@b.org", "sure": "on"},
            {"days": "Write 1 or more."},
        ),
    ],
)
def test_a_field_says_what_to_do(sent: dict[str, object], said: dict[str, str]) -> None:
    assert {name: " ".join(told) for name, told in Asked(sent).errors.items()} == said


def test_a_validator_of_its_own_words_keeps_them() -> None:
    assert MaxLengthValidator(3, message="Too long.").message == "Too long."

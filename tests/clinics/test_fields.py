"""What a field says of what it cannot take: what to write, not what is ensured."""

import re

import pytest
from django import forms
from django.core.validators import MaxLengthValidator

from clinics.fields import Number, Whole
from clinics.models import User


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
    assert {name: " ".join(map(str, told)) for name, told in Asked(sent).errors.items()} == said


def test_a_validator_of_its_own_words_keeps_them() -> None:
    assert MaxLengthValidator(3, message="Too long.").message == "Too long."


@pytest.mark.parametrize(
    ("sent", "places", "said"),
    [
        ("1,000", 3, "1,000 can be read in two ways: write 1000 or 1."),
        ("12,500", 1, "12,500 can be read in two ways: write 12500 or 12.5."),
        ("12,345", 2, "12,345 may be misread: write 12345."),
        ("1,000,000", 1, "1,000,000 may be misread: write 1000000."),
        ("250,125", 5, "250,125 may be misread: write 250.125."),
        ("1,000,000,000", 3, "This number is too large, or too exact."),
    ],
)
def test_a_comma_that_can_be_read_in_two_ways_is_asked_about(sent: str, places: int, said: str) -> None:
    field = Number(max_digits=8, decimal_places=places)
    with pytest.raises(forms.ValidationError) as refused:
        field.clean(sent)
    assert refused.value.messages == [said]
    for offered in re.findall(r"(?:write|or) ([\d.]*\d)", said):
        assert field.clean(offered) is not None


@pytest.mark.parametrize(
    ("sent", "said"),
    [([], "Choose at least one."), (["1"], "Choose one of the list."), (["x"], "Choose one of the list.")],
)
def test_a_choice_of_several_stored_things_says_what_to_do(sent: list[str], said: str) -> None:
    with pytest.raises(forms.ValidationError) as refused:
        forms.ModelMultipleChoiceField(User.objects.none()).clean(sent)
    assert refused.value.messages == [said]

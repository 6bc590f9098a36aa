"""Days, spans and numbers in the reader's language, never ambiguous."""

import dataclasses
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.template import Context, Template
from django.utils import translation

from clinics import fields, words
from clinics.history import FIELD_NAMES
from clinics.templatetags.brim import field_words, figure, plain
from patients.services import CONTACT_FIELDS, EDITABLE
from pumps.services.devices import PARTICULARS
from pumps.services.settings import ClinicSettings, ProductSettings
from scheduling.services.rules import Wanted as Rules

NOW = datetime(2026, 8, 19, 14, 30, tzinfo=UTC)
ZONE = ZoneInfo("America/Chicago")


def test_a_day_is_said_with_its_month_in_letters() -> None:
    assert words.calendar_day(date(2026, 8, 19)) == "Wed 19 Aug 2026"
    assert words.short_day(date(2026, 8, 9)) == "9 Aug 2026"
    assert words.moment_words(NOW, ZONE) == "Wed 19 Aug 2026, 09:30"


@pytest.mark.parametrize(
    ("days", "said"),
    [
        (-2, "2 days past"),
        (-1, "1 day past"),
        (0, "passed today"),
        (1, "tomorrow"),
        (12, "in 12 days"),
        (800, "in 2 years"),
    ],
)
def test_how_long_is_left(days: int, said: str) -> None:
    assert words.left(NOW + timedelta(days=days), NOW, ZONE) == said


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize(
    ("value", "said"), [("5.0", "5"), ("5.00", "5"), ("50", "50"), ("100.0", "100"), ("0.5", "0.5"), (".50", "0.5"),
                        ("0.0", "0"), ("1E+3", "1000"), ("1234.50", "1234.5")],
)  # fmt: skip
def test_a_dose_has_no_zero_behind_and_one_before_its_point(language: str, value: str, said: str) -> None:
    with translation.override(language):
        assert plain(Decimal(value)) == said
        assert figure(Decimal(value)) == said


@pytest.mark.parametrize("language", ["en", "es"])
def test_numbers_on_a_page_keep_their_point_in_every_language(language: str) -> None:
    page = Template("{{ exact }} {{ number }} {{ number|floatformat:1 }} {{ count }}")
    with translation.override(language):
        said = page.render(Context({"exact": Decimal("1.25"), "number": 12.5, "count": 12500}))
    assert said == "1.25 12.5 12.5 12500"


@pytest.mark.parametrize("language", ["en", "es"])
def test_what_is_typed_is_read_alike_in_every_language(language: str) -> None:
    with translation.override(language):
        assert fields.Number().clean("1,5") == fields.Number().clean("1.5") == Decimal("1.5")
        assert fields.Day().clean("2026-12-04") == date(2026, 12, 4)


def test_a_field_that_is_changed_has_a_name_in_every_language() -> None:
    settings = (ClinicSettings, ProductSettings, Rules)
    names = {
        *EDITABLE,
        *CONTACT_FIELDS,
        *PARTICULARS,
        *(field.name for kind in settings for field in dataclasses.fields(kind)),
    }
    assert {field_words(name) for name in names} - set(FIELD_NAMES) == set()

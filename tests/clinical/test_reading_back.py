from decimal import Decimal as D

import pytest

from clinical.reading_back import Settings, mismatches


def shown(dose: str, concentration: str = "500") -> Settings:
    return Settings(D(dose), D(concentration))


SIGNED = shown("200")


@pytest.mark.parametrize("dose", ["200", "199", "201", "200.5"])
def test_what_was_signed_is_confirmed_to_the_programmers_rounding(dose: str) -> None:
    assert mismatches(SIGNED, shown(dose)) == {}


@pytest.mark.parametrize(
    ("dose", "words"),
    [
        ("4800", "24 times"),
        ("4600", "24 times"),
        ("8.33", "1/24"),
        ("800", "4 times"),
        ("50", "1/4"),
        ("200000", "1000 times"),
        ("201.1", "200 mcg/day was signed"),
        ("198.9", "200 mcg/day was signed"),
        ("260", "200 mcg/day was signed"),
    ],
)
def test_another_dose_stops_it_and_a_known_slip_is_named(dose: str, words: str) -> None:
    found = mismatches(SIGNED, shown(dose))
    assert list(found) == ["daily_dose_mcg"]
    assert words in found["daily_dose_mcg"].message
    assert ("times" in words or "1/" in words) == ("as with" in found["daily_dose_mcg"].message)


def test_another_concentration_stops_it() -> None:
    found = mismatches(SIGNED, shown("200", "2000"))
    assert "another concentration" in found["concentration_mcg_per_ml"].message


def test_what_was_signed_has_to_be_read() -> None:
    signed = Settings(D(200), D(2000), D("0.35"), D("21"))
    found = mismatches(signed, Settings(D(200), D(2000)))
    assert {field: each.code for field, each in found.items()} == {
        "bridge_volume_ml": "not_read_back",
        "bridge_hours": "not_read_back",
    }
    assert mismatches(signed, signed) == {}


def test_a_stop_is_read_back_as_0() -> None:
    signed = shown("0")
    assert mismatches(signed, shown("0")) == {}
    assert "daily_dose_mcg" in mismatches(signed, shown("10"))

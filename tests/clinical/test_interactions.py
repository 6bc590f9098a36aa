import tomllib

import pytest

from clinical.findings import Severity
from clinical.interactions import FILE, findings_of, interactions_of, read

DATA = tomllib.loads(FILE.read_text())
NAMES = [
    (name, substance, degree)
    for degree in ("avoid", "care")
    for substance, brands in DATA[degree].items()
    for name in (substance, *brands)
]


@pytest.mark.parametrize(("name", "substance", "degree"), NAMES)
def test_every_name_of_the_list_is_found_however_it_is_written(name: str, substance: str, degree: str) -> None:
    for written in (name, name.upper(), f"{name.title()} 10 mg tablets", f"  {name}-hydrochloride SR 5mg/mL"):
        found = {(each.substance, each.degree) for each in interactions_of(written)}
        # One brand is of two substances; either says what there is to say.
        assert degree in {each for _, each in found}, written
        assert all(each.source for each in interactions_of(written))
    if len([one for one in NAMES if one[0] == name]) == 1:
        assert (substance, degree) in {(each.substance, each.degree) for each in interactions_of(name)}


@pytest.mark.parametrize(
    "name", ["diazépam", "dia\u00adzepam", "\uff44\uff49\uff41\uff5a\uff45\uff50\uff41\uff4d", "DIAZE\u0301PAM"]
)
def test_accents_and_signs_nobody_sees_are_no_matter(name: str) -> None:
    assert [each.substance for each in interactions_of(name)] == ["diazepam"]


@pytest.mark.parametrize("name", ["", "paracetamol 500 mg", "codein", "diazepamlike", "123", "Baclofen 10 mg"])
def test_other_names_are_not(name: str) -> None:
    assert interactions_of(name) == []


def test_the_longer_name_counts() -> None:
    assert [each.substance for each in interactions_of("Gabapentin Enacarbil 600")] == ["gabapentin enacarbil"]
    assert {each.substance for each in interactions_of("diazepam and codeine")} == {"diazepam", "codeine"}


def test_each_substance_is_told_of_once() -> None:
    found = findings_of(["Valium 5 mg", "diazepam", "Zanaflex"])
    assert [each.severity for each in found] == [Severity.WARN, Severity.INFO]
    assert "Valium (diazepam)" in found[0].message


def test_a_name_of_two_degrees_is_no_list() -> None:
    with pytest.raises(ValueError, match="zanaflex"):
        read({"source": "s", "forms": [], "avoid": {"zanaflex": []}, "care": {"tizanidine": ["zanaflex"]}})

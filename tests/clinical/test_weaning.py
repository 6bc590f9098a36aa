from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

import pytest

from clinical.labels import LABEL_SETS
from clinical.titration import Dose, creep
from clinical.weaning import MOST_STEPS, Down, findings, problems

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
DAY = timedelta(days=1)
US = LABEL_SETS["us"]


def plan(*doses: str, every: timedelta = 7 * DAY) -> list[Down]:
    return [Down(NOW + (place + 1) * every, D(dose)) for place, dose in enumerate(doses)]


def codes(steps: list[Down], from_mcg: str = "200") -> list[str]:
    return [finding.code for finding in findings(steps, from_mcg=D(from_mcg), labels=US)]


def test_a_taper_goes_down_to_0_at_most() -> None:
    assert problems(plan("160", "130", "0"), from_mcg=D(200), now=NOW) == []
    assert problems([], from_mcg=D(200), now=NOW) == ["Write at least one step."]
    assert "goes down" in problems(plan("200"), from_mcg=D(200), now=NOW)[0]
    assert "goes down" in problems(plan("150", "150"), from_mcg=D(200), now=NOW)[0]
    assert "goes down" in problems(plan("-1"), from_mcg=D(200), now=NOW)[0]
    assert "Only the last step" in " ".join(problems(plan("0", "0"), from_mcg=D(200), now=NOW))
    assert "has passed" in problems([Down(NOW, D(100))], from_mcg=D(200), now=NOW)[0]
    assert "not later" in problems([*plan("150"), Down(NOW + DAY, D(100))], from_mcg=D(200), now=NOW)[0]
    assert "At most" in problems(plan(*["1"] * (MOST_STEPS + 1)), from_mcg=D(200), now=NOW)[0]


def test_a_step_of_more_than_the_labels_is_told() -> None:
    assert codes(plan("160", "128")) == []
    assert codes(plan("159")) == ["step_below_band"]
    assert codes(plan("160", "127")) == ["step_below_band"]


@pytest.mark.parametrize(("last", "told"), [("12", []), ("12.1", ["stop_from_high"])])
def test_a_stop_from_above_the_labels_lowest_dose_is_told(last: str, told: list[str]) -> None:
    assert codes(plan("0"), last) == told


def test_steps_nearer_than_a_day_are_told() -> None:
    assert codes(plan("180", "160", every=DAY)) == []
    assert codes(plan("180", "160", every=DAY - timedelta(minutes=1))) == ["steps_close"]


# --- creep ------------------------------------------------------------------------------------------------------------


def crept(*doses: tuple[float, str], since: float = 800, band: str = "spinal") -> bool:
    """Whether doses of so many days ago are told of; maintenance began `since` days ago."""
    ran = [Dose(NOW - days * DAY, D(dose)) for days, dose in doses]
    return creep(ran, NOW, US, band=band, since=NOW - since * DAY) is not None


def test_more_than_100_mcg_in_a_year_is_told() -> None:
    assert not crept((700, "300"), (100, "400"))
    assert crept((700, "300"), (100, "400.1"))
    assert not crept((700, "300"), (370, "400"), (100, "500"))
    assert crept((700, "300"), (200, "360"), (100, "401"))


def test_titration_is_no_creep() -> None:
    assert not crept((200, "100"), (100, "300"), since=90)
    assert crept((200, "100"), (100, "300"), (50, "401"), since=90)


def test_a_sudden_large_need_is_told() -> None:
    assert not crept((700, "100"), (20, "140"))
    assert crept((700, "100"), (20, "140.1"))
    assert crept((700, "100"), (20, "121"), band="cerebral")
    assert not crept((700, "100"), (40, "150"))


def test_nothing_to_compare_with_is_nothing_told() -> None:
    assert not crept()
    assert not crept((10, "500"))
    assert not crept((700, "0"), (10, "500"))

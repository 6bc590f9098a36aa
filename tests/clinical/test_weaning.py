from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

import pytest

from clinical.findings import Severity
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


def wrong(steps: list[Down]) -> list[str]:
    return [problem.text for problem in problems(steps, from_mcg=D(200), now=NOW)]


def test_a_taper_goes_down_to_0_at_most() -> None:
    assert wrong(plan("160", "130", "0")) == []
    assert wrong([]) == ["Write at least one step."]
    assert wrong(plan("200")) == ["Step 1: a taper goes down: below 200 mcg/day."]
    assert "goes down" in wrong(plan("150", "150"))[0]
    assert "goes down" in wrong(plan("-1"))[0]
    assert "Only the last step" in " ".join(wrong(plan("0", "0")))
    assert wrong([Down(NOW, D(100))]) == ["Step 1: its time has passed. A plan begins later than now."]
    assert wrong([*plan("150"), Down(NOW + DAY, D(100))]) == ["Step 2: not later than the step before it."]
    assert "At most" in wrong(plan(*["1"] * (MOST_STEPS + 1)))[0]


def test_what_is_wrong_is_said_of_its_step_and_value() -> None:
    found = problems([*plan("150"), Down(NOW + DAY, D(160))], from_mcg=D(200), now=NOW)
    assert [(problem.step, problem.field) for problem in found] == [(2, "at"), (2, "daily_dose_mcg")]
    assert problems([], from_mcg=D(200), now=NOW)[0].step is None


def test_a_step_of_more_than_the_labels_is_told() -> None:
    assert codes(plan("160", "128")) == []
    assert codes(plan("159")) == ["step_below_band"]
    assert codes(plan("160", "127")) == ["step_below_band"]


@pytest.mark.parametrize(("last", "told"), [("12", []), ("12.1", ["stop_from_high"])])
def test_a_stop_from_above_the_labels_lowest_dose_is_told(last: str, told: list[str]) -> None:
    assert codes(plan("0"), last) == told


def test_a_stop_from_a_high_dose_is_serious_and_says_what_it_is() -> None:
    [found] = findings(plan("0"), from_mcg=D(200), labels=US)
    assert found.severity is Severity.HIGH
    assert "a stop from 200 mcg/day, a drop of 100 %. Withdrawal can be fatal." in found.message
    assert "boxed warning" in found.source


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

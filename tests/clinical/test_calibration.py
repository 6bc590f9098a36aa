from datetime import timedelta

import pytest

from clinical.forecast import forecast
from clinical.ledger import LedgerEvent
from tests.clinical.ledgers import RULES, a_device, after, dose, fill

# 0.4 mL/day: an interval of 45 days is programmed to deliver 18 mL.


def refilled(*intervals: tuple[float, str | None], filled: str = "40") -> list[LedgerEvent]:
    """A fill, then one refill after each interval (days) with what was aspirated."""
    events: list[LedgerEvent] = [fill(0, filled), dose(0)]
    day = 0.0
    for days, aspirated in intervals:
        day += days
        events.append(fill(day, filled, aspirated))
    return events


def test_the_worked_example_of_the_clinical_rules() -> None:
    """P = 18, 17, 18.5 and D = 19, 18.2, 19.6 give mean 1.0510, sd 0.0206."""
    ledger = refilled((45, "21"), (42.5, "21.8"), (46.25, "20.4"))
    ratio = forecast(a_device(), ledger, RULES).flow_ratio
    assert ratio.mean == pytest.approx(1.0510, abs=5e-5)
    assert ratio.sd == pytest.approx(0.0206, abs=5e-5)
    assert ratio.refills == 3


def test_without_refills_the_ratio_is_the_prior() -> None:
    ratio = forecast(a_device(), [fill(0), dose(0)], RULES).flow_ratio
    assert (ratio.mean, ratio.refills) == (1.0, 0)
    assert ratio.sd == pytest.approx(0.05)


def test_the_bound_is_the_99th_percentile() -> None:
    found = forecast(a_device(), [fill(0), dose(0)], RULES)
    high = 1 + 2.3263478740408408 * 0.05
    assert found.earliest_low_at is not None
    assert abs(found.earliest_low_at - after(95 / high)) < timedelta(seconds=1)


def test_a_pump_that_over_delivers_is_expected_low_before_its_programmed_date() -> None:
    found = forecast(a_device(), refilled((80, "6.4"), (80, "6.4")), RULES)
    assert found.earliest_low_at is not None
    assert found.low_at is not None
    assert found.programmed_low_at is not None
    assert found.earliest_low_at < found.low_at < found.programmed_low_at


@pytest.mark.parametrize("aspirated", ["0", "0.000", None])
def test_aspirated_zero_or_unknown_does_not_calibrate(aspirated: str | None) -> None:
    assert forecast(a_device(), refilled((110, aspirated)), RULES).flow_ratio.refills == 0


def test_an_interval_with_a_part_of_unknown_flow_does_not_calibrate() -> None:
    ledger: list[LedgerEvent] = [fill(0), dose(10), fill(40, aspirated="28")]
    assert forecast(a_device(), ledger, RULES).flow_ratio.refills == 0


def test_a_last_interval_that_does_not_fit_is_found_and_widens_the_bound() -> None:
    steady = refilled((80, "8"), (80, "8"), (80, "8"))
    jumped = refilled((80, "8"), (80, "8"), (80, "8"), (80, "0.5"))
    found = forecast(a_device(), jumped, RULES)
    assert "calibrated_deviation" in {finding.code for finding in found.findings}
    assert "calibrated_deviation" not in {finding.code for finding in forecast(a_device(), steady, RULES).findings}
    # 39.5 mL in an interval programmed for 32: a ratio of 1.234 by the last interval alone.
    assert found.ratio_high > 1.234


def test_ordinary_noise_is_no_finding() -> None:
    found = forecast(a_device(), refilled((80, "8.9"), (80, "7.2"), (80, "10.1")), RULES)
    assert "calibrated_deviation" not in {finding.code for finding in found.findings}

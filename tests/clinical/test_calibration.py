from dataclasses import replace
from datetime import timedelta

import pytest

from clinical.forecast import Forecast, forecast
from clinical.ledger import LedgerEvent, Prior
from clinical.terms import Device
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


def test_a_pump_started_within_a_day_of_its_fill_does() -> None:
    ledger: list[LedgerEvent] = [fill(0), dose(0.5), fill(40.5, aspirated="24")]
    assert forecast(a_device(), ledger, RULES).flow_ratio.mean == pytest.approx(1.0)


def jumped(ratio: float, refills: int, healthy: int = 10) -> Forecast:
    """The forecast after `healthy` refills at ratio 1 and `refills` at another, 32 mL programmed each time."""
    aspirated = [8.0] * healthy + [round(40 - 32 * ratio, 3)] * refills
    return forecast(a_device(), refilled(*((80, str(volume)) for volume in aspirated)), RULES)


@pytest.mark.parametrize("refills", [1, 2, 3, 4, 6, 10])
@pytest.mark.parametrize("ratio", [1.1, 1.15, 1.2, 1.24])
def test_after_a_jump_the_bound_covers_it_from_the_first_refill_on(ratio: float, refills: int) -> None:
    found = jumped(ratio, refills)
    assert found.ratio_high >= ratio
    assert found.flow_ratio.refills == refills


@pytest.mark.parametrize("refills", [1, 2, 3])
def test_a_jump_stays_a_finding_until_it_is_settled(refills: int) -> None:
    assert "calibrated_deviation" in {finding.code for finding in jumped(1.2, refills).findings}
    assert "calibrated_deviation" not in {finding.code for finding in jumped(1.2, 4).findings}


def test_a_drop_in_flow_does_not_make_the_date_later_than_the_pumps_history_allows() -> None:
    """One refill that looks like under-delivery may be a mistake: the earlier bound still stands."""
    before, after_drop = jumped(1.0, 0), jumped(0.6, 1)
    assert after_drop.ratio_high >= before.ratio_high


def test_two_refills_a_little_off_in_the_same_direction_are_a_change() -> None:
    found = forecast(a_device(), refilled(*((80, "8") for _ in range(10)), (80, "6.2"), (80, "5.8")), RULES)
    assert "calibrated_deviation" in {finding.code for finding in found.findings}


def test_a_pump_that_ran_dry_without_explanation_is_taken_to_over_infuse() -> None:
    """40 mL gone where 32 were programmed: at least 1.25 times, so one of those of 1.2-1.4 until measured."""
    dry = forecast(a_device(), refilled((80, "8"), (80, "0")), RULES)
    assert 1.4 <= dry.ratio_high <= 1.7
    assert dry.flow_ratio.refills == 0
    assert "calibrated_deviation" in {finding.code for finding in dry.findings}
    measured = forecast(a_device(), refilled((80, "8"), (80, "0"), (80, "8")), RULES)
    assert measured.ratio_high < 1.1


def test_a_bound_from_a_dry_interval_is_never_beyond_belief() -> None:
    assert forecast(a_device(), refilled((80, "8"), (5, "0")), RULES).ratio_high < 2


def test_a_pump_emptied_by_a_late_refill_says_nothing_of_its_flow() -> None:
    found = forecast(a_device(), refilled((110, "0")), RULES)
    assert found.ratio_high == pytest.approx(1 + 2.3263478740408408 * 0.05, abs=0.006)
    assert found.ratio_high >= 1 + 2.3263478740408408 * 0.05


def test_ordinary_noise_is_no_finding() -> None:
    found = forecast(a_device(), refilled((80, "8.9"), (80, "7.2"), (80, "10.1")), RULES)
    assert "calibrated_deviation" not in {finding.code for finding in found.findings}


def test_a_dry_refill_moves_the_mean_as_a_truncated_normal_distribution_and_leaves_the_spread() -> None:
    """40 mL gone where 39.2 were programmed in 98 days: z 0.8 / 2.082 = 0.384, density / tail there is 1.057."""
    ratio = forecast(a_device(), refilled((98, "0")), RULES).flow_ratio
    assert ratio.mean == pytest.approx(1 + 0.05**2 * 39.2 / 2.0815 * 1.057, abs=2e-4)
    assert ratio.sd == pytest.approx(0.05)
    assert ratio.refills == 0


@pytest.mark.parametrize(("days", "refills_until_doubtful"), [(90, 1), (93, 1), (96, 5)])
def test_dry_again_and_again_is_taken_for_over_infusion(days: float, refills_until_doubtful: int) -> None:
    """Of 40 mL 36, 37.2 or 38.4 were programmed: by chance with 2, 9 and 22 % the first time."""
    for refills in range(1, 9):
        found = forecast(a_device(), refilled(*[(days, "0")] * refills), RULES)
        is_bounded = found.ratio_high >= 1.4 * found.flow_ratio.mean * (1 - 1e-12)
        assert is_bounded is (refills >= refills_until_doubtful)
        assert found.flow_ratio.refills == 0


def test_a_measured_refill_after_dry_ones_ends_the_doubt() -> None:
    doubtful = forecast(a_device(), refilled(*[(93, "0")] * 3), RULES)
    measured = forecast(a_device(), refilled(*[(93, "0")] * 3, (80, "8")), RULES)
    assert doubtful.ratio_high >= 1.4
    assert measured.ratio_high < 1.16


@pytest.mark.parametrize("days", [101, 110, 150, 400])
def test_however_late_a_refill_a_dry_pump_says_nothing_more(days: float) -> None:
    found = forecast(a_device(), refilled((days, "0")), RULES)
    assert found.flow_ratio.mean == pytest.approx(1, abs=0.04)
    assert found.flow_ratio.mean >= 1


@pytest.mark.parametrize("wrong", ["2", "14", "0"])
def test_one_wrong_refill_then_back_costs_nothing_of_what_was_learned(wrong: str) -> None:
    healthy = [(80.0, "6.4")] * 6  # 33.6 mL delivered of 32 programmed
    before = forecast(a_device(), refilled(*healthy), RULES)
    off = forecast(a_device(), refilled(*healthy, (80, wrong)), RULES)
    back = forecast(a_device(), refilled(*healthy, (80, wrong), (80, "6.4")), RULES)
    assert "calibrated_deviation" in {finding.code for finding in off.findings}
    assert off.ratio_high > before.ratio_high
    assert back.flow_ratio.mean == pytest.approx(before.flow_ratio.mean, abs=0.005)
    assert back.flow_ratio.refills == 7
    assert back.flow_ratio.sd <= before.flow_ratio.sd


def believing(**fields: float) -> Device:
    device = a_device()
    return replace(
        device, facts=replace(device.facts, prior=Prior(**{"mean": 1, "sd": 0.05, "noise_ml": 0.7, **fields}))
    )


def test_what_first_intervals_show_too_much_is_taken_off_the_first_alone() -> None:
    """0.5 mL more in the first of two: with it taken off both are exactly at the prior's mean."""
    ledger = refilled((45, "21.5"), (45, "22"))
    assert forecast(believing(first_ml=0.5), ledger, RULES).flow_ratio.mean == pytest.approx(1.0, abs=1e-12)
    assert forecast(believing(), ledger, RULES).flow_ratio.mean > 1.005


def test_a_drift_forgets_and_widens() -> None:
    """sd^2 grows by 0.02^2 a year: over the second interval, and over the present fill taken to be as long (45 d)."""
    year = 45 / 365.25
    precision = 1 / (1 / (1 / 0.05**2 + 18**2 / 0.49) + 0.02**2 * year) + 18**2 / 0.49
    found = forecast(believing(drift=0.02), refilled((45, "22"), (45, "22")), RULES).flow_ratio
    assert found.sd == pytest.approx((1 / precision + 0.02**2 * year) ** 0.5)
    old_then_new = refilled(*[(80, "8")] * 5, *[(80, "7")] * 5)
    steady, drifting = (forecast(believing(drift=each), old_then_new, RULES).flow_ratio for each in (0.0, 0.05))
    assert drifting.mean > steady.mean
    assert drifting.sd > steady.sd


@pytest.mark.parametrize("ledger", [[], [fill(0)], [fill(0), dose(0)], refilled((0, "40")), refilled((20, None))])
def test_without_a_measured_refill_the_ratio_is_exactly_the_prior(ledger: list[LedgerEvent]) -> None:
    found = forecast(believing(mean=0.97, sd=0.06), ledger, RULES)
    assert (found.flow_ratio.mean, found.flow_ratio.refills) == (0.97, 0)
    assert found.flow_ratio.sd == pytest.approx(0.06)
    assert found.ratio_high == pytest.approx(0.97 + 2.3263478740408408 * 0.06)

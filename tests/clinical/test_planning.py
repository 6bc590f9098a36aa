from dataclasses import replace
from datetime import date
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinical.forecast import forecast
from clinical.ledger import LedgerEvent
from clinical.planning import Outlook, Setting, as_calibrated, outlook
from tests.clinical.ledgers import RULES, a_device, after, dose, facts, fill, shaped, stop


def plan(filled: str = "40", mcg: str = "200", concentration: str = "500", margin: int = 7) -> Outlook:
    setting = Setting(fill(0, filled, concentration=concentration), dose(0, mcg))
    ledger: list[LedgerEvent] = [setting.fill, dose(0, mcg)]
    return outlook(a_device(), ledger, replace(RULES, margin_days=margin), setting)


def near(value: D | None, expected: str) -> bool:
    return value is not None and abs(value - D(expected)) < D("0.0005")


def test_a_years_need_by_hand() -> None:
    """0.4 mL/day: low after 95 days as programmed, after 38 / 0.4 / 1.1163174 = 85.1012 at the earliest; less 7 days
    78.1012. 365.25 / 78.1012 = 4.6766 fills of 40 mL = 187.065 mL = 93.532 mg, of which 0.4 x 0.5 x 365.25 = 73.05."""
    found = plan()
    assert found.flow_ml_per_day == pytest.approx(0.4)
    assert (found.daily_dose_mcg, found.forecast.programmed_low_at) == (D(200), after(95))
    supply = found.supply
    assert near(supply.interval_days, "78.1012")
    assert near(supply.refills_per_year, "4.6766")
    assert near(supply.drug_ml_per_year, "187.0649")
    assert near(supply.drug_mg_per_year, "93.5325")
    assert near(supply.delivered_mg_per_year, "73.05")


def test_the_longest_interval_binds_a_slow_pump() -> None:
    """50 mcg/day of 500: 380 days of volume, but 180 days at most: 173 days between refills."""
    supply = plan(mcg="50").supply
    assert (supply.limiting_factor, supply.interval_days) == ("max_interval", D(173))


def test_a_lots_expiry_is_of_one_fill_and_not_of_a_year() -> None:
    now = Setting(fill(0, expires_on=date(2026, 3, 20)), dose(0))
    found = outlook(a_device(), [now.fill, dose(0)], RULES, now)
    assert found.forecast.limiting_factor == "lot_expiry"
    assert found.supply.limiting_factor == "volume"


def test_a_margin_longer_than_the_fill_lasts_has_no_yearly_need() -> None:
    supply = plan("5", "1000", margin=14).supply
    assert supply.interval_days is not None
    assert supply.interval_days < 0
    assert supply.refills_per_year is supply.drug_ml_per_year is None


def test_a_stopped_pump_comes_to_no_refill() -> None:
    setting = Setting(fill(0), stop(0))
    found = outlook(a_device(), [setting.fill, stop(0)], RULES, setting)
    assert (found.supply.interval_days, found.supply.delivered_mg_per_year) == (None, D(0))


def test_a_constant_flow_doses_by_its_concentration() -> None:
    """0.5 mL/day x 2000 mcg/mL = 1000 mcg/day."""
    device = replace(a_device("0"), facts=facts("0", factory_flow="0.5", programmable=False))
    setting = Setting(fill(0, "20", concentration="2000"), None)
    found = outlook(device, [setting.fill], RULES, setting)
    assert (found.daily_dose_mcg, found.forecast.programmed_empty_at) == (D(1000), after(40))
    assert near(found.supply.delivered_mg_per_year, "365.25")


def test_the_yearly_need_is_at_the_pumps_own_ratio() -> None:
    """Three refills at 1.1 times the programmed flow: the same 38 mL last a tenth less than at the model's ratio."""
    ledger: list[LedgerEvent] = [fill(0), dose(0), *(fill(30 * n, aspirated="26.8") for n in (1, 2, 3))]
    setting = Setting(fill(90), dose(0))
    found = outlook(a_device(), ledger, RULES, setting)
    known = found.forecast
    assert known.flow_ratio.mean > 1.05
    expected = 38 / 0.4 / known.ratio_high - 7
    assert float(found.supply.interval_days or 0) == pytest.approx(expected, abs=1e-4)


def test_steps_move_the_dates_of_a_plan() -> None:
    """39.9 mL: 37.9 mL at 0.4 mL/day are 94 days and 150 mcg, from noon on at 12.6666 mcg/h: 11.842 h, not 18 h."""
    setting = Setting(fill(0, "39.9"), shaped(0, "200", [(0, "4"), (720, "12.6666")]))
    assert setting.program is not None
    found = outlook(a_device(), [setting.fill, setting.program], RULES, setting)
    low_at = found.forecast.programmed_low_at
    assert low_at is not None
    assert (low_at - after(94)).total_seconds() / 3600 == pytest.approx(11.842, abs=0.001)


@given(st.decimals("12", "1500", places=1), st.sampled_from(["500", "1000", "2000"]), st.sampled_from(["20", "40"]))
def test_a_plan_agrees_with_the_forecast_of_the_same_ledger(mcg: D, concentration: str, filled: str) -> None:
    ledger: list[LedgerEvent] = [fill(0, filled, concentration=concentration), dose(0, str(mcg))]
    known = forecast(a_device(), ledger, RULES)
    again = forecast(as_calibrated(a_device(), known), ledger, RULES)
    assert again.programmed_low_at == known.programmed_low_at
    assert again.earliest_low_at is not None
    assert known.earliest_low_at is not None
    assert abs((again.earliest_low_at - known.earliest_low_at).total_seconds()) <= 1
    assert plan(filled, str(mcg), concentration).forecast == known

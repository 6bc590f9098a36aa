from decimal import Decimal as D

import pytest

from clinical.bridging import Direction, bridging


def test_raising_the_concentration_under_doses_without_a_bridge() -> None:
    """V 0.4 mL; 0.4 x 500 = 200 mcg, at 200 mcg/day 24 h. Unbridged: 200 / 2000 = 0.1 mL/day of 500 mcg/mL."""
    found = bridging(
        tubing_volume_ml=D("0.199"),
        catheter_volume_ml=D("0.201"),
        old_concentration_mcg_per_ml=D(500),
        new_concentration_mcg_per_ml=D(2000),
        old_daily_dose_mcg=D(200),
        new_daily_dose_mcg=D(200),
    )
    assert (found.volume_ml, found.bolus_mcg) == (D("0.4"), D(200))
    assert (found.duration_hours, found.rate_ml_per_day) == (D(24), D("0.4"))
    without = found.unbridged
    assert (without.dose_mcg_per_day, without.hours, without.direction) == (D(50), D(96), Direction.UNDER_DOSE)


def test_lowering_it_over_doses_and_the_new_dose_counts() -> None:
    """V 0.4 mL; 0.4 x 2000 = 800 mcg, at 400 mcg/day 48 h at 0.2 mL/day. Unbridged at 300 / 500 = 0.6 mL/day."""
    found = bridging(
        tubing_volume_ml=D("0.2"),
        catheter_volume_ml=D("0.2"),
        old_concentration_mcg_per_ml=D(2000),
        new_concentration_mcg_per_ml=D(500),
        old_daily_dose_mcg=D(400),
        new_daily_dose_mcg=D(300),
    )
    assert (found.bolus_mcg, found.duration_hours, found.rate_ml_per_day) == (D(800), D(48), D("0.2"))
    without = found.unbridged
    assert (without.dose_mcg_per_day, without.hours, without.direction) == (D(1200), D(16), Direction.OVER_DOSE)


@pytest.mark.parametrize("concentration", [D(500), D("733.5")])
def test_the_bridge_gives_the_old_dose_for_as_long_as_it_runs(concentration: D) -> None:
    found = bridging(
        tubing_volume_ml=D("0.199"),
        catheter_volume_ml=D("0.133"),
        old_concentration_mcg_per_ml=concentration,
        new_concentration_mcg_per_ml=D(2000),
        old_daily_dose_mcg=D(137),
        new_daily_dose_mcg=D(150),
    )
    days = found.duration_hours / 24
    assert abs(found.rate_ml_per_day * days - found.volume_ml) < D("1e-20")
    assert abs(D(137) * days - found.bolus_mcg) < D("1e-20")


def test_the_same_concentration_needs_none_and_changes_nothing() -> None:
    found = bridging(
        tubing_volume_ml=D("0.2"),
        catheter_volume_ml=D("0.2"),
        old_concentration_mcg_per_ml=D(500),
        new_concentration_mcg_per_ml=D(500),
        old_daily_dose_mcg=D(200),
        new_daily_dose_mcg=D(250),
    )
    assert (found.unbridged.dose_mcg_per_day, found.unbridged.direction) == (D(250), Direction.SAME)

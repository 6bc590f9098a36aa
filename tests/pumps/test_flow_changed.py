"""A pump whose flow has changed is a forecast with a reason, and somebody is told."""

from datetime import timedelta
from decimal import Decimal as D

import pytest

from alerts.models import Alert
from pumps.models import Forecast, Pump
from tests.builders import NOW, a_dose, a_pump, a_refill

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def refilled(*aspirated: str) -> Pump:
    """32 mL programmed every 80 days, the last refill at NOW."""
    pump = a_pump(implanted_on=(NOW - 2000 * DAY).date(), now=NOW)
    begun = NOW - len(aspirated) * 80 * DAY
    a_refill(pump, begun)
    a_dose(pump, begun)
    for number, volume in enumerate(aspirated, start=1):
        a_refill(pump, begun + number * 80 * DAY, aspirated_ml=D(volume))
    return pump


def is_told(pump: Pump) -> bool:
    return Alert.objects.open().filter(pump=pump, kind="flow_changed").exists()


def test_a_jump_is_unknown_with_its_dates_on_the_safe_side_and_told() -> None:
    pump = refilled("8", "8.2", "7.9", "8.1", "1.5")
    row = Forecast.objects.get(pump=pump)
    assert (row.unknown_reason, row.limiting_factor) == ("flow_changed", "unknown")
    assert row.refill_by is not None
    assert row.programmed_low_at is not None
    assert row.earliest_low_at is not None
    assert row.earliest_low_at < row.programmed_low_at - 10 * DAY
    assert is_told(pump)


def test_three_refills_that_agree_settle_it() -> None:
    pump = refilled("8", "8.2", "7.9", "8.1", "1.5", "1.6", "1.4", "1.5")
    row = Forecast.objects.get(pump=pump)
    assert (row.unknown_reason, row.limiting_factor) == ("", "volume")
    assert row.flow_ratio_mean == pytest.approx(1.2, abs=0.02)
    assert not is_told(pump)


def test_a_healthy_pump_is_neither() -> None:
    pump = refilled("8", "8.9", "7.2", "8.4")
    assert Forecast.objects.get(pump=pump).unknown_reason == ""
    assert not is_told(pump)

"""Calculators: nothing stored, plain arithmetic with the formula in the docstring."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal


@dataclass(frozen=True)
class RefillAnswer:
    """Flow in mL/day; days are exact, moments rounded to whole seconds."""

    rate_ml_per_day: Decimal
    days_to_low: Decimal
    low_at: datetime
    days_to_empty: Decimal
    empty_at: datetime


def refill(
    *,
    volume_ml: Decimal,
    low_reservoir_alarm_ml: Decimal,
    daily_dose_mcg: Decimal,
    concentration_mcg_per_ml: Decimal,
    filled_at: datetime,
) -> RefillAnswer:
    """When a reservoir is low and empty at the programmed rate.

    flow = dose / concentration; days = (volume - level) / flow. A volume already below the level is low at once.
    Source: clinical rules, section 2 (programmed flow, low-reservoir date).

    Raises:
        OverflowError: a date beyond the calendar.
    """
    rate = daily_dose_mcg / concentration_mcg_per_ml
    to_low = max(volume_ml - low_reservoir_alarm_ml, Decimal(0)) / rate
    to_empty = volume_ml / rate
    return RefillAnswer(rate, to_low, _after(filled_at, to_low), to_empty, _after(filled_at, to_empty))


def _after(start: datetime, days: Decimal) -> datetime:
    return start + timedelta(seconds=round(days * 86_400))

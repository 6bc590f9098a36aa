"""Bridging a change of concentration: the old drug still lies in tubing and catheter when the new one is filled.

Source: clinical rules, section 2 (bridge bolus, unbridged change): derived; a bridge is required by Boster 2016.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from clinical.saying import say
from clinical.units import HOURS_PER_DAY

SOURCE = say("clinical rules, section 2 (bridge bolus): derived; required by Boster 2016")


class Direction(StrEnum):
    """What an unbridged change does to the patient until the old drug is gone."""

    UNDER_DOSE = "under_dose"
    OVER_DOSE = "over_dose"
    SAME = "same"


@dataclass(frozen=True)
class Unbridged:
    """What the patient would get without a bridge: the old drug at the new flow, mcg/day, for so many hours."""

    dose_mcg_per_day: Decimal
    hours: Decimal
    direction: Direction


@dataclass(frozen=True)
class Bridging:
    """The bridge bolus: `volume_ml` of the old drug (`bolus_mcg`) over `duration_hours`, at `rate_ml_per_day`."""

    volume_ml: Decimal
    bolus_mcg: Decimal
    duration_hours: Decimal
    rate_ml_per_day: Decimal
    unbridged: Unbridged


def bridging(
    *,
    tubing_volume_ml: Decimal,
    catheter_volume_ml: Decimal,
    old_concentration_mcg_per_ml: Decimal,
    new_concentration_mcg_per_ml: Decimal,
    old_daily_dose_mcg: Decimal,
    new_daily_dose_mcg: Decimal,
) -> Bridging:
    """The bridge bolus of a change of concentration, and what happens without one.

    V = tubing + catheter; bolus = V x old concentration; duration = bolus / old daily dose; rate = old dose / old
    concentration. Unbridged: for V / (new dose / new concentration) the patient gets old concentration x that flow.
    All but the volumes are above 0. Source: `SOURCE`.
    """
    volume = tubing_volume_ml + catheter_volume_ml
    bolus = volume * old_concentration_mcg_per_ml
    new_flow = new_daily_dose_mcg / new_concentration_mcg_per_ml
    return Bridging(
        volume_ml=volume,
        bolus_mcg=bolus,
        duration_hours=bolus / old_daily_dose_mcg * HOURS_PER_DAY,
        rate_ml_per_day=old_daily_dose_mcg / old_concentration_mcg_per_ml,
        unbridged=Unbridged(
            dose_mcg_per_day=old_concentration_mcg_per_ml * new_flow,
            hours=volume / new_flow * HOURS_PER_DAY,
            direction=_direction(old_concentration_mcg_per_ml, new_concentration_mcg_per_ml),
        ),
    )


def _direction(old_concentration: Decimal, new_concentration: Decimal) -> Direction:
    """Against the new dose: raising the concentration under-doses, lowering it over-doses."""
    if new_concentration == old_concentration:
        return Direction.SAME
    return Direction.UNDER_DOSE if new_concentration > old_concentration else Direction.OVER_DOSE

"""A bridge bolus on the wire, and how the calculators write numbers."""

from decimal import Decimal
from typing import Any

from rest_framework import serializers

from clinical.bridging import Bridging
from clinical.units import plain
from pumps.services.bridges import BridgeNeed


def significant(value: Decimal) -> str:
    """Ten significant digits, written without an exponent."""
    return plain(Decimal(f"{value:.10g}"))


class UnbridgedOutput(serializers.Serializer[Any]):
    """What the patient would get without a bridge."""

    dose_mcg_per_day = serializers.CharField()
    hours = serializers.CharField()
    direction = serializers.CharField(help_text="under_dose, over_dose or same, against the new dose")


class BridgeNeedOutput(serializers.Serializer[Any]):
    """The bridge bolus of a change of concentration; null figures where `missing` says what is not known."""

    volume_ml = serializers.CharField(allow_null=True)
    bolus_mcg = serializers.CharField(allow_null=True)
    duration_hours = serializers.CharField(allow_null=True)
    rate_ml_per_day = serializers.CharField(allow_null=True)
    unbridged = UnbridgedOutput(allow_null=True)
    missing = serializers.ListField(child=serializers.CharField())
    notes = serializers.ListField(child=serializers.CharField())
    is_recorded = serializers.BooleanField()


def bridging_data(found: Bridging) -> dict[str, Any]:
    without = found.unbridged
    return {
        "volume_ml": significant(found.volume_ml),
        "bolus_mcg": significant(found.bolus_mcg),
        "duration_hours": significant(found.duration_hours),
        "rate_ml_per_day": significant(found.rate_ml_per_day),
        "unbridged": {
            "dose_mcg_per_day": significant(without.dose_mcg_per_day),
            "hours": significant(without.hours),
            "direction": without.direction.value,
        },
    }


def bridge_data(need: BridgeNeed) -> dict[str, Any]:
    figures = dict.fromkeys(("volume_ml", "bolus_mcg", "duration_hours", "rate_ml_per_day", "unbridged"))
    return {
        **(bridging_data(need.computed) if need.computed is not None else figures),
        "missing": need.missing,
        "notes": need.notes,
        "is_recorded": need.is_recorded,
    }

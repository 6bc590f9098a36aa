"""What would follow from an entry, on the wire."""

from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from clinics.api.fields import MomentField
from pumps.api.bridges import BridgeNeedOutput, bridge_data
from pumps.api.check_serializers import RefillCheckOutput
from pumps.api.serializers import FindingSerializer
from pumps.services.consequences import Consequence, State


class DoubtOutput(serializers.Serializer[Any]):
    code = serializers.CharField()
    field = serializers.CharField()
    message = serializers.CharField()


class StateOutput(serializers.Serializer[State]):
    """A pump just before or after the entry. Doses mcg/day, flow mL/day, volume mL; null while unknown."""

    daily_dose_mcg = serializers.SerializerMethodField()
    hourly_mcg = serializers.SerializerMethodField()
    patient_bolus_mcg = serializers.SerializerMethodField(help_text="0 where there are no patient boluses")
    patient_boluses_per_day = serializers.IntegerField()
    concentration_mcg_per_ml = serializers.SerializerMethodField()
    programmed_concentration_mcg_per_ml = serializers.SerializerMethodField()
    rate_ml_per_day = serializers.SerializerMethodField()
    delivered_mcg_per_day = serializers.SerializerMethodField()
    volume_ml = serializers.SerializerMethodField()
    refill_by = MomentField(source="forecast.refill_by", allow_null=True)
    limiting_factor = serializers.CharField(source="forecast.limiting_factor.value")
    unknown_reason = serializers.CharField(source="forecast.unknown_reason")
    programmed_low_at = MomentField(source="forecast.programmed_low_at", allow_null=True)
    programmed_empty_at = MomentField(source="forecast.programmed_empty_at", allow_null=True)
    low_at = MomentField(source="forecast.low_at", allow_null=True)
    empty_at = MomentField(source="forecast.empty_at", allow_null=True)
    earliest_low_at = MomentField(source="forecast.earliest_low_at", allow_null=True)
    drug_expires_at = MomentField(source="forecast.drug_expires_at", allow_null=True)
    max_interval_at = MomentField(source="forecast.max_interval_at", allow_null=True)

    def get_daily_dose_mcg(self, state: State) -> str | None:
        return _number(state.daily_dose_mcg)

    def get_hourly_mcg(self, state: State) -> str | None:
        return _number(state.hourly_mcg)

    def get_patient_bolus_mcg(self, state: State) -> str | None:
        return _number(state.patient_bolus_mcg)

    def get_concentration_mcg_per_ml(self, state: State) -> str | None:
        return _number(state.concentration_mcg_per_ml)

    def get_programmed_concentration_mcg_per_ml(self, state: State) -> str | None:
        return _number(state.programmed_concentration_mcg_per_ml)

    def get_rate_ml_per_day(self, state: State) -> str | None:
        return _number(state.flow_ml_per_day)

    def get_delivered_mcg_per_day(self, state: State) -> str | None:
        return _number(state.delivered_mcg)

    def get_volume_ml(self, state: State) -> str | None:
        return _number(state.volume_ml)


def _number(value: Decimal | float | None) -> str | None:
    """Six decimals, as everywhere in the API where a number was computed."""
    return None if value is None else f"{value:.6f}"


class ResidualOutput(serializers.Serializer[Any]):
    """What was aspirated against what was expected, mL."""

    expected_ml = serializers.CharField()
    calibrated_ml = serializers.CharField()
    aspirated_ml = serializers.CharField()
    discrepancy_ml = serializers.CharField()
    flow_ratio = serializers.CharField(allow_null=True)


class ConsequenceOutput(serializers.Serializer[Any]):
    before = StateOutput()
    after = StateOutput()
    change_pct = serializers.CharField(allow_null=True, help_text="of the daily dose")
    residual = ResidualOutput(allow_null=True)
    check = RefillCheckOutput(allow_null=True, help_text="of a refill: as it would be listed under residuals/")
    bridge = serializers.SerializerMethodField(help_text="the bridge bolus of a change of concentration, else null")
    notices = FindingSerializer(many=True)
    confirm_required = DoubtOutput(many=True, source="doubts")

    @extend_schema_field(BridgeNeedOutput(allow_null=True))
    def get_bridge(self, found: Consequence) -> dict[str, Any] | None:
        return bridge_data(found.bridge) if found.bridge is not None else None


class EventKindOutput(serializers.Serializer[Any]):
    kind = serializers.CharField(source="code")
    title = serializers.CharField()
    explained = serializers.CharField()
    required = serializers.ListField(child=serializers.CharField())  # type: ignore[assignment]  # a field of the answer
    optional = serializers.ListField(child=serializers.CharField())
    programmable_only = serializers.BooleanField()

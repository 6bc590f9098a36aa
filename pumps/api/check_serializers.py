"""The check of a refill on the wire."""

from datetime import datetime
from typing import Any

from rest_framework import serializers

from clinical.checks import Trend, Uncounted
from clinics.api.fields import MomentField


class RefillCheckOutput(serializers.Serializer[Any]):
    """What was aspirated at a refill against what was expected, mL; null where it cannot be said.

    `expected_ml` is at the programmed flow, `calibrated_ml` at the pump's own ratio as believed just before the refill.
    `discrepancy_ml` is expected - aspirated, `flow_ratio` delivered / programmed. `z`: standard deviations off the
    pump's own expectation, positive where more was delivered. Only `is_finding` asks for action: about one healthy
    refill in ten is above 2 mL.
    """

    refilled_at = MomentField(source="at")
    aspirated_ml = serializers.DecimalField(7, 3, allow_null=True)
    expected_ml = serializers.DecimalField(8, 2, allow_null=True)
    calibrated_ml = serializers.DecimalField(8, 2, allow_null=True)
    discrepancy_ml = serializers.DecimalField(8, 3, allow_null=True)
    flow_ratio = serializers.DecimalField(10, 4, allow_null=True)
    accuracy_pct = serializers.DecimalField(5, 2)
    is_within_accuracy = serializers.BooleanField(allow_null=True)
    is_above_2_ml = serializers.BooleanField(allow_null=True)
    z = serializers.SerializerMethodField()
    uncounted = serializers.ChoiceField(
        [reason.value for reason in Uncounted],
        allow_null=True,
        help_text="why it did not count for the flow ratio; null where it did",
    )
    is_finding = serializers.BooleanField()
    trend = serializers.ChoiceField(
        [trend.value for trend in Trend], help_text="the ratio of the last three measured refills against those before"
    )

    def get_z(self, check: Any) -> str | None:
        return f"{check.z:.6f}" if check.z is not None else None


class RefillCheckedOutput(RefillCheckOutput):
    """A standing refill and its check."""

    event = serializers.SerializerMethodField(help_text="the refill's id in the ledger")

    def get_event(self, check: Any) -> str:
        found: dict[datetime, int] = self.context["events"]
        return str(found[check.at])

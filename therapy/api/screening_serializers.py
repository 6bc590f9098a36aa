"""A screening on the wire."""

from typing import Any, ClassVar

from rest_framework import serializers

from clinics.api.fields import IdField, MomentField, Quantity
from therapy.api.serializers import Who, text
from therapy.models import (
    Trial,
    TrialBolus,
)
from therapy.services import screening


class TrialBolusOutput(serializers.ModelSerializer[TrialBolus]):
    id = IdField()
    given_at = MomentField()
    judged_at = MomentField(read_only=True)
    judged_by = Who()
    recorded_by = Who()
    overridden = serializers.ListField(child=serializers.CharField())

    class Meta:
        model = TrialBolus
        fields: ClassVar = [
            "id", "given_at", "dose_mcg", "responded", "effect_hours", "note", "override_reason", "overridden",
            "judged_at", "judged_by", "recorded_by",
        ]  # fmt: skip


class NextBolusOutput(serializers.Serializer[Any]):
    outcome = serializers.CharField(source="outcome.value")
    next_dose_mcg = serializers.DecimalField(10, 3, allow_null=True, normalize_output=True)
    not_before = MomentField(allow_null=True)
    why = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]  # a field of the answer, not the attribute


class FirstDoseOutput(serializers.Serializer[Any]):
    daily_dose_mcg = serializers.DecimalField(10, 3, normalize_output=True)
    factor = serializers.DecimalField(6, 3, normalize_output=True)
    why = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]  # a field of the answer, not the attribute


class TrialWithBoluses(serializers.ModelSerializer[Trial]):
    """A screening with its boluses, what may follow, and after a response the first daily dose."""

    id = IdField()
    began_at = MomentField()
    began_by = Who()
    ended_at = MomentField(read_only=True)
    ended_by = Who()
    boluses = TrialBolusOutput(many=True)
    next = serializers.SerializerMethodField()
    first_dose = serializers.SerializerMethodField()

    class Meta:
        model = Trial
        fields: ClassVar = [
            "id", "label_set", "label_version", "starts_small", "began_at", "began_by", "outcome", "note", "ended_at",
            "ended_by", "boluses", "next", "first_dose",
        ]  # fmt: skip

    def get_next(self, trial: Trial) -> dict[str, Any]:
        return dict(NextBolusOutput(screening.stage(trial).next).data)

    def get_first_dose(self, trial: Trial) -> dict[str, Any] | None:
        first = screening.stage(trial).first
        return dict(FirstDoseOutput(first).data) if first is not None else None


class TrialInput(serializers.Serializer[Any]):
    starts_small = serializers.BooleanField(required=False, default=False)


class TrialBolusInput(serializers.Serializer[Any]):
    """`override_reason`: a prescriber's, where the rules refuse the bolus (409)."""

    dose_mcg = Quantity(7, 2, unit="mcg")
    given_at = MomentField(required=False, allow_null=True, default=None, help_text="left out: now")
    override_reason = text()


class JudgeInput(serializers.Serializer[Any]):
    responded = serializers.BooleanField()
    effect_hours = Quantity(5, 2, unit="hours", required=False, allow_null=True, default=None)
    note = text()

"""The ledger's entries on the wire."""

from decimal import Decimal
from typing import Any

from rest_framework import serializers

from clinical.programs import Mode
from clinics.api.fields import IdField, MomentField
from pumps.models import Event
from pumps.services.entries import DoseEntry, RefillEntry


def volume(**kwargs: Any) -> serializers.DecimalField:
    return serializers.DecimalField(max_digits=7, decimal_places=3, min_value=Decimal(0), **kwargs)


def concentration(**kwargs: Any) -> serializers.DecimalField:
    return serializers.DecimalField(max_digits=9, decimal_places=3, min_value=Decimal("0.001"), **kwargs)


class RefillInput(serializers.Serializer[RefillEntry]):
    refilled_at = MomentField()
    aspirated_ml = volume(required=False, allow_null=True, default=None)
    filled_ml = volume()
    concentration_mcg_per_ml = concentration()
    programmed_concentration_mcg_per_ml = concentration(required=False, allow_null=True, default=None)
    formulation = serializers.CharField(required=False, allow_blank=True, default="", max_length=100)
    lot_number = serializers.CharField(required=False, allow_blank=True, default="", max_length=64)
    drug_expires_on = serializers.DateField(required=False, allow_null=True, default=None)
    stability_days = serializers.IntegerField(
        required=False, allow_null=True, default=None, min_value=1, max_value=1000
    )
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=500)

    def entry(self) -> RefillEntry:
        return RefillEntry(**self.validated_data)


class StepSerializer(serializers.Serializer[Any]):
    start = serializers.CharField(max_length=5, help_text="HH:MM on the pump's clock")
    rate_mcg_per_h = serializers.DecimalField(max_digits=10, decimal_places=4, min_value=Decimal(0))


class BolusSerializer(serializers.Serializer[Any]):
    at = serializers.CharField(max_length=5, help_text="HH:MM on the pump's clock")
    dose_mcg = serializers.DecimalField(max_digits=10, decimal_places=4, min_value=Decimal(0))


class DoseInput(serializers.Serializer[DoseEntry]):
    effective_at = MomentField()
    mode = serializers.ChoiceField(choices=Event.ProgramMode.choices)
    daily_dose_mcg = serializers.DecimalField(
        max_digits=10, decimal_places=3, min_value=Decimal(0), required=False, allow_null=True, default=None
    )
    steps = StepSerializer(many=True, required=False, default=list)
    boluses = BolusSerializer(many=True, required=False, default=list)
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=500)
    override_reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=500)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["daily_dose_mcg"] is None:
            if attrs["mode"] != Mode.STOPPED:
                raise serializers.ValidationError({"daily_dose_mcg": ["This field is required."]})
            attrs["daily_dose_mcg"] = Decimal(0)
        return attrs

    def entry(self) -> DoseEntry:
        values = dict(self.validated_data)
        for field in ("steps", "boluses"):
            values[field] = [{name: str(part) for name, part in row.items()} for row in values[field]]
        return DoseEntry(**values)


class EventSerializer(serializers.Serializer[Event]):
    """What every entry has."""

    id = IdField()
    pump = IdField(source="pump_id")
    recorded_at = MomentField()
    recorded_by = serializers.SerializerMethodField()
    source = serializers.CharField()  # type: ignore[assignment]  # a field of the answer, not the attribute

    def get_recorded_by(self, event: Event) -> str | None:
        return str(event.recorded_by) if event.recorded_by is not None else None


class RefillOutput(EventSerializer):
    refilled_at = MomentField(source="occurred_at")
    aspirated_ml = volume(allow_null=True)
    filled_ml = volume()
    concentration_mcg_per_ml = concentration()
    programmed_concentration_mcg_per_ml = concentration()
    formulation = serializers.CharField()
    lot_number = serializers.CharField()
    drug_expires_on = serializers.DateField(allow_null=True)
    stability_days = serializers.IntegerField(allow_null=True)
    reason = serializers.CharField()


class DoseOutput(EventSerializer):
    effective_at = MomentField(source="occurred_at")
    mode = serializers.CharField()
    daily_dose_mcg = serializers.DecimalField(max_digits=10, decimal_places=3)
    steps = StepSerializer(many=True)
    boluses = BolusSerializer(many=True)
    reason = serializers.CharField()
    override_reason = serializers.CharField()


class VoidOutput(EventSerializer):
    occurred_at = MomentField()
    reason = serializers.CharField()
    voids = IdField(source="voids_id")
    replacement = IdField(source="replacement_id")


class TimelineOutput(EventSerializer):
    """An entry of any kind: what every entry has, `kind`, `voided_by`, and the fields of its kind."""

    kind = serializers.CharField()
    occurred_at = MomentField()
    voided_by = serializers.CharField(allow_null=True)

    def to_representation(self, event: Event) -> dict[str, Any]:
        of_kind = {
            Event.Kind.REFILL.value: RefillOutput,
            Event.Kind.DOSE_CHANGE.value: DoseOutput,
            Event.Kind.VOID.value: VoidOutput,
        }[event.kind]
        void = getattr(event, "voided_by", None)
        return {
            **of_kind(event, context=self.context).data,
            "kind": event.kind,
            "occurred_at": MomentField().to_representation(event.occurred_at),
            "voided_by": str(void.pk) if void is not None else None,
        }


class VoidInput(serializers.Serializer[Any]):
    """`replacement`: null, the id of an entry already recorded, or the fields of the right entry."""

    reason = serializers.CharField(max_length=500)
    replacement = serializers.JSONField(required=False, allow_null=True, default=None)


class ConfirmInput(serializers.Serializer[Any]):
    confirm = serializers.ListField(
        child=serializers.CharField(max_length=64), required=False, default=list, max_length=20
    )

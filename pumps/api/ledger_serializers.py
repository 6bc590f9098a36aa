"""The ledger's entries on the wire."""

from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from clinical.programs import Mode
from clinics.api.fields import IdField, MomentField
from clinics.validators import validate_plausible
from pumps.models import Event
from pumps.services.entries import DoseEntry, RefillEntry


def volume(**kwargs: Any) -> serializers.DecimalField:
    return serializers.DecimalField(max_digits=7, decimal_places=3, min_value=Decimal(0), **kwargs)


def concentration(**kwargs: Any) -> serializers.DecimalField:
    return serializers.DecimalField(max_digits=9, decimal_places=3, min_value=Decimal("0.001"), **kwargs)


class EntryInput(serializers.Serializer[Any]):
    """What is sent to the ledger, with the doubts its sender has settled."""

    confirm = serializers.ListField(
        child=serializers.CharField(max_length=64),
        required=False,
        default=list,
        max_length=20,
        help_text="the codes of an earlier answer's `confirm_required`",
    )

    @property
    def confirmed(self) -> list[str]:
        codes: list[str] = self.validated_data["confirm"]
        return codes

    @property
    def values(self) -> dict[str, Any]:
        """The fields of the entry itself."""
        return {field: value for field, value in self.validated_data.items() if field != "confirm"}


class RefillInput(EntryInput):
    refilled_at = MomentField()
    aspirated_ml = volume(required=False, allow_null=True, default=None)
    filled_ml = volume()
    concentration_mcg_per_ml = concentration()
    programmed_concentration_mcg_per_ml = concentration(required=False, allow_null=True, default=None)
    formulation = serializers.CharField(required=False, allow_blank=True, default="", max_length=100)
    lot_number = serializers.CharField(required=False, allow_blank=True, default="", max_length=64)
    drug_expires_on = serializers.DateField(
        required=False, allow_null=True, default=None, validators=[validate_plausible]
    )
    stability_days = serializers.IntegerField(
        required=False, allow_null=True, default=None, min_value=1, max_value=1000
    )
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=500)

    def entry(self) -> RefillEntry:
        return RefillEntry(**self.values)


class StepInput(serializers.Serializer[Any]):
    start = serializers.CharField(max_length=5, help_text="HH:MM on the pump's clock")
    rate_mcg_per_h = serializers.DecimalField(max_digits=10, decimal_places=4, min_value=Decimal(0))


class BolusInput(serializers.Serializer[Any]):
    at = serializers.CharField(max_length=5, help_text="HH:MM on the pump's clock")
    dose_mcg = serializers.DecimalField(max_digits=10, decimal_places=4, min_value=Decimal(0))


class DoseInput(EntryInput):
    effective_at = MomentField()
    mode = serializers.ChoiceField(choices=Event.ProgramMode.choices)
    daily_dose_mcg = serializers.DecimalField(
        max_digits=10, decimal_places=3, min_value=Decimal(0), required=False, allow_null=True, default=None
    )
    steps = StepInput(many=True, required=False, default=list)
    boluses = BolusInput(many=True, required=False, default=list)
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=500)
    override_reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=500)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["daily_dose_mcg"] is None:
            if attrs["mode"] != Mode.STOPPED:
                raise serializers.ValidationError({"daily_dose_mcg": ["This field is required."]})
            attrs["daily_dose_mcg"] = Decimal(0)
        return attrs

    def entry(self) -> DoseEntry:
        values = self.values
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


class StepOutput(serializers.Serializer[Any]):
    """As stored, also what an import brought and the API would not take."""

    start = serializers.CharField()
    rate_mcg_per_h = serializers.CharField(help_text="a decimal")


class BolusOutput(serializers.Serializer[Any]):
    """As stored, likewise."""

    at = serializers.CharField()
    dose_mcg = serializers.CharField(help_text="a decimal")


class DoseOutput(EventSerializer):
    effective_at = MomentField(source="occurred_at")
    mode = serializers.CharField()
    daily_dose_mcg = serializers.DecimalField(max_digits=10, decimal_places=3)
    steps = StepOutput(many=True)
    boluses = BolusOutput(many=True)
    reason = serializers.CharField()
    override_reason = serializers.CharField()


class VoidOutput(EventSerializer):
    occurred_at = MomentField()
    reason = serializers.CharField()
    voids = IdField(source="voids_id", allow_null=True)
    replacement = IdField(source="replacement_id", allow_null=True)


class LineFields(serializers.Serializer[Event]):
    """What an entry has on the timeline beside the fields of its kind."""

    kind = serializers.CharField()
    occurred_at = MomentField()
    voided_by = serializers.SerializerMethodField()

    def get_voided_by(self, event: Event) -> str | None:
        void = getattr(event, "voided_by", None)
        return str(void.pk) if void is not None else None


class TimelineRefill(RefillOutput, LineFields):
    pass


class TimelineDoseChange(DoseOutput, LineFields):
    pass


class TimelineVoid(VoidOutput, LineFields):
    pass


OF_KIND: dict[str, type[EventSerializer]] = {
    Event.Kind.REFILL.value: TimelineRefill,
    Event.Kind.DOSE_CHANGE.value: TimelineDoseChange,
    Event.Kind.VOID.value: TimelineVoid,
}


class TimelineOutput(serializers.Serializer[Event]):
    """An entry of any kind."""

    def to_representation(self, event: Event) -> dict[str, Any]:
        return dict(OF_KIND[event.kind](event, context=self.context).data)


@extend_schema_field({"oneOf": [{"type": "string"}, {"type": "object", "additionalProperties": True}]})
class ReplacementField(serializers.JSONField):
    pass


class VoidInput(EntryInput):
    """`replacement`: null, the id of an entry already recorded, or the fields of the right entry."""

    reason = serializers.CharField(max_length=500)
    replacement = ReplacementField(required=False, allow_null=True, default=None)

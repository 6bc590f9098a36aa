"""What the API takes and answers about pumps. No logic: services decide."""

from decimal import Decimal
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from clinics.api.fields import IdField, MomentField, Quantity, ReferenceField
from clinics.api.permissions import allows
from clinics.roles import Permission
from clinics.validators import validate_plausible
from patients.models import Patient
from pumps.catheter import Catheter, catheter_of
from pumps.models import Forecast, Pump, PumpModel, RefillOwner
from scheduling.models import Appointment


class PumpModelSerializer(serializers.ModelSerializer[PumpModel]):
    id = IdField()

    class Meta:
        model = PumpModel
        exclude: ClassVar = ["edited_fields"]


class PumpModelField(serializers.CharField):
    """A pump model by id, slug or catalogue name; answered as its slug."""

    default_error_messages: ClassVar = {
        "unknown": "There is no such pump model; use an id, slug or name from pump-models."
    }

    def to_internal_value(self, data: Any) -> PumpModel:  # type: ignore[override]  # a field that parses to a row
        model = PumpModel.objects.called(super().to_internal_value(data)).first()
        if model is None:
            self.fail("unknown")
        return model

    def to_representation(self, value: PumpModel) -> str:  # type: ignore[override]  # likewise
        return value.slug


class CatheterOutput(serializers.Serializer[Catheter]):
    """`revised_at`: the revision that says so; null as implanted."""

    volume_ml = Quantity(6, 4, unit="mL", allow_null=True)
    revised_at = MomentField(allow_null=True)


class PumpSerializer(serializers.ModelSerializer[Pump]):
    id = IdField()
    clinic = IdField(source="clinic_id")
    patient = ReferenceField(Patient.objects.all())
    model = PumpModelField()
    replaces = IdField(source="replaces_id", allow_null=True)
    catheter_now = serializers.SerializerMethodField(help_text="as the last revision left it, else as implanted")

    class Meta:
        model = Pump
        fields: ClassVar = [
            "id",
            "clinic",
            "patient",
            "model",
            "serial_number",
            "implanted_on",
            "explanted_on",
            "catheter_volume_ml",
            "catheter_now",
            "low_reservoir_alarm_ml",
            "low_level_reason",
            "low_level_noticed_on",
            "flow_accuracy_pct",
            "factory_flow_ml_per_day",
            "status",
            "explant_reason",
            "replaces",
            "refill_owner",
            "refill_owner_name",
            "refill_owner_phone",
        ]
        read_only_fields: ClassVar = [
            "status",
            "explant_reason",
            "low_level_reason",
            "low_level_noticed_on",
            "refill_owner",
            "refill_owner_name",
            "refill_owner_phone",
        ]
        extra_kwargs: ClassVar = {
            "low_reservoir_alarm_ml": {"required": False, "allow_null": True, "min_value": 0},
            "catheter_volume_ml": {"min_value": 0},
            "implanted_on": {"validators": [validate_plausible]},
            "explanted_on": {"validators": [validate_plausible]},
            "factory_flow_ml_per_day": {"min_value": Decimal("0.0001")},
            "flow_accuracy_pct": {"min_value": 0, "max_value": 100},
        }

    def to_representation(self, pump: Pump) -> dict[str, Any]:
        """What was noticed of a patient is for those who may see clinical data; a scheduler has the level itself."""
        shown = super().to_representation(pump)
        request = self.context.get("request")
        if request is None or not allows(request, Permission.SEE_CLINICAL, pump.clinic_id):
            shown.update(low_level_reason="", low_level_noticed_on=None)
        return shown

    @extend_schema_field(CatheterOutput)
    def get_catheter_now(self, pump: Pump) -> dict[str, Any]:
        revised = self.context.get("catheters")
        catheter = revised[pump.pk] if revised is not None and pump.pk in revised else catheter_of(pump)
        return dict(CatheterOutput(catheter).data)


class LowLevelInput(serializers.Serializer[Any]):
    """Withdrawal before the low date: what was noticed, and on which day."""

    noticed_on = serializers.DateField(validators=[validate_plausible])
    reason = serializers.CharField(max_length=500)


class ExplantInput(serializers.Serializer[Any]):
    on = serializers.DateField(validators=[validate_plausible])
    reason = serializers.CharField(max_length=500)


class ReplaceInput(ExplantInput):
    """Why the old pump came out and when, and the new one."""

    model = PumpModelField()
    serial_number = serializers.CharField(max_length=64)
    catheter_volume_ml = Quantity(6, 4, unit="mL", min_value=Decimal(0), required=False, allow_null=True, default=None)
    low_reservoir_alarm_ml = Quantity(
        6, 2, unit="mL", min_value=Decimal(0), required=False, allow_null=True, default=None
    )
    factory_flow_ml_per_day = Quantity(
        8, 4, unit="mL/day", min_value=Decimal("0.0001"), required=False, allow_null=True, default=None
    )
    flow_accuracy_pct = Quantity(
        5, 2, unit="%", min_value=Decimal(0), max_value=Decimal(100), required=False, allow_null=True, default=None
    )


class HandoverInput(serializers.Serializer[Any]):
    owner = serializers.ChoiceField(choices=RefillOwner.choices)
    name = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")
    phone = serializers.CharField(max_length=40, required=False, allow_blank=True, default="")
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class HandoverOutput(serializers.Serializer[Any]):
    """Who had the next refill from when on."""

    at = MomentField()
    by = serializers.CharField(allow_null=True)
    owner = serializers.CharField()
    name = serializers.CharField()
    phone = serializers.CharField()
    reason = serializers.CharField()


class FindingSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    severity = serializers.CharField()
    message = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]  # a field of the answer, not the attribute


class FlowRatioSerializer(serializers.Serializer[Any]):
    mean = serializers.CharField(help_text="delivered / programmed")
    sd = serializers.CharField()
    refills = serializers.IntegerField()


class VolumeSerializer(serializers.Serializer[Any]):
    """mL in the reservoir; low and high are the 1st and 99th percentile."""

    programmed = serializers.CharField(allow_null=True)
    expected = serializers.CharField(allow_null=True)
    low = serializers.CharField(allow_null=True)
    high = serializers.CharField(allow_null=True)


class TipSerializer(serializers.Serializer[Any]):
    """The drug that leaves the catheter. `until`: it is the old one until then; null once the new one has come."""

    concentration_mcg_per_ml = serializers.DecimalField(9, 3, normalize_output=True)
    until = MomentField(allow_null=True)
    is_bridged = serializers.BooleanField()
    is_known = serializers.BooleanField(help_text="false: a volume is not known, so nobody can say until when")


class DatesOutput(serializers.Serializer[Any]):
    """When a reservoir is low and empty, when its drug ends, which of them binds, and why one is not known."""

    programmed_low_at = MomentField(allow_null=True)
    programmed_empty_at = MomentField(allow_null=True)
    low_at = MomentField(allow_null=True)
    empty_at = MomentField(allow_null=True)
    earliest_low_at = MomentField(allow_null=True)
    drug_expires_at = MomentField(allow_null=True)
    max_interval_at = MomentField(allow_null=True)
    refill_by = MomentField(allow_null=True)
    limiting_factor = serializers.CharField()
    unknown_reason = serializers.CharField(allow_blank=True)


class ForecastSerializer(DatesOutput):
    """Design, section 2. For a scheduler the clinical part (ratio, rate, volume, findings) is left out."""

    pump = serializers.CharField()
    at = MomentField()
    known_at = MomentField(allow_null=True, help_text="as asked for; null: as known today")
    service_ends_at = MomentField(allow_null=True)
    prior_version = serializers.CharField()
    flow_ratio = FlowRatioSerializer(required=False)
    rate_ml_per_day = serializers.CharField(allow_null=True, required=False)
    volume_ml = VolumeSerializer(required=False)
    drug_at_tip = TipSerializer(allow_null=True, required=False)
    findings = FindingSerializer(many=True, required=False)


class WorklistSerializer(serializers.ModelSerializer[Forecast]):
    pump = IdField(source="pump_id")
    patient = IdField(source="pump.patient_id")
    clinic = IdField(source="clinic_id")
    tier = serializers.SerializerMethodField()
    appointment = serializers.SerializerMethodField(help_text="the visit that is still to come; null without one")
    appointment_starts_at = serializers.SerializerMethodField()
    refill_owner = serializers.CharField(source="pump.refill_owner")

    class Meta:
        model = Forecast
        fields: ClassVar = [
            "pump",
            "patient",
            "clinic",
            "refill_by",
            "tier",
            "limiting_factor",
            "unknown_reason",
            "appointment",
            "appointment_starts_at",
            "refill_owner",
        ]

    def get_tier(self, row: Forecast) -> str | None:
        tiers: dict[int, str | None] = self.context["tiers"]
        return tiers[row.pump_id]

    def _visit(self, row: Forecast) -> Appointment | None:
        visits: dict[int, Appointment] = self.context["visits"]
        return visits.get(row.pump_id)

    def get_appointment(self, row: Forecast) -> str | None:
        visit = self._visit(row)
        return str(visit.pk) if visit is not None else None

    @extend_schema_field(MomentField(allow_null=True))
    def get_appointment_starts_at(self, row: Forecast) -> str | None:
        visit = self._visit(row)
        return MomentField().to_representation(visit.starts_at) if visit is not None else None

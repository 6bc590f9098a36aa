"""What the API takes and answers about visits. No logic: services decide."""

from typing import Any, ClassVar

from rest_framework import serializers

from clinics.api.fields import IdField, MomentField, ReferenceField
from pumps.models import Pump
from pumps.services.free import remarks
from scheduling.models import Appointment
from scheduling.services.rules import MINUTES


def _minutes() -> serializers.IntegerField:
    shortest, longest = MINUTES
    return serializers.IntegerField(
        min_value=shortest, max_value=longest, required=False, help_text="as long as the clinic's visits, if not given"
    )


def _words(help_text: str, *, required: bool = False) -> serializers.CharField:
    if required:
        return serializers.CharField(max_length=500, help_text=help_text)
    return serializers.CharField(max_length=500, required=False, allow_blank=True, default="", help_text=help_text)


class BookInput(serializers.Serializer[Any]):
    pump = ReferenceField(Pump.objects.all())
    starts_at = MomentField()
    minutes = _minutes()
    late_reason = _words("why it cannot be earlier; needed for a visit after refill_by")


class MoveInput(serializers.Serializer[Any]):
    starts_at = MomentField()
    minutes = _minutes()
    late_reason = _words("why it cannot be earlier; needed for a visit after refill_by, unless it had one already")
    reason = _words("why it is moved")


class CancelInput(serializers.Serializer[Any]):
    reason = _words("why it is cancelled", required=True)


class AppointmentSerializer(serializers.ModelSerializer[Appointment]):
    """`state`: booked, confirmed, arrived, done (by a recorded refill), no_show or cancelled."""

    id = IdField()
    clinic = IdField(source="clinic_id")
    pump = IdField(source="pump_id")
    patient = IdField(source="patient_id")
    starts_at = MomentField()
    refill = IdField(source="refill_id", allow_null=True, help_text="given at it, or instead of it")

    class Meta:
        model = Appointment
        fields: ClassVar = [
            "id",
            "clinic",
            "pump",
            "patient",
            "starts_at",
            "minutes",
            "state",
            "late_reason",
            "ended_reason",
            "sequence",
            "refill",
        ]


class BookedOutput(AppointmentSerializer):
    """`remarks`: what is odd about the time, such as a closed day or another visit at it; it is booked all the same."""

    remarks = serializers.SerializerMethodField()

    class Meta(AppointmentSerializer.Meta):
        fields: ClassVar = [*AppointmentSerializer.Meta.fields, "remarks"]

    def get_remarks(self, visit: Appointment) -> list[str]:
        return remarks(visit)

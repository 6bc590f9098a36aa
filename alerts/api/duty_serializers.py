"""Who is on call, on the wire. Days and times of a rota are of the clinic's wall clock; moments are in UTC."""

from typing import Any, ClassVar

from rest_framework import serializers

from alerts.models import OnCallRota, StandIn
from clinics.api.fields import IdField, MomentField, as_key


class PersonField(serializers.CharField):
    """The id of an account; whether it is on the staff the service says."""

    default_error_messages: ClassVar = {"unknown": "Write the id of somebody on the staff of this clinic."}

    def to_internal_value(self, data: Any) -> Any:
        key = as_key(super().to_internal_value(data))
        if key is None:
            self.fail("unknown")
        return key


class OnCallOutput(serializers.Serializer[Any]):
    """`user` is null where nobody is on call."""

    clinic = IdField(source="clinic.pk")
    user = IdField(source="user.pk", default=None, allow_null=True)
    name = serializers.CharField(source="user.__str__", default=None, read_only=True, allow_null=True)
    email = serializers.EmailField(source="user.email", default=None, read_only=True, allow_null=True)


class SpellOutput(serializers.Serializer[Any]):
    """`user` is null where nobody is on call, since it is nobody's turn or whose turn it is has left the staff."""

    user = IdField(source="user.pk", default=None, allow_null=True)
    name = serializers.CharField(source="user.__str__", default=None, read_only=True, allow_null=True)
    begins_at = MomentField(source="duty.begins")
    ends_at = MomentField(source="duty.ends")
    is_stand_in = serializers.BooleanField(source="duty.is_stand_in")


class RotaInput(serializers.Serializer[Any]):
    """`weekday` is 0 for Monday to 6 for Sunday. `people` take turns of a week in this order."""

    starts_on = serializers.DateField()
    weekday = serializers.IntegerField(min_value=0, max_value=6)
    hand_over_at = serializers.TimeField(input_formats=["%H:%M"], format="%H:%M")
    people = serializers.ListField(child=PersonField(), max_length=52)


class RotaOutput(serializers.ModelSerializer[OnCallRota]):
    id = IdField()
    hand_over_at = serializers.TimeField(format="%H:%M")
    people = serializers.ListField(child=serializers.CharField())

    class Meta:
        model = OnCallRota
        fields: ClassVar = ["id", "starts_on", "weekday", "hand_over_at", "people"]


class ClinicOnCallOutput(serializers.Serializer[Any]):
    clinic = IdField(source="clinic.pk")
    spells = SpellOutput(many=True)
    rota = RotaOutput(allow_null=True)


class StandInInput(serializers.Serializer[Any]):
    user = PersonField()
    begins_at = MomentField()
    ends_at = MomentField()
    reason = serializers.CharField(max_length=300)


class StandInOutput(serializers.ModelSerializer[StandIn]):
    """`ended_at` is null unless it was ended early."""

    id = IdField()
    user = IdField(source="user_id")
    begins_at = MomentField()
    ends_at = MomentField()
    ended_at = MomentField(allow_null=True)

    class Meta:
        model = StandIn
        fields: ClassVar = ["id", "user", "begins_at", "ends_at", "reason", "ended_at"]


class HandOverInput(serializers.Serializer[Any]):
    user = PersonField()
    reason = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")

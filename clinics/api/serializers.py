from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.validators import UniqueValidator

from clinics.api.fields import IdField, MomentField
from clinics.models import ApiKey, Change, Clinic, ClosedDay, Invitation, User
from clinics.roles import Role
from clinics.services.tenants import NAME_TAKEN
from clinics.validators import validate_plausible


class ClinicSerializer(serializers.ModelSerializer[Clinic]):
    id = IdField()
    opening_days = serializers.ListField(
        child=serializers.IntegerField(min_value=0, max_value=6),
        required=False,
        min_length=1,
        max_length=7,
        help_text="weekdays, Monday 0 to Sunday 6",
    )
    patient_messages_since = MomentField(read_only=True, allow_null=True)

    class Meta:
        model = Clinic
        fields: ClassVar = [
            "id",
            "name",
            "timezone",
            "label_set",
            "refill_margin_days",
            "max_refill_interval_days",
            "patient_facing_name",
            "phone",
            "emergency_number",
            "language",
            "opening_days",
            "second_factor_required",
            "patient_messages_since",
        ]
        extra_kwargs: ClassVar = {
            # In words that do not tell one clinic's administrator that another clinic exists.
            "name": {"validators": [UniqueValidator(Clinic.objects.all(), message=NAME_TAKEN)]},
            "refill_margin_days": {"min_value": 3, "max_value": 14},
            "max_refill_interval_days": {"min_value": 14, "max_value": 400},
        }

    def validate_opening_days(self, days: list[int]) -> list[int]:
        return sorted(set(days))


class ClosedDaySerializer(serializers.ModelSerializer[ClosedDay]):
    id = IdField()

    class Meta:
        model = ClosedDay
        fields: ClassVar = ["id", "day", "name"]
        extra_kwargs: ClassVar = {"day": {"validators": [validate_plausible]}}


class MemberSerializer(serializers.Serializer[User]):
    """Somebody with a role that counts in the clinic. `id` is the person's."""

    id = IdField()
    email = serializers.EmailField()
    name = serializers.CharField()
    roles = serializers.SerializerMethodField()
    roles_in_all_clinics = serializers.SerializerMethodField()
    has_second_factor = serializers.SerializerMethodField()

    def get_roles(self, user: User) -> list[str]:
        clinic: Clinic = self.context["clinic"]
        return sorted(row.role for row in user.memberships.all() if row.clinic_id == clinic.pk)

    def get_roles_in_all_clinics(self, user: User) -> list[str]:
        return sorted(row.role for row in user.memberships.all() if row.clinic_id is None)

    def get_has_second_factor(self, user: User) -> bool:
        with_one: set[int] = self.context["with_second_factor"]
        return user.pk in with_one


def roles(**kwargs: Any) -> serializers.ListField:
    return serializers.ListField(
        child=serializers.ChoiceField(choices=[role.value for role in Role]), max_length=len(Role), **kwargs
    )


class RolesInput(serializers.Serializer[Any]):
    roles = roles(help_text="all the person's roles in the clinic from now on; none at all ends their membership")


class InvitationSerializer(serializers.ModelSerializer[Invitation]):
    id = IdField()
    clinic = IdField(source="clinic_id", allow_null=True)
    roles = roles(min_length=1)
    created_at = MomentField(read_only=True)
    expires_at = MomentField(read_only=True)

    class Meta:
        model = Invitation
        fields: ClassVar = ["id", "clinic", "email", "roles", "created_at", "expires_at"]


class ApiKeySerializer(serializers.ModelSerializer[ApiKey]):
    id = IdField()
    created_at = MomentField(read_only=True)
    revoked_at = MomentField(read_only=True, allow_null=True)

    class Meta:
        model = ApiKey
        fields: ClassVar = ["id", "name", "created_at", "last_used_on", "revoked_at"]
        read_only_fields: ClassVar = ["last_used_on"]
        extra_kwargs: ClassVar = {"name": {"required": True}}


class NewApiKeySerializer(ApiKeySerializer):
    """With the key itself, which is answered once."""

    key = serializers.CharField(read_only=True)

    class Meta(ApiKeySerializer.Meta):
        fields: ClassVar = [*ApiKeySerializer.Meta.fields, "key"]


class ChangeSerializer(serializers.ModelSerializer[Change]):
    """Who changed what. `details` maps a field to what was there and what is."""

    id = IdField()
    at = MomentField()
    by = serializers.SerializerMethodField()
    details = serializers.DictField(child=serializers.ListField(child=serializers.CharField()))

    class Meta:
        model = Change
        fields: ClassVar = ["id", "at", "by", "subject", "summary", "details"]

    def get_by(self, change: Change) -> str | None:
        return str(change.by) if change.by is not None else None

from typing import Any, ClassVar

from rest_framework import serializers

from clinics.api.fields import IdField, MomentField, ReferenceField
from clinics.api.permissions import allows
from clinics.models import Clinic
from clinics.roles import Permission
from patients.models import Contact, Patient

CLINICAL_FIELDS = ("spasticity_origin", "flags", "allergies_status", "allergies")


class PatientSerializer(serializers.ModelSerializer[Patient]):
    id = IdField()
    clinic = ReferenceField(Clinic.objects.all())
    email_undeliverable_since = MomentField(read_only=True, allow_null=True)

    class Meta:
        model = Patient
        fields: ClassVar = [
            "id",
            "clinic",
            "mrn",
            "given_name",
            "family_name",
            "date_of_birth",
            "email",
            "phone",
            "language",
            "email_reminders",
            "phone_reminders",
            "email_undeliverable_since",
            "spasticity_origin",
            "flags",
            "allergies_status",
            "allergies",
            "status",
            "status_on",
            "status_reason",
        ]
        read_only_fields: ClassVar = ["status", "status_on", "status_reason"]
        # What is impossible the service says, in words a caller understands.
        validators: ClassVar[list[Any]] = []

    def validate_clinic(self, clinic: Clinic) -> Clinic:
        if self.instance is not None and clinic != self.instance.clinic:
            raise serializers.ValidationError("A patient's clinic is not changed by an edit; use a transfer.")
        return clinic

    def to_representation(self, instance: Patient) -> dict[str, Any]:
        """Contacts for everyone at the clinic; clinical fields only for those who may see them."""
        data = super().to_representation(instance)
        if not allows(self.context["request"], Permission.SEE_CLINICAL, instance.clinic_id):
            for field in CLINICAL_FIELDS:
                del data[field]
        return data


class ContactSerializer(serializers.ModelSerializer[Contact]):
    """A caregiver or care home. `ended_at` is null while they are told."""

    id = IdField()
    patient = IdField(source="patient_id")
    email_undeliverable_since = MomentField(read_only=True, allow_null=True)
    ended_at = MomentField(read_only=True, allow_null=True)

    class Meta:
        model = Contact
        fields: ClassVar = [
            "id",
            "patient",
            "kind",
            "name",
            "relationship",
            "phone",
            "email",
            "email_reminders",
            "phone_reminders",
            "email_undeliverable_since",
            "ended_at",
        ]

from datetime import date
from typing import Any, ClassVar

from django.db.models import Min
from django.utils import timezone
from rest_framework import serializers

from clinics.api.fields import IdField, ReferenceField
from clinics.api.permissions import allows
from clinics.models import Clinic
from clinics.roles import Permission
from patients.models import Patient

EARLIEST_BIRTH = date(1900, 1, 1)
CLINICAL_FIELDS = ("spasticity_origin", "flags")


class PatientSerializer(serializers.ModelSerializer[Patient]):
    id = IdField()
    clinic = ReferenceField(Clinic.objects.all())

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
            "spasticity_origin",
            "flags",
            "status",
            "status_on",
            "status_reason",
        ]
        read_only_fields: ClassVar = ["status", "status_on", "status_reason"]
        # Uniqueness is answered by `validate` in words a caller understands.
        validators: ClassVar[list[Any]] = []

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        clinic = attrs.get("clinic") or (self.instance.clinic if self.instance else None)
        mrn = attrs.get("mrn") or (self.instance.mrn if self.instance else None)
        if self.instance is not None and "clinic" in attrs and attrs["clinic"] != self.instance.clinic:
            raise serializers.ValidationError({"clinic": ["A patient's clinic is not changed by an edit."]})
        same = Patient.objects.filter(clinic=clinic, mrn=mrn)
        others = same if self.instance is None else same.exclude(pk=self.instance.pk)
        if others.exists():
            raise serializers.ValidationError({"mrn": ["A patient with this MRN is in the clinic already."]})
        if clinic is not None and "date_of_birth" in attrs:
            self._check_birth(attrs["date_of_birth"], timezone.now().astimezone(clinic.zone).date())
        return attrs

    def _check_birth(self, born: date, today: date) -> None:
        """Nobody has a pump who is not born yet, or was not when it was implanted."""
        implanted = self.instance.pumps.aggregate(first=Min("implanted_on"))["first"] if self.instance else None
        message = ""
        if born > today:
            message = "This lies in the future."
        elif born < EARLIEST_BIRTH:
            message = f"The year must be {EARLIEST_BIRTH.year} or later."
        elif implanted is not None and born > implanted:
            message = f"A pump of this patient was implanted on {implanted}; this is after."
        if message:
            raise serializers.ValidationError({"date_of_birth": [message]})

    def to_representation(self, instance: Patient) -> dict[str, Any]:
        """Contacts for everyone at the clinic; clinical fields only for those who may see them."""
        data = super().to_representation(instance)
        if not allows(self.context["request"], Permission.SEE_CLINICAL, instance.clinic_id):
            for field in CLINICAL_FIELDS:
                del data[field]
        return data

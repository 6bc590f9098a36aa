from typing import ClassVar

from rest_framework import serializers
from rest_framework.validators import UniqueValidator

from clinics.api.fields import IdField
from clinics.models import Clinic

NAME_TAKEN = "This name cannot be used; choose another."


class ClinicSerializer(serializers.ModelSerializer[Clinic]):
    id = IdField()

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
        ]
        extra_kwargs: ClassVar = {
            # In words that do not tell one clinic's administrator that another clinic exists.
            "name": {"validators": [UniqueValidator(Clinic.objects.all(), message=NAME_TAKEN)]},
            "refill_margin_days": {"min_value": 3, "max_value": 14},
            "max_refill_interval_days": {"min_value": 14, "max_value": 400},
        }

from typing import ClassVar

from rest_framework import serializers

from clinics.api.fields import IdField
from clinics.models import Clinic


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
            "refill_margin_days": {"min_value": 3, "max_value": 14},
            "max_refill_interval_days": {"min_value": 14, "max_value": 400},
        }

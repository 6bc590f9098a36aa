"""A clinic's products and tiers on the wire, and what a change would do."""

from typing import Any, ClassVar

from rest_framework import serializers

from clinical.escalation import REFILL_LADDER, Anchor, Tier
from clinics.api.fields import IdField, MomentField
from clinics.api.serializers import roles
from pumps.models import DrugProduct
from pumps.services.settings import INTERVAL_DAYS, STABILITY_DAYS, ProductSettings

ANCHORS = {tier.code: tier.anchor for tier in REFILL_LADDER}


class EffectOutput(serializers.Serializer[Any]):
    """In pumps in use. `moved` is of `refill_by`; then whose tier, last opening day or findings would differ."""

    pumps = serializers.IntegerField()
    moved = serializers.IntegerField()
    earlier = serializers.IntegerField()
    later = serializers.IntegerField()
    tiers = serializers.IntegerField()
    opening_days = serializers.IntegerField()
    findings = serializers.IntegerField()


def _days(limits: tuple[int, int]) -> serializers.IntegerField:
    lowest, highest = limits
    return serializers.IntegerField(min_value=lowest, max_value=highest, required=False, allow_null=True, default=None)


class ProductInput(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=100)
    stability_days = _days(STABILITY_DAYS)
    max_refill_interval_days = _days(INTERVAL_DAYS)
    source = serializers.CharField(  # type: ignore[assignment]  # a field of the input, not the attribute
        max_length=300, required=False, allow_blank=True, default=""
    )

    def settings(self) -> ProductSettings:
        return ProductSettings(**self.validated_data)


class ProductOutput(serializers.ModelSerializer[DrugProduct]):
    id = IdField()

    class Meta:
        model = DrugProduct
        fields: ClassVar = ["id", "name", "stability_days", "max_refill_interval_days", "source"]


class TierSerializer(serializers.Serializer[Any]):
    """`lead_days` from the tier's anchor, negative before it; what a tier counts from follows from its code."""

    code = serializers.ChoiceField(choices=list(ANCHORS))
    lead_days = serializers.IntegerField(min_value=-1000, max_value=0)
    roles = roles()
    to_patient = serializers.BooleanField()
    repeat_hours = serializers.IntegerField(min_value=1, max_value=10_000)
    quiet_hours = serializers.BooleanField()


class TiersInput(serializers.Serializer[Any]):
    tiers = serializers.ListField(child=TierSerializer(), max_length=len(ANCHORS))

    def ladder(self) -> list[Tier]:
        return [
            Tier(**{**row, "roles": tuple(row["roles"]), "anchor": Anchor(ANCHORS[row["code"]])})
            for row in self.validated_data["tiers"]
        ]


class PlannedOutput(serializers.Serializer[Any]):
    """One person who would be written to about a pump; `contact` is null for the patient."""

    pump = IdField(source="pump.pk")
    patient = IdField(source="patient.pk")
    contact = IdField(source="contact.pk", allow_null=True)
    at = MomentField()

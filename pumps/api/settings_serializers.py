"""A clinic's products and tiers on the wire, and what a change would do."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from rest_framework import serializers

from clinical.escalation import MOST_RISK_DAYS, REFILL_LADDER, Acknowledging, Anchor, Channel, Tier
from clinics.api.fields import IdField, MomentField, as_key
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


class PersonField(serializers.CharField):
    """The id of a member of staff."""

    default_error_messages: ClassVar = {"unknown": "This is not the id of anybody of the clinic."}

    def to_internal_value(self, data: Any) -> Any:
        key = as_key(super().to_internal_value(data))
        if key is None:
            self.fail("unknown")
        return key

    def to_representation(self, value: Any) -> str:
        return str(value)


def _choices(choices: type[Channel | Acknowledging]) -> serializers.ListField:
    one = serializers.ChoiceField(choices=[choice.value for choice in choices])
    return serializers.ListField(child=one, max_length=len(choices), required=False)


def _wall_time() -> serializers.TimeField:
    return serializers.TimeField(format="%H:%M", input_formats=["%H:%M"], required=False)


class TierSerializer(serializers.Serializer[Any]):
    """`lead_days` from the tier's anchor, negative before it; what a tier counts from follows from its code.

    What is left out of a tier stays as it is.
    """

    code = serializers.ChoiceField(choices=list(ANCHORS))
    lead_days = serializers.IntegerField(min_value=-1000, max_value=0)
    roles = roles()
    people = serializers.ListField(child=PersonField(), max_length=50, required=False)
    on_call = serializers.BooleanField(required=False)
    to_patient = serializers.BooleanField()
    to_caregivers = serializers.BooleanField(required=False)
    to_care_home = serializers.BooleanField(required=False)
    channels = _choices(Channel)
    repeat_hours = serializers.IntegerField(min_value=1, max_value=10_000)
    quiet_hours = serializers.BooleanField()
    quiet_from = _wall_time()
    quiet_to = _wall_time()
    acknowledging = _choices(Acknowledging)


class TiersInput(serializers.Serializer[Any]):
    tiers = serializers.ListField(child=TierSerializer(), max_length=len(ANCHORS))

    def ladder(self, present: Sequence[Tier]) -> list[Tier]:
        """The ladder wanted, on top of the present one."""
        standing = {tier.code: tier for tier in present}
        return [replace(standing[row["code"]], **self._values(row)) for row in self.validated_data["tiers"]]

    def _values(self, row: Mapping[str, Any]) -> dict[str, Any]:
        values = {name: tuple(value) if isinstance(value, list) else value for name, value in row.items()}
        return {**values, "anchor": Anchor(ANCHORS[row["code"]])}


class LadderInput(TiersInput):
    """`risk_days`: how much earlier it begins where a patient's flags raise the risk; left out, it stays."""

    risk_days = serializers.IntegerField(min_value=0, max_value=MOST_RISK_DAYS, required=False, allow_null=True)


class LadderOutput(serializers.Serializer[Any]):
    """`version` is 0 while the clinic has the usual ladder."""

    version = serializers.IntegerField()
    risk_days = serializers.IntegerField()
    tiers = TierSerializer(many=True, source="ladder")


class PlannedOutput(serializers.Serializer[Any]):
    """One person who would be written to about a pump; `contact` is null for the patient."""

    pump = IdField(source="pump.pk")
    patient = IdField(source="patient.pk")
    contact = IdField(source="contact.pk", allow_null=True)
    at = MomentField()

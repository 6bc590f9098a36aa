"""What a clinic sets about titration, on the wire."""

from typing import Any, ClassVar

from rest_framework import serializers

from clinical import protocols
from clinics.api.fields import IdField, MomentField, Quantity
from pumps.api.ledger_serializers import BolusInput, StepInput, dose
from therapy.api.serializers import Who, text
from therapy.models import (
    ProgramTemplate,
    Protocol,
)


class ProtocolInput(serializers.Serializer[Any]):
    """`figures` by key, each tighter than the label's or equal; what is left out is the label's."""

    figures = serializers.DictField(
        child=Quantity(10, 3, unit="the figure's own unit"), required=False, default=dict,
        help_text=", ".join(protocols.FIGURES),
    )  # fmt: skip
    second_person = serializers.BooleanField(required=False, default=False)
    rescue_words = text(2000)


class ProtocolOutput(serializers.ModelSerializer[Protocol]):
    figures = serializers.DictField(child=serializers.CharField())
    created_at = MomentField()
    created_by = Who()

    class Meta:
        model = Protocol
        fields: ClassVar = ["version", "figures", "second_person", "rescue_words", "created_at", "created_by"]


class TemplateSerializer(serializers.ModelSerializer[ProgramTemplate]):
    """Steps and boluses are shares of `daily_dose_mcg`, scaled to the dose it is taken for."""

    id = IdField()
    daily_dose_mcg = dose()
    steps = StepInput(many=True, required=False, default=list)
    boluses = BolusInput(many=True, required=False, default=list)

    class Meta:
        model = ProgramTemplate
        fields: ClassVar = ["id", "name", "mode", "daily_dose_mcg", "steps", "boluses"]


class RuleOutput(serializers.Serializer[Any]):
    key = serializers.CharField()
    values = serializers.ListField(child=serializers.CharField())
    unit = serializers.CharField()
    status = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]  # a field of the answer, not the attribute


class LabelSetOutput(serializers.Serializer[Any]):
    code = serializers.CharField()
    name = serializers.CharField()
    version = serializers.IntegerField()
    rules = serializers.SerializerMethodField()

    def get_rules(self, labels: Any) -> list[dict[str, Any]]:
        return [dict(RuleOutput(rule).data) for rule in labels.rules.values()]

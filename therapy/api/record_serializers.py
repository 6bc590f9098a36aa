"""What is recorded of a patient's course, on the wire."""

from typing import Any, ClassVar

from rest_framework import serializers

from clinical.scales import MUSCLES, SIDES, VITALS, Ashworth, Grade
from clinics.api.fields import IdField, MomentField
from therapy.api.serializers import Who, text
from therapy.models import (
    AdverseEvent,
    Assessment,
    Medicine,
    Phase,
    PhaseChange,
    RescuePlan,
)

_VOIDED = ["voided_at", "voided_by", "voided_reason"]
_RECORDED = ["recorded_at", "recorded_by", *_VOIDED]


class OfCourseOutput(serializers.ModelSerializer[Any]):
    id = IdField()
    recorded_at = MomentField(read_only=True)
    recorded_by = Who()
    voided_at = MomentField(read_only=True)
    voided_by = Who()


class PhaseOutput(OfCourseOutput):
    began_at = MomentField()

    class Meta:
        model = PhaseChange
        fields: ClassVar = ["id", "phase", "began_at", "reason", *_RECORDED]


class PhaseInput(serializers.Serializer[Any]):
    phase = serializers.ChoiceField(choices=Phase.choices)
    began_at = MomentField(required=False, allow_null=True, default=None, help_text="left out: now")
    reason = text(blank=False)


class GradeField(serializers.Serializer[Any]):
    muscle = serializers.ChoiceField(choices=list(MUSCLES.items()))
    side = serializers.ChoiceField(choices=list(SIDES.items()))
    grade = serializers.ChoiceField(choices=[grade.value for grade in Ashworth])


class AssessmentOutput(OfCourseOutput):
    measured_at = MomentField()
    bolus = serializers.CharField(source="bolus_id", read_only=True, allow_null=True)
    ashworth = GradeField(many=True)
    vitals = serializers.DictField(child=serializers.IntegerField())

    class Meta:
        model = Assessment
        fields: ClassVar = [
            "id", "measured_at", "bolus", "ashworth", "spasm_frequency", "spasm_severity", "pain", "goal",
            "goal_attainment", "function_note", "vitals", *_RECORDED,
        ]  # fmt: skip


class AssessmentInput(serializers.Serializer[Any]):
    """`bolus` is the screening bolus it was measured beside. Vital signs: see `vitals`."""

    measured_at = MomentField(required=False, allow_null=True, default=None, help_text="left out: now")
    bolus = serializers.IntegerField(required=False, allow_null=True, default=None, min_value=1, max_value=2**62)
    ashworth = GradeField(many=True, required=False, default=list)
    spasm_frequency = serializers.IntegerField(required=False, allow_null=True, default=None)
    spasm_severity = serializers.IntegerField(required=False, allow_null=True, default=None)
    pain = serializers.IntegerField(required=False, allow_null=True, default=None)
    goal = text(300)
    goal_attainment = serializers.IntegerField(required=False, allow_null=True, default=None)
    function_note = text(1000)
    vitals = serializers.DictField(
        child=serializers.IntegerField(), required=False, default=dict, help_text=f"by name: {', '.join(VITALS)}"
    )

    @property
    def grades(self) -> list[Grade]:
        return [Grade(**row) for row in self.validated_data["ashworth"]]


class AdverseOutput(OfCourseOutput):
    began_at = MomentField()

    class Meta:
        model = AdverseEvent
        fields: ClassVar = [
            "id", "began_at", "kind", "severity", "relatedness", "outcome", "reported", "report_reference", "note",
            *_RECORDED,
        ]  # fmt: skip


class AdverseInput(serializers.Serializer[Any]):
    began_at = MomentField()
    kind = serializers.ChoiceField(choices=AdverseEvent.Kind.choices)
    severity = serializers.ChoiceField(choices=AdverseEvent.Severity.choices)
    relatedness = serializers.ChoiceField(choices=AdverseEvent.Related.choices)
    outcome = serializers.ChoiceField(choices=AdverseEvent.Outcome.choices)
    reported = serializers.BooleanField(required=False, default=False, help_text="to the regulator")
    report_reference = text(100)
    note = text(1000)


class InteractionOutput(serializers.Serializer[Any]):
    substance = serializers.CharField()
    degree = serializers.ChoiceField(choices=["avoid", "care"])
    by_name = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]  # a field of the answer, not the attribute


class MedicineOutput(OfCourseOutput):
    interactions = serializers.SerializerMethodField()

    class Meta:
        model = Medicine
        fields: ClassVar = ["id", "name", "dose", "started_on", "ended_on", "interactions", *_RECORDED]

    def get_interactions(self, medicine: Medicine) -> list[dict[str, str]]:
        return [dict(InteractionOutput(found).data) for found in medicine.interactions]


class MedicineInput(serializers.Serializer[Any]):
    name = text(200, blank=False)
    dose = text(200)
    started_on = serializers.DateField(required=False, allow_null=True, default=None)


class EndMedicineInput(serializers.Serializer[Any]):
    ended_on = serializers.DateField()


class RescuePlanOutput(OfCourseOutput):
    class Meta:
        model = RescuePlan
        fields: ClassVar = ["id", "text", *_RECORDED]


class RescuePlanInput(serializers.Serializer[Any]):
    text = text(2000, blank=False)

"""The course of therapy on the wire."""

from typing import Any, ClassVar

from rest_framework import serializers

from clinical import protocols
from clinical.scales import MUSCLES, SIDES, VITALS, Ashworth, Grade
from clinical.weaning import MOST_STEPS, Down
from clinics.api.fields import IdField, MomentField, Quantity
from pumps.api.ledger_serializers import BolusInput, StepInput, as_stored, concentration, dose
from pumps.api.serializers import FindingSerializer
from pumps.models import DoseSignature, Event
from pumps.programs_json import MOST_PATIENT_BOLUSES
from therapy.models import (
    AdverseEvent,
    Assessment,
    Medicine,
    Phase,
    PhaseChange,
    ProgramTemplate,
    Proposal,
    Protocol,
    RescuePlan,
    Trial,
    TrialBolus,
    WeaningPlan,
)
from therapy.services import screening
from therapy.services.drafts import Draft
from therapy.wanted import Wanted


def text(longest: int = 500, *, blank: bool = True) -> serializers.CharField:
    if not blank:
        return serializers.CharField(max_length=longest)
    return serializers.CharField(max_length=longest, required=False, allow_blank=True, default="")


class Who(serializers.CharField):
    """A person's name; null where nobody has."""

    def __init__(self) -> None:
        super().__init__(read_only=True, allow_null=True)


class ReasonInput(serializers.Serializer[Any]):
    reason = text(blank=False)


class NoteInput(serializers.Serializer[Any]):
    note = text()


# --- phases, and whatever is recorded of a patient --------------------------------------------------------------------

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
    source = serializers.CharField()


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


# --- screening --------------------------------------------------------------------------------------------------------


class TrialBolusOutput(serializers.ModelSerializer[TrialBolus]):
    id = IdField()
    given_at = MomentField()
    judged_at = MomentField(read_only=True)
    judged_by = Who()
    recorded_by = Who()
    overridden = serializers.ListField(child=serializers.CharField())

    class Meta:
        model = TrialBolus
        fields: ClassVar = [
            "id", "given_at", "dose_mcg", "responded", "effect_hours", "note", "override_reason", "overridden",
            "judged_at", "judged_by", "recorded_by",
        ]  # fmt: skip


class NextBolusOutput(serializers.Serializer[Any]):
    outcome = serializers.CharField(source="outcome.value")
    next_dose_mcg = serializers.DecimalField(10, 3, allow_null=True, normalize_output=True)
    not_before = MomentField(allow_null=True)
    why = serializers.CharField()
    source = serializers.CharField()


class FirstDoseOutput(serializers.Serializer[Any]):
    daily_dose_mcg = serializers.DecimalField(10, 3, normalize_output=True)
    factor = serializers.DecimalField(6, 3, normalize_output=True)
    why = serializers.CharField()
    source = serializers.CharField()


class TrialWithBoluses(serializers.ModelSerializer[Trial]):
    """A screening with its boluses, what may follow, and after a response the first daily dose."""

    id = IdField()
    began_at = MomentField()
    began_by = Who()
    ended_at = MomentField(read_only=True)
    ended_by = Who()
    boluses = TrialBolusOutput(many=True)
    next = serializers.SerializerMethodField()
    first_dose = serializers.SerializerMethodField()

    class Meta:
        model = Trial
        fields: ClassVar = [
            "id", "label_set", "label_version", "starts_small", "began_at", "began_by", "outcome", "note", "ended_at",
            "ended_by", "boluses", "next", "first_dose",
        ]  # fmt: skip

    def get_next(self, trial: Trial) -> dict[str, Any]:
        return dict(NextBolusOutput(screening.stage(trial).next).data)

    def get_first_dose(self, trial: Trial) -> dict[str, Any] | None:
        first = screening.stage(trial).first
        return dict(FirstDoseOutput(first).data) if first is not None else None


class TrialInput(serializers.Serializer[Any]):
    starts_small = serializers.BooleanField(required=False, default=False)


class TrialBolusInput(serializers.Serializer[Any]):
    """`override_reason`: a prescriber's, where the rules refuse the bolus (409)."""

    dose_mcg = Quantity(7, 2, unit="mcg")
    given_at = MomentField(required=False, allow_null=True, default=None, help_text="left out: now")
    override_reason = text()


class JudgeInput(serializers.Serializer[Any]):
    responded = serializers.BooleanField()
    effect_hours = Quantity(5, 2, unit="hours", required=False, allow_null=True, default=None)
    note = text()


# --- proposals --------------------------------------------------------------------------------------------------------


class ProposalInput(serializers.Serializer[Any]):
    """`concentration_mcg_per_ml` where it changes: its bridge bolus is computed, and read back; or declined."""

    mode = serializers.ChoiceField(choices=Event.ProgramMode.choices)
    daily_dose_mcg = dose()
    steps = StepInput(many=True, required=False, default=list)
    boluses = BolusInput(many=True, required=False, default=list)
    patient_bolus_mcg = dose("mcg", required=False, allow_null=True, default=None)
    patient_boluses_per_day = serializers.IntegerField(
        required=False, allow_null=True, default=None, min_value=1, max_value=MOST_PATIENT_BOLUSES
    )
    concentration_mcg_per_ml = concentration(required=False, allow_null=True, default=None)
    bridge_declined_reason = text()
    reason = text(blank=False)

    def wanted(self) -> Wanted:
        values = dict(self.validated_data)
        for rows in ("steps", "boluses"):
            values[rows] = [as_stored(row) for row in values[rows]]
        return Wanted(**values)


class BandOutput(serializers.Serializer[Any]):
    min = serializers.DecimalField(20, 4, source="least", normalize_output=True)
    max = serializers.DecimalField(20, 4, source="most", normalize_output=True)


class BridgeOfProposal(serializers.Serializer[Any]):
    volume_ml = serializers.CharField(required=False)
    hours = serializers.CharField(required=False)
    bolus_mcg = serializers.CharField(required=False)


class DraftOutput(serializers.Serializer[Draft]):
    """What a proposal would be held against. Nothing is stored."""

    current_daily_dose_mcg = serializers.DecimalField(
        10, 3, source="standing.daily_dose_mcg", allow_null=True, normalize_output=True
    )
    hourly_mcg = serializers.DecimalField(20, 4, normalize_output=True)
    phase = serializers.CharField(source="phase.value")
    change_pct = serializers.DecimalField(24, 4, allow_null=True, normalize_output=True)
    year_ago_mcg = serializers.DecimalField(10, 3, allow_null=True, normalize_output=True)
    allowed_mcg = BandOutput(source="allowed", allow_null=True)
    findings = FindingSerializer(source="findings_json", many=True)
    second_person = serializers.ListField(child=serializers.CharField())
    rules = serializers.CharField(source="rules.version_words")


class MismatchOutput(serializers.Serializer[Any]):
    at = serializers.CharField()
    by = serializers.CharField()
    read = serializers.DictField(child=serializers.CharField())
    told = serializers.ListField(child=serializers.CharField())


class ProposalOutput(serializers.ModelSerializer[Proposal]):
    id = IdField()
    pump = serializers.CharField(source="pump_id")
    patient = serializers.CharField(source="patient_id")
    findings = FindingSerializer(many=True)
    bridge = BridgeOfProposal()
    mismatches = MismatchOutput(many=True)
    read_back = serializers.DictField(child=serializers.CharField())
    second_person = serializers.ListField(child=serializers.CharField())
    protocol_version = serializers.IntegerField(source="protocol.version", default=None, allow_null=True)
    proposed_at = MomentField()
    proposed_by = Who()
    signed_at = MomentField(read_only=True)
    signed_by = Who()
    confirmed_at = MomentField(read_only=True)
    confirmed_by = Who()
    withdrawn_at = MomentField(read_only=True)
    withdrawn_by = Who()
    event = serializers.CharField(source="event_id", allow_null=True)

    class Meta:
        model = Proposal
        fields: ClassVar = [
            "id", "pump", "patient", "state", "mode", "daily_dose_mcg", "steps", "boluses", "patient_bolus_mcg",
            "patient_boluses_per_day", "concentration_mcg_per_ml", "bridge", "bridge_declined_reason", "reason",
            "phase", "current_daily_dose_mcg", "current_concentration_mcg_per_ml", "label_set", "label_version",
            "protocol_version", "findings", "proposed_at", "proposed_by", "signed_at", "signed_by",
            "override_reason", "second_person", "confirmed_at", "confirmed_by", "read_back", "mismatches", "event",
            "withdrawn_at", "withdrawn_by", "withdrawn_reason",
        ]  # fmt: skip


class SignInput(serializers.Serializer[Any]):
    override_reason = text()


class ReadBackInput(serializers.Serializer[Any]):
    """What the pump shows after it was programmed. What differs from what was signed answers 409, by field."""

    mode = serializers.ChoiceField(choices=Event.ProgramMode.choices)
    daily_dose_mcg = dose()
    concentration_mcg_per_ml = concentration(required=False, allow_null=True, default=None)
    bridge_volume_ml = Quantity(8, 4, unit="mL", required=False, allow_null=True, default=None)
    bridge_hours = Quantity(8, 3, unit="hours", required=False, allow_null=True, default=None)
    step_count = Quantity(3, 0, unit="steps", required=False, allow_null=True, default=None)
    highest_rate_mcg_per_h = Quantity(10, 4, unit="mcg/h", required=False, allow_null=True, default=None)
    bolus_count = Quantity(3, 0, unit="timed boluses", required=False, allow_null=True, default=None)
    largest_bolus_mcg = Quantity(10, 4, unit="mcg", required=False, allow_null=True, default=None)
    patient_bolus_mcg = dose("mcg", required=False, allow_null=True, default=None)
    patient_boluses_per_day = Quantity(3, 0, unit="boluses a day", required=False, allow_null=True, default=None)


class SignatureOutput(serializers.ModelSerializer[DoseSignature]):
    """A dose change made without a signature, and whether it has one by now."""

    event = serializers.CharField(source="event_id")
    pump = serializers.CharField(source="event.pump_id")
    daily_dose_mcg = serializers.DecimalField(10, 3, source="event.daily_dose_mcg")
    effective_at = MomentField(source="event.occurred_at")
    asked_at = MomentField()
    signed_at = MomentField(read_only=True)
    signed_by = Who()

    class Meta:
        model = DoseSignature
        fields: ClassVar = [
            "event", "pump", "daily_dose_mcg", "effective_at", "asked_at", "signed_at", "signed_by", "note",
        ]  # fmt: skip


# --- weaning ----------------------------------------------------------------------------------------------------------


class DownField(serializers.Serializer[Any]):
    at = MomentField()
    daily_dose_mcg = dose()


class WeaningInput(serializers.Serializer[Any]):
    steps = DownField(many=True, max_length=MOST_STEPS)
    reason = text(blank=False)

    def downs(self) -> list[Down]:
        return [Down(**row) for row in self.validated_data["steps"]]


class StoredDown(serializers.Serializer[Any]):
    at = serializers.CharField()
    daily_dose_mcg = serializers.CharField()


class WeaningOutput(serializers.ModelSerializer[WeaningPlan]):
    id = IdField()
    pump = serializers.CharField(source="pump_id")
    patient = serializers.CharField(source="patient_id")
    steps = StoredDown(many=True)
    mismatches = MismatchOutput(many=True)
    events = serializers.SerializerMethodField(help_text="of a signed plan, the planned dose change of each step")
    findings = FindingSerializer(many=True)
    drafted_at = MomentField()
    drafted_by = Who()
    signed_at = MomentField(read_only=True)
    signed_by = Who()
    ended_at = MomentField(read_only=True)
    ended_by = Who()

    class Meta:
        model = WeaningPlan
        fields: ClassVar = [
            "id", "pump", "patient", "state", "reason", "steps", "current_daily_dose_mcg", "label_set",
            "label_version", "findings", "events", "mismatches", "drafted_at", "drafted_by", "signed_at", "signed_by",
            "ended_at", "ended_by", "ended_reason",
        ]  # fmt: skip

    def get_events(self, plan: WeaningPlan) -> list[str]:
        return [str(pk) for pk in plan.events.order_by("occurred_at").values_list("pk", flat=True)]


class ToSignOutput(serializers.Serializer[Any]):
    """What waits for a prescriber's signature in the clinics where the caller may sign."""

    proposals = ProposalOutput(many=True)
    weaning_plans = WeaningOutput(many=True)
    doses = SignatureOutput(many=True)


# --- what a clinic sets -----------------------------------------------------------------------------------------------


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
    source = serializers.CharField()


class LabelSetOutput(serializers.Serializer[Any]):
    code = serializers.CharField()
    name = serializers.CharField()
    version = serializers.IntegerField()
    rules = serializers.SerializerMethodField()

    def get_rules(self, labels: Any) -> list[dict[str, Any]]:
        return [dict(RuleOutput(rule).data) for rule in labels.rules.values()]

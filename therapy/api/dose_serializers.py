"""Proposed doses, tapers and signatures on the wire."""

from typing import Any, ClassVar

from rest_framework import serializers

from clinical.weaning import MOST_STEPS, Down
from clinics.api.fields import IdField, MomentField, Quantity
from pumps.api.ledger_serializers import BolusInput, StepInput, as_stored, concentration, dose
from pumps.api.serializers import FindingSerializer
from pumps.models import DoseSignature, Event
from pumps.programs_json import MOST_PATIENT_BOLUSES
from therapy.api.serializers import Who, text
from therapy.models import (
    Proposal,
    WeaningPlan,
)
from therapy.services.drafts import Draft
from therapy.wanted import Wanted


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


class DownField(serializers.Serializer[Any]):
    at = MomentField()
    daily_dose_mcg = dose()


class WeaningInput(serializers.Serializer[Any]):
    steps = DownField(many=True, max_length=MOST_STEPS)  # type: ignore[call-arg]  # taken by the list that `many` makes
    reason = text(blank=False)

    def downs(self) -> list[Down]:
        return [Down(**row) for row in self.validated_data["steps"]]


class SignWeaningInput(serializers.Serializer[Any]):
    seen = serializers.BooleanField(
        required=False, default=False, help_text="that the findings of severity `high` were seen, and are signed"
    )


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

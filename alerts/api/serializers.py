from typing import Any, ClassVar

from rest_framework import serializers

from alerts.models import Alert, AlertStep, Notification, Report
from alerts.priorities import priority_of
from alerts.services.acknowledging import LONGEST_NAME, LONGEST_NOTE
from alerts.shown import detail_for
from clinical.escalation import Priority
from clinics.api.fields import IdField, MomentField
from clinics.api.permissions import caller


class AlertSerializer(serializers.ModelSerializer[Alert]):
    """`pump` and `patient` are null for what concerns a clinic. `detail` is empty for those who see no clinical data,
    where it would hold some; `reports` is how often it was reported."""

    id = IdField()
    priority = serializers.SerializerMethodField()
    clinic = IdField(source="clinic_id")
    patient = IdField(source="patient_id", allow_null=True)
    pump = IdField(source="pump_id", allow_null=True)
    detail = serializers.SerializerMethodField()
    acknowledged_by = IdField(source="acknowledged_by_id", allow_null=True)
    closed_by_event = IdField(source="closed_by_event_id", allow_null=True)

    class Meta:
        model = Alert
        fields: ClassVar = [
            "id",
            "kind",
            "tier",
            "priority",
            "clinic",
            "patient",
            "pump",
            "detail",
            "reports",
            "opened_at",
            "refill_by",
            "service_ends_at",
            "booked_at",
            "next_due_at",
            "told_at",
            "nobody_since",
            "acknowledged_until",
            "acknowledged_by",
            "acknowledged_note",
            "closed_at",
            "closed_reason",
            "closed_by_event",
        ]

    def get_priority(self, alert: Alert) -> Priority:
        return priority_of(alert.kind, alert.tier)

    def get_detail(self, alert: Alert) -> str:
        return detail_for(alert, caller(self.context["request"]))


class AcknowledgeInput(serializers.Serializer[Any]):
    """`until` left out: for as long as the alert's tier allows. A later one is cut to that."""

    until = MomentField(required=False, allow_null=True, default=None)
    note = serializers.CharField(max_length=LONGEST_NOTE, required=False, allow_blank=True, default="")
    spoken_with = serializers.CharField(max_length=LONGEST_NAME, required=False, allow_blank=True, default="")


class ResolveInput(serializers.Serializer[Any]):
    note = serializers.CharField(max_length=LONGEST_NOTE)


class StepSerializer(serializers.ModelSerializer[AlertStep]):
    """One line of an alert's log."""

    id = IdField()

    class Meta:
        model = AlertStep
        fields: ClassVar = ["id", "at", "what", "detail"]


class ReportOutput(serializers.ModelSerializer[Report]):
    """What somebody said. `by` is null where the patient or a contact (`contact`) said it themselves."""

    id = IdField()
    clinic = IdField(source="clinic_id")
    patient = IdField(source="patient_id")
    pump = IdField(source="pump_id")
    alert = IdField(source="alert_id")
    by = IdField(source="by_id", allow_null=True)
    contact = IdField(source="contact_id", allow_null=True)

    class Meta:
        model = Report
        fields: ClassVar = [
            "id",
            "kind",
            "clinic",
            "patient",
            "pump",
            "alert",
            "symptoms",
            "note",
            "began_at",
            "reported_at",
            "by",
            "contact",
        ]


class NotificationSerializer(serializers.ModelSerializer[Notification]):
    """`alert` is null for the reminder of a visit."""

    id = IdField()
    alert = IdField(source="alert_id", allow_null=True)
    appointment = IdField(source="appointment_id", allow_null=True)

    class Meta:
        model = Notification
        fields: ClassVar = [
            "id",
            "alert",
            "appointment",
            "tier",
            "repeat_number",
            "recipient",
            "channel",
            "state",
            "attempts",
            "due_at",
            "sent_at",
            "error",
        ]

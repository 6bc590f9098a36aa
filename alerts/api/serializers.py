from typing import ClassVar

from rest_framework import serializers

from alerts.models import Alert, Notification
from clinics.api.fields import IdField


class AlertSerializer(serializers.ModelSerializer[Alert]):
    id = IdField()
    clinic = IdField(source="clinic_id")
    patient = IdField(source="patient_id")
    pump = IdField(source="pump_id")
    closed_by_event = IdField(source="closed_by_event_id", allow_null=True)

    class Meta:
        model = Alert
        fields: ClassVar = [
            "id",
            "kind",
            "tier",
            "clinic",
            "patient",
            "pump",
            "opened_at",
            "refill_by",
            "service_ends_at",
            "next_due_at",
            "acknowledged_until",
            "closed_at",
            "closed_reason",
            "closed_by_event",
        ]


class NotificationSerializer(serializers.ModelSerializer[Notification]):
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

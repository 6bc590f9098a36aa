"""Someone must be told about a patient: alerts, the outbox, and the engine's heartbeat.

This room never imports pumps: an alert reaches its pump and the event that closed it by lazy foreign keys.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from alerts.queries import AlertQuerySet, NotificationQuerySet
from clinics.models import Clinic, User
from patients.models import Contact, Patient


class EscalationPolicy(models.Model):
    """A clinic's ladder for refills that are due. Never changed: an edit is a new version.

    `tiers` is a list of tiers as `clinical.escalation.tier_to_json` writes them, mildest first.
    """

    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="escalation_policies")
    version = models.PositiveIntegerField()
    tiers = models.JSONField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["clinic", "version"], name="policy_version_once_a_clinic"),
        ]

    def __str__(self) -> str:
        return f"ladder {self.version} of {self.clinic_id}"


class Alert(models.Model):
    """Somebody has to act on a pump, and is told until it is done. At most one open per pump and kind.

    `tiers` is the ladder as it stood when the alert opened. `next_due_at` is when to tell next; `repeat_number`
    counts the tellings and never starts again, so that each is its own rows in the outbox.
    """

    class Kind(models.TextChoices):
        REFILL_DUE = "refill_due", "Refill due"
        PUMP_STOPPED = "pump_stopped", "Pump stopped"
        PUMP_STALLED = "pump_stalled", "Motor stall without recovery"
        PUMP_ALARM = "pump_alarm", "Pump alarm"
        INTERROGATION_DUE = "interrogation_due", "Interrogate after the MRI scan"
        FORECAST_UNKNOWN = "forecast_unknown", "Forecast unknown"
        PLAN_UNCONFIRMED = "plan_unconfirmed", "Planned dose not confirmed"
        FLOW_CHANGED = "flow_changed", "Flow has changed"
        SERVICE_ENDING = "service_ending", "Pump replacement due"
        CONCENTRATION_NOT_PROGRAMMED = "concentration_not_programmed", "Concentration not programmed"
        DELIVERY_FAILED = "delivery_failed", "A message could not be delivered"

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="alerts")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="alerts")
    pump = models.ForeignKey("pumps.Pump", on_delete=models.PROTECT, related_name="alerts")
    kind = models.CharField(max_length=32, choices=Kind)
    tiers = models.JSONField()
    tier = models.CharField(max_length=16, blank=True)
    opened_at = models.DateTimeField()
    refill_by = models.DateTimeField(null=True, blank=True)
    low_at = models.DateTimeField(null=True, blank=True)
    empty_at = models.DateTimeField(null=True, blank=True)
    filled_at = models.DateTimeField(null=True, blank=True)
    service_ends_at = models.DateTimeField(null=True, blank=True)
    next_due_at = models.DateTimeField(null=True, blank=True)
    repeat_number = models.PositiveIntegerField(default=0)
    told_at = models.DateTimeField(null=True, blank=True)
    # Since when the present tier has had nobody to tell; administrators are told meanwhile.
    nobody_since = models.DateTimeField(null=True, blank=True)
    acknowledged_until = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_reason = models.CharField(max_length=200, blank=True)
    closed_by_event = models.ForeignKey(
        "pumps.Event", on_delete=models.PROTECT, null=True, blank=True, related_name="closed_alerts"
    )

    objects = AlertQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["pump", "kind"], condition=Q(closed_at=None), name="alert_one_open_a_pump_and_kind"
            ),
            models.CheckConstraint(
                condition=Q(closed_at=None) | ~Q(closed_reason=""), name="alert_closed_has_a_reason"
            ),
        ]
        indexes: ClassVar = [
            # AlertQuerySet.due, read by every tick
            models.Index(fields=["next_due_at"], name="alert_due", condition=Q(closed_at=None)),
            # a clinic's alerts, newest first
            models.Index(fields=["clinic", "-opened_at"], name="alert_of_clinic"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of pump {self.pump_id}"

    @property
    def due_at(self) -> datetime | None:
        """The date it works towards; None where something is wrong now."""
        return self.refill_by or self.service_ends_at


class AlertStep(models.Model):
    """What happened to an alert, written with it: opened, tier moved, told, closed, reopened."""

    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="steps")
    at = models.DateTimeField()
    what = models.CharField(max_length=32)
    detail = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering: ClassVar = ["at", "pk"]

    def __str__(self) -> str:
        return f"{self.what} {self.detail}"


class Notification(models.Model):
    """A row of the outbox: one telling of one recipient by one channel.

    queued -> sending (a lease of 60 s) -> sent, failed (for good) or cancelled; a lapsed lease is taken over.
    `user`, `patient` or `contact` (of the alert's patient) is who is told; none for the worklist on screen.
    """

    class State(models.TextChoices):
        QUEUED = "queued", "Queued"
        SENDING = "sending", "Sending"
        SENT = "sent", "Sent"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    class Channel(models.TextChoices):
        EMAIL = "email", "E-mail"
        SCREEN = "screen", "On screen"

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="notifications")
    alert = models.ForeignKey(Alert, on_delete=models.PROTECT, related_name="notifications")
    tier = models.CharField(max_length=16)
    repeat_number = models.PositiveIntegerField()
    # "user:7", "patient:9", "contact:3" or "screen": what makes the row unique.
    recipient = models.CharField(max_length=64)
    user = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    contact = models.ForeignKey(Contact, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    channel = models.CharField(max_length=16, choices=Channel)
    state = models.CharField(max_length=16, choices=State, default=State.QUEUED)
    attempts = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=500, blank=True)

    objects = NotificationQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["alert", "tier", "repeat_number", "recipient"], name="notification_once"),
        ]
        indexes: ClassVar = [
            # NotificationQuerySet.deliverable
            models.Index(fields=["due_at"], name="notification_queued", condition=Q(state="queued")),
            models.Index(fields=["lease_until"], name="notification_leased", condition=Q(state="sending")),
            models.Index(fields=["clinic", "-id"], name="notification_of_clinic"),
        ]

    def __str__(self) -> str:
        return f"{self.channel} to {self.recipient}: {self.state}"


class Heartbeat(models.Model):
    """When a part of the engine last finished a full round. Read by pages and /health/engine, outside Celery."""

    name = models.CharField(max_length=32, primary_key=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} at {self.at:%Y-%m-%d %H:%M:%S}Z"

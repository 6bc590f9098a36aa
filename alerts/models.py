"""Someone must be told about a patient: alerts, the outbox, and the engine's heartbeat.

This room never imports pumps: an alert reaches its pump and the event that closed it by lazy foreign keys.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy

from alerts.duty_models import Digest as Digest
from alerts.duty_models import DigestChoice as DigestChoice
from alerts.duty_models import DigestTurn as DigestTurn
from alerts.duty_models import OnCallRota as OnCallRota
from alerts.duty_models import StandIn as StandIn
from alerts.queries import AlertQuerySet, NotificationQuerySet, WebhookQuerySet
from clinical.escalation import MOST_RISK_DAYS, RISK_DAYS
from clinics.models import Clinic, User
from clinics.queries import ClinicOwned
from patients.models import Contact, Patient


class EscalationPolicy(models.Model):
    """A clinic's ladder for refills that are due. Never changed: an edit is a new version.

    `tiers` is a list of tiers as `clinical.escalation.tier_to_json` writes them, mildest first.
    """

    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="escalation_policies")
    version = models.PositiveIntegerField()
    tiers = models.JSONField()
    # By how many days a patient's flags make the tiers before `refill_by` begin earlier.
    risk_days = models.PositiveSmallIntegerField(default=RISK_DAYS)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["clinic", "version"], name="policy_version_once_a_clinic"),
            models.CheckConstraint(condition=Q(risk_days__lte=MOST_RISK_DAYS), name="policy_risk_at_most_28_days"),
        ]

    def __str__(self) -> str:
        return f"ladder {self.version} of {self.clinic_id}"


class Alert(models.Model):
    """Somebody has to act on a pump, and is told until it is done. At most one open per pump and kind, or, of what
    concerns a clinic and no pump of it, per clinic and kind.

    `tiers` is the ladder as it stood when the alert opened. `next_due_at` is when to tell next; `repeat_number`
    counts the tellings and never starts again, so that each is its own rows in the outbox.
    """

    class Kind(models.TextChoices):
        REFILL_DUE = "refill_due", gettext_lazy("Refill due")
        PUMP_STOPPED = "pump_stopped", gettext_lazy("Pump stopped")
        PUMP_STALLED = "pump_stalled", gettext_lazy("Motor stall without recovery")
        PUMP_ALARM = "pump_alarm", gettext_lazy("Pump alarm, one tone")
        PUMP_ALARM_TWO_TONES = "pump_alarm_two_tones", gettext_lazy("Pump alarm, two tones")
        WITHDRAWAL = "withdrawal", gettext_lazy("Signs of withdrawal reported")
        OVERDOSE = "overdose", gettext_lazy("Signs of overdose reported")
        APPOINTMENT_LATE = "appointment_late", gettext_lazy("Appointment after refill-by")
        NO_SHOW = "no_show", gettext_lazy("Did not come")
        CALL_BACK = "call_back", gettext_lazy("Asks to be called")
        DISCREPANCY = "discrepancy", gettext_lazy("Volume differs from what was expected")
        INTERROGATION_DUE = "interrogation_due", gettext_lazy("Interrogate after the MRI scan")
        FORECAST_UNKNOWN = "forecast_unknown", gettext_lazy("Forecast unknown")
        PLAN_UNCONFIRMED = "plan_unconfirmed", gettext_lazy("Planned dose not confirmed")
        FLOW_CHANGED = "flow_changed", gettext_lazy("Flow has changed")
        SERVICE_ENDING = "service_ending", gettext_lazy("Pump replacement due")
        CONCENTRATION_NOT_PROGRAMMED = "concentration_not_programmed", gettext_lazy("Concentration not programmed")
        DELIVERY_FAILED = "delivery_failed", gettext_lazy("A message could not be delivered")
        NOBODY_ON_CALL = "nobody_on_call", gettext_lazy("Nobody is on call")
        ENGINE_LATE = "engine_late", gettext_lazy("Reminders were late")

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="alerts")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, null=True, blank=True, related_name="alerts")
    pump = models.ForeignKey("pumps.Pump", on_delete=models.PROTECT, null=True, blank=True, related_name="alerts")
    kind = models.CharField(max_length=32, choices=Kind)
    tiers = models.JSONField()
    tier = models.CharField(max_length=16, blank=True)
    opened_at = models.DateTimeField()
    refill_by = models.DateTimeField(null=True, blank=True)
    low_at = models.DateTimeField(null=True, blank=True)
    empty_at = models.DateTimeField(null=True, blank=True)
    filled_at = models.DateTimeField(null=True, blank=True)
    service_ends_at = models.DateTimeField(null=True, blank=True)
    # The visit that is booked; before `refill_by`, it quiets the tiers that ask for one.
    booked_at = models.DateTimeField(null=True, blank=True)
    next_due_at = models.DateTimeField(null=True, blank=True)
    repeat_number = models.PositiveIntegerField(default=0)
    told_at = models.DateTimeField(null=True, blank=True)
    # Since when the present tier has had nobody to tell; administrators are told meanwhile.
    nobody_since = models.DateTimeField(null=True, blank=True)
    # What it is about, beside its kind and dates: which visit, which symptoms.
    detail = models.CharField(max_length=500, blank=True)
    # How often it was reported, where it is of what people report.
    reports = models.PositiveIntegerField(default=0)
    acknowledged_until = models.DateTimeField(null=True, blank=True)
    acknowledged_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    acknowledged_note = models.CharField(max_length=500, blank=True)
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
            models.UniqueConstraint(
                fields=["clinic", "kind"],
                condition=Q(closed_at=None, pump=None),
                name="alert_one_open_a_clinic_and_kind",
            ),
            models.CheckConstraint(
                condition=Q(pump=None, patient=None) | Q(pump__isnull=False, patient__isnull=False),
                name="alert_of_a_pump_and_its_patient_or_of_neither",
            ),
            models.CheckConstraint(
                condition=Q(closed_at=None) | ~Q(closed_reason=""), name="alert_closed_has_a_reason"
            ),
            models.CheckConstraint(
                condition=Q(acknowledged_until=None) | Q(acknowledged_by__isnull=False),
                name="alert_acknowledged_by_somebody",
            ),
        ]
        indexes: ClassVar = [
            # AlertQuerySet.due, read by every tick
            models.Index(fields=["next_due_at"], name="alert_due", condition=Q(closed_at=None)),
            # a clinic's alerts, newest first
            models.Index(fields=["clinic", "-opened_at"], name="alert_of_clinic"),
            # AlertQuerySet.refills_first_due, of many clinics and of one
            models.Index(
                fields=["refill_by", "id"], name="alert_refills_first", condition=Q(closed_at=None, kind="refill_due")
            ),
            models.Index(
                fields=["clinic", "refill_by", "id"],
                name="alert_refills_of_clinic",
                condition=Q(closed_at=None, kind="refill_due"),
            ),
            # AlertQuerySet.stopped_first
            models.Index(
                fields=["opened_at", "id"],
                name="alert_stopped_first",
                condition=Q(closed_at=None, kind__in=("pump_stopped", "pump_stalled")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of pump {self.pump_id}" if self.pump_id else f"{self.kind} of clinic {self.clinic_id}"

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


class Report(models.Model):
    """What somebody said about a patient or their pump: symptoms, an alarm, that they cannot come. Kept for ever.

    `alert` is the one it opened, or that stood open already. Said by staff (`by`), by the patient (`message` is the one
    whose link they used), or by a contact.
    """

    class Kind(models.TextChoices):
        WITHDRAWAL = "withdrawal", gettext_lazy("Signs of withdrawal")
        OVERDOSE = "overdose", gettext_lazy("Signs of overdose")
        ONE_TONE = "one_tone", gettext_lazy("Alarm, one tone")
        TWO_TONES = "two_tones", gettext_lazy("Alarm, two tones")
        CALL_BACK = "call_back", gettext_lazy("Asks to be called")

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="reports")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="reports")
    pump = models.ForeignKey("pumps.Pump", on_delete=models.PROTECT, related_name="reports")
    alert = models.ForeignKey(Alert, on_delete=models.PROTECT, related_name="reported")
    kind = models.CharField(max_length=16, choices=Kind)
    # Codes of `clinical.symptoms`.
    symptoms = ArrayField(models.CharField(max_length=32), default=list, blank=True)
    note = models.CharField(max_length=500, blank=True)
    began_at = models.DateTimeField()
    reported_at = models.DateTimeField()
    by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    contact = models.ForeignKey(Contact, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    message = models.ForeignKey("Notification", on_delete=models.PROTECT, null=True, blank=True, related_name="+")

    objects = ClinicOwned["Report"].as_manager()

    class Meta:
        ordering: ClassVar = ["-pk"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(by__isnull=False) | Q(message__isnull=False), name="report_said_by_somebody"
            ),
        ]
        indexes: ClassVar = [
            # the reports on a patient's page
            models.Index(fields=["patient", "-id"], name="report_of_patient"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of patient {self.patient_id}"


class Notification(models.Model):
    """A row of the outbox: one telling of one recipient by one channel, of an alert or of an appointment.

    queued -> sending (a lease of 60 s) -> sent, failed (for good) or cancelled; a lapsed lease is taken over.
    `user`, `patient` or `contact` (of the alert's patient) is who is told; none for the worklist on screen and
    for webhooks; "webhook" alone is every address of the clinic.
    """

    class State(models.TextChoices):
        QUEUED = "queued", gettext_lazy("Queued")
        SENDING = "sending", gettext_lazy("Sending")
        SENT = "sent", gettext_lazy("Sent")
        FAILED = "failed", gettext_lazy("Failed")
        CANCELLED = "cancelled", gettext_lazy("Cancelled")

    class Channel(models.TextChoices):
        EMAIL = "email", gettext_lazy("E-mail")
        SMS = "sms", gettext_lazy("Text message")
        VOICE = "voice", gettext_lazy("Voice call")
        WEBHOOK = "webhook", gettext_lazy("Webhook")
        SCREEN = "screen", gettext_lazy("On screen")

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="notifications")
    alert = models.ForeignKey(Alert, on_delete=models.PROTECT, null=True, blank=True, related_name="notifications")
    # A reminder of a visit; `tier` is then how long before, and `repeat_number` the visit's sequence.
    appointment = models.ForeignKey(
        "scheduling.Appointment", on_delete=models.PROTECT, null=True, blank=True, related_name="notifications"
    )
    tier = models.CharField(max_length=16)
    repeat_number = models.PositiveIntegerField()
    # "user:7", "patient:9", "contact:3", "webhook:5" or "screen": what makes the row unique.
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
    # What the provider calls the message, by which it says later what became of it.
    provider_id = models.CharField(max_length=255, blank=True)

    objects = NotificationQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["alert", "tier", "repeat_number", "recipient", "channel"], name="notification_once"
            ),
            models.UniqueConstraint(
                fields=["appointment", "tier", "repeat_number", "recipient", "channel"], name="notification_visit_once"
            ),
            models.CheckConstraint(
                condition=Q(alert=None, appointment__isnull=False) | Q(alert__isnull=False, appointment=None),
                name="notification_of_alert_or_appointment",
            ),
        ]
        indexes: ClassVar = [
            # NotificationQuerySet.deliverable
            models.Index(fields=["due_at"], name="notification_queued", condition=Q(state="queued")),
            models.Index(fields=["lease_until"], name="notification_leased", condition=Q(state="sending")),
            models.Index(fields=["clinic", "-id"], name="notification_of_clinic"),
            # delays.delays: what left in the last days
            models.Index(fields=["sent_at"], name="notification_sent", condition=Q(state="sent")),
            # what a provider says of a message
            models.Index(fields=["provider_id"], name="notification_provider", condition=~Q(provider_id="")),
        ]

    def __str__(self) -> str:
        return f"{self.channel} to {self.recipient}: {self.state}"


class WebhookAddress(models.Model):
    """An address of a clinic that is told of alerts by signed calls. Ended ones are kept, since messages name them.

    Its secret is made of the service's key, its id and `generation`, so that none is stored; a renewal is the next
    generation, and for a day both sign.
    """

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="webhooks")
    url = models.CharField(max_length=500)
    generation = models.PositiveIntegerField(default=1)
    renewed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    ended_at = models.DateTimeField(null=True, blank=True)
    # The outcome of the latest call, shown on its page; an address that fails is told on, never switched off.
    called_at = models.DateTimeField(null=True, blank=True)
    failing_since = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=500, blank=True)

    objects = WebhookQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["clinic", "url"], condition=Q(ended_at=None), name="webhook_once_a_clinic"),
        ]

    def __str__(self) -> str:
        return self.url


class Heartbeat(models.Model):
    """When a part of the engine last finished a full round. Read by pages and /health/engine, outside Celery."""

    name = models.CharField(max_length=32, primary_key=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} at {self.at:%Y-%m-%d %H:%M:%S}Z"

"""Refill visits: when, in which state, and what became of each; and what a clinic has set about them.

This room never imports pumps: a visit reaches its pump and the refill that ended it by lazy foreign keys.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from clinical.escalation import Channel
from clinics.models import Clinic, User
from patients.models import Patient
from scheduling.calls import Call
from scheduling.queries import AppointmentQuerySet, VisitRulesQuerySet
from scheduling.states import STANDING, STATE_NAMES, State
from scheduling.times import Allowed

__all__ = ["Appointment", "AppointmentStep", "Call", "VisitRules", "usual_channels", "usual_reminders"]

STATES = [(state.value, name) for state, name in STATE_NAMES.items()]


def usual_reminders() -> list[int]:
    return [7, 2, 1]


def usual_channels() -> list[str]:
    return [Channel.EMAIL.value]


class VisitRules(models.Model):
    """What a clinic has set about its visits; a clinic without a row has the defaults. Times are of its wall.

    `missed_after_hours` empty means the end of the visit's day. The address of the calendar feed is signed over
    `feed_nonce`, so that a new one ends the old address; `feed_key` is in each visit's identity there, and stays.
    """

    clinic = models.OneToOneField(Clinic, on_delete=models.CASCADE, primary_key=True, related_name="visit_rules")
    opens_at = models.TimeField(default=time(9))
    closes_at = models.TimeField(default=time(16))
    minutes = models.PositiveSmallIntegerField(default=30)
    places = models.PositiveSmallIntegerField(default=1)
    reminder_days = ArrayField(models.PositiveSmallIntegerField(), default=usual_reminders, blank=True)
    # Of `times.CHANNELS`; each person is reminded by those they consent to.
    reminder_channels = ArrayField(models.CharField(max_length=8), default=usual_channels, blank=True)
    remind_from = models.TimeField(default=time(8))
    remind_until = models.TimeField(default=time(20))
    missed_after_hours = models.PositiveSmallIntegerField(null=True, blank=True)
    feed_nonce = models.CharField(max_length=16, blank=True)
    feed_key = models.CharField(max_length=16, blank=True)

    objects = VisitRulesQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(opens_at__lt=F("closes_at")), name="visit_rules_open_before_closing"),
            models.CheckConstraint(
                condition=Q(remind_from__lt=F("remind_until")), name="visit_rules_remind_in_some_hours"
            ),
            models.CheckConstraint(
                condition=Q(minutes__gte=5, minutes__lte=480), name="visit_rules_visits_of_5_to_480_minutes"
            ),
            models.CheckConstraint(condition=Q(places__gte=1, places__lte=100), name="visit_rules_1_to_100_places"),
            models.CheckConstraint(
                condition=Q(missed_after_hours=None) | Q(missed_after_hours__gte=1, missed_after_hours__lte=72),
                name="visit_rules_missed_after_1_to_72_hours",
            ),
        ]

    def __str__(self) -> str:
        return f"visits of clinic {self.clinic_id}"

    @property
    def allowed(self) -> Allowed:
        return Allowed(self.remind_from, self.remind_until)


class Appointment(models.Model):
    """A time at which a pump is to be refilled. At most one still to come per pump; ended ones are kept.

    `sequence` grows with every change that a calendar or a patient has to know of. `late_reason` says why it lies after
    `refill_by`, where it does. `remind_at` is when the next reminder is due, `overdue_at` when it counts as missed;
    both are empty once it has ended.
    """

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="appointments")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="appointments")
    pump = models.ForeignKey("pumps.Pump", on_delete=models.PROTECT, related_name="appointments")
    starts_at = models.DateTimeField()
    minutes = models.PositiveSmallIntegerField(default=30)
    state = models.CharField(max_length=16, choices=STATES, default=State.BOOKED)
    sequence = models.PositiveIntegerField(default=0)
    late_reason = models.CharField(max_length=500, blank=True)
    ended_reason = models.CharField(max_length=500, blank=True)
    booked_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    booked_at = models.DateTimeField(default=timezone.now)
    changed_at = models.DateTimeField(default=timezone.now)
    remind_at = models.DateTimeField(null=True, blank=True)
    overdue_at = models.DateTimeField(null=True, blank=True)
    # The refill that was given at it, or instead of it; and the state it ended, which a void of the refill brings back.
    refill = models.ForeignKey(
        "pumps.Event", on_delete=models.PROTECT, null=True, blank=True, related_name="appointments"
    )
    state_before_refill = models.CharField(max_length=16, choices=STATES, blank=True)

    objects = AppointmentQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["starts_at", "pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["pump"],
                condition=Q(state__in=[state.value for state in STANDING]),
                name="appointment_one_standing_a_pump",
            ),
            models.CheckConstraint(
                condition=Q(state__in=[state.value for state in State]), name="appointment_state_is_known"
            ),
            models.CheckConstraint(
                condition=Q(minutes__gte=5, minutes__lte=480), name="appointment_lasts_5_to_480_minutes"
            ),
            models.CheckConstraint(
                condition=(Q(state="done") & Q(refill__isnull=False))
                | Q(state="cancelled")
                | (~Q(state__in=["done", "cancelled"]) & Q(refill=None)),
                name="appointment_done_by_a_refill",
            ),
            models.CheckConstraint(
                condition=Q(state__in=[state.value for state in STANDING]) | Q(remind_at=None, overdue_at=None),
                name="appointment_ended_is_not_due",
            ),
        ]
        indexes: ClassVar = [
            # a clinic's day, its calendar, its feed
            models.Index(fields=["clinic", "starts_at"], name="appointment_of_clinic"),
            # AppointmentQuerySet.overdue and .to_remind, read by every tick
            models.Index(fields=["overdue_at"], name="appointment_overdue", condition=Q(overdue_at__isnull=False)),
            models.Index(fields=["remind_at"], name="appointment_remind", condition=Q(remind_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"visit of patient {self.patient_id} on {self.starts_at:%Y-%m-%d %H:%M}Z"

    @property
    def ends_at(self) -> datetime:
        return self.starts_at + timedelta(minutes=self.minutes)

    @property
    def as_seen(self) -> str:
        """What a page sends back of the visit that it showed."""
        return f"{self.pk}-{self.sequence}"

    @property
    def is_standing(self) -> bool:
        return self.state in STANDING

    @property
    def can_be_moved(self) -> bool:
        """Still to come: a time for those who have come, or whose visit has ended, is a new one."""
        return self.state in (State.BOOKED, State.CONFIRMED)


class AppointmentStep(models.Model):
    """What happened to an appointment, written with it: booked, moved, confirmed, cancelled and so on."""

    appointment = models.ForeignKey(Appointment, on_delete=models.CASCADE, related_name="steps")
    at = models.DateTimeField()
    what = models.CharField(max_length=32)
    detail = models.CharField(max_length=500, blank=True)
    # None where the patient, a contact or Brim itself did it.
    by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    # Of a visit that was moved: where it was before, so that the move can be taken back.
    was_at = models.DateTimeField(null=True, blank=True)
    was_minutes = models.PositiveSmallIntegerField(null=True, blank=True)
    was_state = models.CharField(max_length=16, blank=True)
    was_late_reason = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering: ClassVar = ["at", "pk"]

    def __str__(self) -> str:
        return f"{self.what} {self.detail}"

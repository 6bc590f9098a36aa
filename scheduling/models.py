"""Refill visits: when, in which state, and what became of each.

This room never imports pumps: a visit reaches its pump and the refill that ended it by lazy foreign keys.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from clinics.models import Clinic, User
from patients.models import Patient
from scheduling.queries import AppointmentQuerySet
from scheduling.states import STANDING, State

STATES = [(state.value, state.value.replace("_", " ").capitalize()) for state in State]


class Appointment(models.Model):
    """A time at which a pump is to be refilled. At most one still to come per pump; ended ones are kept.

    `sequence` grows with every change that a calendar or a patient has to know of. `late_reason` says why it lies after
    `refill_by`, where it does.
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
    # The refill that was given at it.
    refill = models.ForeignKey(
        "pumps.Event", on_delete=models.PROTECT, null=True, blank=True, related_name="appointments"
    )

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
                condition=Q(state="done", refill__isnull=False) | (~Q(state="done") & Q(refill=None)),
                name="appointment_done_by_a_refill",
            ),
        ]
        indexes: ClassVar = [
            # a clinic's day, its calendar, its feed
            models.Index(fields=["clinic", "starts_at"], name="appointment_of_clinic"),
            # AppointmentQuerySet.standing: missed ones, reminders to send
            models.Index(
                fields=["starts_at"],
                name="appointment_standing",
                condition=Q(state__in=[state.value for state in STANDING]),
            ),
        ]

    def __str__(self) -> str:
        return f"visit of patient {self.patient_id} on {self.starts_at:%Y-%m-%d %H:%M}Z"

    @property
    def ends_at(self) -> datetime:
        return self.starts_at + timedelta(minutes=self.minutes)


class AppointmentStep(models.Model):
    """What happened to an appointment, written with it: booked, moved, confirmed, cancelled and so on."""

    appointment = models.ForeignKey(Appointment, on_delete=models.CASCADE, related_name="steps")
    at = models.DateTimeField()
    what = models.CharField(max_length=32)
    detail = models.CharField(max_length=500, blank=True)
    # None where the patient, a contact or Brim itself did it.
    by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        ordering: ClassVar = ["at", "pk"]

    def __str__(self) -> str:
        return f"{self.what} {self.detail}"

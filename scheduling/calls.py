"""Telephone calls about a refill: what came of each, and when it was."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy

from clinics.models import Clinic, User
from patients.models import Patient
from scheduling.queries import CallQuerySet


class Call(models.Model):
    """Somebody telephoned about a pump's refill, or tried to.

    Append-only: a call that was entered in error stays, and another row `voids` it, which says who did and when.
    """

    class Outcome(models.TextChoices):
        NO_ANSWER = "no_answer", gettext_lazy("nobody answered")
        LEFT_MESSAGE = "left_message", gettext_lazy("left a message")
        WILL_CALL_BACK = "will_call_back", gettext_lazy("will call back")
        # What came of it is in the note.
        OTHER = "other", gettext_lazy("see the note")

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="calls")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="calls")
    pump = models.ForeignKey("pumps.Pump", on_delete=models.PROTECT, related_name="calls", db_index=False)
    at = models.DateTimeField()
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    outcome = models.CharField(max_length=16, choices=Outcome, blank=True)
    note = models.CharField(max_length=200, blank=True)
    voids = models.OneToOneField("self", on_delete=models.PROTECT, null=True, blank=True, related_name="voided_by")

    objects = CallQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-pk"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(voids=None, outcome__in=["no_answer", "left_message", "will_call_back", "other"])
                | Q(voids__isnull=False, outcome=""),
                name="call_has_an_outcome_or_voids",
            ),
            models.CheckConstraint(condition=~Q(outcome="other") | ~Q(note=""), name="call_other_has_a_note"),
        ]
        indexes: ClassVar = [
            # CallQuerySet.last_of, and a pump's calls, newest first
            models.Index(fields=["pump", "-id"], name="call_of_pump"),
            # a clinic's calls, as an auditor reads them
            models.Index(fields=["clinic", "-at", "-id"], name="call_of_clinic"),
        ]

    def __str__(self) -> str:
        return f"call about pump {self.pump_id}: {self.outcome or 'void'}"

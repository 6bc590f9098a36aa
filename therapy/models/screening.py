"""A screening: boluses until one works."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy

from patients.models import Patient
from therapy.models.people import by_user
from therapy.queries import OfPatient


class Trial(models.Model):
    """A screening: boluses through a lumbar puncture or catheter until one works. At most one open a patient.

    `label_set`, `label_version` and `protocol` are what it was begun under.
    """

    class Outcome(models.TextChoices):
        RESPONDED = "responded", gettext_lazy("Responded")
        NO_RESPONSE = "no_response", gettext_lazy("No response: not a candidate")
        ABANDONED = "abandoned", gettext_lazy("Given up")

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="trials")
    label_set = models.CharField(max_length=8)
    label_version = models.PositiveIntegerField()
    protocol = models.ForeignKey("Protocol", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    # Whether it begins with the smaller dose, for a very small patient.
    starts_small = models.BooleanField(default=False)
    began_at = models.DateTimeField()
    began_by = by_user()
    outcome = models.CharField(max_length=16, choices=Outcome, blank=True)
    note = models.CharField(max_length=500, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = by_user(null=True, blank=True)

    objects = OfPatient.as_manager()

    class Meta:
        ordering: ClassVar = ["-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["patient"], condition=Q(ended_at=None), name="trial_one_open_a_patient"),
            models.CheckConstraint(
                condition=Q(ended_at=None, outcome="") | Q(ended_at__isnull=False) & ~Q(outcome=""),
                name="trial_ended_has_an_outcome",
            ),
        ]

    def __str__(self) -> str:
        return f"screening of patient {self.patient_id}"


class TrialBolus(models.Model):
    """A screening bolus. `responded` is empty while it is observed; `effect_hours` is how long the effect lasted.

    `override_reason` says why a prescriber had it given against the rules of `clinical.titration.screening`.
    """

    trial = models.ForeignKey(Trial, on_delete=models.PROTECT, related_name="boluses")
    given_at = models.DateTimeField()
    dose_mcg = models.DecimalField(max_digits=7, decimal_places=2)
    responded = models.BooleanField(null=True, blank=True)
    judged_at = models.DateTimeField(null=True, blank=True)
    judged_by = by_user(null=True, blank=True)
    effect_hours = models.DecimalField(max_digits=5, decimal_places=2, null=True, blank=True)
    note = models.CharField(max_length=500, blank=True)
    override_reason = models.CharField(max_length=500, blank=True)
    overridden = models.JSONField(default=list, blank=True)
    recorded_at = models.DateTimeField(default=timezone.now)
    recorded_by = by_user()

    class Meta:
        ordering: ClassVar = ["given_at", "pk"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(dose_mcg__gt=0), name="trialbolus_has_a_dose"),
            models.CheckConstraint(
                condition=Q(responded=None, judged_at=None) | Q(responded__isnull=False, judged_at__isnull=False),
                name="trialbolus_judged_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(responded=True, effect_hours__gt=0)
                | Q(responded=False, effect_hours=None)
                | Q(responded=None, effect_hours=None),
                name="trialbolus_response_lasted",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.dose_mcg} mcg, screening {self.trial_id}"

"""A dose on its way into a pump, and tapers."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy

from clinical.titration import Phase as StepPhase
from clinics.models import Clinic
from patients.models import Patient
from pumps.models import Event, Pump
from therapy.models.people import by_user
from therapy.models.rules import Protocol
from therapy.queries import ProposalQuerySet, WeaningQuerySet


class ProposalState(models.TextChoices):
    PROPOSED = "proposed", gettext_lazy("To be signed")
    SIGNED = "signed", gettext_lazy("Signed, to be programmed")
    PROGRAMMED = "programmed", gettext_lazy("Programmed")
    WITHDRAWN = "withdrawn", gettext_lazy("Withdrawn")


class Proposal(models.Model):
    """A dose on its way into a pump: proposed, signed, read back. `event` is the dose change it became.

    What it was held against is kept with it: `current_*`, `phase`, label set, protocol and `findings`. Of a change of
    concentration `concentration_mcg_per_ml` is the new one and `bridge` what was computed; declined only with a reason.
    """

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="proposals")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="proposals")
    pump = models.ForeignKey(Pump, on_delete=models.PROTECT, related_name="proposals")
    state = models.CharField(max_length=16, choices=ProposalState, default=ProposalState.PROPOSED)

    mode = models.CharField(max_length=32, choices=Event.ProgramMode)
    daily_dose_mcg = models.DecimalField(max_digits=10, decimal_places=3)
    steps = models.JSONField(default=list, blank=True)
    boluses = models.JSONField(default=list, blank=True)
    patient_bolus_mcg = models.DecimalField(max_digits=10, decimal_places=3, null=True, blank=True)
    patient_boluses_per_day = models.PositiveSmallIntegerField(null=True, blank=True)
    concentration_mcg_per_ml = models.DecimalField(max_digits=9, decimal_places=3, null=True, blank=True)
    bridge = models.JSONField(default=dict, blank=True)
    bridge_declined_reason = models.CharField(max_length=500, blank=True)
    # Old and new side by side, in words, as whoever signed saw them: name, old, new.
    compared = models.JSONField(default=list, blank=True)
    reason = models.CharField(max_length=500)

    phase = models.CharField(max_length=16, choices=[(phase.value, phase.value.capitalize()) for phase in StepPhase])
    current_daily_dose_mcg = models.DecimalField(max_digits=10, decimal_places=3, null=True, blank=True)
    current_concentration_mcg_per_ml = models.DecimalField(max_digits=9, decimal_places=3, null=True, blank=True)
    label_set = models.CharField(max_length=8)
    label_version = models.PositiveIntegerField()
    protocol = models.ForeignKey(Protocol, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    # The band of the step, from least to most in mcg/day; empty where no dose runs.
    allowed = models.JSONField(default=list, blank=True)
    findings = models.JSONField(default=list, blank=True)

    proposed_at = models.DateTimeField()
    proposed_by = by_user()
    signed_at = models.DateTimeField(null=True, blank=True)
    signed_by = by_user(null=True, blank=True)
    override_reason = models.CharField(max_length=500, blank=True)
    # Why somebody else than the signer has to confirm; empty where nobody has to.
    second_person = models.JSONField(default=list, blank=True)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    confirmed_by = by_user(null=True, blank=True)
    read_back = models.JSONField(default=dict, blank=True)
    # Read-backs that differed, oldest first: at, by, read and told.
    mismatches = models.JSONField(default=list, blank=True)
    event = models.OneToOneField(Event, on_delete=models.PROTECT, null=True, blank=True, related_name="proposal")
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawn_by = by_user(null=True, blank=True)
    withdrawn_reason = models.CharField(max_length=500, blank=True)

    objects = ProposalQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["pump"], condition=Q(state__in=["proposed", "signed"]), name="proposal_one_open_a_pump"
            ),
            models.CheckConstraint(
                condition=Q(state="proposed", signed_at=None)
                | Q(state="withdrawn", withdrawn_at__isnull=False)
                | Q(state="signed", signed_at__isnull=False, event=None)
                | Q(state="programmed", signed_at__isnull=False, confirmed_at__isnull=False, event__isnull=False),
                name="proposal_state_is_whole",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["clinic", "proposed_at"], condition=Q(state="proposed"), name="proposal_to_sign"),
        ]

    def __str__(self) -> str:
        return f"{self.daily_dose_mcg} mcg/day proposed for pump {self.pump_id}"


class WeaningPlan(models.Model):
    """A taper: `steps` as `[{"at": ISO 8601, "daily_dose_mcg": "150"}]`. Signed, each step is a planned dose change."""

    class State(models.TextChoices):
        DRAFTED = "drafted", gettext_lazy("To be signed")
        SIGNED = "signed", gettext_lazy("Signed")
        ENDED = "ended", gettext_lazy("Ended")

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="weaning_plans")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="weaning_plans")
    pump = models.ForeignKey(Pump, on_delete=models.PROTECT, related_name="weaning_plans")
    state = models.CharField(max_length=16, choices=State, default=State.DRAFTED)
    reason = models.CharField(max_length=500)
    steps = models.JSONField()
    current_daily_dose_mcg = models.DecimalField(max_digits=10, decimal_places=3)
    label_set = models.CharField(max_length=8)
    label_version = models.PositiveIntegerField()
    findings = models.JSONField(default=list, blank=True)
    drafted_at = models.DateTimeField()
    drafted_by = by_user()
    signed_at = models.DateTimeField(null=True, blank=True)
    signed_by = by_user(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = by_user(null=True, blank=True)
    ended_reason = models.CharField(max_length=500, blank=True)
    events = models.ManyToManyField(Event, related_name="weaning_plans", blank=True)
    # Read-backs of a step that differed, oldest first: at, by, read and told.
    mismatches = models.JSONField(default=list, blank=True)

    objects = WeaningQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["pump"], condition=Q(state__in=["drafted", "signed"]), name="weaning_one_open_a_pump"
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["clinic", "drafted_at"], condition=Q(state="drafted"), name="weaning_to_sign"),
        ]

    def __str__(self) -> str:
        return f"weaning of pump {self.pump_id}"

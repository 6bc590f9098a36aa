"""Who of the staff is on call, and the daily digest: rotas, stand-ins, the digest's own outbox."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext_lazy

from alerts.duty_queries import DigestQuerySet, StandInQuerySet
from clinics.models import Clinic, User
from clinics.queries import ClinicOwned


class OnCallRota(models.Model):
    """Who takes turns being on call, from a day on. Never changed: an edit is a new one, which takes over when it
    begins; of several that have begun the newest holds.

    Times are of the clinic's wall clock; `people` are ids of accounts, in order, and may name one twice.
    """

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="on_call_rotas")
    starts_on = models.DateField()
    weekday = models.PositiveSmallIntegerField(choices=list(WEEKDAYS.items()))
    hand_over_at = models.TimeField()
    people = ArrayField(models.BigIntegerField())
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    made_at = models.DateTimeField()

    objects = ClinicOwned["OnCallRota"].as_manager()

    class Meta:
        ordering: ClassVar = ["pk"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(weekday__lte=6), name="rota_hands_over_on_a_weekday"),
        ]
        indexes: ClassVar = [
            # oncall: a clinic's rotas, in the order in which they were written
            models.Index(fields=["clinic", "id"], name="rota_of_clinic"),
        ]

    def __str__(self) -> str:
        return f"rota of clinic {self.clinic_id} from {self.starts_on}"


class StandIn(models.Model):
    """Somebody is on call from `begins_at` until before `ends_at`, whoever's turn it is. Never two at once in a clinic.

    One that is ended early holds until before `ended_at`; it is kept.
    """

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="stand_ins")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    begins_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    reason = models.CharField(max_length=300)
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = StandInQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["begins_at", "pk"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("begins_at")), name="stand_in_ends_after_it_begins"),
            models.CheckConstraint(condition=~Q(reason=""), name="stand_in_has_a_reason"),
        ]
        indexes: ClassVar = [
            # StandInQuerySet.between
            models.Index(fields=["clinic", "ends_at"], name="stand_in_of_clinic"),
        ]

    def __str__(self) -> str:
        return f"{self.user} stands in from {self.begins_at:%Y-%m-%d %H:%M}Z"


class DigestChoice(models.Model):
    """Whether somebody wants a clinic's daily digest, where they have said so. Else their roles decide."""

    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="digest_choices")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="digest_choices")
    is_wanted = models.BooleanField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["clinic", "user"], name="digest_choice_once_a_clinic_and_user"),
        ]

    def __str__(self) -> str:
        return f"digest of clinic {self.clinic_id} for user {self.user_id}: {'on' if self.is_wanted else 'off'}"


class DigestTurn(models.Model):
    """When a clinic's next morning begins, at which its digests are written."""

    clinic = models.OneToOneField(Clinic, on_delete=models.CASCADE, primary_key=True, related_name="digest_turn")
    next_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [
            # digests.write_due, read by every tick
            models.Index(fields=["next_at"], name="digest_turn_due"),
        ]

    def __str__(self) -> str:
        return f"digest of clinic {self.clinic_id} at {self.next_at:%Y-%m-%d %H:%M}Z"


class Digest(models.Model):
    """The outbox of daily digests: one for each person, clinic and day of its calendar.

    queued -> sending (a lease) -> sent, failed (for good) or cancelled; a lapsed lease is taken over. What it says is
    read when it is sent; `alerts` are the ids of those it named.
    """

    class State(models.TextChoices):
        QUEUED = "queued", gettext_lazy("Queued")
        SENDING = "sending", gettext_lazy("Sending")
        SENT = "sent", gettext_lazy("Sent")
        FAILED = "failed", gettext_lazy("Failed")
        CANCELLED = "cancelled", gettext_lazy("Cancelled")

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="digests")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="digests")
    day = models.DateField()
    state = models.CharField(max_length=16, choices=State, default=State.QUEUED)
    attempts = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    alerts = ArrayField(models.BigIntegerField(), default=list, blank=True)
    error = models.CharField(max_length=500, blank=True)

    objects = DigestQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["clinic", "day", "user"], name="digest_once_a_clinic_day_and_user"),
        ]
        indexes: ClassVar = [
            # DigestQuerySet.deliverable
            models.Index(fields=["due_at"], name="digest_queued", condition=Q(state="queued")),
            models.Index(fields=["lease_until"], name="digest_leased", condition=Q(state="sending")),
        ]

    def __str__(self) -> str:
        return f"digest of {self.day} to user {self.user_id}: {self.state}"

"""A refill visit at the guided page, from its first word to the refill it became."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import Q

from clinics.models import Clinic, User
from pumps.models.ledger import Event
from pumps.models.pump import Pump
from pumps.queries import VisitDraftQuerySet


class VisitDraft(models.Model):
    """What somebody has typed at the guided refill visit of a pump. Nothing of it is in the ledger.

    `token` names the visit wherever it is sent from, so that it is stored once; `counter` grows with every change, and
    the highest one counts. Once the visit is stored, `refill` is its refill, `values` is empty, and `checks` says what
    was looked at on the way.
    """

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    pump = models.ForeignKey(Pump, on_delete=models.PROTECT, related_name="visit_drafts")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="visit_drafts")
    token = models.UUIDField(unique=True)
    counter = models.PositiveIntegerField(default=0)
    values = models.JSONField(default=dict, blank=True)
    checks = models.JSONField(default=dict, blank=True)
    begun_at = models.DateTimeField()
    saved_at = models.DateTimeField()
    refill = models.OneToOneField(Event, on_delete=models.PROTECT, null=True, blank=True, related_name="guided_visit")

    objects = VisitDraftQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["pump", "user"], condition=Q(refill=None), name="visit_draft_one_open_a_pump_and_user"
            ),
            models.CheckConstraint(condition=Q(refill=None) | Q(values={}), name="visit_draft_stored_keeps_no_values"),
        ]
        indexes: ClassVar = [
            # VisitDraftQuerySet.open: the nurse's day, and what is too old to be kept
            models.Index(fields=["saved_at"], condition=Q(refill=None), name="visit_draft_open"),
        ]

    def __str__(self) -> str:
        return f"visit of pump {self.pump_id} begun at {self.begun_at:%Y-%m-%d %H:%M}Z"

    def is_open(self, now: datetime) -> bool:
        return self.refill_id is None and self.saved_at > now - VisitDraftQuerySet.LIVES

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from clinics.models import Clinic, User
from clinics.queries import ClinicOwned
from pumps.models.ledger import Event


class DoseSignature(models.Model):
    """A dose change that nobody signed before it was made, by somebody who may not sign: a prescriber signs it after
    the fact. Unsigned while `signed_at` is empty."""

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="dose_signatures")
    event = models.OneToOneField(Event, on_delete=models.PROTECT, related_name="signature")
    asked_at = models.DateTimeField()
    signed_at = models.DateTimeField(null=True, blank=True)
    signed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    note = models.CharField(max_length=500, blank=True)

    objects = ClinicOwned.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(signed_at=None, signed_by=None) | Q(signed_at__isnull=False, signed_by__isnull=False),
                name="dose_signature_is_whole",
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["clinic", "asked_at"], condition=Q(signed_at=None), name="dose_to_sign"),
        ]

    def __str__(self) -> str:
        return f"signature of event {self.event_id}"

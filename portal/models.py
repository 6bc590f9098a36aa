"""The link on a patient's emergency card, and who opened it."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from clinics.models import User
from patients.models import Patient


class CardLink(models.Model):
    """Whether the page behind a patient's card is on, and with which `nonce`: another one ends the links before it.

    `consent` is what staff noted of the patient's consent when they turned it on, the last time.
    """

    patient = models.OneToOneField(Patient, on_delete=models.PROTECT, related_name="card_link")
    nonce = models.CharField(max_length=16)
    consent = models.CharField(max_length=300)
    turned_on_at = models.DateTimeField()
    turned_on_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    # When the nonce was made: the links of before ended then.
    renewed_at = models.DateTimeField()
    turned_off_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=~Q(consent=""), name="card_link_has_consent"),
        ]

    def __str__(self) -> str:
        return f"card of patient {self.patient_id}"

    @property
    def is_on(self) -> bool:
        return self.turned_off_at is None


class CardOpening(models.Model):
    """Somebody opened the page behind a card. They did not log in, so nobody knows who: when is what there is to know.

    `was_shown` is False where the card was no longer valid, and the page said nothing about the patient.
    """

    link = models.ForeignKey(CardLink, on_delete=models.PROTECT, related_name="openings")
    at = models.DateTimeField()
    was_shown = models.BooleanField()

    class Meta:
        ordering: ClassVar = ["-pk"]
        indexes: ClassVar = [
            # the newest openings on a patient's card page, and the one of this minute
            models.Index(fields=["link", "-id"], name="card_opening_of_link"),
        ]

    def __str__(self) -> str:
        return f"opening of {self.link_id} at {self.at:%Y-%m-%d %H:%M}Z"

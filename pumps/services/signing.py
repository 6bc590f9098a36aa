"""Dose changes made without a signature: a prescriber signs them after the fact. What happened is never refused."""

from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from clinics.errors import Conflict
from clinics.models import User
from clinics.roles import Permission
from patients.models import Patient
from patients.services import READ_ONLY
from pumps.models import DoseSignature, Event


def ask(event: Event, *, clinic_id: int, user: User, now: datetime) -> None:
    """Have a dose change signed, unless whoever entered it may sign; that is a signature."""
    if not user.access.can(Permission.SIGN_DOSE, clinic_id):
        DoseSignature.objects.create(clinic_id=clinic_id, event=event, asked_at=now)


def to_sign(clinic_ids: list[int]) -> QuerySet[DoseSignature]:
    """The unsigned dose changes of clinics that stand, oldest first."""
    unsigned = DoseSignature.objects.filter(clinic__in=clinic_ids, signed_at=None, event__voided_by=None)
    unsigned = unsigned.exclude(event__pump__patient__status=Patient.Status.TRANSFERRED)
    return unsigned.select_related("clinic", "event__recorded_by", "event__pump__patient").order_by("asked_at", "pk")


@transaction.atomic
def sign(*, event_id: int, by: User, note: str, now: datetime) -> DoseSignature:
    """A prescriber has seen a dose change that was made.

    Raises:
        DoseSignature.DoesNotExist: none is asked for.
        Conflict: it is signed already, entered in error, or the record has gone to another clinic.
    """
    found = DoseSignature.objects.select_for_update().get(event=event_id)
    if Patient.objects.get(pumps__events=event_id).status == Patient.Status.TRANSFERRED:
        raise Conflict(READ_ONLY)
    if found.signed_at is not None:
        raise Conflict(_("This dose change is signed already."))
    if Event.objects.filter(voids=event_id).exists():
        raise Conflict(_("This dose change was entered in error: there is nothing to sign."))
    found.signed_at, found.signed_by, found.note = now, by, note.strip()
    found.save(update_fields=["signed_at", "signed_by", "note"])
    return found

"""A patient goes to another clinic of this Brim: the record is copied there with its ledger, and stays here to be read.

Nothing changes before the other clinic accepts, so at every moment exactly one clinic reminds.
"""

import secrets
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core import signing
from django.db import IntegrityError, models, transaction
from django.dispatch import Signal
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinical.saying import say
from clinics.errors import Conflict, Impossible
from clinics.history import note, subject_of
from clinics.models import Clinic, User
from patients.models import Patient, Transfer
from patients.services import MRN_TAKEN, locked_for_change
from pumps import forecasting
from pumps.models import DoseSignature, Event, Pump, RefillOwner
from pumps.services.care import care_changed, settle

SALT = "pumps.transfer"
VALID_FOR = timedelta(days=14)
GONE = gettext_lazy(
    "This transfer has ended: it was accepted, withdrawn, or is too old. Ask the other clinic for a new link."
)
# Sent within the transaction in which a patient is taken over, with `old`, `new`, `by` and `now`: what a room above
# keeps of a patient goes along. An error of whoever hears it takes all of it back.
taken_over = Signal()


@transaction.atomic
def offer(*, patient: Patient, message: str, by: User, now: datetime) -> Transfer:
    """Offer a patient's record to whichever clinic gets the link; an earlier open offer ends.

    Raises:
        Conflict: the record has gone already, or care has ended.
    """
    locked = locked_for_change(patient)
    if locked.status != Patient.Status.ACTIVE:
        raise Conflict(_("Only a patient in care can be transferred; correct the status first."))
    locked.transfers.filter(accepted_at=None, withdrawn_at=None).update(withdrawn_at=now)
    transfer = Transfer.objects.create(
        patient=locked,
        nonce=secrets.token_urlsafe(9),
        note=message,
        offered_by=by,
        offered_at=now,
        expires_at=now + VALID_FOR,
    )
    note(
        clinic=locked.clinic,
        by=by,
        at=now,
        subject=subject_of(locked),
        summary=say("Transfer offered to another clinic"),
    )
    return transfer


@transaction.atomic
def withdraw(*, transfer: Transfer, by: User, now: datetime) -> None:
    """
    Raises:
        Conflict: accepted or withdrawn already.
    """
    locked = Transfer.objects.select_for_update(of=("self",)).select_related("patient__clinic").get(pk=transfer.pk)
    if locked.accepted_at is not None or locked.withdrawn_at is not None:
        raise Conflict(GONE)
    locked.withdrawn_at = now
    locked.save(update_fields=["withdrawn_at"])
    patient = locked.patient
    note(clinic=patient.clinic, by=by, at=now, subject=subject_of(patient), summary=say("Transfer withdrawn"))


def token_of(transfer: Transfer) -> str:
    return signing.dumps([transfer.pk, transfer.nonce], salt=SALT)


def link_of(transfer: Transfer) -> str:
    return settings.BASE_URL + reverse("transfer", args=[token_of(transfer)])


def behind(token: str, *, now: datetime) -> Transfer | None:
    """The open offer a link belongs to; None if the link is wrong or has ended."""
    try:
        pk, nonce = signing.loads(token, salt=SALT)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    open_ones = Transfer.objects.open(now).select_related("patient__clinic", "offered_by")
    return open_ones.filter(pk=pk, nonce=nonce).first()


@transaction.atomic
def accept(*, transfer: Transfer, clinic: Clinic, mrn: str, by: User, now: datetime) -> Patient:
    """Take the patient over into a clinic, under its own MRN; returns the patient as they are there.

    Raises:
        Conflict: the offer, or the patient's care, has ended.
        Impossible: the patient's own clinic, a taken MRN or serial number.
    """
    old = transfer.patient
    pump_ids = list(Pump.objects.filter(patient=old).order_by("pk").values_list("pk", flat=True))
    forecasting.held(pump_ids)
    locked = Transfer.objects.select_for_update().get(pk=transfer.pk)
    old = locked_for_change(old)
    # One may have been entered while this waited for the patient.
    pump_ids = list(Pump.objects.filter(patient=old).order_by("pk").values_list("pk", flat=True))
    if locked.accepted_at is not None or locked.withdrawn_at is not None or locked.expires_at <= now:
        raise Conflict(GONE)
    if old.status != Patient.Status.ACTIVE:
        raise Conflict(
            _("The patient's care has ended meanwhile (%(old)s): ask their clinic.")
            % {"old": old.get_status_display().lower()}
        )
    _check(old, clinic, mrn)
    new: Patient = copied(old, clinic=clinic, mrn=mrn, created_at=now)
    for contact in old.contacts.filter(ended_at=None):
        copied(contact, patient=new)
    _copy_pumps(old, new)
    taken_over.send(sender=Patient, old=old, new=new, by=by, now=now)
    old.status, old.status_on = Patient.Status.TRANSFERRED, now.astimezone(old.clinic.zone).date()
    old.status_reason = say("taken over by another clinic: %(name)s", name=clinic.name)[:500]
    old.save(update_fields=["status", "status_on", "status_reason"])
    locked.accepted_at, locked.accepted_by, locked.copy = now, by, new
    locked.save(update_fields=["accepted_at", "accepted_by", "copy"])
    settle(pump_ids, now=now)
    care_changed.send(sender=Patient, patient=old, by=by, now=now)
    settle(list(new.pumps.order_by("pk").values_list("pk", flat=True)), now=now)
    note(
        clinic=old.clinic,
        by=by,
        at=now,
        subject=subject_of(old),
        summary=say("Taken over by %(name)s", name=clinic.name),
    )
    note(
        clinic=clinic,
        by=by,
        at=now,
        subject=subject_of(new),
        summary=say("Taken over from %(name)s", name=old.clinic.name),
    )
    return new


def _check(old: Patient, clinic: Clinic, mrn: str) -> None:
    errors: dict[str, list[str]] = {}
    if clinic.pk == old.clinic_id:
        errors["clinic"] = [_("The patient is in this clinic already.")]
    if Patient.objects.filter(clinic=clinic, mrn=mrn).exists():
        errors["mrn"] = [str(MRN_TAKEN)]
    serials = old.pumps.values_list("serial_number", flat=True)
    taken = Pump.objects.filter(clinic=clinic, serial_number__in=serials).values_list("serial_number", flat=True)
    if taken:
        errors["clinic"] = [
            _(
                "The clinic has a pump with the serial number %(taken)s already: the patient may be "
                "there under another record number."
            )
            % {"taken": taken[0]}
        ]
    if errors:
        raise Impossible(errors)


def copied(instance: Any, **changed: Any) -> Any:
    """A new row with the values of another, but for its id and what is `changed`."""
    left_out = {"id", *(field.name for field in instance._meta.fields if isinstance(field, models.GeneratedField))}
    values = {
        field.attname: getattr(instance, field.attname)
        for field in instance._meta.concrete_fields
        if field.name not in left_out and field.name not in changed
    }
    row = type(instance)(**values, **changed)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as error:
        raise Conflict(_("The clinic has entered this patient or pump meanwhile; look there first.")) from error
    return row


def _copy_pumps(old: Patient, new: Patient) -> None:
    """Pumps with their ledgers, voids included. The next refill is the new clinic's until it hands it over."""
    copies: dict[int, Pump] = {}
    for pump in old.pumps.order_by("pk"):
        copies[pump.pk] = copied(
            pump,
            patient=new,
            clinic=new.clinic,
            replaces=copies.get(pump.replaces_id) if pump.replaces_id is not None else None,
            refill_owner=RefillOwner.CLINIC,
            refill_owner_name="",
            refill_owner_phone="",
        )
        _copy_events(pump, copies[pump.pk])


def _copy_events(old: Pump, new: Pump) -> None:
    """Every entry in the order it was recorded, so that what it voids or is replaced by is there before it."""
    copies: dict[int, Event] = {}
    for event in old.events.order_by("pk"):
        copies[event.pk] = copied(
            event,
            pump=new,
            voids=copies.get(event.voids_id) if event.voids_id is not None else None,
            replacement=copies.get(event.replacement_id) if event.replacement_id is not None else None,
        )
    for asked in DoseSignature.objects.filter(event__pump=old).order_by("pk"):
        copied(asked, event=copies[asked.event_id], clinic=new.clinic)

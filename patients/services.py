"""Writes to people: entered, changed, and those to tell beside them. What moves a pump's dates is in the room above."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Min
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinical.saying import say
from clinics.errors import Conflict, Impossible
from clinics.history import differences, kept, note, subject_of
from clinics.models import Clinic, User
from clinics.words import calendar_day, in_english
from patients.models import Contact, Patient

EARLIEST_BIRTH = date(1900, 1, 1)
MRN_TAKEN = gettext_lazy("A patient with this MRN is in the clinic already.")
READ_ONLY = gettext_lazy(
    "The patient has been transferred: this record can only be read. The new clinic keeps its own."
)
# What an edit may change; the clinic, and the status with its date and reason, have ways of their own.
EDITABLE = (
    "mrn",
    "given_name",
    "family_name",
    "date_of_birth",
    "email",
    "phone",
    "language",
    "email_reminders",
    "phone_reminders",
    "spasticity_origin",
    "flags",
    "allergies_status",
    "allergies",
)


@transaction.atomic
def enter(*, clinic: Clinic, by: User, now: datetime, **fields: Any) -> Patient:
    """A new patient of a clinic.

    Raises:
        Impossible: taken MRN, impossible birth, contradicting allergies; messages per field.
    """
    patient = Patient(clinic=clinic, **fields)
    _check(patient, now)
    _save(patient)
    note(clinic=clinic, by=by, at=now, subject=subject_of(patient), summary=say("Patient entered"))
    return patient


@transaction.atomic
def change(*, patient: Patient, changes: Mapping[str, Any], by: User, now: datetime) -> Patient:
    """Change a patient's particulars, contacts, consent or allergies.

    Raises:
        Conflict: the record has gone to another clinic.
        Impossible: as `enter`.
    """
    locked = locked_for_change(patient)
    before = kept(locked, EDITABLE)
    for field in EDITABLE:
        if field in changes:
            setattr(locked, field, changes[field])
    if locked.email != before["email"]:
        locked.email_undeliverable_since = None
    if locked.email_reminders:
        locked.unsubscribed_at = None
    _check(locked, now)
    details = differences(before, kept(locked, EDITABLE))
    if details:
        _save(locked)
        note(
            clinic=locked.clinic,
            by=by,
            at=now,
            subject=subject_of(locked),
            summary=say("Patient changed"),
            details=details,
        )
    return locked


def locked_for_change(patient: Patient) -> Patient:
    """
    Raises:
        Conflict: the record has gone to another clinic.
    """
    locked = Patient.objects.select_for_update(no_key=True, of=("self",)).select_related("clinic").get(pk=patient.pk)
    if locked.status == Patient.Status.TRANSFERRED:
        raise Conflict(READ_ONLY)
    return locked


def _save(patient: Patient) -> None:
    try:
        with transaction.atomic():
            patient.save()
    except IntegrityError as error:  # the same MRN entered twice at once
        raise Impossible({"mrn": [MRN_TAKEN]}) from error


def _check(patient: Patient, now: datetime) -> None:
    errors: dict[str, list[str]] = {}
    if not patient.mrn.strip():
        errors["mrn"] = [_("Write the record number your clinic uses.")]
    same = Patient.objects.filter(clinic=patient.clinic, mrn=patient.mrn).exclude(pk=patient.pk)
    if same.exists():
        errors["mrn"] = [str(MRN_TAKEN)]
    birth = _impossible_birth(patient, now.astimezone(patient.clinic.zone).date())
    if birth:
        errors["date_of_birth"] = [birth]
    listed = patient.allergies_status == Patient.Allergies.LISTED
    if listed and not patient.allergies.strip():
        errors["allergies"] = [_("List the allergies, or choose another answer.")]
    if not listed and patient.allergies.strip():
        errors["allergies_status"] = [_("Allergies are listed: choose “As listed”, or clear the list.")]
    if errors:
        raise Impossible(errors)


def _impossible_birth(patient: Patient, today: date) -> str:
    """Nobody has a pump who is not born yet, or was not when it was implanted."""
    born = patient.date_of_birth
    if born > today:
        return _("This lies in the future.")
    if born < EARLIEST_BIRTH:
        return _("The year must be %(year)s or later.") % {"year": EARLIEST_BIRTH.year}
    implanted = patient.pumps.aggregate(first=Min("implanted_on"))["first"] if patient.pk is not None else None
    if implanted is not None and born > implanted:
        return _("A pump of this patient was implanted on %(calendar_day)s; this is after.") % {
            "calendar_day": calendar_day(implanted)
        }
    return ""


@transaction.atomic
def add_contact(*, patient: Patient, by: User, now: datetime, **fields: Any) -> Contact:
    """Somebody to tell beside the patient: a caregiver, or the care home.

    Raises:
        Conflict: the record has gone to another clinic.
        Impossible: nobody could be reached so; messages per field.
    """
    locked = locked_for_change(patient)
    contact = Contact(patient=locked, **fields)
    _check_contact(contact)
    contact.save()
    summary = say("%(kind)s added: %(name)s", kind=in_english(contact.get_kind_display), name=contact)
    note(clinic=locked.clinic, by=by, at=now, subject=subject_of(locked), summary=summary)
    return contact


CONTACT_FIELDS = ("kind", "name", "relationship", "phone", "email", "email_reminders", "phone_reminders")


@transaction.atomic
def change_contact(*, contact: Contact, changes: Mapping[str, Any], by: User, now: datetime) -> Contact:
    """
    Raises:
        Conflict, Impossible: as `add_contact`.
    """
    patient = locked_for_change(contact.patient)
    before = kept(contact, CONTACT_FIELDS)
    for field in CONTACT_FIELDS:
        if field in changes:
            setattr(contact, field, changes[field])
    if contact.email != before["email"]:
        contact.email_undeliverable_since = None
    if contact.email_reminders:
        contact.unsubscribed_at = None
    _check_contact(contact)
    details = differences(before, kept(contact, CONTACT_FIELDS))
    if details:
        contact.save()
        summary = say("%(kind)s changed: %(name)s", kind=in_english(contact.get_kind_display), name=contact)
        note(clinic=patient.clinic, by=by, at=now, subject=subject_of(patient), summary=summary, details=details)
    return contact


@transaction.atomic
def end_contact(*, contact: Contact, by: User, now: datetime) -> None:
    """The contact is told nothing any more. It is kept, since messages to it are."""
    patient = locked_for_change(contact.patient)
    if contact.ended_at is None:
        contact.ended_at = now
        contact.save(update_fields=["ended_at"])
        summary = say("%(kind)s removed: %(name)s", kind=in_english(contact.get_kind_display), name=contact)
        note(clinic=patient.clinic, by=by, at=now, subject=subject_of(patient), summary=summary)


def _check_contact(contact: Contact) -> None:
    errors: dict[str, list[str]] = {}
    if not contact.phone and not contact.email:
        errors["phone"] = [_("Write a phone number or an e-mail address: nobody could be reached otherwise.")]
    if contact.email_reminders and not contact.email:
        errors["email_reminders"] = [_("There is no e-mail address to write to: enter one, or take the consent back.")]
    if contact.phone_reminders and not contact.phone:
        errors["phone_reminders"] = [_("There is no phone number to reach: enter one, or take the consent back.")]
    if errors:
        raise Impossible(errors)

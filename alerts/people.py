"""Whom a row of the outbox is for, and in which language."""

from django.conf import settings

from alerts.models import Notification
from patients.models import Contact, Patient

SPOKEN = {code for code, _ in settings.LANGUAGES}


def patient_of(row: Notification) -> Patient | None:
    """The patient a row is about; None for what concerns a clinic."""
    if row.appointment is not None:
        return row.appointment.patient
    return row.alert.patient if row.alert is not None else None


def pump_id_of(row: Notification) -> int | None:
    if row.appointment is not None:
        return row.appointment.pump_id
    return row.alert.pump_id if row.alert is not None else None


def at_home(row: Notification) -> Patient | Contact | None:
    """The patient or contact a row is for; None where it is for staff or a program."""
    return row.patient or row.contact


def language_of(row: Notification) -> str:
    """The patient's language, where Brim writes it, else the clinic's; a member of staff's own, else the clinic's."""
    if at_home(row) is None:
        return (row.user.language if row.user is not None else "") or row.clinic.language
    patient = patient_of(row)
    own = patient.language.lower().partition("-")[0] if patient is not None else ""
    return own if own in SPOKEN else row.clinic.language

"""What is written to staff and patients.

A patient's message holds no drug, device or diagnosis: first name and what to do. A staff message names the patient by
record number only, since mail is read on many screens; the page behind the link says the rest.
"""

from datetime import date

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse

from alerts.models import Alert, Notification
from alerts.patient_links import link_of
from clinics.opening import last_open_day


def compose(row: Notification) -> EmailMessage:
    """The message of one outbox row, in its clinic's timezone."""
    if row.patient is not None or row.contact is not None:
        return _to_home(row)
    if row.user is None:
        raise ValueError(f"notification {row.pk} has nobody to write to")
    return EmailMessage(_subject(row), _staff_body(row), to=[row.user.email])


def _to_home(row: Notification) -> EmailMessage:
    """To the patient, or to a contact about the patient."""
    clinic, recipient = row.alert.clinic, row.patient or row.contact
    if recipient is None:
        raise ValueError(f"notification {row.pk} has nobody at home to write to")
    context = {"patient": row.alert.patient, "contact": row.contact, "clinic": clinic, "link": link_of(row)}
    body = render_to_string("emails/patient_book.txt", context)
    return EmailMessage(f"A message from {clinic.name_for_patients}", body, to=[recipient.email])


def _subject(row: Notification) -> str:
    alert = row.alert
    if alert.kind == Alert.Kind.REFILL_DUE and alert.refill_by is not None:
        day = alert.refill_by.astimezone(alert.clinic.zone)
        return f"[{headline(row.tier)}] Refill by {day:%a %d %b %Y}: {alert.patient.mrn}"
    of_whom = alert.patient.mrn if alert.patient is not None else alert.clinic.name
    return f"[{headline(row.tier)}] {alert.get_kind_display()}: {of_whom}"


def headline(tier: str) -> str:
    """A tier in words a person acts on."""
    return TIER_WORDS.get(tier, tier)


TIER_WORDS = {
    "book": "To book",
    "patient": "Tell patient",
    "unbooked": "Not booked",
    "urgent": "Urgent",
    "past": "Past refill-by",
    "low": "Reservoir low",
    "empty": "Reservoir empty",
    "changed": "Flow changed",
    "half_year": "In 6 months",
    "quarter": "In 3 months",
    "ended": "Past its life",
}


def _last_open_day(alert: Alert) -> date | None:
    """The last day on which the clinic refills before the date; None if that is the day itself, or none is near."""
    if alert.refill_by is None:
        return None
    clinic, day = alert.clinic, alert.refill_by.astimezone(alert.clinic.zone).date()
    found = last_open_day(day, clinic.opening_days, set(clinic.closed_days.values_list("day", flat=True)))
    return found if found != day else None


def _staff_body(row: Notification) -> str:
    alert = row.alert
    zone = alert.clinic.zone
    return render_to_string(
        "emails/staff_alert.txt",
        {
            "alert": alert,
            "tier_words": headline(row.tier),
            "is_refill": alert.kind == Alert.Kind.REFILL_DUE,
            "refill_by": alert.refill_by.astimezone(zone) if alert.refill_by is not None else None,
            "service_ends": alert.service_ends_at.astimezone(zone) if alert.service_ends_at is not None else None,
            "low_at": alert.low_at.astimezone(zone) if alert.low_at is not None else None,
            "timezone": alert.clinic.timezone,
            "open_day": _last_open_day(alert),
            "owner": alert.pump.owner_words if alert.pump and not alert.pump.is_refilled_here else "",
            "owner_phone": alert.pump.refill_owner_phone if alert.pump else "",
            "address": settings.BASE_URL + (reverse("pump", args=[alert.pump_id]) if alert.pump else reverse("alerts")),
        },
    )

"""What is written to staff and patients by e-mail.

A patient's message holds no drug, device or diagnosis: first name and what to do. A staff message names the patient by
record number only, since mail is read on many screens; the page behind the link says the rest.
"""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import formats, translation
from django.utils.translation import gettext, gettext_lazy, pgettext

from alerts.models import Alert, Notification
from alerts.patient_links import link_of, unsubscribe_link
from alerts.people import at_home, language_of, patient_of
from clinics.opening import last_open_day


def compose(row: Notification) -> EmailMessage:
    """The message of one outbox row, in its clinic's timezone and its reader's language."""
    with translation.override(language_of(row)):
        if at_home(row) is not None:
            return _to_home(row)
        if row.user is None or row.alert is None:
            raise ValueError(f"notification {row.pk} has nobody to write to")
        return EmailMessage(subject(row, row.alert), _staff_body(row, row.alert), to=[row.user.email])


def _to_home(row: Notification) -> EmailMessage:
    """To the patient, or to a contact about the patient."""
    recipient = at_home(row)
    if recipient is None:
        raise ValueError(f"notification {row.pk} has nobody at home to write to")
    name = clinic_name(row)
    template = "emails/patient_visit.txt" if row.appointment is not None else "emails/patient_book.txt"
    context = {
        "patient": patient_of(row),
        "contact": row.contact,
        "clinic": name,
        "when": visit_words(row),
        "link": link_of(row),
    }
    title = gettext("A message from %(clinic)s") % {"clinic": name}
    message = EmailMessage(title, render_to_string(template, context), to=[recipient.email])
    # RFC 8058: a mail program ends the mails by one press, without showing the page.
    message.extra_headers["List-Unsubscribe"] = f"<{unsubscribe_link(row)}>"
    message.extra_headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return message


def clinic_name(row: Notification) -> str:
    """The neutral name of the clinic, in the language that is on."""
    return row.clinic.patient_facing_name or gettext("your clinic")


def visit_words(row: Notification) -> str:
    """When a visit is, on the clinic's clock and in the language that is on; empty where it is about none."""
    if row.appointment is None:
        return ""
    return moment_words(row.appointment.starts_at.astimezone(row.clinic.zone))


def moment_words(local: datetime) -> str:
    # Translators: how a day and a time are written, in Django's letters: "Tuesday 24 November, 14:30".
    return formats.date_format(local, pgettext("day and time", "l j F, H:i"))


def subject(row: Notification, alert: Alert) -> str:
    """Of a staff message: how urgent, what, and whose record; the clinic where it is of no patient."""
    about = alert.patient.mrn if alert.patient is not None else row.clinic.name
    if alert.kind == Alert.Kind.REFILL_DUE and alert.refill_by is not None:
        day = alert.refill_by.astimezone(row.clinic.zone)
        by = gettext("Refill by %(day)s") % {"day": short_day(day)}
        return f"[{headline(row.tier)}] {by}: {about}"
    return f"[{headline(row.tier)}] {alert.get_kind_display()}: {about}"


def short_day(day: date) -> str:
    # Translators: how a day is written in short, in Django's letters: "Tue 24 Nov 2026".
    return formats.date_format(day, pgettext("short day", "D d M Y"))


def address_of(alert: Alert) -> str:
    """Where staff read the rest."""
    if alert.pump_id is None:
        return settings.BASE_URL + reverse("alerts")
    return settings.BASE_URL + reverse("pump", args=[alert.pump_id])


def headline(tier: str) -> str:
    """A tier in words a person acts on."""
    return str(TIER_WORDS.get(tier, tier))


TIER_WORDS = {
    "book": gettext_lazy("To book"),
    "patient": gettext_lazy("Tell patient"),
    "unbooked": gettext_lazy("Not booked"),
    "urgent": gettext_lazy("Urgent"),
    "past": gettext_lazy("Past refill-by"),
    "low": gettext_lazy("Reservoir low"),
    "empty": gettext_lazy("Reservoir empty"),
    "changed": gettext_lazy("Flow changed"),
    "half_year": gettext_lazy("In 6 months"),
    "quarter": gettext_lazy("In 3 months"),
    "ended": gettext_lazy("Past its life"),
    "emergency": gettext_lazy("Emergency"),
    "call": gettext_lazy("To call"),
    "clinic": gettext_lazy("To settle"),
    "visit_7": gettext_lazy("Visit in 7 days"),
    "visit_2": gettext_lazy("Visit in 2 days"),
    "visit_1": gettext_lazy("Visit tomorrow"),
}


def _last_open_day(row: Notification, alert: Alert) -> date | None:
    """The last day on which the clinic refills before the date; None if that is the day itself, or none is near."""
    if alert.refill_by is None:
        return None
    clinic, day = row.clinic, alert.refill_by.astimezone(row.clinic.zone).date()
    # Of rows fetched for delivery the days are there already.
    found = last_open_day(day, clinic.opening_days, {closed.day for closed in clinic.closed_days.all()})
    return found if found != day else None


def _staff_moment(moment: datetime | None, zone: ZoneInfo) -> str:
    """A time in the language that is on."""
    return f"{_staff_day(moment, zone)}, {moment.astimezone(zone):%H:%M}" if moment is not None else ""


def _staff_day(moment: datetime | None, zone: ZoneInfo) -> str:
    if moment is None:
        return ""
    return _day_words(moment.astimezone(zone).date())


def _day_words(day: date) -> str:
    # Translators: how a day is written in full, in Django's letters: "Tuesday 24 November 2026".
    return formats.date_format(day, pgettext("full day", "l j F Y"))


def _staff_body(row: Notification, alert: Alert) -> str:
    zone, pump, open_day = row.clinic.zone, alert.pump, _last_open_day(row, alert)
    elsewhere = pump is not None and not pump.is_refilled_here
    owner = (pump.owner_words, pump.refill_owner_phone) if pump is not None and elsewhere else ()
    return render_to_string(
        "emails/staff_alert.txt",
        {
            "alert": alert,
            "clinic": row.clinic,
            "tier_words": headline(row.tier),
            "is_refill": alert.kind == Alert.Kind.REFILL_DUE,
            "refill_by": _staff_moment(alert.refill_by, zone),
            "service_ends": _staff_day(alert.service_ends_at, zone),
            "low_at": _staff_moment(alert.low_at, zone),
            "timezone": row.clinic.timezone,
            "open_day": _day_words(open_day) if open_day is not None else "",
            "owner": ", ".join(part for part in owner if part),
            "address": address_of(alert),
        },
    )

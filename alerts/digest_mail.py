"""What a daily digest says: counts, open alerts, refills due soon, the visits of the day. By record number only."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.conf import settings
from django.core.mail import EmailMessage
from django.db.models import F
from django.template.loader import render_to_string
from django.urls import reverse

from alerts.messages import headline
from alerts.models import Alert, Digest
from clinics.models import Clinic
from clinics.words import calendar_day, day, moment_words

SOON = timedelta(days=14)
# A longer mail is not read; the pages have the rest.
MOST_LINES = 100
STANDING = ("booked", "confirmed", "arrived")


@dataclass(frozen=True)
class Content:
    """`counts` are of all open alerts by kind. `named` are the alerts that the mail lists, at most MOST_LINES."""

    counts: Sequence[tuple[str, int]]
    open_count: int
    named: Sequence[Alert]
    soon: Sequence[Alert]
    visits: Sequence[tuple[str, str]]


def content_of(clinic: Clinic, on: date, now: datetime) -> Content:
    """As things stand at `now`; the visits are those of the calendar day `on`. Two queries."""
    alerts = list(
        Alert.objects.open()
        .filter(clinic=clinic)
        .select_related("patient")
        .order_by(F("refill_by").asc(nulls_first=True), "pk")
    )
    counts = Counter(alert.get_kind_display() for alert in alerts)
    refills = [alert for alert in alerts if alert.kind == Alert.Kind.REFILL_DUE and alert.refill_by is not None]
    return Content(
        counts=counts.most_common(),
        open_count=len(alerts),
        named=alerts[:MOST_LINES],
        soon=[alert for alert in refills if alert.refill_by is not None and alert.refill_by <= now + SOON][:MOST_LINES],
        visits=_visits(clinic, on),
    )


def _visits(clinic: Clinic, on: date) -> list[tuple[str, str]]:
    """Time and record number of each visit of a day of the clinic's calendar."""
    begins, ends = (
        datetime.combine(each, time(), tzinfo=clinic.zone).astimezone(UTC) for each in (on, on + timedelta(days=1))
    )
    rows = clinic.appointments.filter(starts_at__gte=begins, starts_at__lt=ends, state__in=STANDING)
    found = rows.order_by("starts_at", "pk").values_list("starts_at", "patient__mrn")
    return [(f"{starts.astimezone(clinic.zone):%H:%M}", mrn) for starts, mrn in found]


def compose(row: Digest, content: Content) -> EmailMessage:
    clinic = row.clinic
    context = {
        "clinic": clinic,
        "day": calendar_day(row.day),
        "content": content,
        "lines": [_line(alert, clinic) for alert in content.named],
        "more": content.open_count - len(content.named),
        "soon": [(day(alert.refill_by, clinic.zone), _mrn(alert)) for alert in content.soon if alert.refill_by],
        "worklist": settings.BASE_URL + reverse("worklist"),
        "alerts": settings.BASE_URL + reverse("alerts"),
        "call_list": settings.BASE_URL + reverse("clinic_call_list", args=[clinic.pk]),
        "choose": settings.BASE_URL + reverse("digest_choices"),
    }
    subject = f"{clinic.name}, {calendar_day(row.day)}: {content.open_count} open, {len(content.visits)} visits today"
    return EmailMessage(subject, render_to_string("emails/digest.txt", context), to=[row.user.email])


def _line(alert: Alert, clinic: Clinic) -> str:
    parts = [_mrn(alert), alert.get_kind_display()]
    if alert.tier:
        parts.append(headline(alert.tier).lower())
    if alert.refill_by is not None:
        parts.append(f"refill by {day(alert.refill_by, clinic.zone)}")
    if alert.acknowledged_until is not None:
        parts.append(f"acknowledged until {moment_words(alert.acknowledged_until, clinic.zone)}")
    return ", ".join(part for part in parts if part)


def _mrn(alert: Alert) -> str:
    return alert.patient.mrn if alert.patient is not None else ""

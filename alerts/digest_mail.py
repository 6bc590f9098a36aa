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
from django.utils import translation
from django.utils.translation import gettext

from alerts.messages import headline, short_day
from alerts.models import Alert, Digest
from clinics.models import Clinic

SOON = timedelta(days=14)
# A longer mail is not read; the pages have the rest.
MOST_LINES = 100
STANDING = ("booked", "confirmed", "arrived")


@dataclass(frozen=True)
class Content:
    """`counts` are of all open alerts, by the code of their kind. `named` are those that the mail lists, at most
    MOST_LINES."""

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
    counts = Counter(alert.kind for alert in alerts)
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
    """In the person's language, else the clinic's, and on its clock."""
    with translation.override(row.user.language or row.clinic.language):
        return _composed(row, content)


def _composed(row: Digest, content: Content) -> EmailMessage:
    clinic, today = row.clinic, short_day(row.day)
    context = {
        "clinic": clinic,
        "day": today,
        "content": content,
        "counts": [(Alert.Kind(kind).label, count) for kind, count in content.counts],
        "lines": [_line(alert, clinic) for alert in content.named],
        "more": content.open_count - len(content.named),
        "soon": [(_day(alert.refill_by, clinic), _mrn(alert)) for alert in content.soon if alert.refill_by],
        "worklist": settings.BASE_URL + reverse("worklist"),
        "alerts": settings.BASE_URL + reverse("alerts"),
        "call_list": settings.BASE_URL + reverse("clinic_call_list", args=[clinic.pk]),
        "choose": settings.BASE_URL + reverse("digest_choices"),
    }
    counts = {"open": content.open_count, "visits": len(content.visits)}
    subject = f"{clinic.name}, {today}: " + gettext("%(open)s open, %(visits)s visits today") % counts
    return EmailMessage(subject, render_to_string("emails/digest.txt", context), to=[row.user.email])


def _line(alert: Alert, clinic: Clinic) -> str:
    parts = [_mrn(alert), str(alert.get_kind_display())]
    if alert.tier:
        parts.append(headline(alert.tier).lower())
    if alert.refill_by is not None:
        parts.append(gettext("refill by %(day)s") % {"day": _day(alert.refill_by, clinic)})
    if alert.acknowledged_until is not None:
        until = alert.acknowledged_until
        when = f"{_day(until, clinic)}, {until.astimezone(clinic.zone):%H:%M}"
        parts.append(gettext("acknowledged until %(when)s") % {"when": when})
    return ", ".join(part for part in parts if part)


def _day(moment: datetime, clinic: Clinic) -> str:
    return short_day(moment.astimezone(clinic.zone).date())


def _mrn(alert: Alert) -> str:
    return alert.patient.mrn if alert.patient is not None else ""

"""What is open, and what was said to whom."""

from datetime import UTC, datetime
from email import message_from_bytes, policy

from django.conf import settings
from django.db.models import Q, Value
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone

from alerts.mail_files import path_of
from alerts.messages import headline
from alerts.models import Alert, Notification
from alerts.people import patient_of, pump_id_of
from alerts.services.delivery import message_id as id_of_message
from clinics import paging
from clinics.models import Clinic
from clinics.pages import user_of
from clinics.words import left

# Alerts without a date are about something that is wrong now.
_NOW_WRONG = datetime(1970, 1, 1, tzinfo=UTC)


def alerts(request: HttpRequest) -> HttpResponse:
    """Open alerts, what is wrong now first, then by date."""
    user, now = user_of(request), timezone.now()
    rows = (
        Alert.objects.visible_to(user)
        .open()
        .annotate(urgent_at=Coalesce("refill_by", "service_ends_at", Value(_NOW_WRONG)))
        .order_by("urgent_at", "pk")
        .select_related("clinic", "patient", "pump")
    )
    position = paging.read(request.GET.get("after", ""))
    if position is not None:
        moment, pk = position
        rows = rows.filter(Q(urgent_at__gt=moment) | Q(urgent_at=moment, pk__gt=pk))
    found = list(rows[: paging.PAGE_SIZE + 1])
    page = paging.page_of(request, found, lambda alert: paging.written(alert.due_at or _NOW_WRONG, alert.pk))
    lines = [
        {
            "alert": alert,
            "word": headline(alert.tier),
            "left": left(alert.due_at, now, alert.clinic.zone) if alert.due_at is not None else "",
        }
        for alert in page.rows
    ]
    context = {"page": page, "lines": lines, "several": Clinic.objects.visible_to(user)[:2].count() > 1}
    return render(request, "alerts/alerts.html", context)


def messages(request: HttpRequest) -> HttpResponse:
    """The outbox, newest first."""
    rows = (
        Notification.objects.visible_to(user_of(request))
        .order_by("-pk")
        .select_related("clinic", "alert__patient", "appointment__patient", "user", "patient", "contact")
    )
    after = paging.read_id(request.GET.get("after", ""))
    if after is not None:
        rows = rows.filter(pk__lt=after)
    found = list(rows[: paging.PAGE_SIZE + 1])
    page = paging.page_of(request, found, lambda row: str(row.pk))
    lines = [
        {"row": row, "word": headline(row.tier), "to": recipient_words(row), "patient": patient_of(row)}
        for row in page.rows
    ]
    return render(request, "alerts/messages.html", {"page": page, "lines": lines})


def message(request: HttpRequest, message_id: int) -> HttpResponse:
    rows = Notification.objects.visible_to(user_of(request)).select_related(
        "clinic", "alert__patient", "alert__pump", "appointment__patient", "user", "patient", "contact"
    )
    row = get_object_or_404(rows, pk=message_id)
    context = {
        "row": row,
        "patient": patient_of(row),
        "pump_id": pump_id_of(row),
        "word": headline(row.tier),
        "to": recipient_words(row),
        "text": _text(row),
    }
    return render(request, "alerts/message.html", {**context, "is_in_files": settings.MAIL_TO_FILES})


def recipient_words(row: Notification) -> str:
    if row.user is not None:
        return str(row.user)
    if row.contact is not None:
        return f"{row.contact} ({row.contact.get_kind_display().lower()})"
    if row.patient is not None:
        return f"{row.patient} (patient)"
    return "A program of the clinic" if row.channel == Notification.Channel.WEBHOOK else "Worklist on screen"


def _text(row: Notification) -> str:
    """The subject and text of a message written to a file; empty while there is none."""
    path = path_of(id_of_message(row))
    if not settings.MAIL_TO_FILES or row.channel != Notification.Channel.EMAIL or not path.exists():
        return ""
    mail = message_from_bytes(path.read_bytes(), policy=policy.default)
    body = mail.get_body(("plain",))
    return f"{mail['subject']}\n\n{body.get_content() if body is not None else ''}"

"""What is open, and what was said to whom."""

from datetime import UTC, datetime
from email import message_from_bytes, policy
from typing import Any

from django.conf import settings
from django.contrib import messages as flash
from django.db.models import Q, Value
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from alerts.forms import AcknowledgeForm, ResolveForm
from alerts.mail_files import path_of
from alerts.messages import headline
from alerts.models import Alert, Notification
from alerts.people import patient_of, pump_id_of
from alerts.priorities import WORDS, priority_of, rank
from alerts.services.acknowledging import acknowledge, asks_for, longest, may_resolve, resolve
from alerts.services.delivery import message_id as id_of_message
from alerts.shown import detail_for, needed_to_resolve, report_words
from clinics import paging
from clinics.errors import Conflict, Impossible
from clinics.models import Clinic, User
from clinics.pages.access import require, take, user_of
from clinics.roles import Permission
from clinics.words import left

# Alerts without a date are about something that is wrong now.
_NOW_WRONG = datetime(1970, 1, 1, tzinfo=UTC)
# Of a log or an outbox, so many are shown.
SHOWN = 200


def alerts(request: HttpRequest) -> HttpResponse:
    """Open alerts, by priority, and within one by date: what is wrong now comes first."""
    user, now = user_of(request), timezone.now()
    rows = (
        Alert.objects.visible_to(user)
        .open()
        .annotate(rank=rank(), urgent_at=Coalesce("refill_by", "service_ends_at", Value(_NOW_WRONG)))
        .order_by("rank", "urgent_at", "pk")
        .select_related("clinic", "patient", "pump", "acknowledged_by")
    )
    position = paging.read_ranked(request.GET.get("after", ""))
    if position is not None:
        place, moment, pk = position
        behind = Q(urgent_at__gt=moment) | Q(urgent_at=moment, pk__gt=pk)
        rows = rows.filter(Q(rank__gt=place) | Q(behind, rank=place))
    found = list(rows[: paging.PAGE_SIZE + 1])
    page = paging.page_of(request, found, _position)
    context = {
        "page": page,
        "lines": [_line(alert, user, now) for alert in page.rows],
        "several": Clinic.objects.visible_to(user)[:2].count() > 1,
    }
    return render(request, "alerts/alerts.html", context)


def _position(alert: Any) -> str:
    return paging.written_ranked(alert.rank, alert.due_at or _NOW_WRONG, alert.pk)


def _line(alert: Alert, user: User, now: datetime) -> dict[str, Any]:
    priority = priority_of(alert.kind, alert.tier)
    return {
        "alert": alert,
        "priority": priority.value,
        "priority_word": WORDS[priority],
        "word": headline(alert.tier),
        "left": left(alert.due_at, now, alert.clinic.zone) if alert.due_at is not None else "",
        "detail": detail_for(alert, user),
        "is_acknowledged": alert.acknowledged_until is not None and alert.acknowledged_until > now,
    }


def _alert(request: HttpRequest, alert_id: int) -> Alert:
    visible = Alert.objects.visible_to(user_of(request))
    related = visible.select_related("clinic", "patient", "pump__model", "acknowledged_by", "closed_by_event")
    return get_object_or_404(related, pk=alert_id)


def alert(request: HttpRequest, alert_id: int) -> HttpResponse:
    """One alert: what it is, who was told and who was not and why, what was reported; and to acknowledge it."""
    found, user, now = _alert(request, alert_id), user_of(request), timezone.now()
    can_act = found.closed_at is None and user.access.can(Permission.BOOK, found.clinic_id)
    if request.method == "POST":
        require(request, Permission.BOOK, found.clinic_id)
        if found.closed_at is not None:
            flash.error(request, _("This alert is closed: %(closed_reason)s.") % {"closed_reason": found.closed_reason})
            return redirect("alert", alert_id=found.pk)
    form = _acknowledge_form(found, request.POST or None, now) if can_act else None
    if request.method == "POST" and form is not None and form.is_valid():
        try:
            acknowledge(
                alert_id=found.pk, until=form.until(now), note=form.cleaned_data["note"],
                spoken_with=form.cleaned_data.get("spoken_with", ""), by=user, now=now,
            )  # fmt: skip
        except Impossible as error:
            take(form, error.errors)
        except Conflict as error:
            form.add_error(None, str(error))
        else:
            flash.success(request, _("Acknowledged. It is told again by itself when the time is over."))
            return redirect("alert", alert_id=found.pk)
    return render(request, "alerts/alert.html", {**_line(found, user, now), **_record(found, user), "form": form})


def _acknowledge_form(alert: Alert, data: Any, now: datetime) -> AcknowledgeForm:
    return AcknowledgeForm(
        data, longest=longest(alert, now), asks_for=asks_for(alert, now), zone=alert.clinic.zone, now=now
    )


def _record(alert: Alert, user: User) -> dict[str, Any]:
    """The alert's log with its messages, and what was reported, newest first."""
    rows = alert.notifications.order_by("-pk").select_related("user", "patient", "contact")[:SHOWN]
    reports = alert.reported.select_related("by", "contact").order_by("-pk")[:SHOWN]
    return {
        "patient": alert.patient,
        "clinic": alert.clinic,
        "steps": alert.steps.order_by("-at", "-pk")[:SHOWN],
        "messages_sent": [{"row": row, "to": recipient_words(row)} for row in rows],
        "reported": [{"report": row, "words": report_words(row, user)} for row in reports],
        "can_resolve": alert.closed_at is None
        and may_resolve(alert)
        and user.access.can(needed_to_resolve(alert), alert.clinic_id),
    }


def resolve_alert(request: HttpRequest, alert_id: int) -> HttpResponse:
    """Close an alert by hand, saying what was found and done."""
    found, user, now = _alert(request, alert_id), user_of(request), timezone.now()
    require(request, needed_to_resolve(found), found.clinic_id)
    form = ResolveForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            resolve(alert_id=found.pk, by=user, now=now, **form.cleaned_data)
        except Impossible as error:
            take(form, error.errors)
        except Conflict as error:
            form.add_error(None, str(error))
        else:
            flash.success(request, _("Closed. What you wrote is in its log."))
            return redirect("alert", alert_id=found.pk)
    return render(request, "alerts/resolve.html", {**_line(found, user, now), "form": form, "patient": found.patient})


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
        return _("%(name)s (patient)") % {"name": row.patient}
    return _("A program of the clinic") if row.channel == Notification.Channel.WEBHOOK else _("Worklist on screen")


def _text(row: Notification) -> str:
    """The subject and text of a message written to a file; empty while there is none."""
    path = path_of(id_of_message(row))
    if not settings.MAIL_TO_FILES or row.channel != Notification.Channel.EMAIL or not path.exists():
        return ""
    mail = message_from_bytes(path.read_bytes(), policy=policy.default)
    body = mail.get_body(("plain",))
    return f"{mail['subject']}\n\n{body.get_content() if body is not None else ''}"

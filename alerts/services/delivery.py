"""The outbox is emptied here: at least once, the row's id as the message's identity."""

import hashlib
import hmac
import logging
import smtplib
from datetime import datetime, timedelta
from email.utils import parseaddr

from django.conf import settings
from django.core.mail import get_connection
from django.db import transaction

from alerts import messages
from alerts.models import Alert, Notification
from alerts.services.lifecycle import Opening, close, open_all
from alerts.services.telling import can_message
from clinical.escalation import Deadlines
from patients.models import Patient

logger = logging.getLogger(__name__)

BATCH = 20
LEASE = timedelta(seconds=60)
LONGEST_WAIT = timedelta(minutes=10)


def claim(now: datetime) -> list[int]:
    """Take up to BATCH deliverable rows under a lease; the commit makes the lease visible before anything is sent."""
    with transaction.atomic():
        ids = list(
            Notification.objects.deliverable(now)
            .select_for_update(skip_locked=True)
            .values_list("pk", flat=True)[:BATCH]
        )
        Notification.objects.filter(pk__in=ids).update(state=Notification.State.SENDING, lease_until=now + LEASE)
    return ids


def deliver(notification_id: int, *, now: datetime) -> None:
    """Send one claimed row.

    Steps: (1) read who and what now; (2) cancel if nobody need be told any more; (3) send, outside any transaction;
    (4) store the outcome. A crash before 4 leaves the row under a lease that lapses, so it is sent again under the
    same Message-ID.
    """
    row = Notification.objects.select_related("alert__clinic", "alert__patient", "user", "patient").get(
        pk=notification_id
    )
    reason = _moot(row)
    if reason:
        _finish(row, Notification.State.CANCELLED, error=reason)
        return
    message = messages.compose(row)
    message.extra_headers["Message-ID"] = message_id(row)
    row.attempts += 1
    try:
        message.connection = get_connection()
        message.send()
    except smtplib.SMTPRecipientsRefused as error:
        _refused(row, error, now)
    except (OSError, smtplib.SMTPException) as error:
        _try_again(row, error, now)
    else:
        _sent(row, now)


def postpone(notification_id: int, error: Exception, *, now: datetime) -> None:
    """Put back a row whose sending broke in an unforeseen way."""
    row = Notification.objects.get(pk=notification_id)
    row.attempts += 1
    _try_again(row, error, now)


def message_id(row: Notification) -> str:
    """The same on every retry of a row, and of no other row of any installation."""
    _, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
    mark = hmac.new(settings.SECRET_KEY.encode(), f"notification {row.pk}".encode(), hashlib.sha256).hexdigest()
    return f"<brim.{row.pk}.{mark[:16]}@{address.rpartition('@')[2]}>"


def _moot(row: Notification) -> str:
    """Why a row need not be sent any more; empty if it must."""
    alert = row.alert
    if alert.closed_at is not None:
        return f"alert closed: {alert.closed_reason}"
    if alert.patient.status != Patient.Status.ACTIVE:
        return f"patient: {alert.patient.get_status_display().lower()}"
    if row.user is not None and not row.user.is_active:
        return "account is not active"
    if row.patient is not None and not can_message(row.patient, alert.clinic.patient_messages_since):
        return "patient has no consent or address any more"
    if Notification.objects.filter(alert=alert, recipient=row.recipient, repeat_number__gt=row.repeat_number).exists():
        return "a newer message to the same person follows"
    return ""


def _finish(row: Notification, state: str, *, sent_at: datetime | None = None, error: str = "") -> None:
    row.state, row.sent_at, row.error, row.lease_until = state, sent_at, error[:500], None
    row.save(update_fields=["state", "sent_at", "error", "lease_until", "attempts"])


@transaction.atomic
def _sent(row: Notification, now: datetime) -> None:
    """The row has gone out; an alert that this recipient could not be reached is settled with it."""
    _finish(row, Notification.State.SENT, sent_at=now)
    failed = Notification.objects.filter(
        state=Notification.State.FAILED, recipient=row.recipient, alert__pump=row.alert.pump_id
    )
    if failed.exists():
        open_failures = Alert.objects.open().filter(pump=row.alert.pump_id, kind=Alert.Kind.DELIVERY_FAILED)
        for alert in open_failures.select_for_update():
            close(alert, reason="the recipient was reached", event_id=None, now=now)


def _try_again(row: Notification, error: Exception, now: datetime) -> None:
    """A mail server that fails is asked again for ever, at most ten minutes apart."""
    wait = min(timedelta(seconds=15) * 2 ** min(row.attempts - 1, 10), LONGEST_WAIT)
    logger.warning("message %s: %s; trying again in %s", row.pk, error, wait)
    row.state, row.due_at, row.lease_until = Notification.State.QUEUED, now + wait, None
    row.error = str(error)[:500]
    row.save(update_fields=["state", "due_at", "lease_until", "error", "attempts"])


@transaction.atomic
def _refused(row: Notification, error: smtplib.SMTPRecipientsRefused, now: datetime) -> None:
    """Refused for good (5xx): the row has failed, and staff are alerted. Anything milder is tried again."""
    codes = [code for code, _ in error.recipients.values()]
    if any(code < 500 for code in codes):
        _try_again(row, error, now)
        return
    _finish(row, Notification.State.FAILED, error=str(error))
    alert = row.alert
    if row.alert.kind == Alert.Kind.DELIVERY_FAILED or _has_open_failure(alert):
        return
    opening = Opening(
        alert.clinic_id, alert.patient_id, alert.pump_id, Alert.Kind.DELIVERY_FAILED, Deadlines(opened_at=now)
    )
    open_all([opening], now=now)


def _has_open_failure(alert: Alert) -> bool:
    failures = Alert.objects.open().filter(pump=alert.pump_id, kind=Alert.Kind.DELIVERY_FAILED)
    return failures.exists()

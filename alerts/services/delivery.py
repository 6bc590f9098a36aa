"""The outbox is emptied here: at least once, the row's id as the message's identity."""

import hashlib
import hmac
import logging
import smtplib
from datetime import datetime, timedelta
from email.utils import parseaddr
from typing import Any

from django.conf import settings
from django.core.mail import get_connection
from django.db import transaction
from django.db.models import Exists, OuterRef

from alerts import messages
from alerts.models import Alert, Notification
from alerts.services.lifecycle import Opening, close, open_all
from alerts.services.telling import can_message
from clinical.escalation import Deadlines
from clinics.backends import may_log_in
from clinics.models import Membership, User
from patients.models import Contact, Patient

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
    rows = Notification.objects.select_related("alert__clinic", "alert__patient", "user", "patient", "contact")
    row = rows.get(pk=notification_id)
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
    except (smtplib.SMTPRecipientsRefused, smtplib.SMTPResponseException) as error:
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
    if alert.patient is not None and alert.patient.status != Patient.Status.ACTIVE:
        return f"patient: {alert.patient.get_status_display().lower()}"
    if row.user is not None and not _is_staff_of(row.user, alert.clinic_id):
        return "no longer on the staff of the clinic"
    if row.patient is not None and not can_message(row.patient, alert.clinic.patient_messages_since):
        return "patient has no consent or address any more"
    if row.contact is not None and not _may_write_to(row.contact, alert):
        return "contact has no consent or address any more"
    if Notification.objects.filter(alert=alert, recipient=row.recipient, repeat_number__gt=row.repeat_number).exists():
        return "a newer message to the same person follows"
    return ""


def _may_write_to(contact: Contact, alert: Alert) -> bool:
    is_live = alert.clinic.patient_messages_since is not None
    return is_live and contact.ended_at is None and contact.email_reminders and bool(contact.email)


def _is_staff_of(user: User, clinic_id: int) -> bool:
    return may_log_in(user) and Membership.objects.of_clinic(clinic_id).filter(user=user).exists()


def _finish(row: Notification, state: str, *, sent_at: datetime | None = None, error: str = "") -> bool:
    return _store(row, state=state, sent_at=sent_at, error=error[:500])


def _store(row: Notification, **outcome: Any) -> bool:
    """Store an outcome if this sender still holds the lease; another that took over after it lapsed has the say."""
    held = Notification.objects.filter(pk=row.pk, state=Notification.State.SENDING, lease_until=row.lease_until)
    return held.update(attempts=row.attempts, **{"lease_until": None, **outcome}) == 1


@transaction.atomic
def _sent(row: Notification, now: datetime) -> None:
    """The row has gone out; an alert that somebody could not be reached is settled once everybody was."""
    _finish(row, Notification.State.SENT, sent_at=now)
    rows = Notification.objects.filter(alert__pump=row.alert.pump_id)
    reached_later = rows.filter(state=Notification.State.SENT, recipient=OuterRef("recipient"), pk__gt=OuterRef("pk"))
    if rows.filter(~Exists(reached_later), state=Notification.State.FAILED).exists():
        return
    open_failures = Alert.objects.open().filter(pump=row.alert.pump_id, kind=Alert.Kind.DELIVERY_FAILED)
    for alert in open_failures.select_for_update():
        close(alert, reason="the recipient was reached", event_id=None, now=now)


def _try_again(row: Notification, error: Exception, now: datetime) -> None:
    """A mail server that fails is asked again for ever, at most ten minutes apart."""
    wait = min(timedelta(seconds=15) * 2 ** min(row.attempts - 1, 10), LONGEST_WAIT)
    logger.warning("message %s: %s; trying again in %s", row.pk, error, wait)
    _store(row, state=Notification.State.QUEUED, due_at=now + wait, error=str(error)[:500])


@transaction.atomic
def _refused(row: Notification, error: smtplib.SMTPException, now: datetime) -> None:
    """Refused for good (5xx): the row has failed, and staff are alerted. Anything milder is tried again."""
    if not _is_final(error):
        _try_again(row, error, now)
        return
    # Two refusals for one pump at once come one after the other.
    alert = Alert.objects.select_for_update().filter(pump=row.alert.pump_id).order_by("pk")[0]
    _finish(row, Notification.State.FAILED, error=str(error))
    if row.alert.kind == Alert.Kind.DELIVERY_FAILED or _has_open_failure(alert):
        return
    opening = Opening(
        alert.clinic_id, alert.patient_id, alert.pump_id, Alert.Kind.DELIVERY_FAILED, Deadlines(opened_at=now)
    )
    open_all([opening], now=now)


def _is_final(error: smtplib.SMTPException) -> bool:
    """Whether the server said never rather than not now. A refused log-in or sender is the server's, not the row's."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _ in error.recipients.values())
    return isinstance(error, smtplib.SMTPDataError) and error.smtp_code >= 500


def _has_open_failure(alert: Alert) -> bool:
    failures = Alert.objects.open().filter(pump=alert.pump_id, kind=Alert.Kind.DELIVERY_FAILED)
    return failures.exists()

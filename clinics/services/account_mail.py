"""Mail about accounts: queued by pages, sent by a task."""

import logging
import smtplib
from datetime import datetime, timedelta
from email.utils import parseaddr

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.utils import timezone

from clinics.models import AccountMail

logger = logging.getLogger(__name__)

# A sender that is killed frees what it had taken after so long.
LEASE = timedelta(seconds=60)
LONGEST_WAIT = timedelta(minutes=10)
BATCH = 20


def queue(*, to: str, subject: str, body: str, now: datetime) -> AccountMail:
    """Leave a message to be sent. It is given up when the links in it would have ended."""
    expires_at = now + timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT)
    return AccountMail.objects.create(
        to=to, subject=" ".join(subject.split())[:300], body=body, created_at=now, due_at=now, expires_at=expires_at
    )


def send_due(*, for_at_most: timedelta) -> int:
    """Send what is due, one run at a time (the caller's business); a slow server ends the run, not the messages."""
    started, sent = timezone.now(), 0
    while rows := claim(timezone.now()):
        for row in rows:
            if timezone.now() - started > for_at_most:
                return sent
            sent += send(row, now=timezone.now())
    return sent


def claim(now: datetime) -> list[AccountMail]:
    """Take some due messages: their due time moves a lease ahead before anything is sent."""
    with transaction.atomic():
        rows = list(AccountMail.objects.due(now).select_for_update(skip_locked=True)[:BATCH])
        AccountMail.objects.filter(pk__in=[row.pk for row in rows]).update(due_at=now + LEASE)
    return rows


def send(row: AccountMail, *, now: datetime) -> bool:
    """Send one claimed message and store the outcome; a crash in between sends it again under the same Message-ID."""
    _, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
    identity = f"<brim.account.{row.pk}@{address.rpartition('@')[2]}>"
    try:
        EmailMessage(row.subject, row.body, to=[row.to], headers={"Message-ID": identity}).send()
    except (OSError, smtplib.SMTPException) as error:
        wait = min(timedelta(seconds=15) * 2 ** min(row.attempts, 10), LONGEST_WAIT)
        logger.warning("account mail %s: %s; trying again in %s", row.pk, error, wait)
        AccountMail.objects.filter(pk=row.pk).update(
            attempts=row.attempts + 1, due_at=now + wait, error=str(error)[:500]
        )
        return False
    AccountMail.objects.filter(pk=row.pk).update(attempts=row.attempts + 1, sent_at=now, body="", error="")
    return True

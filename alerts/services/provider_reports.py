"""What a provider says later of a message it took: bounced, complained about, not delivered, nobody answered.

Told twice, or told of a message that failed already, it changes nothing.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.db import transaction

from alerts.models import Notification
from alerts.queries import NotificationQuerySet
from alerts.services.failures import give_up_address, open_failure
from clinical.saying import say

State = Notification.State
# A call that nobody answers is made so often, so far apart; then it has failed.
MOST_CALLS = 3
CALL_AGAIN = timedelta(minutes=10)


class Mishap(StrEnum):
    """Each in words for staff."""

    BOUNCED = say("the address does not take it")
    COMPLAINED = say("the recipient reported it as spam")
    UNSUBSCRIBED = say("the recipient wants no more e-mail")
    REJECTED = say("the mail provider does not send to this address")
    FAILED = say("the mail provider could not send it")


# After these nothing more is sent to the address.
ENDS_ADDRESS = {Mishap.BOUNCED, Mishap.COMPLAINED, Mishap.UNSUBSCRIBED, Mishap.REJECTED}


@dataclass(frozen=True)
class MailReport:
    """`row_id` and `provider_id` are what the report calls the message: either is enough."""

    mishap: Mishap
    address: str
    row_id: int | None = None
    provider_id: str = ""


@transaction.atomic
def mail_failed(report: MailReport, *, now: datetime) -> bool:
    """The row has failed, staff are alerted, and an address that is at fault gets nothing more; whether it was news."""
    row = _locked(report)
    if row is None:
        return False
    if report.mishap in ENDS_ADDRESS:
        give_up_address(row, address=report.address, why=report.mishap, now=now)
    return _fail(row, str(report.mishap), now)


@transaction.atomic
def text_failed(*, row_id: int, provider_id: str, code: str, now: datetime) -> bool:
    """A text message was not delivered."""
    row = _of(row_id, Notification.Channel.SMS, provider_id)
    return row is not None and _fail(row, _not_delivered(code), now)


@transaction.atomic
def call_failed(*, row_id: int, provider_id: str, why: str, now: datetime) -> bool:
    """Nobody answered, or the line was busy: it is called again some times, then the row has failed."""
    row = _of(row_id, Notification.Channel.VOICE, provider_id)
    if row is None or row.state not in (State.SENT, State.SENDING):
        return False
    words = say("the call was not answered: %(why)s", why=why)
    if row.attempts >= MOST_CALLS or row.state == State.SENDING:
        return _fail(row, words, now)
    Notification.objects.filter(pk=row.pk).update(
        state=State.QUEUED, due_at=now + CALL_AGAIN, sent_at=None, provider_id="", error=words[:500]
    )
    return True


def _not_delivered(code: str) -> str:
    if code.isascii() and code.isdecimal() and len(code) < 8:
        return say("the text message was not delivered, code %(code)s", code=code)
    return say("the text message was not delivered")


def _rows() -> NotificationQuerySet[Notification]:
    return Notification.objects.select_for_update(of=("self",)).select_related(
        "clinic", "alert__patient", "appointment__patient", "user", "patient", "contact"
    )


def _locked(report: MailReport) -> Notification | None:
    mail = _rows().filter(channel=Notification.Channel.EMAIL)
    if report.row_id is not None:
        return mail.filter(pk=report.row_id).first()
    return mail.filter(provider_id=report.provider_id).first() if report.provider_id else None


def _of(row_id: int, channel: str, provider_id: str) -> Notification | None:
    """A row, unless the report is of an earlier try. One whose sender has not stored the name yet has none."""
    row = _rows().filter(pk=row_id, channel=channel).first()
    is_other = row is not None and row.provider_id not in ("", provider_id)
    return None if is_other else row


def _fail(row: Notification, words: str, now: datetime) -> bool:
    """The sender may not have stored yet that it was taken; its compare-and-set then finds the row failed."""
    if row.state not in (State.SENT, State.SENDING):
        return False
    Notification.objects.filter(pk=row.pk).update(state=State.FAILED, lease_until=None, error=words[:500])
    open_failure(row, now=now)
    return True

"""The outbox is emptied here: at least once, the row's id as the message's identity."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from alerts.channels.email import message_id as message_id
from alerts.channels.lines import Lines, name_of
from alerts.channels.outcome import Refused, Sent, Trouble, Unreachable
from alerts.models import Notification
from alerts.people import at_home
from alerts.services import moot, webhooks
from alerts.services.failures import (
    Place,
    give_up_address,
    open_failure,
    place_of,
    places_with_failures,
    settle,
)
from clinical.saying import say

logger = logging.getLogger(__name__)

# Messages handed to one sender at a time.
BATCH = 200
LEASE = timedelta(seconds=60)
LONGEST_WAIT = timedelta(minutes=10)
# So long a batch may take; what is left of it is given back.
LONGEST_BATCH = LEASE / 2


def claim(now: datetime, most: int = BATCH) -> list[int]:
    """Take some deliverable rows under a lease; the commit makes the lease visible before anything is sent."""
    with transaction.atomic():
        ids = list(
            Notification.objects.deliverable(now)
            .select_for_update(skip_locked=True)
            .values_list("pk", flat=True)[:most]
        )
        Notification.objects.filter(pk__in=ids).update(state=Notification.State.SENDING, lease_until=now + LEASE)
    return ids


def deliver(notification_id: int, *, now: datetime) -> None:
    """Send one claimed row."""
    deliver_all([notification_id], clock=lambda: now)


def deliver_all(ids: Sequence[int], *, clock: Callable[[], datetime], claimed_at: datetime | None = None) -> int:
    """Send claimed rows; returns how many were dealt with. Rows that somebody else took over since are theirs.

    Steps: (1) read who and what now, in a fixed number of queries; (2) cancel what nobody need be told any more;
    (3) send one after the other by the same connections, outside any transaction; (4) store the outcome of each before
    the next is sent. A crash before 4 leaves the row under a lease that lapses, so it is sent again under the same
    Message-ID. Once a server does not answer at all, the other rows for it wait as well; a batch that takes long ends,
    and what is left is given back to whoever is free.
    """
    started = clock()
    rows = moot.fetched(ids, lease_until=claimed_at + LEASE if claimed_at is not None else None)
    reasons = moot.why_not(rows, started)
    todo: list[Notification] = []
    for row in rows:
        if row.recipient == webhooks.EVERY_ADDRESS:
            _spread(row, started)
        elif row.pk in reasons:
            _finish(row, Notification.State.CANCELLED, error=reasons[row.pk])
        else:
            todo.append(row)
    # Those whose server one clinic chose come last, so that it holds up nobody else's.
    todo.sort(key=lambda row: row.channel == Notification.Channel.WEBHOOK)
    batch = _Batch(places_with_failures(todo))
    with Lines() as lines:
        for number, row in enumerate(todo):
            if clock() - started > LONGEST_BATCH:
                _give_back(todo[number:])
                return len(rows) - len(todo) + number
            _send(row, lines, batch, clock)
    return len(rows)


class _Batch:
    """What the rows of one batch learn from each other."""

    def __init__(self, failing: set[Place]) -> None:
        # Where an alert about undelivered messages stands, which a message that gets through may end.
        self.failing = failing
        # Lines whose server does not answer, with its words.
        self.silent: dict[str, str] = {}


def _send(row: Notification, lines: Lines, batch: _Batch, clock: Callable[[], datetime]) -> None:
    row.attempts += 1
    line = name_of(row)
    if line in batch.silent:
        _put_back(row, batch.silent[line], clock())
        return
    try:
        sent = lines.of(row).send(row)
    except Refused as error:
        _refused(row, error, clock())
        batch.failing.add(place_of(row))
    except Unreachable as error:
        batch.silent[line] = str(error)
        _try_again(row, str(error), clock())
    except Trouble as error:
        _try_again(row, str(error), clock())
    except Exception as error:  # noqa: BLE001  one row that cannot be composed must not hold up the rest
        # Neither its words nor its trace are kept: both may hold the message.
        name = type(error).__name__
        logger.error("message %s could not be made or sent: %s in %s", row.pk, name, _place(error))
        _try_again(row, say("could not be made or sent: %(name)s", name=name), clock())
    else:
        _sent(row, sent, batch, clock())


def _place(error: BaseException) -> str:
    """Where in the code it broke."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace is not None else "an unknown place"


def _spread(row: Notification, now: datetime) -> None:
    """A row for every address of the clinic becomes a row for each, which then fail or succeed on their own."""
    with transaction.atomic():
        count = webhooks.spread(row, now=now)
        if count:
            _finish(row, Notification.State.SENT, sent_at=now)
        else:
            _finish(row, Notification.State.CANCELLED, error=say("the clinic has no address for webhooks"))


def _finish(
    row: Notification, state: str, *, sent_at: datetime | None = None, error: str = "", provider_id: str = ""
) -> bool:
    return _store(row, state, due_at=row.due_at, sent_at=sent_at, error=error, provider_id=provider_id)


# Once a message, so it is written out: building it anew by the ORM takes longer than the server takes to do it.
STORE = """
UPDATE alerts_notification
SET state = %s, attempts = %s, due_at = %s, sent_at = %s, error = %s, provider_id = %s, lease_until = NULL
WHERE id = %s AND state = 'sending' AND lease_until = %s
"""


def _store(
    row: Notification,
    state: str,
    *,
    due_at: datetime,
    sent_at: datetime | None = None,
    error: str = "",
    provider_id: str = "",
) -> bool:
    """Store an outcome if this sender still holds the lease; another that took over after it lapsed has the say."""
    values: list[Any] = [str(state), row.attempts, due_at, sent_at, error[:500], provider_id, row.pk, row.lease_until]
    with connection.cursor() as cursor:
        cursor.execute(STORE, values)
        return bool(cursor.rowcount == 1)


def _give_back(rows: Sequence[Notification]) -> None:
    """Rows that were claimed and not tried: they are due as before, for any sender."""
    for row in rows:
        _store(row, Notification.State.QUEUED, due_at=row.due_at, error=row.error)


def _sent(row: Notification, sent: Sent, batch: _Batch, now: datetime) -> None:
    """The row has gone out; an alert that somebody could not be reached is settled once everybody was."""
    if row.channel == Notification.Channel.WEBHOOK:
        webhooks.heard(row, error="", now=now)
    if place_of(row) not in batch.failing:
        _finish(row, Notification.State.SENT, sent_at=now, provider_id=sent.provider_id)
        return
    with transaction.atomic():
        _finish(row, Notification.State.SENT, sent_at=now, provider_id=sent.provider_id)
        settle(place_of(row), now=now)


def _try_again(row: Notification, words: str, now: datetime) -> None:
    """A server that fails is asked again for ever, at most ten minutes apart."""
    wait = _put_back(row, words, now)
    logger.warning("message %s: %s; trying again in %s", row.pk, words, wait)
    if row.channel == Notification.Channel.WEBHOOK:
        webhooks.heard(row, error=words, now=now)


def _put_back(row: Notification, words: str, now: datetime) -> timedelta:
    wait: timedelta = min(timedelta(seconds=15) * 2 ** min(row.attempts - 1, 10), LONGEST_WAIT)
    _store(row, Notification.State.QUEUED, due_at=now + wait, error=words)
    return wait


@transaction.atomic
def _refused(row: Notification, error: Refused, now: datetime) -> None:
    """Refused for good: the row has failed, and staff are alerted; nothing more goes to an address that is wrong."""
    if not _finish(row, Notification.State.FAILED, error=str(error)):
        return
    person = at_home(row)
    if error.is_address_bad and row.channel == Notification.Channel.EMAIL and person is not None:
        give_up_address(row, address=person.email, why=say("the mail server does not know it"), now=now)
    if row.channel == Notification.Channel.WEBHOOK:
        webhooks.heard(row, error=str(error), now=now)
    open_failure(row, now=now)

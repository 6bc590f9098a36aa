import logging

from celery import shared_task
from django.utils import timezone

from alerts.services import delivery, engine
from alerts.services.alone import alone
from alerts.services.engine import Part
from clinics.services import account_mail

logger = logging.getLogger(__name__)


@shared_task
def deliver() -> int:
    """Send everything deliverable, mail about accounts first, one run at a time.

    A mail server that hangs holds up one worker slot, not the tick. A message only hurries this; the interval finds
    what is left.
    """
    sent = 0
    with alone("deliver") as is_alone:
        if is_alone:
            account_mail.send_due(for_at_most=delivery.LEASE / 2)
            engine.beat(Part.DELIVER, now=timezone.now())
        while is_alone and (ids := delivery.claim(timezone.now())):
            claimed_at = timezone.now()
            for notification_id in ids:
                if timezone.now() - claimed_at > delivery.LEASE / 2:
                    break  # a slow server: what is left of this claim lapses and is taken up again
                _deliver_one(notification_id)
                sent += 1
            engine.beat(Part.DELIVER, now=timezone.now())
    return sent


def _deliver_one(notification_id: int) -> None:
    try:
        delivery.deliver(notification_id, now=timezone.now())
    except Exception as error:  # one row that cannot be composed must not hold up the rest
        logger.exception("message %s", notification_id)
        delivery.postpone(notification_id, error, now=timezone.now())

import logging

from celery import shared_task
from django.utils import timezone

from alerts.services import delivery

logger = logging.getLogger(__name__)


@shared_task
def deliver() -> int:
    """Send everything deliverable. A message only hurries this; the interval finds what is left."""
    sent = 0
    while ids := delivery.claim(timezone.now()):
        claimed_at = timezone.now()
        for notification_id in ids:
            if timezone.now() - claimed_at > delivery.LEASE / 2:
                break  # a slow server: what is left of this claim lapses and is taken up again
            _deliver_one(notification_id)
            sent += 1
    return sent


def _deliver_one(notification_id: int) -> None:
    try:
        delivery.deliver(notification_id, now=timezone.now())
    except Exception as error:
        logger.exception("message %s", notification_id)
        delivery.postpone(notification_id, error, now=timezone.now())

"""The Celery application with a short lease and short waits: what a killed worker held is soon taken up again."""

from datetime import timedelta

from alerts.services import delivery
from config.celery import app

LEASE = timedelta(seconds=6)

delivery.LEASE = LEASE
delivery.LONGEST_WAIT = timedelta(seconds=1)

__all__ = ["app"]

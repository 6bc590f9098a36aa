from celery import shared_task
from django.utils import timezone

from alerts.services.alone import alone
from alerts.tasks import deliver
from pumps.services import fleet


@shared_task
def tick() -> int:
    told = fleet.tick(timezone.now())
    if told:
        deliver.delay()
    return told


@shared_task
def nightly_if_due() -> None:
    with alone("nightly") as is_alone:
        if is_alone:
            fleet.nightly_if_due(timezone.now())

from celery import shared_task
from django.utils import timezone

from alerts.services.alone import alone
from alerts.tasks import deliver
from pumps.services import call_list_files, fleet, nightly


@shared_task
def tick() -> int:
    told = fleet.tick(timezone.now())
    if told:
        deliver.delay()
    return told


@shared_task
def nightly_if_due() -> None:
    """Two share a run; beat sends this one, which sends the other once there is something to share."""
    now = timezone.now()
    with alone("nightly") as is_alone:
        if is_alone and nightly.begun(now) is not None:
            help_nightly.delay()
            nightly.run_if_due(now)


@shared_task
def help_nightly() -> None:
    with alone("nightly help") as is_alone:
        if is_alone:
            nightly.run_if_due(timezone.now())


@shared_task
def write_call_lists() -> None:
    """Each morning's lists. A look that was missed is made good by the next one."""
    with alone("call lists") as is_alone:
        if is_alone:
            call_list_files.write_due(timezone.now())

from celery import shared_task
from django.utils import timezone

from alerts.services.alone import alone
from clinics.models import Job
from clinics.services.jobs import clear_old
from interop import jobs


@shared_task
def run_imports() -> None:
    with alone("imports") as is_alone:
        while is_alone and jobs.run_next():
            pass


@shared_task
def clear_jobs() -> None:
    """What ended long ago goes, with its files."""
    now = timezone.now()
    clear_old(Job, now)
    jobs.clear_old(now)

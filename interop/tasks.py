from celery import shared_task

from alerts.services.alone import alone
from interop import jobs


@shared_task
def run_imports() -> None:
    with alone("imports") as is_alone:
        while is_alone and jobs.run_next():
            pass

from celery import shared_task
from django.utils import timezone

from alerts.services import engine, pinging
from alerts.services.alone import alone
from alerts.tasks import deliver
from clinics.services import jobs
from patients import viewings
from pumps.services import call_list_files, drafts, fleet, nightly, watching
from pumps.services.long_work import DOINGS


# A round that hangs is ended, so that it cannot take one slot of the worker after the other; what it did is stored.
@shared_task(time_limit=600)
def tick() -> int:
    told = fleet.tick(timezone.now())
    if told:
        deliver.delay()
    if not engine.silences(now=timezone.now()):
        pinging.ping()
    return told


@shared_task
def audit_if_due() -> None:
    watching.look_fully_if_due(timezone.now())


@shared_task
def nightly_if_due() -> None:
    """Two share a run; beat sends this one, which sends the other once there is something to share."""
    now = timezone.now()
    drafts.purge(now)
    with alone("nightly") as is_alone:
        if is_alone and nightly.begun(now) is not None:
            help_nightly.delay()
            nightly.run_if_due(now)


@shared_task
def forget_viewings() -> None:
    """A batch at a time, so that none waits long for another."""
    while viewings.forget(now=timezone.now()):
        pass


@shared_task
def help_nightly() -> None:
    with alone("nightly help") as is_alone:
        if is_alone:
            nightly.run_if_due(timezone.now())


@shared_task
def run_jobs() -> None:
    with alone("jobs") as is_alone:
        while is_alone and jobs.run_next(DOINGS):
            pass


@shared_task
def write_call_lists() -> None:
    """Each morning's lists. A look that was missed is made good by the next one."""
    with alone("call lists") as is_alone:
        if is_alone:
            call_list_files.write_due(timezone.now())

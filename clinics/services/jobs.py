"""Long work on a clinic: asked for, done by a worker, cancelled, cleared away.

A job is found by its state and begun again if its worker was killed: what is all or nothing from the beginning, what is
stored in batches behind the last of them. One runs at a time (the caller's business).
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from clinical.saying import say
from clinics.errors import Conflict, DomainError, Impossible
from clinics.history import note, subject_of
from clinics.models import Clinic, Job, User, Work
from clinics.roles import Permission
from clinics.services.meter import Cancelled, Meter

logger = logging.getLogger(__name__)

State = Job.State
# A job whose worker was killed so often without getting anywhere is given up.
MOST_ATTEMPTS = 3
# Ended work is kept so long, with what it made.
KEPT_FOR = timedelta(days=30)
# Who may ask for a kind of work, and see it.
NEEDED = {
    Job.Kind.RE_ESTIMATE: Permission.ADMINISTER,
    Job.Kind.SETTINGS: Permission.ADMINISTER,
    Job.Kind.FLEET_REPORT: Permission.SEE_CLINICAL,
}
# Those who ask for work of one clinic take turns while one checks what is open.
TURNS = 0x6A6F62
GIVEN_UP = say("It was begun three times and did not finish. Whoever runs Brim finds why in the log.")
NOT_ALLOWED = say("Whoever asked for it may not do so any more.")
# As the history has them.
ASKED = {
    Job.Kind.RE_ESTIMATE: say("Asked for: forecasts computed anew"),
    Job.Kind.SETTINGS: say("Asked for: settings changed"),
    Job.Kind.FLEET_REPORT: say("Asked for: fleet report"),
}
STOPPED = {
    Job.Kind.RE_ESTIMATE: say("Asked to stop: forecasts computed anew"),
    Job.Kind.SETTINGS: say("Asked to stop: settings changed"),
    Job.Kind.FLEET_REPORT: say("Asked to stop: fleet report"),
}


@dataclass(frozen=True)
class Doing:
    """How a kind of work is done; its result becomes the report. `is_whole`: all of it in one transaction, so that
    after a kill or a cancellation none of it is stored; else what is stored in batches stays."""

    work: Callable[[Job, Meter], Mapping[str, Any]]
    is_whole: bool


@transaction.atomic
def ask(*, clinic: Clinic, kind: Job.Kind, user: User, asked: Mapping[str, Any], now: datetime) -> Job:
    """Leave work to be done; where the last of its kind is the same and has not ended, it is that one.

    Only the last: whoever asks for one thing, another, and the first again wants the first in the end.
    """
    _take_turns(clinic.pk)
    open_jobs = Job.objects.filter(clinic=clinic, kind=kind, state__in=[State.WAITING, State.AT_WORK])
    newest = open_jobs.order_by("-pk").first()
    if newest is not None:
        same = open_jobs.filter(pk=newest.pk, asked=dict(asked), cancel_requested=False).first()
        if same is not None:
            return same
    job = Job.objects.create(clinic=clinic, kind=kind, user=user, asked=dict(asked), created_at=now)
    note(clinic=clinic, by=user, at=now, subject=subject_of(job), summary=ASKED[kind])
    return job


def _take_turns(clinic_id: int) -> None:
    """Wait until nobody else is asking, to the end of the transaction. The clinic's row may be locked for as long as
    settings are being changed, so that is not waited for."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [TURNS, clinic_id])


def may_cancel(user: User, job: Job) -> bool:
    """Whoever asked for it, and whoever runs the clinic."""
    return job.user_id == user.pk or user.access.can(Permission.ADMINISTER, job.clinic_id)


@transaction.atomic
def cancel(*, job: Job, by: User, now: datetime) -> Job:
    """Stop work: what waits ends at once, what is being done ends behind its present batch.

    Raises:
        Conflict: it has ended already.
    """
    locked = Job.objects.select_for_update().get(pk=job.pk)
    if not locked.is_at_work:
        raise Conflict(_("This has ended already: %(state)s.") % {"state": locked.get_state_display().lower()})
    locked.cancel_requested = True
    if locked.state == State.WAITING:
        _end(locked, State.CANCELLED, now)
    locked.save()
    summary = STOPPED[Job.Kind(locked.kind)]
    note(clinic=locked.clinic, by=by, at=now, subject=subject_of(locked), summary=summary)
    return locked


def run_next(doings: Mapping[str, Doing]) -> bool:
    """Do the oldest job; whether there was one."""
    waiting = Job.objects.filter(state__in=[State.WAITING, State.AT_WORK]).select_related("clinic")
    job = waiting.order_by("pk").first()
    if job is None:
        return False
    job.attempts += 1
    job.state = State.AT_WORK
    Job.objects.filter(pk=job.pk).update(attempts=job.attempts, state=job.state)
    if job.attempts > MOST_ATTEMPTS:
        _settle(job, State.FAILED, {}, error=GIVEN_UP)
    elif not _may_still(job):
        _settle(job, State.FAILED, {}, error=NOT_ALLOWED)
    else:
        _run(job, doings[job.kind])
    return True


def _may_still(job: Job) -> bool:
    user = User.objects.in_use().filter(pk=job.user_id).first()
    return user is not None and user.access.can(NEEDED[Job.Kind(job.kind)], job.clinic_id)


def _run(job: Job, doing: Doing) -> None:
    """Do a job, and keep what came of it."""
    try:
        with Meter(job) as meter:
            if doing.is_whole:
                # Done and said to be done together, or a worker killed between the two would do it twice.
                with transaction.atomic():
                    _settle(job, State.DONE, doing.work(job, meter))
            else:
                _settle(job, State.DONE, doing.work(job, meter))
    except Cancelled:
        _settle(job, State.CANCELLED, {})
    except Impossible as error:
        said = "; ".join(message for messages in error.errors.values() for message in messages)
        _settle(job, State.FAILED, {}, error=said)
    except DomainError as error:
        _settle(job, State.FAILED, {}, error=str(error))
    except Exception as error:  # the task's edge: kept on the job, and logged
        logger.exception("job %s", job.pk)
        broken = say(
            "Something broke (%(name)s). It has been written to the log; whoever runs Brim finds why there.",
            name=type(error).__name__,
        )
        _settle(job, State.FAILED, {}, error=broken)


@transaction.atomic
def _settle(job: Job, state: str, report: Mapping[str, Any], error: str = "") -> None:
    locked = Job.objects.select_for_update().get(pk=job.pk)
    locked.report, locked.error = {**locked.report, **report}, error[:500]
    _end(locked, state, timezone.now())
    locked.save()


def _end(job: Job, state: str, now: datetime) -> None:
    job.state, job.finished_at = state, now


def clear_old(rows: type[Work], now: datetime) -> int:
    """Delete ended work and its files after a while; how many there were."""
    old = rows._default_manager.filter(finished_at__lt=now - KEPT_FOR)
    _deleted, by_model = old.delete()
    return by_model.get(rows._meta.label, 0)


def own(user: User) -> models.QuerySet[Job]:
    """What a person asked for, newest first, of the clinics they still belong to."""
    return Job.objects.visible_to(user).filter(user=user).select_related("clinic")

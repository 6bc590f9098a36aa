"""Imports made on a page or over the API: uploaded, checked, confirmed, stored.

The work is a task's, found by its state: a job is checked or stored from the beginning again if its worker was killed,
which does no harm since an import is all or nothing. How far it is, is written over a connection of its own, so that it
is seen while the import's transaction is open; and a request to cancel is read over the same.
"""

import logging
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from clinical.saying import say
from clinics.errors import Conflict, DomainError, Impossible
from clinics.history import note, subject_of
from clinics.models import User
from clinics.roles import Permission
from clinics.services import jobs
from clinics.services.meter import Cancelled, Meter
from interop.importing import Report, import_folder
from interop.models import ImportFile, ImportJob
from interop.problems import ImportRefused

logger = logging.getLogger(__name__)

State = ImportJob.State
# A job whose worker was killed so often is given up.
MOST_ATTEMPTS = 3
PROBLEMS_KEPT = 1000


def may_import(user: User) -> bool:
    """Whether a person administers a clinic to import into, or may add one."""
    return user.access.can_somewhere(Permission.ADMINISTER)


def visible_to(user: User) -> QuerySet[ImportJob]:
    """A person's own imports: they hold the data of whichever clinics were uploaded."""
    return ImportJob.objects.filter(user=user)


@transaction.atomic
def upload(*, user: User, files: Mapping[str, bytes], warnings: Iterable[str], now: datetime) -> ImportJob:
    """Leave files to be checked."""
    job = ImportJob.objects.create(user=user, created_at=now, report={"ignored": list(warnings)})
    ImportFile.objects.bulk_create(ImportFile(job=job, name=name, content=content) for name, content in files.items())
    note(
        clinic=None,
        by=user,
        at=now,
        subject=subject_of(job),
        summary=say("Import uploaded: %(files)s", files=", ".join(files)),
    )
    return job


@transaction.atomic
def confirm(*, job: ImportJob, now: datetime) -> ImportJob:
    """Let a checked import be stored.

    Raises:
        Conflict: it is not ready.
    """
    locked = ImportJob.objects.select_for_update().get(pk=job.pk)
    if locked.state != State.READY:
        raise Conflict(_("This import cannot be confirmed: %(lower)s.") % {"lower": locked.get_state_display().lower()})
    locked.state, locked.attempts = State.TO_STORE, 0
    locked.step, locked.step_done, locked.step_from, locked.step_total, locked.step_started_at = "", 0, 0, 0, None
    locked.save()
    return locked


@transaction.atomic
def cancel(*, job: ImportJob, now: datetime) -> ImportJob:
    """Stop an import; one at work stops at its next step, with nothing stored.

    Raises:
        Conflict: it has ended already.
    """
    locked = ImportJob.objects.select_for_update().get(pk=job.pk)
    if locked.state not in (State.TO_CHECK, State.READY, State.TO_STORE):
        raise Conflict(_("This import has ended already: %(lower)s.") % {"lower": locked.get_state_display().lower()})
    locked.cancel_requested = True
    if locked.state == State.READY:
        _end(locked, State.CANCELLED, now)
    locked.save()
    return locked


def run_next() -> bool:
    """Do what is to be done for the oldest job; whether there was one. One run at a time (the caller's business)."""
    job = ImportJob.objects.filter(state__in=[State.TO_CHECK, State.TO_STORE]).order_by("pk").first()
    if job is None:
        return False
    job.attempts += 1
    job.save(update_fields=["attempts"])
    if job.attempts > MOST_ATTEMPTS:
        _fail(
            job,
            say(
                "It was begun three times and did not finish. Nothing was stored; whoever runs Brim finds why in the "
                "log."
            ),
        )
    elif job.cancel_requested:
        _settle(job, State.CANCELLED, {})
    else:
        _run(job)
    return True


def _run(job: ImportJob) -> None:
    """Check or store one job, and keep what came of it."""
    is_check = job.state == State.TO_CHECK
    user = User.objects.in_use().filter(pk=job.user_id).first()
    if user is None or not may_import(user):
        _fail(job, say("Whoever uploaded it may not import any more."))
        return
    try:
        if is_check:
            _settle(job, State.READY, _told(_imported(job, user, dry_run=True)))
        else:
            # Stored and said to be stored together, or a worker killed between the two would leave a job that lies.
            with transaction.atomic():
                _settle(job, State.DONE, _told(_imported(job, user, dry_run=False)))
    except Cancelled:
        _settle(job, State.CANCELLED, {})
    except ImportRefused as refusal:
        _settle(job, State.REFUSED, _refused(refusal))
    except (Impossible, DomainError) as error:
        _settle(job, State.REFUSED, {"problems": [{"message": str(error)}], "count": 1, "warnings": []})
    except Exception as error:  # the task's edge: kept on the job, and logged
        logger.exception("import %s", job.pk)
        _fail(
            job,
            say(
                "Something broke (%(name)s). Nothing was stored; it has been written to the log.",
                name=type(error).__name__,
            ),
        )


def _imported(job: ImportJob, user: User, *, dry_run: bool) -> Report:
    with TemporaryDirectory(prefix="brim-import-") as name, Meter(job) as meter:
        for file in job.files.all():
            (Path(name) / file.name).write_bytes(bytes(file.content))
        return import_folder(folder=Path(name), user=user, now=timezone.now(), dry_run=dry_run, progress=meter.tell)


def _refused(refusal: ImportRefused) -> dict[str, Any]:
    problems = [
        {"file": one.file, "line": one.line, "column": one.column, "message": one.message}
        for one in refusal.problems[:PROBLEMS_KEPT]
    ]
    return {"problems": problems, "count": len(refusal.problems), "warnings": refusal.warnings}


def _told(report: Report) -> dict[str, Any]:
    counts = {file: {"new": count.new, "unchanged": count.unchanged} for file, count in report.counts.items()}
    return {"counts": counts, "forecasts": report.forecasts, "warnings": report.warnings}


@transaction.atomic
def _settle(job: ImportJob, state: str, report: Mapping[str, Any]) -> None:
    locked = ImportJob.objects.select_for_update().get(pk=job.pk)
    locked.report = {**locked.report, **report}
    now = timezone.now()
    if state == State.READY and locked.cancel_requested:
        state = State.CANCELLED
    if state == State.READY:
        locked.state = state
    else:
        _end(locked, state, now)
    locked.save()
    if state == State.DONE:
        note(clinic=None, by=locked.user, at=now, subject=subject_of(locked), summary=say("Import stored"))


def _fail(job: ImportJob, reason: str) -> None:
    ImportJob.objects.filter(pk=job.pk).update(error=reason)
    _settle(job, State.FAILED, {})


def _end(job: ImportJob, state: str, now: datetime) -> None:
    """The job has ended, and what was uploaded is not kept."""
    job.state, job.finished_at = state, now
    job.files.all().delete()


def clear_old(now: datetime) -> int:
    """Delete imports that ended a while ago; those that wait for a person go on waiting."""
    return jobs.clear_old(ImportJob, now)

"""Long work on pages: one's own, how far each is, what it did; and a way to stop it. Here, above the rooms it is of."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from clinics.errors import Conflict
from clinics.models import Job, JobFile
from clinics.pages.access import require, user_of
from clinics.pages.progress import Progress, counted, progress_of
from clinics.roles import Permission
from clinics.saying import said as in_their_language
from clinics.services import jobs
from interop import jobs as imports
from patients.viewings import file_is_of

JOBS_SHOWN = 30


@require_safe
def job_list(request: HttpRequest) -> HttpResponse:
    """What the person asked for lately, imports among it."""
    user, now = user_of(request), timezone.now()
    own = [(job, progress_of(job, job.state, now, is_at_work=job.is_at_work)) for job in jobs.own(user)[:JOBS_SHOWN]]
    may_import = imports.may_import(user)
    context = {"jobs": own, "imports": imports.visible_to(user)[:JOBS_SHOWN] if may_import else [],
               "may_import": may_import}  # fmt: skip
    return render(request, "interop/jobs.html", context)


def _job(request: HttpRequest, work_id: int) -> Job:
    """A job of the person's clinics: 404 for another clinic's, 403 without the role that may ask for it."""
    visible = Job.objects.visible_to(user_of(request)).select_related("clinic", "user")
    found = get_object_or_404(visible, pk=work_id)
    require(request, jobs.NEEDED[Job.Kind(found.kind)], found.clinic_id)
    return found


def _progress(job: Job) -> Progress:
    return progress_of(job, job.state, timezone.now(), is_at_work=job.is_at_work)


@require_safe
def job(request: HttpRequest, work_id: int) -> HttpResponse:
    """How far a job is; once it has ended, what was and was not done. Without script the browser asks again."""
    found = _job(request, work_id)
    progress = _progress(found)
    context = {
        "job": found,
        "clinic": found.clinic,
        "progress": progress,
        "said": [] if progress.is_at_work else said(found),
        "error": in_their_language(_(found.error)) if found.error else "",
        "may_cancel": jobs.may_cancel(user_of(request), found),
        "file": JobFile.objects.filter(job=found).defer("content").first(),
        "month": _month(found),
    }
    return render(request, "interop/job.html", context)


def _month(job: Job) -> Any:
    return parse_date(f"{job.asked['month']}-01") if "month" in job.asked else None


def said(job: Job) -> list[str]:
    """What a job that has ended did, and what it did not."""
    if job.kind == Job.Kind.RE_ESTIMATE:
        return _re_estimated(job)
    if job.kind == Job.Kind.SETTINGS:
        if job.state != Job.State.DONE:
            return [_("Nothing was changed: the settings and every forecast are as they were.")]
        moved = job.report.get("moved", 0)
        return [
            _("The settings are saved."),
            ngettext("%(n)s refill-by date has moved.", "%(n)s refill-by dates have moved.", moved)
            % {"n": counted(moved)},
        ]
    return [] if job.state == Job.State.DONE else [_("No report was made. Nothing else was changed.")]


def _re_estimated(job: Job) -> list[str]:
    done, total, changed = (job.report.get(name, 0) for name in ("pumps", "of", "changed"))
    values = {"done": counted(done), "total": counted(total), "left": counted(max(total - done, 0))}
    lines = []
    if job.state == Job.State.DONE:
        lines.append(_("All %(done)s pumps have a new forecast.") % values)
    elif done:
        lines.append(
            _(
                "%(done)s of %(total)s pumps have a new forecast. The other %(left)s keep the one they had. Each fits "
                "its own records, so nothing has to be undone; start it again at any time."
            )
            % values
        )
    else:
        lines.append(_("No forecast was changed."))
    if done and not changed:
        lines.append(_("Each says what it said before."))
    elif done:
        lines.append(
            ngettext("%(n)s of them says something new.", "%(n)s of them say something new.", changed)
            % {"n": counted(changed)}
        )
    return lines


@require_safe
def job_progress(request: HttpRequest, work_id: int) -> JsonResponse:
    """How far a job is, for the page that watches it."""
    return JsonResponse(_progress(_job(request, work_id)).as_json())


@require_POST
def cancel_job(request: HttpRequest, work_id: int) -> HttpResponse:
    """Stop one's own work, or as an administrator anybody's."""
    found = _job(request, work_id)
    if not jobs.may_cancel(user_of(request), found):
        require(request, Permission.ADMINISTER, found.clinic_id)
    try:
        stopped = jobs.cancel(job=found, by=user_of(request), now=timezone.now())
    except Conflict as error:
        messages.error(request, str(error))
    else:
        if stopped.is_at_work:
            messages.success(request, _("It stops behind its present batch."))
        else:
            messages.success(request, _("Cancelled, before it began."))
    return redirect("job", work_id=found.pk)


@require_safe
def job_file(request: HttpRequest, work_id: int) -> HttpResponse:
    """What the job made."""
    found = _job(request, work_id)
    file = JobFile.objects.filter(job=found).first()
    if file is None:
        raise Http404
    file_is_of(request, found.clinic_id)
    headers = {"Content-Disposition": f'attachment; filename="{file.name}"'}
    return HttpResponse(bytes(file.content), content_type="application/pdf", headers=headers)

"""Moving in and out on pages: upload, check, confirm, watch; and the export of a clinic."""

import logging
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from kombu.exceptions import OperationalError

from clinics.errors import Conflict, Impossible
from clinics.models import Clinic, User
from clinics.pages.access import administered, take, user_of
from clinics.pages.progress import Progress, progress_of
from clinics.roles import Permission
from clinics.saying import said
from interop import jobs
from interop.api.views import zip_of
from interop.models import ImportJob
from interop.problems import FILE_ORDER
from interop.tables import TABLES
from interop.tasks import run_imports
from interop.uploads import contents

logger = logging.getLogger(__name__)

JOBS_SHOWN = 20
PROBLEMS_SHOWN = 200


class ManyFiles(forms.ClearableFileInput):
    allow_multiple_selected = True


class UploadForm(forms.Form):
    folder = forms.Field(
        label=gettext_lazy("The folder"),
        required=False,
        widget=ManyFiles(attrs={"webkitdirectory": True, "multiple": True}),
        help_text=gettext_lazy("Choose the folder that holds the CSV files."),
    )
    chosen = forms.Field(
        label=gettext_lazy("Or the files, or a zip of them"),
        required=False,
        widget=ManyFiles(attrs={"multiple": True, "accept": ".csv,.zip"}),
    )


def _importer(request: HttpRequest) -> User:
    user = user_of(request)
    if not jobs.may_import(user):
        raise PermissionDenied(_("Importing is for administrators."))
    return user


def imports(request: HttpRequest) -> HttpResponse:
    """One's imports, and a new one."""
    user = _importer(request)
    form = UploadForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            uploaded = [*request.FILES.getlist("folder"), *request.FILES.getlist("chosen")]
            files, ignored = contents(uploaded)
        except Impossible as error:
            take(form, {"chosen": [said for told in error.errors.values() for said in told]})
        else:
            job = jobs.upload(user=user, files=files, warnings=ignored, now=timezone.now())
            _hurry()
            return redirect("import_job", job_id=job.pk)
    context = {
        "form": form,
        "jobs": jobs.visible_to(user)[:JOBS_SHOWN],
        "file_names": FILE_ORDER,
        "tables": TABLES,
        "may_add_clinics": user.access.can_everywhere(Permission.ADMINISTER),
    }
    return render(request, "interop/imports.html", context)


def _job(request: HttpRequest, job_id: int) -> ImportJob:
    return get_object_or_404(jobs.visible_to(_importer(request)), pk=job_id)


def import_job(request: HttpRequest, job_id: int) -> HttpResponse:
    """An import on its way: what the check found, how far it is, what it did."""
    job = _job(request, job_id)
    report: dict[str, Any] = job.report
    problems = report.get("problems", [])
    is_done = job.state == ImportJob.State.DONE
    clinics = Clinic.objects.visible_to(user_of(request)).filter(patient_messages_since=None) if is_done else []
    context = {
        "job": job,
        "counts": report.get("counts", {}),
        "forecasts": report.get("forecasts", 0),
        "problems": problems[:PROBLEMS_SHOWN],
        "problem_count": report.get("count", len(problems)),
        "warnings": [*report.get("ignored", []), *report.get("warnings", [])],
        "progress": _progress(job),
        "error": said(job.error),
        "clinics": clinics,
    }
    return render(request, "interop/import_job.html", context)


def import_progress(request: HttpRequest, job_id: int) -> JsonResponse:
    """How far an import is, for the page that watches it."""
    return JsonResponse(_progress(_job(request, job_id)).as_json())


def _progress(job: ImportJob) -> Progress:
    return progress_of(job, job.state, timezone.now(), is_at_work=job.is_at_work, has_more_steps=True)


def _hurry() -> None:
    """Have it done now; without Redis the next interval finds it."""
    try:
        run_imports.delay()
    except OperationalError:
        logger.warning("the broker does not answer; the import waits for the next interval")


@require_POST
def confirm_import(request: HttpRequest, job_id: int) -> HttpResponse:
    job = _job(request, job_id)
    try:
        jobs.confirm(job=job, now=timezone.now())
    except Conflict as error:
        messages.error(request, str(error))
    else:
        _hurry()
    return redirect("import_job", job_id=job.pk)


@require_POST
def cancel_import(request: HttpRequest, job_id: int) -> HttpResponse:
    job = _job(request, job_id)
    try:
        stopped = jobs.cancel(job=job, now=timezone.now())
    except Conflict as error:
        messages.error(request, str(error))
    else:
        is_over = stopped.state == ImportJob.State.CANCELLED
        messages.success(request, _("Cancelled. Nothing was stored.") if is_over else _("It stops at its next step."))
    return redirect("import_job", job_id=job.pk)


def export_clinic(request: HttpRequest, clinic_id: int) -> FileResponse:
    """Everything of a clinic as a zip of CSV files."""
    return zip_of(administered(request, clinic_id))

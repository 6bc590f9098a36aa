"""What the worker does for somebody who watches: forecasts of a clinic anew, its settings, its monthly report."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.utils import timezone, translation

from clinics.models import Clinic, Job, JobFile, User
from clinics.services import jobs
from clinics.services.jobs import Doing
from clinics.services.meter import Meter
from pumps import forecasting
from pumps.fleet_report import month_of, report_of
from pumps.fleet_report_pdf import as_pdf, file_name
from pumps.models import Pump
from pumps.services import priors
from pumps.services import settings as settings_service
from pumps.services.settings import ClinicSettings

# So many pumps are forecast in one transaction: the work stops behind it.
BATCH = 250
# A clinic with more pumps than this has its settings changed by the worker, since a page would make somebody wait.
AT_ONCE = settings_service.PREVIEWED
LEARNING, FORECASTING, READING = "learning", "forecasting", "reading the month"


def ask_re_estimate(*, clinic: Clinic, by: User, now: datetime) -> Job:
    return jobs.ask(clinic=clinic, kind=Job.Kind.RE_ESTIMATE, user=by, asked={}, now=now)


def ask_report(*, clinic: Clinic, month: date, by: User, now: datetime) -> Job:
    """The report of the month in which `month` lies, in the language of whoever asks."""
    asked = {"month": f"{month:%Y-%m}", "language": translation.get_language() or "en"}
    return jobs.ask(clinic=clinic, kind=Job.Kind.FLEET_REPORT, user=by, asked=asked, now=now)


def is_for_the_worker(clinic: Clinic) -> bool:
    """Whether a change of the clinic's settings takes longer than somebody waits for a page."""
    return len(Pump.objects.filter(clinic=clinic).order_by("pk").values_list("pk")[: AT_ONCE + 1]) > AT_ONCE


def ask_settings(*, clinic: Clinic, settings: ClinicSettings, by: User, now: datetime) -> Job:
    """
    Raises:
        Impossible: see `settings.check`.
    """
    settings_service.check(settings)
    asked = {"settings": settings.given()}
    return jobs.ask(clinic=clinic, kind=Job.Kind.SETTINGS, user=by, asked=asked, now=now)


def _re_estimate(job: Job, meter: Meter) -> Mapping[str, Any]:
    """Learn from the fleet's refills, then forecast the clinic's pumps anew, a batch a transaction.

    Stopped or killed between two batches, those done have their new forecast and the others the one they had: each is
    what its ledger gives with the prior version it names.
    """
    now = timezone.now()
    pumps = Pump.objects.filter(clinic=job.clinic).order_by("pk")
    total, done = pumps.count(), pumps.filter(pk__lte=job.reached).count()
    reached, changed = job.reached, int(job.report.get("changed", 0))
    if not reached:
        meter.tell(LEARNING, 0, 0)
        priors.learn()
    meter.tell(FORECASTING, done, total)
    while ids := list(pumps.filter(pk__gt=reached).values_list("pk", flat=True)[:BATCH]):
        changed += forecasting.recompute(ids, now=now)
        reached, done = ids[-1], done + len(ids)
        so_far = {"pumps": done, "of": total, "changed": changed}
        meter.stored(FORECASTING, done, max(total, done), reached=reached, report=so_far)
    return {"pumps": done, "of": done, "changed": changed}


def _settings(job: Job, meter: Meter) -> Mapping[str, Any]:
    def tell(done: int, total: int) -> None:
        meter.tell(FORECASTING, done, total)

    wanted = ClinicSettings(**job.asked["settings"])
    moved = settings_service.change(
        clinic=job.clinic, settings=wanted, now=timezone.now(), by=job.user, progress=tell
    )  # fmt: skip
    return {"moved": moved, "settings": sorted(wanted.given())}


def _fleet_report(job: Job, meter: Meter) -> Mapping[str, Any]:
    def tell(done: int, total: int) -> None:
        meter.tell(READING, done, total)

    with translation.override(job.asked["language"]):
        report = report_of(job.clinic, month_of(job.asked["month"]), timezone.now(), tell)
        JobFile.objects.create(job=job, name=file_name(report), content=as_pdf(report))
    return {"month": job.asked["month"]}


DOINGS: Mapping[str, Doing] = {
    Job.Kind.RE_ESTIMATE: Doing(_re_estimate, is_whole=False),
    Job.Kind.SETTINGS: Doing(_settings, is_whole=True),
    Job.Kind.FLEET_REPORT: Doing(_fleet_report, is_whole=True),
}

"""Long work with progress: killed, cancelled, done twice at once; seen by its own clinic only."""

import io
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zlib import crc32

import pytest
from django.db import connection, connections
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation
from pypdf import PdfReader

from clinics.models import Change, Clinic, Job, JobFile, User
from clinics.pages.progress import left_words, progress_of
from clinics.roles import Role
from clinics.saying import is_known
from clinics.services import jobs
from clinics.services.jobs import Doing
from clinics.services.meter import Meter, seconds_left
from interop.models import ImportJob
from interop.tasks import clear_jobs
from patients.models import Viewing
from pumps import tasks
from pumps.models import Forecast
from pumps.services import long_work
from pumps.services.long_work import DOINGS
from pumps.services.settings import ClinicSettings
from tests.builders import NOW, a_clinic, a_running_pump, a_user

pytestmark = pytest.mark.django_db(transaction=True)
State = Job.State


class Killed(BaseException):
    """The worker is gone."""


@pytest.fixture
def clinic(committed: None, monkeypatch: pytest.MonkeyPatch) -> Clinic:
    """Seven pumps; the worker takes two at a time, and runs when a test says so."""
    monkeypatch.setattr(long_work, "BATCH", 2)
    monkeypatch.setattr("pumps.pages.long_work.hurry", lambda: None)
    found = a_clinic("Harbor")
    for _ in range(7):
        a_running_pump(found)
    return found


@pytest.fixture
def administrator(clinic: Clinic) -> User:
    return a_user(Role.ADMINISTRATOR, clinic)


def in_browser(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="clinics.backends.EmailBackend")
    return client


def re_estimate(clinic: Clinic, by: User) -> Job:
    return long_work.ask_re_estimate(clinic=clinic, by=by, now=timezone.now())


def make_wrong(clinic: Clinic) -> None:
    """Every stored date is off, so that whatever was forecast anew can be told from what was not."""
    Forecast.objects.filter(clinic=clinic).update(refill_by=NOW + timedelta(days=3000))


def wrong(clinic: Clinic) -> int:
    return Forecast.objects.filter(clinic=clinic, refill_by=NOW + timedelta(days=3000)).count()


def at(monkeypatch: pytest.MonkeyPatch, done: int, act: Any) -> list[int]:
    """Do `act` once `done` pumps are stored; the counts seen on the way."""
    seen: list[int] = []
    stored = Meter.stored

    def see(self: Meter, what: str, so_far: int, total: int, **more: Any) -> None:
        stored(self, what, so_far, total, **more)
        seen.append(Job.objects.get(pk=self.work.pk).step_done)
        if so_far == done:
            act(self.work)

    monkeypatch.setattr(Meter, "stored", see)
    return seen


def test_all_forecasts_of_a_clinic_are_made_anew(clinic: Clinic, administrator: User) -> None:
    job = re_estimate(clinic, administrator)
    make_wrong(clinic)
    tasks.run_jobs()
    job.refresh_from_db()
    assert (job.state, job.report) == (State.DONE, {"pumps": 7, "of": 7, "changed": 7})
    assert wrong(clinic) == 0
    page = in_browser(administrator).get(reverse("job", args=[job.pk]))
    assert "All 7 pumps have a new forecast." in page.text


def test_the_count_only_grows_and_reaches_the_total(
    clinic: Clinic, administrator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = re_estimate(clinic, administrator)
    seen = at(monkeypatch, 0, None)
    tasks.run_jobs()
    job.refresh_from_db()
    assert seen == [2, 4, 6, 7]
    assert job.step_done == job.step_total == 7


def test_a_killed_worker_is_made_good_where_it_stopped(
    clinic: Clinic, administrator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = re_estimate(clinic, administrator)
    make_wrong(clinic)

    def kill(_: Job) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        at(patch, 4, kill)
        with pytest.raises(Killed):
            tasks.run_jobs()
    assert wrong(clinic) == 3
    job.refresh_from_db()
    assert (job.state, job.step_done) == (State.AT_WORK, 4)
    seen = at(monkeypatch, 0, None)
    tasks.run_jobs()
    job.refresh_from_db()
    assert seen == [6, 7], "it goes on behind what was stored"
    assert (job.state, job.report["changed"], wrong(clinic)) == (State.DONE, 7, 0)


def test_cancelled_between_two_batches_it_says_what_is_done(
    clinic: Clinic, administrator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = re_estimate(clinic, administrator)
    make_wrong(clinic)
    client = in_browser(administrator)
    at(monkeypatch, 4, lambda found: client.post(reverse("cancel_job", args=[found.pk])))
    tasks.run_jobs()
    job.refresh_from_db()
    assert (job.state, wrong(clinic)) == (State.CANCELLED, 1)
    page = client.get(reverse("job", args=[job.pk]))
    assert "6 of 7 pumps have a new forecast. The other 1 keep the one they had." in page.text
    client.post(reverse("cancel_job", args=[job.pk]))
    assert "This has ended already" in client.get(reverse("jobs")).text


def test_cancelled_before_its_turn_nothing_is_done(clinic: Clinic, administrator: User) -> None:
    job = re_estimate(clinic, administrator)
    make_wrong(clinic)
    in_browser(administrator).post(reverse("cancel_job", args=[job.pk]))
    tasks.run_jobs()
    job.refresh_from_db()
    assert (job.state, wrong(clinic)) == (State.CANCELLED, 7)


def test_two_workers_do_it_once(clinic: Clinic, administrator: User) -> None:
    """While one is at it, another finds it taken."""
    job = re_estimate(clinic, administrator)
    other = connections.create_connection("default")
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [crc32(b"jobs")])
        tasks.run_jobs()
        job.refresh_from_db()
        assert job.state == State.WAITING
        cursor.execute("SELECT pg_advisory_unlock(%s)", [crc32(b"jobs")])
    other.close()
    tasks.run_jobs()
    job.refresh_from_db()
    assert (job.state, job.attempts) == (State.DONE, 1)


def test_the_same_is_not_asked_twice(clinic: Clinic, administrator: User) -> None:
    assert re_estimate(clinic, administrator) == re_estimate(clinic, a_user(Role.ADMINISTRATOR, clinic))
    tasks.run_jobs()
    assert re_estimate(clinic, administrator).state == State.WAITING


def test_what_was_asked_for_last_is_done_last(clinic: Clinic, administrator: User) -> None:
    """As often as somebody changes their mind."""
    for days in (9, 10, 9, 9):
        settings = ClinicSettings(refill_margin_days=days)
        long_work.ask_settings(clinic=clinic, settings=settings, by=administrator, now=timezone.now())
    assert Job.objects.count() == 3, "the last two are one"
    for _ in range(3):
        tasks.run_jobs()
    clinic.refresh_from_db()
    assert clinic.refill_margin_days == 9


def test_asking_does_not_wait_for_a_change_of_settings(clinic: Clinic, administrator: User) -> None:
    """Which holds the clinic's row for as long as its forecasts take."""
    other = connections.create_connection("default")
    other.set_autocommit(False)
    try:
        with other.cursor() as holding, connection.cursor() as cursor:
            holding.execute("SELECT 1 FROM clinics_clinic WHERE id = %s FOR NO KEY UPDATE", [clinic.pk])
            cursor.execute("SET lock_timeout = '2s'")
            try:
                assert re_estimate(clinic, administrator).state == State.WAITING
            finally:
                cursor.execute("RESET lock_timeout")
    finally:
        other.rollback()
        other.close()


def test_work_that_never_gets_anywhere_is_given_up(clinic: Clinic, administrator: User) -> None:
    job = re_estimate(clinic, administrator)

    def dies(job: Job, meter: Meter) -> Mapping[str, Any]:
        raise Killed

    for _ in range(jobs.MOST_ATTEMPTS):
        with pytest.raises(Killed):
            jobs.run_next({Job.Kind.RE_ESTIMATE: Doing(dies, is_whole=False)})
    jobs.run_next(DOINGS)
    job.refresh_from_db()
    assert (job.state, job.error) == (State.FAILED, jobs.GIVEN_UP)
    assert "begun three times" in in_browser(administrator).get(reverse("job", args=[job.pk])).text


def test_work_that_breaks_says_so_and_the_next_is_done(clinic: Clinic, administrator: User) -> None:
    job = re_estimate(clinic, administrator)

    def breaks(job: Job, meter: Meter) -> Mapping[str, Any]:
        raise ZeroDivisionError

    jobs.run_next({Job.Kind.RE_ESTIMATE: Doing(breaks, is_whole=False)})
    job.refresh_from_db()
    assert job.state == State.FAILED
    assert "ZeroDivisionError" in job.error
    assert is_known(job.error)
    assert not jobs.run_next(DOINGS)


def test_who_left_the_clinic_changes_nothing_any_more(clinic: Clinic, administrator: User) -> None:
    job = re_estimate(clinic, administrator)
    make_wrong(clinic)
    administrator.memberships.all().delete()
    tasks.run_jobs()
    job.refresh_from_db()
    assert (job.state, job.error, wrong(clinic)) == (State.FAILED, jobs.NOT_ALLOWED, 7)


# --- settings of a large clinic -------------------------------------------------------------------------------------


def save_settings(client: Client, clinic: Clinic, days: str) -> Any:
    path = reverse("clinic_settings", args=[clinic.pk])
    form = client.get(path).context["form"]
    values = {bound.html_name: bound.value() for bound in form if bound.value() not in (None, False)}
    return client.post(path, {**values, "refill_margin_days": days, "step": "save"})


def test_settings_of_a_large_clinic_are_changed_by_the_worker_whole_or_not_at_all(
    clinic: Clinic, administrator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(long_work, "AT_ONCE", 5)
    monkeypatch.setattr("pumps.services.settings.PROGRESS_BATCH", 2)
    client = in_browser(administrator)
    before = dict(Forecast.objects.values_list("pump_id", "refill_by"))
    answer = save_settings(client, clinic, "10")
    job = Job.objects.get()
    assert answer["Location"] == reverse("job", args=[job.pk])
    told = Meter.tell

    def stop(self: Meter, what: str, done: int, total: int) -> None:
        if done == 4:
            asked_to_stop_over_another_session(job)
        self._written = 0
        told(self, what, done, total)

    with monkeypatch.context() as patch:
        patch.setattr(Meter, "tell", stop)
        tasks.run_jobs()
    job.refresh_from_db()
    clinic.refresh_from_db()
    assert (job.state, clinic.refill_margin_days) == (State.CANCELLED, 7)
    assert dict(Forecast.objects.values_list("pump_id", "refill_by")) == before
    assert "Nothing was changed" in client.get(reverse("job", args=[job.pk])).text
    save_settings(client, clinic, "10")
    tasks.run_jobs()
    clinic.refresh_from_db()
    assert (Job.objects.latest("pk").report["moved"], clinic.refill_margin_days) == (7, 10)
    assert Change.objects.filter(summary="Settings changed", by=administrator).count() == 1


def asked_to_stop_over_another_session(job: Job) -> None:
    """As a page does it, since this one is within the work's transaction."""
    other = connections.create_connection("default")
    with other.cursor() as cursor:
        cursor.execute("UPDATE clinics_job SET cancel_requested = true WHERE id = %s", [job.pk])
    other.close()


def test_settings_of_a_small_clinic_are_changed_at_once(clinic: Clinic, administrator: User) -> None:
    answer = save_settings(in_browser(administrator), clinic, "10")
    assert answer["Location"] == reverse("clinic", args=[clinic.pk])
    assert not Job.objects.exists()


def test_settings_that_cannot_be_are_refused_before_and_by_the_worker(clinic: Clinic, administrator: User) -> None:
    a_clinic("Taken")
    job = long_work.ask_settings(
        clinic=clinic, settings=ClinicSettings(name="Taken"), by=administrator, now=timezone.now()
    )  # fmt: skip
    tasks.run_jobs()
    job.refresh_from_db()
    assert job.state == State.FAILED
    assert job.error


# --- the report -----------------------------------------------------------------------------------------------------


def test_the_fleet_report_is_made_by_the_worker_and_downloaded(clinic: Clinic) -> None:
    nurse = a_user(Role.NURSE, clinic)
    client = in_browser(nurse)
    asked = client.post(reverse("fleet_report", args=[clinic.pk]), {"month": "2026-11"})
    job = Job.objects.get()
    assert asked["Location"] == reverse("job", args=[job.pk])
    assert client.get(reverse("job_file", args=[job.pk])).status_code == 404
    tasks.run_jobs()
    file = client.get(reverse("job_file", args=[job.pk]))
    text = " ".join(PdfReader(io.BytesIO(file.content)).pages[0].extract_text().split())
    assert "Fleet report: Harbor, November 2026" in text
    assert "In use now: 7" in text
    assert "Download the report" in client.get(reverse("job", args=[job.pk])).text
    assert Viewing.objects.get(what="job_file").clinic_id == clinic.pk, "it is kept whose file was taken"


def test_work_is_stopped_by_whoever_asked_for_it_or_runs_the_clinic(clinic: Clinic, administrator: User) -> None:
    nurse, pharmacist = a_user(Role.NURSE, clinic), a_user(Role.PHARMACIST, clinic)
    for stranger, other, status in ((pharmacist, nurse, 403), (nurse, nurse, 302), (administrator, nurse, 302)):
        job = long_work.ask_report(clinic=clinic, month=NOW.date(), by=other, now=timezone.now())
        address, client = reverse("cancel_job", args=[job.pk]), in_browser(stranger)
        assert (address in client.get(reverse("job", args=[job.pk])).text) == (status == 302)
        assert client.post(address).status_code == status
    assert {job.state for job in Job.objects.all()} == {State.CANCELLED}


def test_the_history_of_work_is_told_in_the_readers_language() -> None:
    for kind in Job.Kind:
        with translation.override("en"):
            name = str(kind.label).lower()
        assert (jobs.ASKED[kind], jobs.STOPPED[kind]) == (f"Asked for: {name}", f"Asked to stop: {name}")
        assert is_known(jobs.ASKED[kind])
        assert is_known(jobs.STOPPED[kind])


# --- pages ----------------------------------------------------------------------------------------------------------


def test_another_clinics_job_does_not_exist(clinic: Clinic, administrator: User) -> None:
    job = re_estimate(clinic, administrator)
    stranger, nurse = in_browser(a_user(Role.ADMINISTRATOR, a_clinic())), in_browser(a_user(Role.NURSE, clinic))
    for name in ("job", "job_progress", "job_file"):
        assert stranger.get(reverse(name, args=[job.pk])).status_code == 404
        assert nurse.get(reverse(name, args=[job.pk])).status_code == 403
    assert stranger.post(reverse("cancel_job", args=[job.pk])).status_code == 404
    assert nurse.post(reverse("cancel_job", args=[job.pk])).status_code == 403
    assert nurse.post(reverse("re_estimate", args=[clinic.pk])).status_code == 403
    assert "Forecasts computed anew" not in stranger.get(reverse("jobs")).text
    assert "Forecasts computed anew" in in_browser(administrator).get(reverse("jobs")).text


def test_without_script_the_page_asks_again_by_itself(clinic: Clinic, administrator: User) -> None:
    job = re_estimate(clinic, administrator)
    client = in_browser(administrator)
    assert 'http-equiv="refresh"' in client.get(reverse("job", args=[job.pk])).text
    assert client.get(reverse("job_progress", args=[job.pk])).json() == {
        "state": "waiting", "words": "Waiting for its turn", "percent": None, "left": "", "is_at_work": True,
        "is_stopping": False,
    }  # fmt: skip
    tasks.run_jobs()
    assert 'http-equiv="refresh"' not in client.get(reverse("job", args=[job.pk])).text


def a_job_at(done: int, total: int, *, began_s_ago: float, begun_at: int = 0) -> tuple[Job, datetime]:
    started = NOW - timedelta(seconds=began_s_ago)
    return Job(
        state=State.AT_WORK, step="forecasting", step_done=done, step_total=total, step_from=begun_at,
        step_started_at=started,
    ), NOW  # fmt: skip


@pytest.mark.parametrize(
    ("done", "begun_at", "seconds", "left"),
    [
        (0, 0, 60.0, None),
        (10, 0, 1.0, None),
        (100, 0, 10.0, 90),
        (1000, 0, 10.0, 0),
        # taken up again at 500: the pace is that of this attempt
        (500, 500, 60.0, None),
        (600, 500, 10.0, 40),
    ],
)
def test_time_left_is_told_by_the_pace_of_this_attempt(
    done: int, begun_at: int, seconds: float, left: int | None
) -> None:
    job, now = a_job_at(done, 1000, began_s_ago=seconds, begun_at=begun_at)
    assert seconds_left(job, now) == left


def test_words_of_progress() -> None:
    job, now = a_job_at(1200, 3400, began_s_ago=65)
    told = progress_of(job, job.state, now, is_at_work=True)
    assert (told.words, told.percent) == ("Computing forecasts: 1,200 of 3,400 pumps", 35)
    assert told.left == "about 2 minutes left"
    assert [left_words(seconds) for seconds in (5, 60, 89, 3000, 9000)] == [
        "less than a minute left", "about 1 minute left", "about 1 minute left", "about 50 minutes left",
        "about 2 hours left",
    ]  # fmt: skip


def test_old_work_goes_with_its_files(clinic: Clinic, administrator: User) -> None:
    job = long_work.ask_report(clinic=clinic, month=NOW.date(), by=administrator, now=timezone.now())
    tasks.run_jobs()
    waiting = re_estimate(clinic, administrator)
    old = ImportJob.objects.create(user=administrator, state="done", finished_at=timezone.now() - timedelta(days=31))
    ready = ImportJob.objects.create(user=administrator, state="ready", created_at=timezone.now() - timedelta(days=90))
    clear_jobs()
    assert JobFile.objects.filter(job=job).exists()
    assert list(ImportJob.objects.all()) == [ready]
    assert old.pk
    Job.objects.filter(pk=job.pk).update(finished_at=timezone.now() - timedelta(days=31))
    clear_jobs()
    assert list(Job.objects.all()) == [waiting]
    assert not JobFile.objects.exists()

"""Importing on a page: problems by file and line, nothing stored until confirmed, and it can be ended."""

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from clinics.models import Clinic
from clinics.roles import Role
from interop import jobs, uploads
from interop.models import ImportJob
from pumps.models import Event, Pump
from tests.builders import a_user
from tests.interop.folders import GOOD

pytestmark = pytest.mark.django_db(transaction=True)
State = ImportJob.State


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Client:
    """An administrator of all clinics; the jobs run when the test says so."""
    monkeypatch.setattr("interop.pages._hurry", lambda: None)
    client = Client()
    client.force_login(a_user(Role.ADMINISTRATOR), backend="clinics.backends.EmailBackend")
    return client


def zipped(files: dict[str, str]) -> SimpleUploadedFile:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return SimpleUploadedFile("clinic.zip", raw.getvalue())


def uploaded(client: Client, **files: str) -> ImportJob:
    """The good folder as a zip, some of its files replaced."""
    client.post(reverse("imports"), {"chosen": zipped({**GOOD, **files})})
    return ImportJob.objects.latest("pk")


def page_of(client: Client, job: ImportJob) -> Any:
    return client.get(reverse("import_job", args=[job.pk]))


def test_a_zip_is_checked_then_confirmed_then_stored(committed: None, client: Client) -> None:
    job = uploaded(client)
    assert jobs.run_next()
    job.refresh_from_db()
    assert job.state == State.READY
    assert Pump.objects.count() == 0
    assert "refills.csv" in page_of(client, job).text
    client.post(reverse("confirm_import", args=[job.pk]))
    assert jobs.run_next()
    job.refresh_from_db()
    assert job.state == State.DONE
    assert (Clinic.objects.get().name, Event.objects.filter(kind="refill").count()) == ("Oak", 2)
    assert not jobs.run_next()


def test_every_bad_row_is_named_by_file_and_line_and_nothing_is_stored(committed: None, client: Client) -> None:
    bad = {
        "refills.csv": GOOD["refills.csv"] + "S1,soon,,40,500,,,,\nS9,2026-10-02T15:00:00Z,,40,500,,,,\n",
        "pumps.csv": GOOD["pumps.csv"].replace("SynchroMed II 8637-40", "Nothing 9"),
    }
    job = uploaded(client, **bad)
    jobs.run_next()
    text = page_of(client, job).text
    for place in ("refills.csv:4", "refills.csv:5", "pumps.csv:2", "Nothing 9"):
        assert place in text, place
    client.post(reverse("confirm_import", args=[job.pk]))
    jobs.run_next()
    job.refresh_from_db()
    assert job.state not in {State.DONE, State.READY}
    assert Pump.objects.count() == 0


def test_an_import_is_cancelled(committed: None, client: Client) -> None:
    job = uploaded(client)
    jobs.run_next()
    client.post(reverse("cancel_import", args=[job.pk]))
    client.post(reverse("confirm_import", args=[job.pk]))
    assert not jobs.run_next()
    assert Pump.objects.count() == 0


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "Choose"), (b"PK\x03\x04rubbish", "zip"), (b"\x00" * 100, "")],
)
def test_what_is_no_folder_is_refused(committed: None, client: Client, content: bytes, said: str) -> None:
    files = {"chosen": SimpleUploadedFile("clinic.zip", content)} if content else {}
    page = client.post(reverse("imports"), files)
    assert page.status_code == 200
    assert said in " ".join(page.context["form"].errors["chosen"])
    assert not ImportJob.objects.exists()


def test_a_zip_that_unpacks_without_end_is_refused(
    committed: None, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "MOST_BYTES", 10_000)
    page = client.post(reverse("imports"), {"chosen": zipped({"refills.csv": "0" * 1_000_000})})
    assert page.context["form"].errors["chosen"]
    assert not ImportJob.objects.exists()


def test_a_plain_folder_in_the_browser_is_the_same(committed: None, client: Client, tmp_path: Path) -> None:
    files = [SimpleUploadedFile(name, text.encode()) for name, text in GOOD.items()]
    client.post(reverse("imports"), {"folder": files})
    jobs.run_next()
    assert ImportJob.objects.get().state == State.READY

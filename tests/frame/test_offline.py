"""What is kept on a device for when there is no connection: static files, and one page without anybody in it."""

import json
import re

import pytest
from django.conf import settings
from django.test import Client

from clinics.models import User
from clinics.roles import Role
from tests.builders import a_clinic, a_running_pump, a_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def nurse() -> Client:
    clinic = a_clinic("Harbor")
    a_running_pump(clinic, filled_days_ago=90)
    user = a_user(Role.NURSE, clinic)
    User.objects.filter(pk=user.pk).update(language="es", look="dark", name="Nora Quill")
    client = Client()
    client.force_login(user)
    return client


def test_the_page_is_in_the_readers_language_and_look_and_names_nobody(nurse: Client) -> None:
    page = nurse.get("/offline/").text
    assert 'lang="es"' in page
    assert "look-dark.css" in page
    for word in ("Nora", "Harbor", "csrfmiddlewaretoken", "main-nav", "data-user", "data-worker"):
        assert word not in page


def test_whoever_is_logged_out_may_have_it(client: Client) -> None:
    assert client.get("/offline/").status_code == 200
    assert client.get("/sw.js").status_code == 200
    assert client.post("/offline/").status_code == 405


def test_the_worker_answers_for_the_root_and_is_never_old(client: Client) -> None:
    answer = client.get("/sw.js")
    assert answer["Content-Type"].startswith("text/javascript")
    assert answer["Service-Worker-Allowed"] == "/"
    assert answer["Cache-Control"] == "no-cache"
    assert "worker-src 'self'" in answer["Content-Security-Policy"]


def test_it_keeps_static_files_alone(client: Client) -> None:
    script = client.get("/sw.js").text
    found = re.search(r"FILES = (\[.*?\]);", script)
    assert found is not None
    files = json.loads(found[1])
    assert len(files) > 10
    assert all(name.startswith(settings.STATIC_URL) for name in files)
    assert not any("portal" in name for name in files)


@pytest.mark.parametrize(
    ("path", "is_ours"),
    [
        ("/", True),
        ("/pumps/7/guided/", True),
        ("/calendar/week/", True),
        ("/pumps/7/report/", True),
        ("/clinics/7/call-list/", True),
        ("/v/token/", False),
        ("/c/token/", False),
        ("/api/v1/pumps/", False),
        ("/calendar/token/visits.ics", False),
        ("/worklist/pdf/", False),
        ("/clinics/7/export/", False),
        ("/clinics/7/call-list/download/", False),
        ("/patients/7/emergency-card/print/", False),
        ("/pumps/7/events/8/report/", False),
        ("/jobs/7/file/", False),
        ("/login/", False),
    ],
)
def test_patients_links_calls_and_files_are_left_to_the_browser(client: Client, path: str, is_ours: bool) -> None:
    found = re.search(r"NOT_OURS = /(.*)/;", client.get("/sw.js").text)
    assert found is not None
    assert (re.search(found[1].replace(r"\/", "/"), path) is None) == is_ours


def test_pages_of_staff_ask_for_it_and_the_log_in_page_lets_go_of_it(nurse: Client, client: Client) -> None:
    assert 'data-offline="/offline/?as=es-dark"' in nurse.get("/account/").text
    page = client.get("/login/").text
    assert "brim/worker.js" in page
    assert "data-worker" not in page

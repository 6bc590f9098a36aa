"""The real path of a reminder: Celery worker and beat as processes, PostgreSQL, Redis, and a local SMTP server."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message as MessageHandler
from django.conf import settings
from django.db import connection
from django.utils import timezone

from alerts.models import Alert, Heartbeat, Notification
from clinics.roles import Role
from pumps.models import Forecast
from tests.builders import a_clinic, a_running_pump, a_user

ROOT = Path(__file__).resolve().parent.parent
TICK_SECONDS = 2

pytestmark = [pytest.mark.processes, pytest.mark.usefixtures("committed")]


class Inbox(MessageHandler):
    def __init__(self) -> None:
        super().__init__()
        self.messages: list[Message] = []

    def handle_message(self, message: Message) -> None:
        self.messages.append(message)


@pytest.fixture
def inbox() -> Iterator[tuple[Inbox, int]]:
    handler = Inbox()
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    yield handler, port
    controller.stop()


def database_url() -> str:
    """The test database's address: the environment's, with the test's name."""
    given, name = os.environ["DATABASE_URL"], connection.settings_dict["NAME"]
    address, _, query = given.partition("?")
    return f"{address.rpartition('/')[0]}/{name}" + (f"?{query}" if query else "")


@pytest.fixture
def engine(inbox: tuple[Inbox, int], tmp_path: Path) -> Iterator[dict[str, Any]]:
    """Worker and beat on a Redis database of this test's own; `kill` ends one as kill -9 does."""
    number = 1 + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    redis_url = settings.REDIS_URL
    redis_url = redis_url.replace("db=0", f"db={number}") if "db=0" in redis_url else f"{redis_url[:-1]}{number}"
    environment = {
        **os.environ,
        "DATABASE_URL": database_url(),
        "REDIS_URL": redis_url,
        "EMAIL_URL": f"smtp://127.0.0.1:{inbox[1]}",
        "BRIM_TICK_SECONDS": str(TICK_SECONDS),
        "BRIM_DEMO": "0",
        "DATA_DIR": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    running: dict[str, Any] = {"environment": environment}
    for name, arguments in {
        "worker": ["worker", "--concurrency=1", "--loglevel=WARNING"],
        "beat": ["beat", f"--schedule={tmp_path / 'beat'}", "--loglevel=WARNING"],
    }.items():
        running[name] = start(arguments, environment)
    yield running
    for name in ("worker", "beat"):
        stop(running[name], signal.SIGTERM)


def start(arguments: list[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "celery", "-A", "config", *arguments]
    return subprocess.Popen(command, env=environment, cwd=ROOT, start_new_session=True)


def stop(process: subprocess.Popen[bytes], by: signal.Signals) -> None:
    if process.poll() is None:
        os.killpg(process.pid, by)
        process.wait(timeout=30)


def wait_for(what: Any, seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = what()
        if found:
            return found
        time.sleep(0.2)
    raise AssertionError("waited in vain")


def test_an_overdue_pumps_mail_arrives_and_the_pulse_beats(inbox: tuple[Inbox, int], engine: dict[str, Any]) -> None:
    now = timezone.now()
    clinic = a_clinic()
    a_user(Role.SCHEDULER, clinic, email="book@example.org")
    wait_for(lambda: Heartbeat.objects.filter(name="tick").exists())
    pump = a_running_pump(clinic, filled_days_ago=90, now=now)
    Alert.objects.all().delete()
    Forecast.objects.filter(pump=pump).update(next_alert_at=now)
    due = timezone.now()
    [message] = wait_for(lambda: inbox[0].messages)
    arrived = timezone.now()
    assert message["To"] == "book@example.org"
    assert pump.patient.mrn in message["Subject"]
    row = wait_for(lambda: Notification.objects.filter(channel="email", state="sent").first())
    assert str(row.pk) in message["Message-ID"]
    # Two ticks, and as long again for a busy machine.
    assert (arrived - due).total_seconds() < 4 * TICK_SECONDS + 5


def test_a_worker_killed_in_the_middle_loses_nothing(inbox: tuple[Inbox, int], engine: dict[str, Any]) -> None:
    now = timezone.now()
    clinic = a_clinic()
    a_user(Role.SCHEDULER, clinic, email="book@example.org")
    for _ in range(12):
        a_running_pump(clinic, filled_days_ago=90, now=now)
    Forecast.objects.update(next_alert_at=now)
    wait_for(lambda: inbox[0].messages)
    stop(engine["worker"], signal.SIGKILL)
    Notification.objects.filter(state="sending").update(lease_until=timezone.now())
    engine["worker"] = start(["worker", "--concurrency=1", "--loglevel=WARNING"], engine["environment"])
    wait_for(lambda: Notification.objects.filter(channel="email", state="sent").count() == 12)
    arrived = [message["Message-ID"] for message in inbox[0].messages]
    assert len(set(arrived)) == 12
    assert len(arrived) <= 13  # only the message in the sender's hands may come twice

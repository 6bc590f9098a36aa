"""The outside monitor, a small web server here."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.utils import timezone

from alerts.services import digests, engine, pinging
from alerts.services.engine import Part
from alerts.tasks import deliver
from config.environment import heartbeat_address
from pumps.tasks import tick

pytestmark = pytest.mark.django_db


class Monitor(HTTPServer):
    status = 200

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.asked: list[str] = []


class Answer(BaseHTTPRequestHandler):
    server: Monitor

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        return


@contextmanager
def running() -> Iterator[Monitor]:
    with Monitor() as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def monitor(settings: Any) -> Iterator[Monitor]:
    with running() as server:
        settings.HEARTBEAT_URL = f"http://127.0.0.1:{server.server_port}/ping/a?of=brim"
        yield server


@pytest.fixture(autouse=True)
def _no_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliver, "delay", lambda: None)


def test_a_round_that_went_well_is_told_once(monitor: Monitor) -> None:
    deliver()
    tick()
    assert monitor.asked == ["/ping/a?of=brim"]


def test_while_a_part_is_silent_the_monitor_hears_nothing(monitor: Monitor, monkeypatch: pytest.MonkeyPatch) -> None:
    tick()
    assert monitor.asked == []
    deliver()
    engine.beat(Part.DIGESTS, now=timezone.now() - timedelta(hours=1))
    monkeypatch.setattr(digests, "write_due", _breaks)
    tick()
    assert monitor.asked == []


def _breaks(now: object) -> None:
    raise ValueError("this one")


@pytest.mark.parametrize("status", [302, 404, 500])
def test_a_monitor_that_will_not_hear_fails_no_round(monitor: Monitor, status: int) -> None:
    monitor.status = status
    deliver()
    tick()
    assert len(monitor.asked) == 1
    assert engine.silences(now=timezone.now()) == []


def test_a_monitor_that_is_not_there_fails_no_round_and_its_secret_is_not_logged(
    settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.HEARTBEAT_URL = "http://127.0.0.1:1/secret"
    deliver()
    tick()
    assert "127.0.0.1 could not be told" in caplog.text
    assert "secret" not in caplog.text
    assert engine.silences(now=timezone.now()) == []


def test_a_monitor_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    monkeypatch.setattr(pinging, "SECONDS", 0.1)
    with HTTPServer(("127.0.0.1", 0), Answer) as server:  # it accepts, and never answers
        settings.HEARTBEAT_URL = f"http://127.0.0.1:{server.server_port}/"
        assert not pinging.ping()


@pytest.mark.django_db(transaction=True)
def test_no_transaction_is_open_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    monkeypatch.setattr(pinging, "ping", lambda: found.append(connection.in_atomic_block))
    deliver()
    tick()
    assert found == [False]


@pytest.mark.parametrize("url", ["ftp://monitor.example.org/", "monitor.example.org", "https://", "http://a:port/"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="HEARTBEAT_URL must look like"):
        heartbeat_address(url)

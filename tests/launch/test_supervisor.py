from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from launch import processes
from launch.supervisor import Backoff, Service, Supervisor, Ward
from tests.launch.stub import wait_for

# An older Python says nothing; a newer one warns of forking beside the threads of pytest-xdist.
pytestmark = [pytest.mark.processes, pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")]

SLEEP = "import time; time.sleep(60)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); {SLEEP}"


class Scene:
    """A supervisor whose clock only moves when told."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = 0.0
        self.said: list[str] = []
        self.supervisor = Supervisor(self.said.append, clock=lambda: self.now)

    def start(self, name: str, code: str, stop_seconds: float = 5.0) -> None:
        command = [sys.executable, "-c", code]
        log = self.folder / f"{name}.log"
        self.supervisor.start(Service(name, command, dict(os.environ), log, stop_seconds=stop_seconds))

    def pid(self) -> int:
        child = self.supervisor.wards[0].child
        assert child is not None
        return child.pid

    def has_died(self) -> bool:
        return wait_for(self.supervisor.wards[0].is_down)

    def tick(self, after: float = 0.0) -> None:
        self.now += after
        self.supervisor.tick()

    def is_up(self) -> bool:
        return self.supervisor.wards[0].child is not None


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    made = Scene(tmp_path)
    yield made
    for ward in made.supervisor.wards:
        ward.make_stop()
        if ward.child is not None:
            ward.child.wait()


def test_delays_double_up_to_ten_seconds() -> None:
    backoff = Backoff()
    assert [backoff.after_run_of(0.1) for _ in range(6)] == [1, 2, 4, 8, 10, 10]


def test_a_minute_up_forgets_earlier_failures() -> None:
    backoff = Backoff()
    for _ in range(5):
        backoff.after_run_of(59.9)
    assert [backoff.after_run_of(60), backoff.after_run_of(1)] == [1, 2]


def test_the_dead_start_again_after_the_delay_and_the_log_says_so(scene: Scene) -> None:
    scene.start("web", SLEEP)
    first = scene.pid()
    os.kill(first, signal.SIGKILL)
    assert scene.has_died()
    scene.tick()
    scene.tick(after=0.9)
    assert not scene.is_up()
    scene.tick(after=0.1)
    assert scene.pid() != first
    log = scene.folder / "web.log"
    assert scene.said == [f"web stopped unexpectedly (killed by SIGKILL); it starts again in 1 s. Its log: {log}"]


def test_an_orderly_exit_is_unexpected_too(scene: Scene) -> None:
    scene.start("beat", "raise SystemExit(3)")
    assert scene.has_died()
    scene.tick()
    assert "beat stopped unexpectedly (exit status 3)" in scene.said[0]


def test_what_cannot_be_started_is_tried_again(scene: Scene) -> None:
    scene.start("web", "pass")
    assert scene.has_died()
    scene.tick()
    program = scene.supervisor.wards[0].service.command
    scene.supervisor.wards[0].service = Service("web", ["/does/not/exist"], {}, scene.folder / "web.log")
    scene.tick(after=1)
    assert "web could not be started" in scene.said[1]
    scene.supervisor.wards[0].service = Service("web", program, dict(os.environ), scene.folder / "web.log")
    scene.tick(after=2)
    assert scene.is_up()


def test_what_the_dead_left_in_its_group_ends_with_it(scene: Scene) -> None:
    code = f"import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', {SLEEP!r}]).pid, flush=True)"
    scene.start("web", f"{code}; {SLEEP}")
    log = scene.folder / "web.log"
    assert wait_for(log.read_text)
    os.kill(scene.pid(), signal.SIGKILL)
    assert scene.has_died()
    scene.tick()
    assert wait_for(lambda: processes.find(int(log.read_text())) is None)


def test_the_last_started_is_asked_to_stop_first(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    ask = Ward.ask_to_stop

    def listen(ward: Ward) -> None:
        asked.append(ward.service.name)
        ask(ward)

    monkeypatch.setattr(Ward, "ask_to_stop", listen)
    scene.start("postgres", SLEEP)
    scene.start("web", SLEEP)
    scene.supervisor.stop()
    assert asked == ["web", "postgres"]
    assert [ward.is_down() for ward in scene.supervisor.wards] == [True, True]
    assert scene.said == []


def test_what_does_not_stop_in_its_time_is_ended(scene: Scene) -> None:
    scene.start("worker", STUBBORN, stop_seconds=0.0)
    assert wait_for((scene.folder / "worker.log").read_text)
    scene.supervisor.stop()
    assert scene.supervisor.wards[0].is_down()
    assert scene.said == ["worker did not stop within 0 s and was ended."]

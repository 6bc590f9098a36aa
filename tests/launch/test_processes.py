from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from launch import processes
from tests.launch.stub import wait_for

pytestmark = [pytest.mark.processes, pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")]

SLEEP = "import time; time.sleep(60)"
PARENT = """
import os, sys, time
from pathlib import Path
from launch import processes
command = [sys.executable, "-c", "import time; time.sleep(60)"]
child = processes.spawn(command, environment=os.environ, log=Path(os.devnull))
print(child.pid, flush=True)
time.sleep(60)
"""


def test_a_process_is_known_by_its_start_as_well_as_its_number() -> None:
    me = processes.myself()
    assert processes.find(os.getpid()) == me
    assert processes.find(os.getppid()) != me


def test_a_zombie_has_ended() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert processes.find(child.pid) is None
    child.wait()


def test_a_child_ends_when_its_parent_is_killed() -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert processes.find(child) is not None
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert wait_for(lambda: processes.find(child) is None)


def test_the_marked_are_found_with_their_children_and_no_others(tmp_path: Path) -> None:
    marked = {**os.environ, processes.MARK: str(tmp_path)}
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {SLEEP!r}])"
    ours = subprocess.Popen([sys.executable, "-c", code], env=marked)
    other = subprocess.Popen([sys.executable, "-c", SLEEP], env={**marked, processes.MARK: f"{tmp_path}2"})
    assert wait_for(lambda: len(processes.marked_for(tmp_path)) == 2)
    assert other.pid not in [process.pid for process in processes.marked_for(tmp_path)]
    processes.stop_all(processes.marked_for(tmp_path), signal.SIGTERM, 5)
    assert processes.marked_for(tmp_path) == []
    ours.wait()
    other.kill()
    other.wait()


def test_who_does_not_end_when_asked_is_made_to() -> None:
    code = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); {SLEEP}"
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()
    found = processes.find(child.pid)
    assert found is not None
    processes.stop_all([found], signal.SIGTERM, 0.1)
    child.stdout.close()
    assert child.wait() == -signal.SIGKILL


def test_a_number_that_now_means_another_process_is_left_alone() -> None:
    child = subprocess.Popen([sys.executable, "-c", SLEEP])
    processes.stop_all([processes.Process(child.pid, "1")], signal.SIGTERM, 0.1)
    assert child.poll() is None
    child.kill()
    child.wait()


@pytest.mark.parametrize(
    ("status", "words"),
    [(0, "exit status 0"), (3, "exit status 3"), (-9, "killed by SIGKILL"), (-250, "killed by signal 250")],
)
def test_statuses_in_words(status: int, words: str) -> None:
    assert processes.describe(status) == words

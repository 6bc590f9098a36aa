from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from launch.locks import Lock

HOLD = """
import sys, time
from pathlib import Path
from launch.locks import Lock
assert Lock(Path(sys.argv[1])).try_exclusive()
print("held", flush=True)
time.sleep(60)
"""


@pytest.mark.processes
def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    assert not Lock(path).try_shared()
    holder.kill()
    holder.wait()
    holder.stdout.close()
    assert Lock(path).try_exclusive()


def test_many_share_it_and_nobody_excludes_them(tmp_path: Path) -> None:
    first, second, third = (Lock(tmp_path / "lock") for _ in range(3))
    assert first.try_shared()
    assert second.try_shared()
    assert not third.try_exclusive()
    first.release()
    second.release()
    assert third.try_exclusive()


def test_looking_at_a_lock_leaves_it_as_it_was(tmp_path: Path) -> None:
    mine, look = Lock(tmp_path / "lock"), Lock(tmp_path / "lock")
    assert not look.held_by_another()
    assert mine.try_exclusive()
    assert look.held_by_another()
    mine.release()
    assert not look.held_by_another()
    assert mine.try_exclusive()


def test_waiting_ends_when_the_holder_lets_go_and_is_announced_once(tmp_path: Path) -> None:
    holder, waiter, notices = Lock(tmp_path / "lock"), Lock(tmp_path / "lock"), []

    def notice() -> None:
        notices.append("waiting")
        holder.release()

    assert holder.try_exclusive()
    with waiter.hold(notice=notice):
        assert holder.held_by_another()
    assert notices == ["waiting"]
    assert holder.try_exclusive()


def test_the_holder_leaves_a_note(tmp_path: Path) -> None:
    lock = Lock(tmp_path / "lock")
    assert lock.try_exclusive()
    lock.write("a longer note")
    lock.write("short")
    assert lock.path.read_text() == "short"

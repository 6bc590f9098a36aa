"""Starting programs so that they end with their parent, stopping them, and finding those left over."""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

MARK = "BRIM_SUPERVISED_FOR"

PR_SET_PDEATHSIG = 1
PR_SET_KEEPCAPS = 8
PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE = 47, 2
CAP_DAC_OVERRIDE = 1
CAPABILITY_VERSION_3 = 0x20080522

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Process:
    """A process id alone may come to mean another process; with the start time it never does."""

    pid: int
    started: str


def find(pid: int) -> Process | None:
    """The running process with this id, if any; a zombie has ended."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = stat[stat.rindex(")") + 2 :].split()  # the name before it may hold anything
    return None if fields[0] == "Z" else Process(pid, fields[19])


def myself() -> Process:
    found = find(os.getpid())
    if found is None:
        raise RuntimeError("no /proc: Brim's commands need Linux")
    return found


def running() -> list[Process]:
    found = (find(int(name)) for name in os.listdir("/proc") if name.isdecimal())
    return [process for process in found if process is not None and process.pid != os.getpid()]


def marked_for(data_dir: Path) -> list[Process]:
    """The supervised processes of a data folder and all they have started, told by their environment."""
    mark = f"{MARK}={data_dir}".encode()
    return [process for process in running() if mark in _read(process, "environ").split(b"\0")]


def named(name: str) -> list[Process]:
    return [process for process in running() if _read(process, "comm").strip() == name.encode()]


def shows(process: Process, text: str) -> bool:
    """Whether its command line, or the title it gave itself, has this text."""
    return text.encode() in _read(process, "cmdline")


def works_in(process: Process, folder: Path) -> bool:
    try:
        return os.readlink(f"/proc/{process.pid}/cwd") == str(folder)
    except OSError:
        return False  # ended meanwhile, or another user's


def _read(process: Process, name: str) -> bytes:
    try:
        return Path(f"/proc/{process.pid}/{name}").read_bytes()
    except OSError:
        return b""  # ended meanwhile, or another user's


def stop_all(processes: Iterable[Process], signal_number: int, patience: float) -> None:
    """Ask them to end, and after `patience` seconds make them."""
    left = list(processes)
    for number, seconds in ((signal_number, patience), (signal.SIGKILL, 5.0)):
        for process in left:
            if find(process.pid) == process:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process.pid, number)
        deadline = time.monotonic() + seconds
        while (left := [p for p in left if find(p.pid) == p]) and time.monotonic() < deadline:
            time.sleep(0.05)


# --- starting ---------------------------------------------------------------------------------------------


def spawn(
    command: Sequence[str | Path],
    *,
    environment: Mapping[str, str],
    log: Path,
    end_with_parent: int | None = signal.SIGTERM,
    user: pwd.struct_passwd | None = None,
    cwd: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own, so that Ctrl-C reaches its supervisor alone.

    Args:
        end_with_parent: the signal the kernel sends it when this process dies, were it by SIGKILL.
        user: whom to become, when this process is root.
    """
    with log.open("ab") as output:
        return subprocess.Popen(
            [str(word) for word in command],
            env=dict(environment),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=in_child(end_with_parent, user),
        )


def in_child(end_with_parent: int | None, user: pwd.struct_passwd | None = None) -> Callable[[], None]:
    parent = os.getpid()

    def prepare() -> None:
        if user is not None:
            _become(user)
        if end_with_parent is not None:
            # After the change of user, which clears it.
            _libc.prctl(PR_SET_PDEATHSIG, end_with_parent, 0, 0, 0)
            if os.getppid() != parent:
                os._exit(1)

    return prepare


def may_lend_passage() -> bool:
    """Whether this root has the right that `_become` keeps; a container may withhold it."""
    status = Path("/proc/self/status").read_text()
    granted = int(status.partition("CapEff:")[2].split()[0], 16)
    return bool(granted >> CAP_DAC_OVERRIDE & 1)


def _become(user: pwd.struct_passwd) -> None:
    """Become an ordinary user who may still pass through folders that are closed to others.

    PostgreSQL refuses to run as root. Its data and its programs may lie below a folder that only root may
    enter, such as a home; opening that folder to everybody would be the other way.
    """
    _libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.initgroups(user.pw_name, user.pw_gid)
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    mask = 1 << CAP_DAC_OVERRIDE
    sets = (ctypes.c_uint32 * 6)(mask, mask, mask, 0, 0, 0)  # effective, permitted, inheritable; low, then high bits
    _libc.capset(header, sets)
    _libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE, 0, 0)


# --- ending -----------------------------------------------------------------------------------------------


def has_ended(child: subprocess.Popen[bytes]) -> bool:
    """Whether it has ended, leaving it unreaped: until then its group's number cannot be given to others."""
    if child.returncode is not None:
        return True
    return os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def bury(child: subprocess.Popen[bytes]) -> int:
    """End what an ended child left in its group, and give its status."""
    if child.returncode is None:
        kill_group(child)
    return child.wait()


def kill_group(child: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)


def describe(status: int) -> str:
    if status >= 0:
        return f"exit status {status}"
    try:
        return f"killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"killed by signal {-status}"

"""Keeps a few programs running: starts them, starts again what dies, stops them."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from pwd import struct_passwd

from launch import processes

FIRST_DELAY, LONGEST_DELAY = 1.0, 10.0
STEADY_AFTER = 60.0


@dataclass(frozen=True)
class Service:
    name: str
    command: Sequence[str | Path]
    environment: Mapping[str, str]
    log: Path
    cwd: Path | None = None
    stop_signal: int = signal.SIGTERM
    stop_seconds: float = 10.0
    user: struct_passwd | None = None
    # Clears the way before each start, such as a lock file that a killed server left.
    before_start: Callable[[], None] = field(default=lambda: None)


class Backoff:
    """How long to wait before the next start: 1, 2, 4, 8, 10, 10 s ... and 1 s again after a minute's run."""

    def __init__(self) -> None:
        self.failures = 0

    def after_run_of(self, seconds: float) -> float:
        self.failures = 1 if seconds >= STEADY_AFTER else self.failures + 1
        return min(FIRST_DELAY * 2.0 ** (self.failures - 1), LONGEST_DELAY)


class Ward:
    """One service under supervision."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.child: subprocess.Popen[bytes] | None = None
        self.backoff = Backoff()
        self.started_at = 0.0
        self.start_at = 0.0

    def start(self, now: float) -> None:
        service = self.service
        service.before_start()
        self.child = processes.spawn(
            service.command,
            environment=service.environment,
            log=service.log,
            end_with_parent=service.stop_signal,
            user=service.user,
            cwd=service.cwd,
        )
        self.started_at = now

    def ask_to_stop(self) -> None:
        if self.child is not None and not processes.has_ended(self.child):
            self.child.send_signal(self.service.stop_signal)

    def make_stop(self) -> None:
        if self.child is not None:
            processes.kill_group(self.child)

    def is_down(self) -> bool:
        return self.child is None or processes.has_ended(self.child)


class Supervisor:
    """Single-threaded: the kernel's parent-death signal follows the thread that started a child.

    Args:
        report: takes a line in plain words for the log.
        clock: seconds that only grow.
    """

    def __init__(self, report: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self.wards: list[Ward] = []
        self._report = report
        self._clock = clock

    def start(self, service: Service) -> None:
        ward = Ward(service)
        self.wards.append(ward)
        ward.start(self._clock())

    def tick(self) -> None:
        """Notice what has died and start again what has waited long enough. To be called every moment."""
        now = self._clock()
        for ward in self.wards:
            if ward.child is None:
                if now >= ward.start_at:
                    self._start_again(ward, now)
            elif processes.has_ended(ward.child):
                status = processes.describe(processes.bury(ward.child))
                self._plan_restart(ward, f"stopped unexpectedly ({status})", now)

    def _start_again(self, ward: Ward, now: float) -> None:
        try:
            ward.start(now)
        except OSError as error:  # no memory, no disk: the next attempt may do better
            ward.started_at = now
            self._plan_restart(ward, f"could not be started ({error})", now)

    def _plan_restart(self, ward: Ward, what: str, now: float) -> None:
        delay = ward.backoff.after_run_of(now - ward.started_at)
        ward.child, ward.start_at = None, now + delay
        service = ward.service
        self._report(f"{service.name} {what}; it starts again in {delay:.0f} s. Its log: {service.log}")

    def failures(self, name: str) -> int:
        return next(ward.backoff.failures for ward in self.wards if ward.service.name == name)

    def stop(self) -> None:
        """Ask all to stop, the last started first, and make those that have not after their time."""
        asked = self._clock()
        for ward in reversed(self.wards):
            ward.ask_to_stop()
        for ward in reversed(self.wards):
            patience = ward.service.stop_seconds
            while not ward.is_down() and self._clock() < asked + patience:
                time.sleep(0.02)
            if not ward.is_down():
                self._report(f"{ward.service.name} did not stop within {patience:.0f} s and was ended.")
            ward.make_stop()
            if ward.child is not None:
                ward.child.wait()

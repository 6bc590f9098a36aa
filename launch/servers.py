"""The use of a data folder's servers, from the side of those who need them."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from launch import environment, processes
from launch.bootstrap import Refusal
from launch.environment import Installation
from launch.journal import Journal
from launch.keeper import Note, keeper_lock, read_note, users_lock
from launch.supervisor import Backoff

START_SECONDS = 90.0


@dataclass(frozen=True)
class Addresses:
    database: str
    redis: str


class Servers:
    """The embedded servers, while somebody needs them; nothing is started when both URLs point elsewhere."""

    def __init__(self, installation: Installation, notice: Callable[[str], None]) -> None:
        self.installation = installation
        self._notice = notice
        self._lock = keeper_lock(installation)
        self._journal = Journal(installation.log_dir)
        self._backoff = Backoff()
        self._keeper: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self._start_at = 0.0

    @contextlib.contextmanager
    def in_use(self) -> Iterator[Addresses]:
        """Hold the users' lock, start a keeper if there is none, and give the addresses of the servers."""
        busy = "Waiting for the servers of the previous run to stop"
        try:
            with users_lock(self.installation).hold(shared=True, notice=lambda: self._notice(busy)):
                yield self._addresses()
        finally:
            self._wait_for_end()

    def tick(self) -> None:
        """Start another keeper if it has died. To be called every moment by whoever stays long."""
        if self._keeper is not None and processes.has_ended(self._keeper):
            status = processes.describe(self._keeper.wait())
            now = time.monotonic()
            delay = self._backoff.after_run_of(now - self._started_at)
            self._keeper, self._start_at = None, now + delay
            self._journal.write(f"The keeper of the servers stopped unexpectedly ({status}); another takes over.")
        if self._wanted() and self._keeper is None and time.monotonic() >= self._start_at:
            if not self._lock.held_by_another():
                self._start_keeper()

    def _wanted(self) -> bool:
        return self.installation.database_url is None or self.installation.redis_url is None

    def _addresses(self) -> Addresses:
        installation = self.installation
        if not self._wanted():
            return Addresses(installation.database_url or "", installation.redis_url or "")
        note = self._wait_until_ready()
        return Addresses(
            installation.database_url or environment.database_url(Path(note.sockets)),
            installation.redis_url or environment.redis_url(Path(note.sockets)),
        )

    def _wait_until_ready(self) -> Note:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            note = read_note(self.installation.run_dir)
            if note is not None and note.is_valid():
                return self._checked(note)
            if self._keeper is None:
                if not self._lock.held_by_another():
                    self._start_keeper()
            elif processes.has_ended(self._keeper):
                reason = note.trouble if note is not None else ""
                log = self.installation.log_dir / "keeper.log"
                raise Refusal(reason or f"The servers could not be started. The reason is in {log}")
            time.sleep(0.02)
        raise Refusal(f"The servers did not start in time. Their logs are in {self.installation.log_dir}")

    def _checked(self, note: Note) -> Note:
        """Somebody else's keeper may keep less than we need."""
        if self.installation.database_url is None and not note.postgres:
            raise Refusal("bin/serve runs here with another DATABASE_URL: set the same one.")
        if self.installation.redis_url is None and not note.redis:
            raise Refusal("bin/serve runs here with another REDIS_URL: set the same one.")
        return note

    def _start_keeper(self) -> None:
        installation = self.installation
        options = {
            "--no-postgres": installation.database_url is not None,
            "--no-redis": installation.redis_url is not None,
            "--throw-away": not installation.durable,
        }
        command = [sys.executable, "-P", "-m", "launch.keeper", str(installation.data_dir)]
        self._keeper = processes.spawn(
            [*command, *(name for name, wanted in options.items() if wanted)],
            environment=os.environ,
            log=installation.log_dir / "keeper.log",
            end_with_parent=None,  # it goes by the users' lock: others may use its servers
        )
        self._started_at = time.monotonic()

    def _wait_for_end(self) -> None:
        """Wait until a keeper of ours has stopped the servers, unless somebody else has come to use them."""
        if self._keeper is None:
            return
        users = users_lock(self.installation)
        free_since = time.monotonic()
        while not processes.has_ended(self._keeper):
            if not users.try_shared():
                free_since = time.monotonic()  # the keeper holds it: it is leaving
            elif time.monotonic() - free_since > 1:
                break
            users.release()
            time.sleep(0.02)
        users.release()

"""The process that owns the embedded servers of a data folder: `python -m launch.keeper DATA_DIR [OPTIONS]`.

1. Wait for the keeper's lock. A second keeper stands by, and takes over when the first one dies.
2. Stop servers that a killed keeper left, make the database if there is none, start both servers.
3. Write `run/servers.json`: from then on they may be used. Start again whichever dies.
4. Leave when nobody holds the users' lock: take it exclusively, so that a newcomer waits, stop what a killed
   bin/serve left, stop the servers, go. Standing by, the same lock says when to give up.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from launch import console, postgres, processes, redis, sockets
from launch.bootstrap import Refusal
from launch.environment import Installation
from launch.journal import Journal
from launch.locks import Lock
from launch.supervisor import Service, Supervisor

PAUSE = 0.1
START_SECONDS = 60.0
HOPELESS = 3


@dataclass(frozen=True)
class Note:
    """What a keeper tells the users of its servers, in `run/servers.json`."""

    sockets: str
    postgres: bool
    redis: bool
    keeper_pid: int
    keeper_started: str
    ready: bool = False
    trouble: str = ""

    def write(self, run_dir: Path) -> None:
        path = run_dir / "servers.json"
        draft = path.with_suffix(".new")
        draft.write_text(json.dumps(asdict(self)))
        draft.replace(path)

    def is_valid(self) -> bool:
        """Whether it tells of servers that are up now: a killed keeper's note stays behind."""
        keeper = processes.Process(self.keeper_pid, self.keeper_started)
        return self.ready and processes.find(self.keeper_pid) == keeper


def read_note(run_dir: Path) -> Note | None:
    try:
        return Note(**json.loads((run_dir / "servers.json").read_text()))
    except (OSError, ValueError, TypeError):
        return None


def keeper_lock(installation: Installation) -> Lock:
    return Lock(installation.run_dir / "keeper.lock")


def users_lock(installation: Installation) -> Lock:
    return Lock(installation.run_dir / "users.lock")


def main(arguments: list[str]) -> int:
    installation, wants_postgres, wants_redis = parse(arguments)
    lock, users = keeper_lock(installation), users_lock(installation)
    while not lock.try_exclusive():
        if users.try_exclusive():
            return 0
        time.sleep(PAUSE)
    note = first_note(installation, wants_postgres, wants_redis)
    try:
        keep(installation, note, users)
    except Refusal as refusal:
        replace(note, trouble=str(refusal)).write(installation.run_dir)
        return 1
    (installation.run_dir / "servers.json").unlink()
    sockets.discard(Path(note.sockets), installation.run_dir)
    return 0


def first_note(installation: Installation, wants_postgres: bool, wants_redis: bool) -> Note:
    earlier = read_note(installation.run_dir)
    folder = sockets.choose(installation.run_dir, os.environ, Path(earlier.sockets) if earlier else None)
    me = processes.myself()
    note = Note(str(folder), wants_postgres, wants_redis, me.pid, me.started)
    note.write(installation.run_dir)
    return note


def parse(arguments: list[str]) -> tuple[Installation, bool, bool]:
    parser = argparse.ArgumentParser()
    parser.add_argument("data_dir", type=Path)
    parser.add_argument("--no-postgres", action="store_true")
    parser.add_argument("--no-redis", action="store_true")
    parser.add_argument("--throw-away", action="store_true")
    options = parser.parse_args(arguments)
    installation = Installation(options.data_dir, durable=not options.throw_away)
    return installation, not options.no_postgres, not options.no_redis


def keep(installation: Installation, note: Note, users: Lock) -> None:
    supervisor = Supervisor(Journal(installation.log_dir).write)
    # Asked to end, it ends like an unused one; bin/serve, if there, starts another.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        for service in services(installation, note):
            supervisor.start(service)
        wait_until_ready(installation, note, supervisor)
        replace(note, ready=True).write(installation.run_dir)
        while not users.try_exclusive():
            supervisor.tick()
            time.sleep(PAUSE)
        processes.stop_all(processes.marked_for(installation.data_dir), signal.SIGTERM, 5)
    finally:
        note.write(installation.run_dir)  # no longer ready
        supervisor.stop()


def services(installation: Installation, note: Note) -> list[Service]:
    found = []
    if note.redis:
        found.append(redis.service(installation, Path(note.sockets), installation.log_dir / "redis.log"))
    if note.postgres:
        log = installation.log_dir / "postgres.log"
        postgres.create(installation, log)
        found.append(postgres.service(installation, Path(note.sockets), log))
    return found


def wait_until_ready(installation: Installation, note: Note, supervisor: Supervisor) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not is_ready(installation, note):
        supervisor.tick()
        for ward in supervisor.wards:
            if ward.backoff.failures >= HOPELESS or time.monotonic() > deadline:
                raise Refusal(f"{ward.service.name} does not start. The reason is in {ward.service.log}")
        time.sleep(0.02)


def is_ready(installation: Installation, note: Note) -> bool:
    return not (
        (note.postgres and not postgres.is_ready(installation))
        or (note.redis and not redis.is_ready(Path(note.sockets)))
    )


if __name__ == "__main__":
    console.run(main)

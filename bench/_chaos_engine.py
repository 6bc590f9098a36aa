"""Real workers, beats and a Redis of their own, which can be killed, stopped and started."""

import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import redis as redis_client

from launch import environment, processes, redis
from launch.bootstrap import ROOT
from launch.environment import Installation
from launch.supervisor import Service, Supervisor, Ward

TICK_SECONDS = 0.5
CHILDREN = 2


@dataclass
class Engine:
    """`killed` says when which process was killed (epoch), for `Tally`."""

    folder: Path
    mail_port: int
    workers: int = 4
    beats: int = 2
    # Of the processes, where it differs from this one's.
    variables: Mapping[str, str] = field(default_factory=dict)
    killed: dict[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.installation = Installation(self.folder, demo=False, durable=False)
        self.supervisor = Supervisor(lambda line: None)
        self.redis = self._redis()
        self.redis.start(time.monotonic())
        self.wait_for_redis()
        variables = {
            **os.environ,
            **self.variables,
            "DJANGO_SETTINGS_MODULE": "bench._chaos_settings",
            "REDIS_URL": environment.redis_url(self.folder),
            "EMAIL_URL": f"smtp://127.0.0.1:{self.mail_port}",
            "BRIM_TICK_SECONDS": str(TICK_SECONDS),
            "BRIM_CHAOS": str(self.folder),
        }
        for name, arguments in self._commands().items():
            command: list[str | Path] = [sys.executable, "-m", "celery", "-A", "bench._chaos_worker", *arguments]
            log = self.folder / f"{name}.log"
            self.supervisor.start(Service(name, command, variables, log, cwd=ROOT, stop_seconds=3))

    def _commands(self) -> dict[str, list[str]]:
        quiet = "--loglevel=ERROR"
        worker = ["worker", f"--concurrency={CHILDREN}", quiet, "--without-gossip", "--without-mingle"]
        found = {f"worker{number}": [*worker, f"--hostname=w{number}@chaos"] for number in range(self.workers)}
        for number in range(self.beats):
            found[f"beat{number}"] = ["beat", quiet, "--pidfile=", f"--schedule={self.folder}/beat{number}"]
        return found

    def _redis(self) -> Ward:
        return Ward(redis.service(self.installation, self.folder, self.folder / "redis.log"))

    # --- Redis --------------------------------------------------------------------------------------------------------

    def wait_for_redis(self) -> None:
        while not redis.is_ready(self.folder):
            time.sleep(0.02)

    def flush_redis(self) -> None:
        with redis_client.Redis(unix_socket_path=str(self.folder / redis.SOCKET_NAME)) as client:
            client.flushall()

    def stop_redis(self) -> None:
        self.redis.make_stop()
        if self.redis.child is not None:
            self.redis.child.wait()

    def start_redis(self) -> None:
        """Empty: nothing of the one before is kept."""
        shutil.rmtree(redis.data(self.installation), ignore_errors=True)
        self.redis = self._redis()
        self.redis.start(time.monotonic())
        self.wait_for_redis()

    def hang_redis(self, seconds: float) -> None:
        if self.redis.child is None:
            return
        self.redis.child.send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        self.redis.child.send_signal(signal.SIGCONT)

    # --- killing ------------------------------------------------------------------------------------------------------

    def kill_someone(self, dice: random.Random) -> bool:
        """Kill -9 one process of a pool, or, one time in forty, a whole worker; False if none is up just now."""
        self.supervisor.tick()
        up = [ward for ward in self.supervisor.wards if not ward.is_down()]
        workers = [ward for ward in up if ward.service.name.startswith("worker")]
        parents = {ward.child.pid: ward for ward in workers if ward.child is not None and self.is_ready(ward.child.pid)}
        children = [(parent, pid) for pid, parent in _parents().items() if parent in parents]
        if not children:
            return False
        parent, pid = dice.choice(children)
        if dice.random() < 1 / 40:
            now = time.time()
            self.killed |= {child: now for above, child in children if above == parent}
            parents[parent].make_stop()
            return True
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            self.killed[pid] = time.time()
            return True
        return False

    def is_ready(self, pid: int) -> bool:
        return (self.folder / f"ready{pid}").exists()

    def rest(self, seconds: float) -> None:
        """Let it work, starting again whatever has died."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.supervisor.tick()
            time.sleep(min(0.1, seconds))

    def stop(self) -> None:
        self.supervisor.stop()
        self.stop_redis()


def _parents() -> dict[int, int]:
    """Each running process's parent."""
    found = {}
    for process in processes.running():
        with suppress(OSError):
            stat = Path(f"/proc/{process.pid}/stat").read_text()
            found[process.pid] = int(stat[stat.rindex(")") + 2 :].split()[1])
    return found


@contextmanager
def engine(
    folder: Path, mail_port: int, *, workers: int = 4, beats: int = 2, variables: Mapping[str, str] | None = None
) -> Iterator[Engine]:
    folder.mkdir(parents=True)
    running = Engine(folder, mail_port, workers, beats, variables or {})
    try:
        yield running
    finally:
        running.stop()

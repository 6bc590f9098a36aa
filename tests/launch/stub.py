"""A project that looks to the launcher like Brim, but starts in no time, and a look at what runs for a data folder."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from launch import postgres, processes, redis
from launch.bootstrap import ROOT
from launch.environment import Installation

MANAGE = """
import os, sys
command, *arguments = sys.argv[1:]
if command == "prepare":
    print("nurse@example.org / secret")
    print("noise", file=sys.stderr)
elif command == "say":
    print(*arguments)
elif command == "fail":
    sys.exit(7)
elif command == "connect":
    import psycopg, redis
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        version = connection.execute("SHOW server_version").fetchone()[0]
    print(version.split(".")[0], redis.Redis.from_url(os.environ["REDIS_URL"]).ping())
"""
WSGI = """
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [environ["PATH_INFO"].encode()]
"""
CELERY = """
import os
from celery import Celery
app = Celery("stub", broker=os.environ["REDIS_URL"].replace("unix:", "redis+socket:").replace("db=", "virtual_host="))
"""


def make_project(folder: Path) -> Path:
    shutil.copytree(ROOT / "launch", folder / "launch", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "config").mkdir()
    (folder / "config/__init__.py").write_text(CELERY)
    (folder / "config/wsgi.py").write_text(WSGI)
    (folder / "config/settings.py").write_text('SECRET_KEY = "stub"\n')
    (folder / "manage.py").write_text(MANAGE)
    return folder


def environment(project: Path, data_dir: Path, **more: str) -> dict[str, str]:
    ours = ("BRIM_", "DATABASE_URL", "REDIS_URL", "EMAIL_URL", "PORT", "DATA_DIR")
    plain = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**plain, "PYTHONPATH": str(project), "DATA_DIR": str(data_dir), **more}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(condition: Callable[[], object], seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


@dataclass(frozen=True)
class Machine:
    """A stub project with a data folder, and what one does with it at a terminal."""

    project: Path
    data_dir: Path

    def start(self, command: str, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", f"launch.{command}", *arguments],
            env=environment(self.project, self.data_dir, **variables),
            cwd=self.project,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, command: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        child = self.start(command, *arguments, **variables)
        output, errors = child.communicate(timeout=60)
        return subprocess.CompletedProcess(child.args, child.returncode, output, errors)

    def serve(self, port: int) -> tuple[subprocess.Popen[str], str]:
        """Start bin/serve and give what it says up to its last line of welcome."""
        child = self.start("serve", PORT=str(port))
        said = ""
        for line in child.stdout or ():
            said += line
            if "Ctrl-C" in line:
                return child, said
        raise AssertionError(said + (child.stderr.read() if child.stderr else ""))

    def everything(self) -> list[processes.Process]:
        """All processes that belong to this data folder, whoever started them."""
        installation = Installation(self.data_dir)
        name = postgres.title(postgres.data(installation))
        found = processes.marked_for(self.data_dir)
        for process in processes.running():
            if (
                processes.shows(process, name)
                or processes.shows(process, f"launch.keeper\0{self.data_dir}")
                or processes.works_in(process, redis.data(installation))
            ):
                found.append(process)
        return found

    def is_quiet(self) -> bool:
        return not self.everything()

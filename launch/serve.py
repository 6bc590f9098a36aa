"""`bin/serve`: all of Brim on this machine, until Ctrl-C.

1. Hold the data folder: its users' lock (so that the servers stay), then its serve lock (so that there is one of us).
2. Stop what a killed bin/serve left. Look that the port is free.
3. Servers up; migrations, static files, demo data.
4. Web, worker and beat up; wait for the first answer; say where.
5. Start again whatever dies, until asked to stop. Then stop all of it, last started first, and the servers at the end.
"""

from __future__ import annotations

import errno
import http.client
import os
import signal
import socket
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import FrameType

from launch import console, environment, processes
from launch.bootstrap import ROOT, Refusal, last_line
from launch.environment import Installation
from launch.journal import Journal, set_aside_large
from launch.locks import Lock
from launch.preparation import prepare
from launch.servers import Servers
from launch.supervisor import Service, Supervisor

PAUSE = 0.2
ANSWER_SECONDS = 90.0
HOPELESS = 3


class Stop(BaseException):
    """The person, or the machine, wants us to end."""


def main(arguments: list[str]) -> int:
    if arguments:
        raise Refusal(f"bin/serve takes no arguments ({arguments[0]!r}); it is set by PORT, DATA_DIR and the like.")
    installation = environment.read(os.environ)
    environment.open_data_dir(installation)
    os.chdir(ROOT)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    servers = Servers(installation, console.say)
    try:
        with servers.in_use_lazily() as use, only_one(installation):
            clear_the_way(installation)
    except Stop:
        console.say("Stopped.")
    return 0

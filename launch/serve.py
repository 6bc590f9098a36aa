"""`bin/serve`: all of Brim on this machine, until Ctrl-C.

1. The servers up, and one bin/serve only on this data folder.
2. Stop what a killed bin/serve left. Look that the port is free.
3. Migrations, static files, catalogue, demo data.
4. Web, worker and beat up; wait for the first answer; say where.
5. Start again whatever dies, until asked to stop. Then stop all of it, the servers last.
"""

from __future__ import annotations

import contextlib
import errno
import http.client
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FrameType

from launch import console, environment, processes
from launch.bootstrap import ROOT, Refusal
from launch.environment import Installation
from launch.journal import Journal, set_aside_large
from launch.locks import Lock
from launch.preparation import prepare
from launch.servers import Servers
from launch.supervisor import Service, Supervisor

PAUSE = 0.1
ANSWER_SECONDS = 90.0
HOPELESS = 3


class Stop(BaseException):
    """The person, or the machine, wants us to end."""


def main(arguments: list[str]) -> int:
    if arguments:
        raise Refusal("bin/serve takes no arguments: PORT, DATA_DIR and the like come from the environment.")
    installation = environment.read(os.environ)
    environment.open_data_dir(installation)
    os.chdir(ROOT)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup: it is to outlive the terminal
        signal.signal(signal.SIGHUP, stop)
    try:
        serve(installation)
    except Stop:
        console.say("Stopped.")
    return 0


def stop(number: int, frame: FrameType | None) -> None:
    raise Stop


def serve(installation: Installation) -> None:
    set_aside_large(installation.log_dir)
    journal = Journal(installation.log_dir)
    servers = Servers(installation, console.say)
    with servers.in_use() as addresses, only_one(installation):
        variables = environment.django_environment(installation, addresses.database, addresses.redis)
        clear_the_way(installation)
        logins = prepare(installation, variables, console.say)
        console.say("Starting the web server, the worker and the clock")
        supervisor = Supervisor(journal.write)
        web, *others = services(installation, variables)
        try:
            supervisor.start(web)
            wait_for_answer(installation, supervisor, journal)
            for service in others:  # later, so that the first page does not wait for them
                supervisor.start(service)
            welcome(installation, logins)
            while True:
                supervisor.tick()
                servers.tick()
                show_news(journal)
                time.sleep(PAUSE)
        finally:
            stop_services(supervisor)


@contextlib.contextmanager
def only_one(installation: Installation) -> Iterator[None]:
    """
    Raises:
        Refusal: another bin/serve runs on this data folder.
    """
    lock = Lock(installation.run_dir / "serve.lock")
    if not lock.try_exclusive():
        raise Refusal(f"Brim already runs on {installation.data_dir}: {lock.path.read_text()}")
    lock.write(f"{installation.base_url} (process {os.getpid()})")
    try:
        yield
    finally:
        lock.release()


def clear_the_way(installation: Installation) -> None:
    """
    Raises:
        Refusal: the port is not to be had.
    """
    left_over = processes.marked_for(installation.data_dir)
    if left_over:
        console.say("Stopping what an earlier run left behind")
        processes.stop_all(left_over, signal.SIGTERM, 5)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", installation.port))
        except OSError as error:
            reason = "taken by another program" if error.errno == errno.EADDRINUSE else os.strerror(error.errno or 0)
            raise Refusal(f"Port {installation.port} cannot be used: {reason}. Set PORT.") from None


def services(installation: Installation, variables: Mapping[str, str]) -> list[Service]:
    marked = {**variables, processes.MARK: str(installation.data_dir)}
    commands: dict[str, list[str | Path]] = {
        "web": ["gunicorn", "config.wsgi", "--bind", f"127.0.0.1:{installation.port}"],
        "worker": ["celery", "-A", "config", "worker", "--concurrency", "8", "--loglevel", "INFO"],
        "beat": ["celery", "-A", "config", "beat", "--loglevel", "INFO", "--pidfile="],
    }
    commands["web"] += ["--worker-class", "gthread", "--workers", "2", "--threads", "4", "--timeout", "60"]
    commands["web"] += [
        "--graceful-timeout",
        "8",
        "--preload",
        "--no-control-socket",
        "--access-logfile",
        "-",
    ]
    commands["worker"] += ["--without-gossip", "--without-mingle"]  # it has no colleagues to look for
    commands["beat"] += ["--schedule", installation.run_dir / "beat-schedule"]
    return [
        Service(
            name=name,
            command=[sys.executable, "-m", *command],
            environment=marked,
            log=installation.log_dir / f"{name}.log",
            cwd=ROOT,
        )
        for name, command in commands.items()
    ]


def wait_for_answer(installation: Installation, supervisor: Supervisor, journal: Journal) -> None:
    """
    Raises:
        Refusal: the web server does not come up.
    """
    log = installation.log_dir / "web.log"
    deadline = time.monotonic() + ANSWER_SECONDS
    while not answers(installation.port):
        supervisor.tick()
        show_news(journal)
        if supervisor.failures("web") >= HOPELESS or time.monotonic() > deadline:
            raise Refusal(f"The web server does not start. The reason is in {log}")
        time.sleep(PAUSE)


def answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/health/live")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def welcome(installation: Installation, logins: str) -> None:
    console.say(f"\nBrim is running at {installation.base_url}\n")
    if logins.strip():
        console.say(f"{logins.strip()}\n")
    console.say(f"Logs are in {installation.log_dir}. Ctrl-C stops everything.")


def show_news(journal: Journal) -> None:
    for line in journal.unseen():
        console.say(line)


def stop_services(supervisor: Supervisor) -> None:
    """A second Ctrl-C ends what is slow to stop."""
    console.say("Stopping")
    try:
        supervisor.stop()
    except Stop:
        for ward in supervisor.wards:
            ward.make_stop()


if __name__ == "__main__":
    console.run(main)

"""bin/serve and bin/manage with real servers, on a stub project so that a start takes seconds."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import stat
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from launch import postgres, processes, redis
from launch.bootstrap import Refusal
from launch.environment import Installation
from tests.launch.stub import Machine, free_port, make_project, wait_for

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    try:
        redis.program()
    except Refusal as refusal:
        pytest.skip(str(refusal))
    project = make_project(tmp_path_factory.mktemp("project"))
    made = Machine(project, tmp_path_factory.mktemp("deep" * 20) / "data")
    yield made
    processes.stop_all(made.everything(), signal.SIGTERM, 5)


def page(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/live", timeout=5) as answer:
        return str(answer.read().decode())


def finish(machine: Machine, *, number: int, pid: int) -> None:
    os.kill(pid, number)
    assert wait_for(machine.is_quiet)


def test_a_command_on_a_fresh_folder_brings_servers_up_and_down(machine: Machine) -> None:
    result = machine.run("manage", "connect")
    assert (result.returncode, result.stdout) == (0, "18 True\n")
    assert result.stderr == "Preparing the database\n"
    assert machine.is_quiet()


def test_its_output_is_the_commands_alone(machine: Machine) -> None:
    result = machine.run("manage", "say", "a-key")
    assert (result.stdout, result.stderr) == ("a-key\n", "")


def test_its_exit_status_is_the_commands(machine: Machine) -> None:
    assert machine.run("manage", "fail").returncode == 7


def test_commands_at_once_share_the_servers(machine: Machine) -> None:
    commands = [machine.start("manage", "connect") for _ in range(3)]
    assert [command.communicate(timeout=60)[0] for command in commands] == ["18 True\n"] * 3
    assert wait_for(machine.is_quiet)


def test_serving(machine: Machine) -> None:
    port = free_port()
    child, said = machine.serve(port)
    assert f"Brim is running at http://127.0.0.1:{port}\n\nnurse@example.org / secret\n" in said
    assert page(port) == "/health/live"

    second = machine.run("serve", PORT=str(free_port()))
    assert second.returncode == 1
    assert re.fullmatch(rf"Brim already runs on .*: http://127.0.0.1:{port} \(process {child.pid}\)\n", second.stderr)

    assert machine.run("manage", "connect").stdout == "18 True\n"
    assert page(port) == "/health/live"

    child.send_signal(signal.SIGINT)
    output, errors = child.communicate(timeout=60)
    assert (child.returncode, output, errors) == (0, "Stopping\nStopped.\n", "")
    assert machine.is_quiet()
    private = [machine.data_dir, machine.data_dir / "run", machine.data_dir / "log", machine.data_dir / "postgres"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in private} == {0o700}


def test_a_killed_one_leaves_nothing_behind(machine: Machine) -> None:
    child, _ = machine.serve(free_port())
    finish(machine, number=signal.SIGKILL, pid=child.pid)
    child.communicate()


def test_after_everything_was_killed_at_once_it_starts_and_restarts_what_dies(machine: Machine) -> None:
    port = free_port()
    child, _ = machine.serve(port)
    for pid in [child.pid, *(process.pid for process in machine.everything())]:
        with contextlib.suppress(ProcessLookupError):  # some go when those before them are gone
            os.kill(pid, signal.SIGKILL)
    child.communicate()

    child, _ = machine.serve(port)
    assert child.stdout is not None
    for name, pid in victims(machine).items():
        os.kill(pid, signal.SIGKILL)
        line = child.stdout.readline()
        assert f"{name} stopped unexpectedly (killed by SIGKILL)" in line
    assert wait_for(lambda: machine.run("manage", "connect").stdout == "18 True\n")
    finish(machine, number=signal.SIGTERM, pid=child.pid)
    child.communicate()


def victims(machine: Machine) -> dict[str, int]:
    """One process of each kind, by the name that the log gives it."""
    installation = Installation(machine.data_dir)
    found = {}
    for process in machine.everything():
        if processes.works_in(process, redis.data(installation)):
            found["Redis"] = process.pid
        elif processes.shows(process, str(postgres.data(installation))):
            found["PostgreSQL"] = process.pid
        elif processes.shows(process, "gunicorn"):
            found.setdefault("web", process.pid)
    return found


def test_a_taken_port_is_one_line(machine: Machine) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = machine.run("serve", PORT=str(port))
    assert result.returncode == 1
    assert result.stderr == f"Port {port} cannot be used: taken by another program. Set PORT.\n"
    assert wait_for(machine.is_quiet)


@pytest.mark.parametrize("command", ["serve", "manage"])
def test_a_folder_that_cannot_be_written_is_one_line(machine: Machine, command: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = Machine(machine.project, tmp_path / "file").run(command)
    assert (result.returncode, result.stdout) == (1, "")
    assert re.fullmatch(r"The data folder .* cannot be written \(File exists\)\. Set DATA_DIR\.\n", result.stderr)

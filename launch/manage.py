"""`bin/manage ARGS`: `manage.py ARGS` against the same data, whether or not bin/serve is up."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping

from launch import console, environment, postgres, processes
from launch.bootstrap import ROOT
from launch.environment import Installation
from launch.preparation import forget, prepare
from launch.servers import Servers

# What works on a database that has never been prepared, or prepares it.
UNPREPARED = {"check", "help", "makemigrations", "migrate", "prepare", "showmigrations", "version"}
# What may undo the preparation.
DISTURBING = {"collectstatic", "dbshell", "flush", "loaddata", "migrate", "prepare", "shell"}


def main(arguments: list[str]) -> int:
    installation = environment.read(os.environ)
    environment.open_data_dir(installation)
    with Servers(installation, console.warn).in_use() as addresses:
        variables = environment.django_environment(installation, addresses.database, addresses.redis)
        if needs_prepared_data(arguments):
            prepare(installation, variables, console.warn, only_if_never=True)
        if DISTURBING.intersection(arguments[:1]):
            forget(installation)
        return run(arguments, with_psql(installation, variables))


def needs_prepared_data(arguments: list[str]) -> bool:
    return bool(arguments) and not arguments[0].startswith("-") and arguments[0] not in UNPREPARED


def with_psql(installation: Installation, variables: Mapping[str, str]) -> dict[str, str]:
    """`bin/manage dbshell` works where no psql is installed."""
    if installation.database_url is not None:
        return dict(variables)
    return {**variables, "PATH": f"{variables.get('PATH', os.defpath)}:{postgres.programs()}"}


def run(arguments: list[str], variables: Mapping[str, str]) -> int:
    """Give the command's own exit status. Ctrl-C is the command's to answer; we outlive it, to tidy up."""
    signal.signal(signal.SIGINT, lambda *_: None)  # not SIG_IGN, which the command would inherit
    child = subprocess.Popen(
        [sys.executable, str(ROOT / "manage.py"), *arguments],
        env=dict(variables),
        preexec_fn=processes.in_child(signal.SIGTERM),
    )
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    status = child.wait()
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    console.run(main)

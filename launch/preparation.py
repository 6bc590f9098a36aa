"""`manage.py prepare`: migrations, static files, catalogue, demo data. One at a time."""

from __future__ import annotations

import hashlib
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from launch import processes
from launch.bootstrap import ROOT, Refusal, last_line
from launch.environment import Installation
from launch.locks import Lock


def prepare(
    installation: Installation,
    environment: Mapping[str, str],
    notice: Callable[[str], None],
    *,
    only_if_never: bool = False,
) -> str:
    """Give what the command prints, which is for the person who starts Brim.

    Args:
        only_if_never: leave a database alone that has been prepared before.

    Raises:
        Refusal: it failed.
    """
    stamp = installation.run_dir / "prepared"
    database = hashlib.sha256((installation.database_url or "").encode()).hexdigest()
    busy = "Waiting for another command, which is preparing the database"
    with Lock(installation.run_dir / "prepare.lock").hold(notice=lambda: notice(busy)):
        if only_if_never and stamp.exists() and stamp.read_text() == database:
            return ""
        notice("Preparing the database")
        output = _run(environment, installation.log_dir / "prepare.log")
        stamp.write_text(database)
        return output


def _run(environment: Mapping[str, str], log: Path) -> str:
    with log.open("wb") as errors:
        result = subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), "prepare"],
            env=dict(environment),
            stdout=subprocess.PIPE,
            stderr=errors,
            stdin=subprocess.DEVNULL,
            text=True,
            preexec_fn=processes.in_child(signal.SIGKILL),
        )
    if result.returncode != 0:
        reason = last_line(log.read_text(errors="replace"))
        raise Refusal(f"The database could not be prepared: {reason}\nAll of it is in {log}")
    return result.stdout

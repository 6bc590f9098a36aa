"""`manage.py prepare`: migrations, static files, catalogue, demo data. One at a time, and only when it may matter.

It takes several seconds even if there is nothing to do. So what it printed is kept together with a fingerprint of all
it depends on: the project's files, what is installed, the settings, the database. To force it: `bin/manage prepare`.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from launch import postgres, processes
from launch.bootstrap import NODE_STAMP, ROOT, VENV_STAMP, Refusal, last_line
from launch.environment import Installation
from launch.locks import Lock

# Beside hidden folders: what prepare does not read.
UNREAD = {"bench", "bin", "docs", "launch", "node_modules", "tests", "var"}


@dataclass(frozen=True)
class Stamp:
    """The last preparation of a data folder, in `run/prepared.json`."""

    database: str
    fingerprint: str = ""  # taken before it, so that an edit meanwhile is noticed
    product: str = ""  # taken after it
    output: str = ""


def prepare(
    installation: Installation,
    environment: Mapping[str, str],
    notice: Callable[[str], None],
    *,
    only_if_never: bool = False,
) -> str:
    """Give what the command prints, which is for the person who starts Brim.

    Args:
        only_if_never: leave a database alone that has been prepared before, by whatever version.

    Raises:
        Refusal: it failed.
    """
    database = digest(installation.database_url or "")
    busy = "Waiting for another command, which is preparing the database"
    with Lock(installation.run_dir / "prepare.lock").hold(notice=lambda: notice(busy)):
        earlier = read_stamp(installation) or Stamp(database="")
        if only_if_never and earlier.database == database:
            return ""
        before = Stamp(database, fingerprint(installation, environment), product(installation), earlier.output)
        # What happened meanwhile to somebody else's database, we cannot know.
        if before == earlier and installation.database_url is None:
            return earlier.output
        notice("Preparing the database")
        output = run(environment, installation.log_dir / "prepare.log")
        write_stamp(installation, Stamp(database, before.fingerprint, product(installation), output))
        return output


def forget(installation: Installation) -> None:
    """The next start prepares again: somebody is about to change what was prepared."""
    earlier = read_stamp(installation)
    if earlier is not None:
        write_stamp(installation, Stamp(earlier.database))


def read_stamp(installation: Installation) -> Stamp | None:
    try:
        return Stamp(**json.loads((installation.run_dir / "prepared.json").read_text()))
    except (OSError, ValueError, TypeError):
        return None


def write_stamp(installation: Installation, stamp: Stamp) -> None:
    path = installation.run_dir / "prepared.json"
    draft = path.with_suffix(f".{os.getpid()}")
    draft.write_text(json.dumps(asdict(stamp)))
    draft.replace(path)


# --- the fingerprint --------------------------------------------------------------------------------------------------


def fingerprint(installation: Installation, environment: Mapping[str, str]) -> str:
    settings = sorted(item for item in environment.items() if item[0].startswith("BRIM_") or item[0] == "STATIC_ROOT")
    # Another cluster in the same place has files of its own.
    cluster = postgres.data(installation) / "PG_VERSION"
    watched = [*project_files(ROOT), VENV_STAMP, NODE_STAMP, cluster]
    return digest(repr([settings, *(look(path) for path in watched)]))


def product(installation: Installation) -> str:
    return digest(repr(look(installation.data_dir / "static")))


def project_files(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        unread = {"__pycache__"} | (UNREAD if Path(parent) == folder else set())
        folders[:] = sorted(name for name in folders if name not in unread and not name.startswith("."))
        yield from (Path(parent) / name for name in sorted(files) if not name.startswith("."))


def look(path: Path) -> tuple[str, int, int, int]:
    try:
        found = path.stat()
    except OSError:
        return str(path), 0, 0, 0
    return str(path), found.st_ino, found.st_size, found.st_mtime_ns


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def run(environment: Mapping[str, str], log: Path) -> str:
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
        raise Refusal(f"The database could not be prepared ({reason}). All of it is in {log}")
    return result.stdout

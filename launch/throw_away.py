"""Servers on data that is gone afterwards, for tests and benchmarks."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from launch import console, environment
from launch.servers import Servers


@contextlib.contextmanager
def servers(parent: Path | None = None) -> Iterator[dict[str, str]]:
    """Give the environment of Django processes on fresh servers, without mail and demo data."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # tidy up on it as on Ctrl-C
    folder = Path(tempfile.mkdtemp(prefix="brim-", dir=parent))
    try:
        installation = environment.read({**os.environ, "DATA_DIR": str(folder), "BRIM_DEMO": "0"})
        installation = replace(installation, durable=False)
        environment.open_data_dir(installation)
        with Servers(installation, console.warn).in_use() as addresses:
            variables = environment.django_environment(installation, addresses.database, addresses.redis)
            variables.pop("EMAIL_URL", None)
            yield variables
    finally:
        shutil.rmtree(folder, ignore_errors=True)

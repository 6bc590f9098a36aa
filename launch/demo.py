"""All of Brim with its demo on data that is gone afterwards, for what looks at it from outside."""

from __future__ import annotations

import contextlib
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from launch.bootstrap import ROOT, Refusal

UP_WITHIN = 300.0
PASSWORD = "brim-demo-2026"  # noqa: S105 - published: the accounts exist in the demo only


@contextlib.contextmanager
def running() -> Iterator[str]:
    """Give the address of a `bin/serve` that answers.

    Raises:
        Refusal: it did not come up.
    """
    folder, port = tempfile.mkdtemp(prefix="brim-demo-"), _free_port()
    environment = {**os.environ, "DATA_DIR": folder, "PORT": str(port), "BRIM_DEMO": "1"}
    for name in ("DATABASE_URL", "REDIS_URL", "EMAIL_URL", "BRIM_LOCAL", "SECRET_KEY", "ALLOWED_HOSTS", "BASE_URL"):
        environment.pop(name, None)
    log = Path(folder, "serve.log").open("w")
    served = subprocess.Popen([sys.executable, "-m", "launch.serve"], cwd=ROOT, env=environment, stdout=log, stderr=log)
    try:
        _wait(served, port, Path(log.name))
        yield f"http://127.0.0.1:{port}"
    finally:
        served.send_signal(signal.SIGINT)
        try:
            served.wait(60)
        except subprocess.TimeoutExpired:
            served.kill()
        log.close()
        shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(served: subprocess.Popen[bytes], port: int, log: Path) -> None:
    ends = time.monotonic() + UP_WITHIN
    while time.monotonic() < ends and served.poll() is None:
        # The demo's own fleet is there before the engine has looked at it: wait for both.
        if all(_answers(port, path) for path in ("/health/ready", "/health/engine")):
            return
        time.sleep(0.5)
    raise Refusal(f"{log.read_text()}\nThe demo did not come up within {UP_WITHIN:g} s.")


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=8)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.client.OK
    except OSError:
        return False
    finally:
        connection.close()

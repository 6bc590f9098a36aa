"""The browser of the browser tests."""

from __future__ import annotations

import os
import shutil
import subprocess

from launch import console
from launch.bootstrap import Refusal

NAMES = ("chromium", "chromium-browser", "google-chrome")


def find_or_install() -> str | None:
    """Its path, or None: then the browser tests are skipped, and the person is told.

    Raises:
        Refusal: there is none where a skipped test would go unnoticed.
    """
    found = find()
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        console.say("Installing chromium for the browser tests")
        install()
        found = find()
    if found is None and os.environ.get("CI"):
        raise Refusal("There is no chromium on the PATH for the browser tests, and CI does not skip them.")
    if found is None:
        console.say("*** BROWSER TESTS ARE SKIPPED: there is no chromium on the PATH. Install it to run them. ***")
    return found


def find() -> str | None:
    chosen = os.environ.get("BRIM_CHROMIUM")
    return chosen or next((path for name in NAMES if (path := shutil.which(name))), None)


def install() -> None:
    command = ["apt-get", "install", "--yes", "--quiet", "--no-install-recommends", "chromium"]
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    if subprocess.run(command, env=quiet, capture_output=True).returncode != 0:
        subprocess.run(["apt-get", "update", "--quiet"], env=quiet, capture_output=True)
        subprocess.run(command, env=quiet, capture_output=True)

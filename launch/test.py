"""`bin/test`: every check, then every test, on throw-away servers. `bin/test ARGS`: `pytest ARGS` alone."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from launch import chromium, console, throw_away
from launch.bootstrap import ROOT, Refusal

AT_ONCE = 2


@dataclass(frozen=True)
class Check:
    name: str
    command: Sequence[str]
    environment: Mapping[str, str]


def main(arguments: list[str]) -> int:
    os.chdir(ROOT)
    with throw_away.servers() as variables:
        browser = chromium.find_or_install()
        if browser is not None:
            variables["BRIM_CHROMIUM"] = browser
        collect_static(variables)
        if arguments:
            return pytest(arguments, variables)
        failed = run_checks(checks(variables))
        if failed:
            console.say(f"\n*** FAILED before the tests: {', '.join(failed)}. The tests run all the same. ***")
        # A file stays on one worker: what it has started, such as servers or a browser, its tests share. They are
        # begun in the order of collection, the slow ones first (tests/conftest.py).
        status = pytest(["-n", str(AT_ONCE), "--dist", "loadfile", "--no-loadscope-reorder"], variables)
        return status or int(bool(failed))


def collect_static(variables: Mapping[str, str]) -> None:
    """Pages name their files by what was collected, in tests as anywhere.

    Raises:
        Refusal: it failed, and so would every test of a page.
    """
    result = run_check(Check("static files", django("collectstatic", "--noinput"), variables))
    if result.returncode != 0:
        raise Refusal(f"{result.stdout.rstrip()}\nThe static files could not be collected.")


def checks(local: Mapping[str, str]) -> list[Check]:
    production = as_production(local)
    return [
        Check("ruff check", module("ruff", "check", "."), local),
        Check("ruff format", module("ruff", "format", "--check", "."), local),
        Check("mypy", module("mypy"), local),
        Check("djhtml", module("djhtml", "--check", "--tabwidth", "2", *templates()), local),
        Check("makemigrations", django("makemigrations", "--check", "--dry-run"), local),
        Check("check --deploy", django("check", "--deploy", "--fail-level", "WARNING"), production),
        Check(
            "OpenAPI schema",
            django("spectacular", "--validate", "--fail-on-warn", "--file", os.devnull),
            local,
        ),
    ]


def module(name: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", name, *arguments]


def django(*arguments: str) -> list[str]:
    return [sys.executable, "manage.py", *arguments]


def as_production(local: Mapping[str, str]) -> dict[str, str]:
    variables = {name: value for name, value in local.items() if name not in ("BRIM_LOCAL", "BRIM_DEMO")}
    return {
        **variables,
        "SECRET_KEY": secrets.token_urlsafe(64),
        "ALLOWED_HOSTS": "brim.example.org",
        "BASE_URL": "https://brim.example.org",
        "EMAIL_URL": "smtp+tls://brim:secret@mail.example.org:587",
    }


def templates() -> list[str]:
    """As git knows them, new ones too; all of them where there is no git."""
    if shutil.which("git") is None or not Path(".git").exists():
        return [str(path) for path in Path("templates").rglob("*.html")]
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "templates"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return [name for name in listed if name.endswith(".html") and Path(name).exists()]


def run_checks(planned: Sequence[Check]) -> list[str]:
    """Run them a few at once, print them in order, and give the names of those that failed."""
    failed = []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for check, result in zip(planned, pool.map(run_check, planned), strict=True):
            console.say(f"\n=== {check.name}: {'FAILED' if result.returncode else 'ok'}")
            if result.stdout.strip():
                console.say(result.stdout.rstrip())
            if result.returncode != 0:
                failed.append(check.name)
    return failed


def run_check(check: Check) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        check.command,
        env=dict(check.environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def pytest(arguments: Sequence[str], variables: Mapping[str, str]) -> int:
    console.say("\n=== pytest")
    return subprocess.run(module("pytest", *arguments), env=dict(variables)).returncode


if __name__ == "__main__":
    console.run(main)

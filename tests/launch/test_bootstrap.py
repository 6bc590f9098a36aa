"""The first steps on a machine, up to the point where the environment takes over."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from launch import bootstrap
from launch.bootstrap import ROOT

OLD_PYTHON = """#!{python}
import runpy, sys
from collections import namedtuple
sys.version_info = namedtuple("version_info", "major minor")(3, 9)
sys.argv = sys.argv[1:]
if sys.argv[0] == "-c":
    exec(sys.argv[1])
else:
    runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A fresh clone, as far as it matters here, with an environment that lacks every package."""
    for name in ("bin", "launch", "requirements"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "package-lock.json", tmp_path)
    (tmp_path / "launch/echo.py").write_text("import os, sys; print(sys.argv[1:], os.environ['PYTHONPATH'])")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / ".venv"], check=True)
    stamp(tmp_path, profile="none")
    return tmp_path


def stamp(project: Path, profile: str) -> None:
    """Claim that a lock was installed."""
    lock = project / f"requirements/{profile}.txt"
    python = os.path.realpath(project / ".venv/bin/python")
    digest = bootstrap.digest(lock, project / "requirements/uv.txt") if lock.exists() else ""
    (project / ".venv/brim.json").write_text(json.dumps({"profile": profile, "lock": digest, "python": python}))
    (project / "node_modules").mkdir(exist_ok=True)
    (project / "node_modules/.brim").write_text(bootstrap.digest(project / "package-lock.json"))


def run(*command: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in command], env={**os.environ, **variables}, capture_output=True, text=True
    )


def only(folder: Path, *names: str) -> str:
    """A PATH with nothing else on it."""
    folder.mkdir()
    for name in names:
        (folder / name).symlink_to(shutil.which(name) or "")
    return str(folder)


@pytest.mark.parametrize("profile", ["embedded", "dev"])
def test_what_is_in_place_is_not_touched(project: Path, profile: str) -> None:
    stamp(project, profile)
    result = run(sys.executable, project / "launch/bootstrap.py", "echo", "a", "b c")
    assert (result.stdout, result.stderr) == (f"['a', 'b c'] {project}\n", "")


def test_no_network_at_the_first_start_is_one_line(project: Path) -> None:
    offline = {"PIP_INDEX_URL": "http://127.0.0.1:9/", "PIP_CONFIG_FILE": os.devnull}
    offline |= {"PIP_FIND_LINKS": "", "PIP_EXTRA_INDEX_URL": "", "PIP_NO_CACHE_DIR": "1"}
    result = run(sys.executable, project / "launch/bootstrap.py", "serve", **offline)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.splitlines() == [
        "Fetching the Python packages",
        "No network: the Python packages are fetched at the first start. Connect, and start again.",
    ]


def test_a_python_without_venv_is_one_line(project: Path, tmp_path: Path) -> None:
    """As Debian and Ubuntu ship it."""
    shutil.rmtree(project / ".venv")
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.modules['ensurepip'] = sys.modules['pip'] = None")
    result = run(sys.executable, project / "launch/bootstrap.py", "serve", PYTHONPATH=str(tmp_path))
    assert result.returncode == 1
    assert result.stderr.splitlines()[1:] == [
        "This Python cannot make an environment: install its venv package (apt install python3-venv)."
    ]


def test_a_full_disk_is_one_line() -> None:
    with pytest.raises(bootstrap.Refusal, match=r"^Not enough disk space in .*: \d+ MB are needed, \d+ MB are free\.$"):
        bootstrap.require_space(999_999_999_999)


@pytest.mark.parametrize(
    ("output", "line"),
    [
        ("npm error code ENOSPC", "The disk filled up while fetching the packages."),
        (
            "npm error code ENOTFOUND",
            "No network: the packages are fetched at the first start. Connect, and start again.",
        ),
        ("dns error: failed", "No network: the packages are fetched at the first start. Connect, and start again."),
        ("one\nERROR: no wheel\n\n", "The packages could not be installed: ERROR: no wheel"),
        ("", "The packages could not be installed: no reason given"),
    ],
)
def test_a_failed_fetch_says_why(output: str, line: str) -> None:
    assert str(bootstrap.failed_fetch("packages", output)) == line


@pytest.mark.parametrize("command", ["serve", "manage", "test", "bench"])
def test_an_old_python_is_one_line(project: Path, tmp_path: Path, command: str) -> None:
    path = only(tmp_path / "path", "sh", "dirname", "readlink")
    old = tmp_path / "path/python3"
    old.write_text(OLD_PYTHON.format(python=sys.executable))
    old.chmod(0o755)
    result = run(project / "bin" / command, PATH=path)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("Brim needs Python 3.11 to 3.14, and this is 3.9 (")
    assert result.stderr.count("\n") == 1


def test_no_python_is_one_line(project: Path, tmp_path: Path) -> None:
    result = run(project / "bin/serve", PATH=only(tmp_path / "path", "sh", "dirname", "readlink"))
    assert result.returncode == 1
    assert result.stderr == "Brim needs Python 3.11 to 3.14, and there is no python3 on the PATH.\n"


def test_a_shim_without_its_python_is_passed_over(project: Path, tmp_path: Path) -> None:
    stamp(project, "embedded")
    path = only(tmp_path / "path", "sh", "dirname", "readlink")
    (tmp_path / "path/python3").write_text("#!/bin/sh\necho 'pyenv: python3: command not found' >&2; exit 127\n")
    (tmp_path / "path/python3").chmod(0o755)
    (tmp_path / "path/python3.12").symlink_to(sys.executable)
    (project / "bin/echo").write_text((project / "bin/serve").read_text().replace("serve", "echo"))
    (project / "bin/echo").chmod(0o755)
    result = run(project / "bin/echo", "here", PATH=path)
    assert (result.stdout, result.stderr) == (f"['here'] {project}\n", "")


def test_the_commands_work_from_elsewhere_and_through_a_link(project: Path, tmp_path: Path) -> None:
    stamp(project, "embedded")
    (project / "bin/echo").write_text((project / "bin/serve").read_text().replace("serve", "echo"))
    (project / "bin/echo").chmod(0o755)
    (tmp_path / "link").symlink_to(project / "bin/echo")
    assert run(tmp_path / "link").stdout == f"[] {project}\n"

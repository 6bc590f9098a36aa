from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from launch import environment
from launch.bootstrap import ROOT, Refusal
from launch.environment import Installation


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_nothing_has_to_be_set() -> None:
    assert environment.read({}) == Installation(data_dir=ROOT / "var", port=8000, demo=True)


@pytest.mark.parametrize("port", ["0", "65536", "eighty", "-1", "8000.5", "٨٠"])
def test_what_is_no_port_is_refused_in_one_line(port: str) -> None:
    with pytest.raises(Refusal, match=r"^PORT must be a number from 1 to 65535, not .*\.$"):
        environment.read({"PORT": port})


@pytest.mark.parametrize(("value", "demo"), [("1", True), ("yes", True), ("0", False), ("false", False), ("", False)])
def test_demo_data_can_be_declined(value: str, demo: bool) -> None:
    assert environment.read({"BRIM_DEMO": value}).demo is demo


def test_the_data_folder_is_for_its_owner_only(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o755)
    installation = Installation(tmp_path / "data")
    environment.open_data_dir(installation)
    assert {mode(path) for path in (installation.data_dir, installation.run_dir, installation.log_dir)} == {0o700}


def test_a_data_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(
        Refusal, match=r"^The data folder .*file/data cannot be written \(Not a directory\)\. Set DATA_DIR"
    ):
        environment.open_data_dir(Installation(tmp_path / "file/data"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes anywhere")
def test_a_data_folder_that_is_read_only_is_one_line(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(Refusal, match=r"cannot be written \(Permission denied\)"):
        environment.open_data_dir(Installation(tmp_path / "data"))


def test_a_full_disk_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match=r"^Not enough disk space in .*: 999999999999 MB are needed, \d+ MB are free\.$"):
        environment.require_space(tmp_path, 999_999_999_999)


def test_the_secret_key_is_made_once_and_private(tmp_path: Path) -> None:
    installation = Installation(tmp_path)
    key = environment.secret_key(installation)
    assert len(key) >= 64
    assert environment.secret_key(installation) == key
    assert mode(tmp_path / "secret_key") == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]


def test_two_data_folders_have_two_keys(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    assert environment.secret_key(Installation(tmp_path)) != environment.secret_key(Installation(tmp_path / "other"))


def test_django_processes_get_all_they_need(tmp_path: Path) -> None:
    installation = Installation(tmp_path, port=8123, demo=False)
    variables = environment.django_environment(installation, "postgres://one", "redis://two")
    assert (
        variables.items()
        >= {
            "BRIM_LOCAL": "1",
            "BRIM_DEMO": "0",
            "ALLOWED_HOSTS": "localhost,127.0.0.1,[::1]",
            "BASE_URL": "http://127.0.0.1:8123",
            "DATA_DIR": str(tmp_path),
            "DATABASE_URL": "postgres://one",
            "REDIS_URL": "redis://two",
            "SECRET_KEY": environment.secret_key(installation),
        }.items()
    )

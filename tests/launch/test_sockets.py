from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest

from launch import sockets
from launch.postgres import SOCKET_NAME


@pytest.fixture
def deep(tmp_path: Path) -> Path:
    return tmp_path / ("deep" * 20) / "run"


def test_a_short_data_folder_holds_its_own_sockets() -> None:
    assert sockets.choose(Path("/srv/brim/run"), {}, None) == Path("/srv/brim/run")


def test_a_deep_data_folder_gets_a_short_private_one_that_can_be_bound(deep: Path) -> None:
    folder = sockets.choose(deep, os.environ, None)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / SOCKET_NAME))
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    sockets.discard(folder, deep)
    assert not folder.exists()


def test_so_does_one_whose_name_needs_quoting() -> None:
    folder = sockets.choose(Path("/srv/Dr. Who's data?/run"), os.environ, None)
    assert sockets.PLAIN.fullmatch(str(folder))
    sockets.discard(folder, Path("/"))


def test_the_folder_that_running_programs_know_is_used_again(deep: Path) -> None:
    earlier = sockets.choose(deep, os.environ, None)
    assert sockets.choose(deep, os.environ, earlier) == earlier
    sockets.discard(earlier, deep)
    assert sockets.choose(deep, os.environ, earlier) == earlier
    assert stat.S_IMODE(earlier.stat().st_mode) == 0o700
    sockets.discard(earlier, deep)


def test_a_folder_that_others_may_enter_is_not_trusted(deep: Path) -> None:
    earlier = sockets.choose(deep, os.environ, None)
    earlier.chmod(0o755)
    found = sockets.choose(deep, os.environ, earlier)
    assert found != earlier
    for folder in (earlier, found):
        sockets.discard(folder, deep)


def test_nor_is_a_link_to_somewhere_else(deep: Path, tmp_path: Path) -> None:
    (tmp_path / "target").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "target")
    found = sockets.choose(deep, os.environ, tmp_path / "link")
    assert found != tmp_path / "link"
    sockets.discard(found, deep)

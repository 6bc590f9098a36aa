from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from launch import preparation
from launch.bootstrap import Refusal
from launch.environment import Installation
from tests.launch.stub import make_project


class Scene:
    """A data folder and a project whose `prepare` prints how often it has run."""

    def __init__(self, folder: Path) -> None:
        self.project = make_project(folder / "project")
        count = f"from pathlib import Path\nfile = Path({str(folder / 'count')!r})\n"
        count += "n = int(file.read_text()) + 1 if file.exists() else 1\nfile.write_text(str(n))\nprint(n)"
        (self.project / "manage.py").write_text(count)
        self.installation = Installation(folder / "data")
        for path in (self.installation.run_dir, self.installation.log_dir, self.installation.data_dir / "static"):
            path.mkdir(parents=True)

    def prepare(self, installation: Installation | None = None, **more: Any) -> str:
        only_if_never = more.pop("only_if_never", False)
        said = preparation.prepare(
            installation or self.installation, more, lambda line: None, only_if_never=only_if_never
        )
        return said.strip()


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    made = Scene(tmp_path)
    monkeypatch.setattr(preparation, "ROOT", made.project)
    return made


pytestmark = pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")


def test_nothing_to_do_is_not_done_again_and_says_the_same(scene: Scene) -> None:
    assert [scene.prepare(), scene.prepare()] == ["1", "1"]


def test_an_edited_a_new_and_a_deleted_file_each_prepare_again(scene: Scene) -> None:
    scene.prepare()
    (scene.project / "config/wsgi.py").write_text("pass")
    assert scene.prepare() == "2"
    (scene.project / "config/new.py").touch()
    assert scene.prepare() == "3"
    (scene.project / "config/new.py").unlink()
    assert scene.prepare() == "4"


def test_so_do_another_setting_and_lost_static_files(scene: Scene) -> None:
    scene.prepare(BRIM_DEMO="1")
    assert scene.prepare(BRIM_DEMO="0") == "2"
    (scene.installation.data_dir / "static").rmdir()
    assert scene.prepare(BRIM_DEMO="0") == "3"


def test_and_a_command_that_may_have_undone_it(scene: Scene) -> None:
    scene.prepare()
    preparation.forget(scene.installation)
    assert scene.prepare(only_if_never=True) == ""
    assert scene.prepare() == "2"


def test_somebody_elses_database_is_always_prepared(scene: Scene) -> None:
    theirs = Installation(scene.installation.data_dir, database_url="postgres://theirs")
    assert [scene.prepare(theirs), scene.prepare(theirs)] == ["1", "2"]


def test_a_command_prepares_a_database_once_whatever_changes(scene: Scene) -> None:
    assert scene.prepare(only_if_never=True) == "1"
    (scene.project / "config/new.py").touch()
    assert scene.prepare(only_if_never=True) == ""


def test_a_failure_is_one_line_and_is_not_remembered(scene: Scene) -> None:
    works = (scene.project / "manage.py").read_text()
    (scene.project / "manage.py").write_text("raise SystemExit('no such table')")
    with pytest.raises(Refusal, match=r"^The database could not be prepared \(no such table\)\. All of it is in "):
        scene.prepare()
    (scene.project / "manage.py").write_text(works)
    assert scene.prepare() == "1"

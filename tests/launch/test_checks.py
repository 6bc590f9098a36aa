"""What bin/test and bin/bench do around the programs they run."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from launch import bench, chromium, test
from launch.bootstrap import Refusal
from launch.test import Check


def python(name: str, code: str) -> Check:
    return Check(name, [sys.executable, "-c", code], os.environ)


def test_every_check_runs_and_the_failed_ones_are_named(capfd: pytest.CaptureFixture[str]) -> None:
    planned = [
        python("first", "import time; time.sleep(0.3); print('slow but fine')"),
        python("second", "raise SystemExit('broken')"),
        python("third", ""),
    ]
    assert test.run_checks(planned) == ["second"]
    said = capfd.readouterr().out.split("\n=== ")
    assert said == ["", "first: ok\nslow but fine\n", "second: FAILED\nbroken\n", "third: ok\n"]


def test_the_deployment_check_sees_production_settings() -> None:
    local = {"BRIM_LOCAL": "1", "BRIM_DEMO": "0", "DATABASE_URL": "postgres://here", "SECRET_KEY": "x"}
    variables = test.as_production(local)
    assert "BRIM_LOCAL" not in variables
    assert "BRIM_DEMO" not in variables
    assert variables["DATABASE_URL"] == "postgres://here"
    assert variables["BASE_URL"] == "https://brim.example.org"
    assert len(variables["SECRET_KEY"]) >= 50


def test_without_a_browser_ci_fails_and_others_are_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("BRIM_CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CI", raising=False)
    assert chromium.find_or_install() is None
    assert "BROWSER TESTS ARE SKIPPED" in capsys.readouterr().out
    monkeypatch.setenv("CI", "true")
    with pytest.raises(Refusal, match="no chromium"):
        chromium.find_or_install()


def test_benchmarks_are_listed_with_their_first_line(tmp_path: Path) -> None:
    (tmp_path / "__init__.py").touch()
    (tmp_path / "fleet.py").write_text('"""Forecasts a fleet.\n\nAt length."""\n')
    (tmp_path / "bare.py").write_text("")
    assert bench.benchmarks(tmp_path) == {"bare": "", "fleet": "Forecasts a fleet."}


def test_an_unknown_benchmark_is_one_line() -> None:
    with pytest.raises(Refusal, match=r"^There is no benchmark 'nonsense'\."):
        bench.main(["nonsense"])

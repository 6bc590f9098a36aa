"""The production set-up, as far as it can be read without a container engine."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from launch import probe
from launch.bootstrap import ROOT

TEXT = (ROOT / "docker-compose.yml").read_text()
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(TEXT)["services"]
OURS = ["migrate", "web", "worker", "beat"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()


def test_all_parts_are_there() -> None:
    assert sorted(SERVICES) == sorted(["postgres", "redis", *OURS])


@pytest.mark.parametrize("name", sorted(set(SERVICES) - {"migrate"}))
def test_what_stays_up_is_watched_and_started_again(name: str) -> None:
    assert SERVICES[name]["restart"] == "unless-stopped"
    assert SERVICES[name]["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")


def test_nothing_starts_before_the_migrations_are_done() -> None:
    assert SERVICES["migrate"]["restart"] == "no"
    assert "manage.py prepare" in " ".join(SERVICES["migrate"]["command"])
    for name in ("web", "worker", "beat"):
        assert SERVICES[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}


def test_web_is_healthy_when_it_is_ready() -> None:
    assert SERVICES["web"]["healthcheck"]["test"][-1] == "/health/ready"


def test_the_queue_survives_and_never_forgets() -> None:
    command = " ".join(SERVICES["redis"]["command"])
    assert "--appendonly yes" in command
    assert "--maxmemory-policy noeviction" in command


def test_every_store_is_a_volume() -> None:
    mounted = {volume.partition(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])}
    assert mounted == set(yaml.safe_load(TEXT)["volumes"])


@pytest.mark.parametrize("name", ["SECRET_KEY", "POSTGRES_PASSWORD", "ALLOWED_HOSTS", "BASE_URL", "EMAIL_URL"])
def test_there_is_no_default_for(name: str) -> None:
    uses = re.findall(rf"\$\{{{name}\b[^}}]*\}}", TEXT)
    assert uses
    assert all(use.startswith(f"${{{name}:?") for use in uses)


def test_images_are_pinned_to_an_exact_version() -> None:
    images = [service["image"] for name, service in SERVICES.items() if name not in OURS]
    images += re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert len(images) == 5
    assert all(re.fullmatch(r"[a-z]+:\d+\.\d+(\.\d+)?-[a-z-]+", image) for image in images)


def test_nothing_of_ours_runs_as_root() -> None:
    assert re.findall(r"^USER (\S+)", DOCKERFILE, re.MULTILINE) == ["brim"]
    for name in OURS:
        assert SERVICES[name]["cap_drop"] == ["ALL"]


def test_the_image_installs_what_is_locked() -> None:
    assert "--require-hashes" in DOCKERFILE
    assert "npm ci" in DOCKERFILE


def compose_config(tmp_path: Path, text: str) -> subprocess.CompletedProcess[str]:
    program = shutil.which("docker-compose")
    if program is None:
        pytest.skip("there is no docker-compose")
    (tmp_path / ".env").write_text(text)
    command = [program, "--project-directory", str(ROOT), "--env-file", str(tmp_path / ".env")]
    command += ["--file", str(ROOT / "docker-compose.yml"), "config", "--quiet"]
    return subprocess.run(command, capture_output=True, text=True, env={"PATH": "/usr/bin:/bin:/usr/local/bin"})


def test_compose_takes_the_file_with_the_example_filled_in(tmp_path: Path) -> None:
    filled = re.sub(r"=$", "=filled", (ROOT / ".env.example").read_text(), flags=re.MULTILINE)
    result = compose_config(tmp_path, filled)
    assert result.returncode == 0, result.stderr


def test_compose_refuses_the_example_as_it_is(tmp_path: Path) -> None:
    result = compose_config(tmp_path, (ROOT / ".env.example").read_text())
    assert result.returncode != 0
    assert "in .env" in result.stderr


@pytest.mark.parametrize(
    ("allowed", "host"),
    [("brim.example.org,other", "brim.example.org"), (".example.org", "example.org"), ("*", "localhost")],
)
def test_the_probe_asks_for_a_host_that_is_answered(allowed: str, host: str) -> None:
    assert probe.host(allowed) == host

"""`bin/bench NAME [ARGS]`: runs `bench.NAME` on throw-away, prepared data. Without a name: lists them."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from launch import console, throw_away
from launch.bootstrap import ROOT, Refusal
from launch.environment import Installation
from launch.preparation import prepare


def main(arguments: list[str]) -> int:
    os.chdir(ROOT)
    found = benchmarks(ROOT / "bench")
    if not arguments:
        for name, summary in found.items():
            console.say(f"{name:20} {summary}")
        return 0
    name = arguments[0]
    if name not in found:
        raise Refusal(f"There is no benchmark {name!r}. There are: {', '.join(found) or 'none'}.")
    # On the project's disk, not in a temporary folder that may be memory, so that the numbers mean something.
    parent = ROOT / "var/bench"
    parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with throw_away.servers(parent) as variables:
        prepare(Installation(Path(variables["DATA_DIR"])), variables, console.warn)
        return run(name, arguments[1:], variables)


def benchmarks(folder: Path) -> dict[str, str]:
    """Names and the first line of what each says of itself."""
    found = {}
    for path in sorted(folder.glob("[!_]*.py")):
        text = ast.get_docstring(ast.parse(path.read_text())) or ""
        found[path.stem] = text.partition("\n")[0]
    return found


def run(name: str, arguments: list[str], variables: Mapping[str, str]) -> int:
    return subprocess.run([sys.executable, "-m", f"bench.{name}", *arguments], env=dict(variables)).returncode


if __name__ == "__main__":
    console.run(main)

"""The log of what stopped and was started again: written by whoever acts, shown by bin/serve."""

from __future__ import annotations

import contextlib
from datetime import datetime
from pathlib import Path

LARGE = 10 * 1024**2


class Journal:
    def __init__(self, log_dir: Path) -> None:
        self.path = log_dir / "brim.log"
        self._shown = self.path.stat().st_size if self.path.exists() else 0

    def write(self, line: str) -> None:
        moment = datetime.now().astimezone().isoformat(sep=" ", timespec="seconds")
        # A full disk must not stop the one who keeps the rest running.
        with contextlib.suppress(OSError), self.path.open("a") as file:
            file.write(f"{moment} {line}\n")

    def unseen(self) -> list[str]:
        """The lines that anybody has written since the last call."""
        try:
            with self.path.open() as file:
                file.seek(self._shown)
                text = file.read()
        except FileNotFoundError:
            return []
        whole = text[: text.rfind("\n") + 1]
        self._shown += len(whole.encode())
        return whole.splitlines()


def set_aside_large(log_dir: Path) -> None:
    """Keep at most one older log of each kind."""
    for path in log_dir.glob("*.log"):
        if path.stat().st_size > LARGE:
            path.replace(path.with_suffix(".log.1"))

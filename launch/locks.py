"""Locks on a data folder. The kernel drops the lock of a process that ends, however it ends."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path


class Lock:
    """An advisory lock on a file. Not inherited by the programs that are started while it is held."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: int | None = None

    def try_exclusive(self) -> bool:
        return self._try(fcntl.LOCK_EX)

    def try_shared(self) -> bool:
        return self._try(fcntl.LOCK_SH)

    def release(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def held_by_another(self) -> bool:
        """Whether some process holds it exclusively."""
        if self._file is None and self.try_shared():
            self.release()
            return False
        return self._file is None

    def write(self, text: str) -> None:
        """Leave a note in the file, for whoever finds the lock taken."""
        if self._file is None:
            raise ValueError("only the holder writes")
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, text.encode(), 0)

    @contextlib.contextmanager
    def hold(self, *, shared: bool = False, notice: Callable[[], None]) -> Iterator[None]:
        """Wait for the lock; `notice` tells the person once if that takes more than a second."""
        started, told = time.monotonic(), False
        while not (self.try_shared() if shared else self.try_exclusive()):
            if not told and time.monotonic() - started > 1:
                notice()
                told = True
            time.sleep(0.05)
        try:
            yield
        finally:
            self.release()

    def _try(self, kind: int) -> bool:
        file = self._file
        if file is None:
            file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if self._file is None:
                os.close(file)
            return False
        self._file = file
        return True

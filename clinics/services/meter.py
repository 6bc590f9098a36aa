"""How far a piece of work is, seen by others at once; and whether it is to stop."""

import json
from collections.abc import Mapping
from datetime import datetime
from types import TracebackType
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import timezone

from clinics.models import Work

# Progress is written at most so often, seconds.
WRITE_EVERY = 0.5
# A pace is told from so many seconds on: before, it is chance.
PACE_AFTER_S = 1.5


class Cancelled(Exception):
    """Somebody asked to stop. What the present transaction holds is rolled back; what was committed stays."""


class Meter:
    """Writes over a connection of its own, so that the progress of work within a transaction is seen meanwhile, and
    a wish to cancel is read. A step that goes on after a kill keeps its count, and its pace counts from there."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self._connection: BaseDatabaseWrapper | None = None
        self._step = ""
        self._written = 0.0

    def __enter__(self) -> "Meter":
        self._connection = connections.create_connection("default")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._connection is not None:
            self._connection.close()

    def tell(self, what: str, done: int, total: int) -> None:
        """
        Raises:
            Cancelled: somebody asked to stop.
        """
        now = timezone.now()
        is_new, is_end = what != self._step, 0 < total <= done
        if is_new or is_end or now.timestamp() - self._written >= WRITE_EVERY:
            self._write(what, done, total, now, {})

    def stored(self, what: str, done: int, total: int, *, reached: int, report: Mapping[str, Any]) -> None:
        """As `tell`, of work in batches, once one is committed: it goes on behind `reached` if it is killed now.

        Raises:
            Cancelled: somebody asked to stop.
        """
        # Somebody got on with it, so the attempts that ended before they got anywhere are counted anew.
        kept = {"reached": reached, "report": json.dumps(report), "attempts": 1}
        self._write(what, done, total, timezone.now(), kept)

    def _write(self, what: str, done: int, total: int, now: datetime, more: Mapping[str, Any]) -> None:
        if self._connection is None:
            raise RuntimeError("the meter is used outside its block")
        is_new, self._step, self._written = what != self._step, what, now.timestamp()
        values: dict[str, Any] = {"step": what[:100], "step_done": done, "step_total": total, **more}
        if is_new:
            values |= {"step_from": done, "step_started_at": now}
        columns = ", ".join(f"{name} = %s" for name in values)
        with self._connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE {self.work._meta.db_table} SET {columns} WHERE id = %s RETURNING cancel_requested",  # noqa: S608  our own names
                [*values.values(), self.work.pk],
            )
            row = cursor.fetchone()
        if row is None or row[0]:
            raise Cancelled


def seconds_left(work: Work, now: datetime) -> int | None:
    """How long the present step still takes at the pace it had so far; None while that cannot be told."""
    done = work.step_done - work.step_from
    if work.step_started_at is None or not work.step_total or done < 1:
        return None
    took = (now - work.step_started_at).total_seconds()
    if took < PACE_AFTER_S:
        return None
    return max(round(took / done * (work.step_total - work.step_done)), 0)

"""Ends a piece of work between two of its steps, as a power cut would, without a hook in the work itself.

A step is a statement to the database, or the handing over of a message. Before a chosen one, or, for a message, right
after the server has taken it, `Cut` is raised. It is no Exception, so nothing in the work catches it, and what was not
committed is rolled back, as the database does for a process that is gone.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.core.mail.backends.locmem import EmailBackend
from django.db import connection


class Cut(BaseException):
    """The power is gone."""


@dataclass
class Steps:
    """Counts steps; before step `at`, counted from 0, the work is cut. Afterwards it is cut no more."""

    at: int | None = None
    done: int = 0
    names: list[str] = field(default_factory=list)

    def before(self, name: str) -> None:
        number, self.done = self.done, self.done + 1
        self.names.append(name)
        if number == self.at:
            raise Cut(name)

    def statement(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        if not sql.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK", "SELECT pg_advisory_unlock")):
            self.before(sql[:60])
        return execute(sql, params, many, context)


@contextmanager
def stepping(monkeypatch: pytest.MonkeyPatch, at: int | None) -> Iterator[Steps]:
    steps = Steps(at)
    send = EmailBackend.send_messages

    def sending(backend: EmailBackend, messages: Any) -> int:
        messages = list(messages)
        steps.before("hand over")
        sent = send(backend, messages)
        steps.before("taken by the server")
        return sent

    with monkeypatch.context() as patch, connection.execute_wrapper(steps.statement):
        patch.setattr(EmailBackend, "send_messages", sending)
        yield steps

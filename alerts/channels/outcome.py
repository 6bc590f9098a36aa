"""What every channel answers, and the three ways in which it fails.

Their words are stored and shown to staff, so they hold no secret and nothing of the message.
"""

from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from alerts.models import Notification


@dataclass(frozen=True)
class Sent:
    """Taken over by a server. `provider_id` is what it calls the message; blank where it has no name for it."""

    provider_id: str = ""


class Refused(Exception):
    """For good: this message will never reach this recipient so.

    `is_address_bad` where the address itself is wrong, so that nothing more need be sent to it.
    """

    def __init__(self, words: str, *, is_address_bad: bool = False) -> None:
        super().__init__(words)
        self.is_address_bad = is_address_bad


class Trouble(Exception):
    """Not now: try this message again."""


class Unreachable(Trouble):
    """Not now, nor any other message by the same line: the server does not answer at all."""


class Line(Protocol):
    """What messages leave by, kept open for some of them. Closed by leaving its block."""

    def send(self, row: Notification) -> Sent:
        """
        Raises:
            Refused, Trouble, Unreachable.
        """

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Lineless:
    """A channel that keeps nothing open."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

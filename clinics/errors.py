"""The few domain errors, raised by services and turned into pages and HTTP answers in one place each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise


class DomainError(Exception):
    """Something a caller can put right."""


class Impossible(DomainError):
    """Input that cannot be: messages per field, each with what to do."""

    def __init__(self, errors: "Mapping[str, Sequence[str | StrPromise]]") -> None:
        super().__init__("; ".join(f"{field}: {' '.join(map(str, messages))}" for field, messages in errors.items()))
        self.errors = {field: [str(message) for message in messages] for field, messages in errors.items()}


class Conflict(DomainError):
    """The request contradicts what is stored."""


class Overtaken(Conflict):
    """Somebody else changed what this request was made of; look again."""


@dataclass(frozen=True)
class Doubt:
    """Unlikely but possible input, stored once its code is confirmed."""

    code: str
    field: str
    message: str


class NeedsConfirmation(DomainError):
    def __init__(self, doubts: Sequence[Doubt]) -> None:
        super().__init__("; ".join(doubt.message for doubt in doubts))
        self.doubts = list(doubts)

"""Request bodies: JSON that everything behind it can store, compare and answer."""

from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser
from rest_framework.utils import json

# The deepest body of the contract has four levels.
MOST_LEVELS = 16


class BodyParser(JSONParser):
    """UTF-8 JSON. What cannot be read, is nested without end or is not Unicode is the caller's error: 400."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        try:
            data = json.loads(stream.read().decode())
        except RecursionError as error:
            raise ParseError(f"JSON nested deeper than {MOST_LEVELS} levels.") from error
        except ValueError as error:
            raise ParseError(f"JSON parse error - {error}") from error
        _check(data)
        return data


def _check(part: Any, level: int = 0) -> None:
    if level > MOST_LEVELS:
        raise ParseError(f"JSON nested deeper than {MOST_LEVELS} levels.")
    if isinstance(part, str):
        try:
            part.encode()
        except UnicodeEncodeError as error:
            raise ParseError("A text holds half of a surrogate pair, which is not Unicode.") from error
    elif isinstance(part, dict | list):
        for inner in [*part, *part.values()] if isinstance(part, dict) else part:
            _check(inner, level + 1)

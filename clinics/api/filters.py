"""Query parameters that narrow a list: read here, so that nothing reaches SQL which no column can hold."""

from collections.abc import Collection

from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from clinics.api.fields import as_key


def text_filter(request: Request, name: str) -> str | None:
    """A text, None if absent.

    Raises:
        ValidationError: it holds a NUL, which no stored text has.
    """
    text = request.query_params.get(name)
    if text is not None and "\x00" in text:
        raise ValidationError({name: ["Null characters are not allowed."]})
    return text


def choice_filter(request: Request, name: str, choices: Collection[str]) -> str | None:
    """One of the choices, None if absent.

    Raises:
        ValidationError: none of them.
    """
    text = request.query_params.get(name)
    if text is not None and text not in choices:
        raise ValidationError({name: [f"Write one of: {', '.join(choices)}."]})
    return text


def key_filter(request: Request, name: str) -> int | None:
    """A row's id, None if absent.

    Raises:
        ValidationError: not an id.
    """
    text = request.query_params.get(name)
    key = as_key(text) if text is not None else None
    if text is not None and key is None:
        raise ValidationError({name: ["This is not an id."]})
    return key

"""One place where errors become HTTP answers."""

from collections.abc import Iterator
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.db.models import ObjectDoesNotExist
from rest_framework import exceptions, status
from rest_framework.exceptions import NotFound
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.views import exception_handler

from clinics.errors import Conflict, Impossible, NeedsConfirmation


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """400 with a list of messages per field, 404, 409; 400 with `confirm_required` for what is unlikely."""
    match error:
        case Impossible():
            return Response(error.errors, status=status.HTTP_400_BAD_REQUEST)
        case NeedsConfirmation():
            doubts = [{"code": doubt.code, "field": doubt.field, "message": doubt.message} for doubt in error.doubts]
            return Response({"confirm_required": doubts}, status=status.HTTP_400_BAD_REQUEST)
        case Conflict():
            return Response({"detail": str(error)}, status=status.HTTP_409_CONFLICT)
        case IntegrityError():
            # Two calls entered the same thing at once, and the database let the first one through.
            message = "This contradicts what has been stored meanwhile; read it again and repeat."
            return Response({"detail": message}, status=status.HTTP_409_CONFLICT)
        case ValidationError():
            # A filter that names a value its column cannot hold.
            return Response({"detail": " ".join(error.messages)}, status=status.HTTP_400_BAD_REQUEST)
        case exceptions.ValidationError():
            return Response(by_field(error.detail), status=status.HTTP_400_BAD_REQUEST)
        case ObjectDoesNotExist():
            return exception_handler(NotFound(), context)
        case _:
            return exception_handler(error, context)


def by_field(detail: Any) -> dict[str, list[str]]:
    """Messages per field, those of nested input at the outer field: `entry 1, rate_mcg_per_h: A valid ...`."""
    if not isinstance(detail, dict):
        detail = {api_settings.NON_FIELD_ERRORS_KEY: detail}
    return {field: list(_messages(inner, ())) for field, inner in detail.items()}


def _messages(detail: Any, place: tuple[str, ...]) -> Iterator[str]:
    """The messages of a tree of errors, each with its place: a field's name, or an entry's number counted from 1."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            yield from _messages(inner, place if name == api_settings.NON_FIELD_ERRORS_KEY else (*place, _part(name)))
    elif isinstance(detail, list):
        for index, inner in enumerate(detail):
            yield from _messages(inner, place if isinstance(inner, str) else (*place, _part(index)))
    else:
        yield f"{', '.join(place)}: {detail}" if place else str(detail)


def _part(name: str | int) -> str:
    return f"entry {name + 1}" if isinstance(name, int) else name

"""One place where errors become HTTP answers."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import ObjectDoesNotExist
from rest_framework import status
from rest_framework.exceptions import NotFound
from rest_framework.response import Response
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
        case ValidationError():
            # A cursor or filter that names a value its column cannot hold.
            return Response({"detail": " ".join(error.messages)}, status=status.HTTP_400_BAD_REQUEST)
        case ObjectDoesNotExist():
            return exception_handler(NotFound(), context)
        case _:
            return exception_handler(error, context)

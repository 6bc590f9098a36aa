"""The same `Idempotency-Key` and body answer the same event or visit; another body answers 409."""

import hashlib
import json
from collections.abc import Callable
from typing import Any, TypeVar

from django.db import IntegrityError, transaction
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from clinics.errors import Conflict
from clinics.models import User
from pumps.models import Event, IdempotencyKey
from scheduling.models import Appointment

KEY_LENGTH = 200
Made = TypeVar("Made", Event, Appointment)


def once(request: Request, user: User, write: Callable[[], Made]) -> Made:
    """Run `write` unless this caller's key has been used; then answer what it made.

    `write` also validates the body: with a used key, another body is a conflict before it is anything else.
    The key is stored in the write's transaction: two calls at once end with one event, whichever comes second finds
    the first one's key.
    """
    key = request.headers.get("Idempotency-Key", "")
    if not key:
        return write()
    if len(key) > KEY_LENGTH:
        raise ValidationError({"Idempotency-Key": [f"At most {KEY_LENGTH} characters."]})
    digest = _digest(request)
    known: Made | None = _known(user, key, digest)
    if known is not None:
        return known
    try:
        with transaction.atomic():
            made = write()
            field = "event" if isinstance(made, Event) else "appointment"
            IdempotencyKey.objects.create(user=user, key=key, body_digest=digest, **{field: made})
    except (IntegrityError, Conflict):
        known = _known(user, key, digest)
        if known is None:
            raise
        return known
    return made


def _known(user: User, key: str, digest: str) -> Any:
    """What the key made, None if it was not used. The address is part of the digest, so it is what is asked for."""
    stored = IdempotencyKey.objects.select_related("event", "appointment").filter(user=user, key=key).first()
    if stored is None:
        return None
    if stored.body_digest != digest:
        raise Conflict("This Idempotency-Key was used with another request; use a new key.")
    return stored.event or stored.appointment


def _digest(request: Request) -> str:
    body = json.dumps(request.data, sort_keys=True, default=str)
    return hashlib.sha256(f"{request.path} {body}".encode()).hexdigest()

"""Log-ins are kept with what was seen; heard of from Django, whichever way somebody came in."""

from typing import Any

from django.utils import timezone

from clinics.models import User
from patients import viewings


def logged_in(sender: Any, *, user: User, **kwargs: Any) -> None:
    viewings.keep_sign_in(user=user, what=viewings.LOG_IN, at=timezone.now())


def logged_out(sender: Any, *, user: User | None, **kwargs: Any) -> None:
    if user is not None:
        viewings.keep_sign_in(user=user, what=viewings.LOG_OUT, at=timezone.now())


def failed(sender: Any, *, credentials: dict[str, Any], **kwargs: Any) -> None:
    email = str(credentials.get("email") or credentials.get("username") or "").replace("\x00", "")[:254]
    viewings.keep_failed(email=email, at=timezone.now())

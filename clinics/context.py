from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from clinics.middleware import seconds_left


def session(request: HttpRequest) -> dict[str, Any]:
    """How long the log-in lasts, for the page that warns before it ends."""
    if not request.user.is_authenticated or not hasattr(request, "session"):
        return {}
    return {"session_seconds_left": seconds_left(request, timezone.now())}

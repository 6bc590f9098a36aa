from django.http import HttpRequest
from django.utils import timezone

from alerts.services.engine import is_silent


def engine_banner(request: HttpRequest) -> dict[str, bool]:
    """On every staff page: whether the reminder engine has fallen silent."""
    if not request.user.is_authenticated:
        return {}
    return {"engine_is_silent": is_silent(now=timezone.now())}

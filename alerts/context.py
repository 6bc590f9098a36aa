from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from alerts.models import Alert
from alerts.services.engine import Silence, silences
from clinics.models import User

# The frame says 99+ beyond this.
COUNTED = 100


def engine_banner(request: HttpRequest) -> dict[str, list[Silence] | list[Alert]]:
    """On every staff page: which parts of the reminder engine are silent, and what is late at the user's clinics."""
    if not request.user.is_authenticated:
        return {}
    late = Alert.objects.open().visible_to(request.user).filter(kind=Alert.Kind.ENGINE_LATE, pump=None)
    return {
        "engine_silences": silences(now=timezone.now()),
        "engine_late": list(late.select_related("clinic").order_by("pk")),
    }


def open_alerts(request: HttpRequest) -> dict[str, Any]:
    """How many alerts are open at the user's clinics and acknowledged by nobody; asked only where a page says it."""
    user = request.user
    if not isinstance(user, User):
        return {}
    return {"open_alert_count": SimpleLazyObject(lambda: _how_many(user))}


def _how_many(user: User) -> int:
    now = timezone.now()
    waiting = Alert.objects.open().visible_to(user).exclude(acknowledged_until__gt=now)
    return waiting.order_by()[:COUNTED].count()

from django.http import HttpRequest
from django.utils import timezone

from alerts.models import Alert
from alerts.services.engine import Silence, silences


def engine_banner(request: HttpRequest) -> dict[str, list[Silence] | list[Alert]]:
    """On every staff page: which parts of the reminder engine are silent, and what is late at the user's clinics."""
    if not request.user.is_authenticated:
        return {}
    late = Alert.objects.open().visible_to(request.user).filter(kind=Alert.Kind.ENGINE_LATE, pump=None)
    return {
        "engine_silences": silences(now=timezone.now()),
        "engine_late": list(late.select_related("clinic").order_by("pk")),
    }

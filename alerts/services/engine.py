"""The engine's pulse: written by each full round, read by pages and health checks outside Celery."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from django.conf import settings

from alerts.models import Alert, Heartbeat, Notification

TICK = "tick"


def beat(name: str, *, now: datetime) -> None:
    Heartbeat.objects.update_or_create(name=name, defaults={"at": now})


@dataclass(frozen=True)
class EngineState:
    """Ages in seconds. `late_*` count what is due for longer than three ticks, which should not happen."""

    ok: bool
    last_tick_at: datetime | None
    last_tick_age_s: float | None
    late_pumps: int
    late_alerts: int
    late_notifications: int
    open_alerts: int
    alerts_with_nobody: int
    alerts_unheard: int
    failed_notifications: int

    def as_json(self) -> dict[str, object]:
        return asdict(self)


def patience() -> timedelta:
    """How long something may be due before it is late: three ticks and a minute."""
    return timedelta(seconds=3 * settings.TICK_SECONDS + 60)


def last_tick() -> datetime | None:
    heart = Heartbeat.objects.filter(name=TICK).first()
    return heart.at if heart is not None else None


def is_silent(*, now: datetime) -> bool:
    """Whether the engine has not finished a round lately."""
    last = last_tick()
    return last is None or now - last > patience()


def state(*, now: datetime, late_pumps: int) -> EngineState:
    """The engine's state; `late_pumps` comes from the room above, which knows forecasts."""
    last = last_tick()
    since = now - patience()
    late_alerts = Alert.objects.due(since).count()
    late_notifications = Notification.objects.deliverable(since).count()
    # A message the mail server did not take is due again later; after three tries it is late all the same.
    queued = Notification.objects.filter(state=Notification.State.QUEUED, due_at__gt=since)
    retried = queued.filter(attempts__gte=3).count()
    # Nobody in the tier's roles, no administrator, no patient who may be written to: nobody has been told.
    unheard = Alert.objects.open().filter(nobody_since__lte=since, told_at=None).count()
    late = late_pumps + late_alerts + late_notifications + retried + unheard
    return EngineState(
        ok=last is not None and now - last <= patience() and late == 0,
        last_tick_at=last,
        last_tick_age_s=(now - last).total_seconds() if last is not None else None,
        late_pumps=late_pumps,
        late_alerts=late_alerts,
        late_notifications=late_notifications + retried,
        open_alerts=Alert.objects.open().count(),
        alerts_with_nobody=Alert.objects.open().filter(nobody_since__isnull=False).count(),
        alerts_unheard=unheard,
        failed_notifications=Notification.objects.filter(state=Notification.State.FAILED).count(),
    )

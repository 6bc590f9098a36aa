"""The engine's pulse: each part writes when it last finished; pages and health checks read it, outside Celery.

A part that hangs, breaks, or is not started any more falls silent, and is named. So is one whose clock has gone astray:
a beat from the future says as little about the present as one from the past.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.conf import settings
from django.utils.translation import gettext, gettext_lazy

from alerts.models import Alert, Digest, DigestTurn, Heartbeat, Notification

# A whole round, in which every step of it went well.
TICK = "tick"


class Part(StrEnum):
    """The steps of a round, and delivery, which is a task of its own."""

    OPEN = "open"
    VISITS = "visits"
    DIGESTS = "digests"
    TELL = "tell"
    AUDIT = "audit"
    DELIVER = "deliver"


WORDS = {
    Part.OPEN: gettext_lazy("noticing what is due"),
    Part.VISITS: gettext_lazy("reminders of visits"),
    Part.DIGESTS: gettext_lazy("daily digests"),
    Part.TELL: gettext_lazy("telling people"),
    Part.AUDIT: gettext_lazy("checking that nothing is forgotten"),
    Part.DELIVER: gettext_lazy("sending messages"),
    TICK: gettext_lazy("the regular round"),
}


@dataclass(frozen=True)
class Silence:
    """A part that has not finished lately; `since` is when it last did, None where it never did."""

    part: str
    words: str
    since: datetime | None


def beat(name: str, *, now: datetime) -> None:
    Heartbeat.objects.update_or_create(name=name, defaults={"at": now})


@dataclass(frozen=True)
class EngineState:
    """Ages in seconds. `late_*` count what is due for longer than three ticks, which should not happen."""

    ok: bool
    last_tick_at: datetime | None
    last_tick_age_s: float | None
    parts: dict[str, datetime | None]
    silent: list[dict[str, object]]
    late_pumps: int
    late_alerts: int
    late_notifications: int
    late_digests: int
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
    return _beats().get(TICK)


def silences(*, now: datetime) -> list[Silence]:
    """The parts that are silent, in words for staff; one line for all of them where none is heard. One query."""
    return _silences(_beats(), now)


def _beats() -> dict[str, datetime]:
    return dict(Heartbeat.objects.values_list("name", "at"))


def _silences(beats: Mapping[str, datetime], now: datetime) -> list[Silence]:
    silent = [part for part in Part if not _is_fresh(beats.get(part), now)]
    if len(silent) == len(Part):
        return [Silence("all", gettext("the whole engine"), max(beats.values(), default=None))]
    if not silent and not _is_fresh(beats.get(TICK), now):
        return [Silence(TICK, str(WORDS[TICK]), beats.get(TICK))]
    return [Silence(part, str(WORDS[part]), beats.get(part)) for part in silent]


def _is_fresh(at: datetime | None, now: datetime) -> bool:
    return at is not None and abs(now - at) <= patience()


def state(*, now: datetime, late_pumps: int) -> EngineState:
    """The engine's state; `late_pumps` comes from the room above, which knows forecasts."""
    beats = _beats()
    silent, last = _silences(beats, now), beats.get(TICK)
    since = now - patience()
    late_alerts = Alert.objects.due(since).count()
    late_notifications = Notification.objects.late(since).count()
    late_digests = Digest.objects.deliverable(since).count() + DigestTurn.objects.filter(next_at__lte=since).count()
    # Nobody in the tier's roles, no administrator, no patient who may be written to: nobody has been told.
    unheard = Alert.objects.open().filter(nobody_since__lte=since, told_at=None).count()
    late = late_pumps + late_alerts + late_notifications + late_digests + unheard
    return EngineState(
        ok=not silent and late == 0,
        last_tick_at=last,
        last_tick_age_s=(now - last).total_seconds() if last is not None else None,
        parts={part: beats.get(part) for part in Part},
        silent=[asdict(each) for each in silent],
        late_pumps=late_pumps,
        late_alerts=late_alerts,
        late_notifications=late_notifications,
        late_digests=late_digests,
        open_alerts=Alert.objects.open().count(),
        alerts_with_nobody=Alert.objects.open().filter(nobody_since__isnull=False).count(),
        alerts_unheard=unheard,
        failed_notifications=Notification.objects.filter(state=Notification.State.FAILED).count(),
    )

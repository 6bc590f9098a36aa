"""The fleet's regular work by day: alerts that have become due. By night: `nightly`."""

import logging
from collections.abc import Callable
from datetime import datetime

from alerts.services import digests, engine, telling
from alerts.services.batches import act_on_due
from alerts.services.engine import Part
from pumps.alerting import reconcile
from pumps.models import Forecast
from pumps.services import booking, watching
from scheduling.services import reminders

logger = logging.getLogger(__name__)

BATCH = 500


def tick(now: datetime) -> int:
    """One round of the engine; returns how many alerts were acted on.

    In steps: (1) open the alerts of forecasts that have come due; (2) note who did not come, remind of visits; (3)
    write digests; (4) tell whoever has to be told; (5) look for what was forgotten; (6) beat. Each step commits on its
    own, beats on its own, can be run again, and does not stop the next if it breaks; the round's beat is of one in
    which all went well.
    """
    told = 0

    def tell(now: datetime) -> None:
        nonlocal told
        told = telling.advance(now)

    steps: dict[Part, Callable[[datetime], object]] = {
        Part.OPEN: _open_due,
        Part.VISITS: _visits,
        Part.DIGESTS: digests.write_due,
        Part.TELL: tell,
        Part.AUDIT: watching.look,
    }
    went_well = [_step(part, action, now) for part, action in steps.items()]
    if all(went_well):
        engine.beat(engine.TICK, now=now)
    return told


def _step(part: Part, action: Callable[[datetime], object], now: datetime) -> bool:
    """Whether it did not break. A step that says False is being done by another round, which will beat."""
    try:
        is_elsewhere = action(now) is False
    except Exception:  # the tick's edge: the other steps go on, and this one's silence is seen
        logger.exception("a step of the round broke: %s", engine.WORDS[part])
        return False
    if not is_elsewhere:
        engine.beat(part, now=now)
    return True


def _visits(now: datetime) -> None:
    booking.mark_missed(now)
    reminders.write_due(now)


def _open_due(now: datetime) -> None:
    """Reconcile every due forecast that no other tick or write holds."""
    due = Forecast.objects.due(now).select_related("pump")
    act_on_due(
        due, lambda rows: reconcile(rows, now=now), size=BATCH, broke="a pump's alerts could not be brought into line"
    )


def late_pumps(now: datetime) -> int:
    """Forecasts whose alert should have been opened by now."""
    return Forecast.objects.due(now - engine.patience()).count()

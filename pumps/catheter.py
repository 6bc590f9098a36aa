"""A pump's catheter as its last revision left it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from pumps.models import Event, Pump


@dataclass(frozen=True)
class Catheter:
    """Volume in mL, None where nobody said; `revised_at` is the last standing revision, None as implanted."""

    volume_ml: Decimal | None
    revised_at: datetime | None = None


def catheters_of(pumps: Iterable[Pump], *, at: datetime | None = None) -> dict[int, Catheter]:
    """By pump id, as they are or were `at` a moment. One query.

    A revision without a volume leaves the volume unknown: the one of before is not true any more.
    """
    found = {pump.pk: Catheter(pump.catheter_volume_ml) for pump in pumps}
    revisions = Event.objects.standing().filter(pump__in=found, kind=Event.Kind.CATHETER_REVISION)
    if at is not None:
        revisions = revisions.filter(occurred_at__lte=at)
    for pump_id, volume_ml, revised_at in revisions.order_by("occurred_at", "pk").values_list(
        "pump_id", "catheter_volume_ml", "occurred_at"
    ):
        found[pump_id] = Catheter(volume_ml, revised_at)
    return found


def catheter_of(pump: Pump, *, at: datetime | None = None) -> Catheter:
    return catheters_of([pump], at=at)[pump.pk]

"""The worklist's reading: pumps by `refill_by`, with the tier each has reached."""

from collections.abc import Sequence
from datetime import datetime

from alerts.services import lifecycle
from clinical.escalation import tier_at
from pumps.alerting import deadlines
from pumps.models import Forecast


def tiers(rows: Sequence[Forecast], *, now: datetime) -> dict[int, str | None]:
    """The tier code of each forecast by pump id, None before the first tier or without a date. One query."""
    ladders = lifecycle.ladders({row.clinic_id for row in rows})
    found: dict[int, str | None] = {}
    for row in rows:
        tier = tier_at(ladders[row.clinic_id], deadlines(row, row.computed_at), now)
        found[row.pump_id] = tier.code if tier is not None else None
    return found

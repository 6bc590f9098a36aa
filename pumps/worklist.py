"""The worklist's reading: pumps by `refill_by`, with the tier each has reached."""

from collections.abc import Sequence
from datetime import datetime

from alerts.services import lifecycle
from clinical.escalation import tier_at
from pumps.alerting import deadlines, risk_flags
from pumps.models import Forecast


def tiers(rows: Sequence[Forecast], *, now: datetime) -> dict[int, str | None]:
    """The tier code of each forecast by pump id, None before the first tier or without a date. Three queries."""
    policies = lifecycle.policies({row.clinic_id for row in rows})
    flags = risk_flags([row.pump_id for row in rows])
    found: dict[int, str | None] = {}
    for row in rows:
        ladder = policies[row.clinic_id].of(flags.get(row.pump_id, ()))
        tier = tier_at(ladder, deadlines(row, row.computed_at), now)
        found[row.pump_id] = tier.code if tier is not None else None
    return found

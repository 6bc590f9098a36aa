"""Why a date: what it was computed from, the formula with its numbers, its source, and the entries it rests on."""

from collections.abc import Callable

from pumps.pages.why import deadlines, volumes
from pumps.pages.why.parts import Why
from pumps.reading import Reading

_MAKERS: dict[str, Callable[[Reading], Why]] = {
    "refill_by": deadlines.refill_by,
    "open_day": deadlines.open_day,
    "volume": volumes.volume_now,
    **{level.what: volumes.level_reached(level) for level in volumes.LEVELS},
    "drug_expires_at": deadlines.drug_expires,
    "max_interval_at": deadlines.longest_interval,
    "service_ends_at": deadlines.service_ends,
}
WHATS = tuple(_MAKERS)
# What says nothing clinical: dates that everyone of the clinic sees, and the clinic's own settings.
FOR_EVERYBODY = ("refill_by", "open_day")


def why(reading: Reading, what: str) -> Why:
    """`what` is one of `WHATS`."""
    return _MAKERS[what](reading)

"""What the codes of a forecast are called on a page."""

from dataclasses import dataclass
from datetime import datetime

from alerts.messages import headline
from alerts.services.lifecycle import Ladder
from clinical.escalation import tier_at
from pumps.alerting import deadlines
from pumps.models import Forecast

LIMIT_WORDS = {
    "volume": "volume",
    "stability": "drug stability",
    "lot_expiry": "lot expiry",
    "max_interval": "longest interval",
}
BECAUSE_WORDS = {
    "volume": "the reservoir runs low",
    "stability": "the drug's stability ends",
    "lot_expiry": "the lot expires",
    "max_interval": "the longest interval ends",
}
UNKNOWN_WORDS = {
    "no_fill": "no fill recorded",
    "no_dose": "no dose recorded",
    "no_factory_flow": "no factory flow recorded",
    "stopped": "pump is stopped",
}
SEVERITY_WORDS = {"info": "Note", "warn": "Warning", "high": "Serious"}


@dataclass(frozen=True)
class Urgency:
    """How urgent a pump is: a code for the colour, and the word that says the same."""

    code: str
    word: str
    why: str = ""


def urgency(row: Forecast, ladder: Ladder, now: datetime) -> Urgency:
    """The tier of the clinic's ladder the pump is in now; a stop and an unknown date come before any tier."""
    why = UNKNOWN_WORDS.get(row.unknown_reason, row.unknown_reason)
    if row.stopped_at is not None and row.stopped_at <= now:
        return Urgency("stopped", "Stopped", "no drug is flowing")
    if row.refill_by is None:
        return Urgency("unknown", "Unknown", why)
    tier = tier_at(ladder, deadlines(row, row.computed_at), now)
    if tier is not None:
        return Urgency(tier.code, headline(tier.code), why)
    return Urgency("unknown", "Unknown", why) if why else Urgency("later", "Later")


def limit_words(row: Forecast) -> str:
    """What binds `refill_by`."""
    if row.unknown_reason:
        return f"unknown: {UNKNOWN_WORDS.get(row.unknown_reason, row.unknown_reason)}"
    return LIMIT_WORDS.get(row.limiting_factor, row.limiting_factor)


def because(row: Forecast) -> str:
    """The same within a sentence."""
    if row.unknown_reason:
        return f"nothing else is known: {UNKNOWN_WORDS.get(row.unknown_reason, row.unknown_reason)}"
    return BECAUSE_WORDS.get(row.limiting_factor, row.limiting_factor)

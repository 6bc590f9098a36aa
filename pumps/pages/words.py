"""What the codes of a forecast are called on a page."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from alerts.messages import headline
from alerts.services.lifecycle import Ladder, policies
from clinical.escalation import tier_at
from clinical.scanner import SOURCE, in_scanner
from pumps.alerting import deadlines, risk_flags
from pumps.models import Forecast, PumpModel

LIMIT_WORDS = {
    "volume": gettext_lazy("volume"),
    "stability": gettext_lazy("drug stability"),
    "lot_expiry": gettext_lazy("lot expiry"),
    "max_interval": gettext_lazy("longest interval"),
}
BECAUSE_WORDS = {
    "volume": gettext_lazy("the reservoir runs low"),
    "stability": gettext_lazy("the drug's stability ends"),
    "lot_expiry": gettext_lazy("the lot expires"),
    "max_interval": gettext_lazy("the longest interval ends"),
}
UNKNOWN_WORDS = {
    "no_fill": gettext_lazy("no fill recorded"),
    "no_dose": gettext_lazy("no dose recorded"),
    "no_factory_flow": gettext_lazy("no factory flow recorded"),
    "dose_unseen": gettext_lazy("no dose recorded for the time after the fill"),
    "stopped": gettext_lazy("pump is stopped"),
    "stall": gettext_lazy("motor stall without recovery"),
    "flow_changed": gettext_lazy("its flow has changed"),
}
SEVERITY_WORDS = {
    "info": gettext_lazy("Note"),
    "warn": gettext_lazy("Warning"),
    "high": gettext_lazy("Serious"),
    "block": gettext_lazy("Not without an override"),
}


@dataclass(frozen=True)
class Scanner:
    """What a model does in an MRI scanner; `is_confirmed` says that the catalogue knows it."""

    says: str
    is_confirmed: bool
    note: str
    source: str


def scanner_words(model: PumpModel) -> Scanner:
    says, is_confirmed = in_scanner(model.mri_behaviour)
    return Scanner(says, is_confirmed, model.note, SOURCE)


@dataclass(frozen=True)
class Urgency:
    """How urgent a pump is: a code for the colour, and the word that says the same."""

    code: str
    word: str
    why: str = ""


def unknown_words(row: Forecast, now: datetime) -> str:
    """Why a forecast is unknown; empty if it is known."""
    if row.unknown_reason == "stopped" and row.stopped_at is not None and row.stopped_at > now:
        return _("a stop is planned")
    return str(UNKNOWN_WORDS.get(row.unknown_reason, row.unknown_reason))


def urgency(row: Forecast, ladder: Ladder, now: datetime) -> Urgency:
    """The tier of the patient's ladder the pump is in now; a stop and an unknown date come before any tier."""
    why = unknown_words(row, now)
    if row.stopped_at is not None and row.stopped_at <= now:
        return Urgency("stopped", _("Stopped"), _("no drug is flowing"))
    if row.stalled_at is not None:
        return Urgency("stopped", _("Stalled"), why)
    if row.refill_by is None:
        return Urgency("unknown", _("Unknown"), why)
    tier = tier_at(ladder, deadlines(row, row.computed_at), now)
    if tier is not None:
        return Urgency(tier.code, headline(tier.code), why)
    return Urgency("unknown", _("Unknown"), why) if why else Urgency("later", _("Later"))


def urgency_of(row: Forecast, now: datetime) -> Urgency | None:
    """The urgency of one pump, None for one that is not in use."""
    if not row.in_use:
        return None
    flags = risk_flags([row.pump_id]).get(row.pump_id, [])
    return urgency(row, policies([row.clinic_id])[row.clinic_id].of(flags), now)


def limit_words(row: Forecast, now: datetime) -> str:
    """What binds `refill_by`."""
    if row.unknown_reason:
        return _("unknown: %(row)s") % {"row": unknown_words(row, now)}
    return str(LIMIT_WORDS.get(row.limiting_factor, row.limiting_factor))


def because(row: Forecast, now: datetime) -> str:
    """The same within a sentence."""
    if row.unknown_reason:
        return _("nothing else is known: %(row)s") % {"row": unknown_words(row, now)}
    return str(BECAUSE_WORDS.get(row.limiting_factor, row.limiting_factor))

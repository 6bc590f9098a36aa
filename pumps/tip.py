"""Which drug leaves the catheter's tip: after a refill with another concentration, the old one for some time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from clinical.ledger import Bridge, Fill, LedgerEvent, in_order
from pumps.models import Pump
from pumps.services.bridges import BELONGS_WITHIN, need_at


@dataclass(frozen=True)
class Tip:
    """The drug at the tip, mcg/mL, and until when it is the old one; None once the drug filled last has come.

    `is_known` is False where the volume of tubing or catheter is not known, so nobody can say until when.
    """

    concentration_mcg_per_ml: Decimal
    until: datetime | None = None
    is_bridged: bool = False
    is_known: bool = True


def tip_of(pump: Pump, ledger: Sequence[LedgerEvent], at: datetime) -> Tip | None:
    """The drug at the tip at a moment; None before a fill, and of a constant-flow pump's unknown tubing.

    A bridge ends when its duration is over; without one the old drug flows for the volume of tubing and catheter at
    the new flow. Source: clinical rules, section 2 (bridge bolus, unbridged change).
    """
    events = [event for event in in_order(ledger) if event.at <= at]
    fills = [event for event in events if isinstance(event, Fill)]
    if not fills:
        return None
    last = fills[-1]
    need = need_at(pump, events, at=last.at, told=last.programmed_concentration_mcg_per_ml)
    if need is None:
        return Tip(last.concentration_mcg_per_ml)
    old = need.old_concentration_mcg_per_ml
    bridges = [
        event for event in events if isinstance(event, Bridge) and last.at <= event.at <= last.at + BELONGS_WITHIN
    ]
    if bridges:
        until = bridges[0].at + timedelta(hours=float(bridges[0].duration_hours))
        return Tip(old, until, is_bridged=True) if at < until else Tip(last.concentration_mcg_per_ml)
    if need.computed is None:
        return Tip(old, is_known=False)
    until = last.at + timedelta(hours=float(need.computed.unbridged.hours))
    return Tip(old, until) if at < until else Tip(last.concentration_mcg_per_ml)

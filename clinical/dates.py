"""Every date of every pump, and which one binds. One entry a pump; moments in seconds UTC, nan where there is none."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from clinical.columns import FILL, PART, REST, Flags, Fleet, Floats, Ints
from clinical.depletion import Depletion
from clinical.terms import Terms
from clinical.units import HORIZON


class Limit(StrEnum):
    """What binds `refill_by`."""

    VOLUME = "volume"
    STABILITY = "stability"
    LOT_EXPIRY = "lot_expiry"
    MAX_INTERVAL = "max_interval"
    UNKNOWN = "unknown"


# By number in the columns `limit` and `reason`.
LIMITS = tuple(Limit)
UNKNOWN = LIMITS.index(Limit.UNKNOWN)
REASONS = ("", "no_fill", "no_factory_flow", "no_dose", "dose_unseen", "stopped", "stall", "flow_changed")


@dataclass(frozen=True)
class Dates:
    """Dates in whole seconds, but those of events. `limit` indexes LIMITS, `reason` REASONS.

    `stable_until` and `expires_at` are the earliest of the drug now in the pump: where it was not emptied, what was
    filled before counts too.
    """

    programmed_low: Floats
    programmed_empty: Floats
    low: Floats
    empty: Floats
    earliest_low: Floats
    stable_until: Floats
    expires_at: Floats
    drug_expires: Floats
    max_interval: Floats
    refill_by: Floats
    filled: Floats
    stopped: Floats
    stalled: Floats
    limit: Ints
    reason: Ints


def dates(fleet: Fleet, terms: Terms, depletion: Depletion) -> Dates:
    """What follows from the volumes (`depletion`) and the terms."""
    programmed_low, earliest_low = _whole(depletion.programmed_low), _whole(depletion.earliest_low)
    stopped, stalled = _at(fleet.at, depletion.stopped), _at(fleet.at, depletion.stalled)
    reason = _reason(fleet, depletion, stopped, programmed_low)
    since_fill = _since_fill(fleet, depletion)
    stable_until = np.floor(_first(fleet, terms.stable_until, since_fill))
    expires_at = _first(fleet, terms.expires_at, since_fill)
    max_interval = np.floor(_first(fleet, terms.interval_until, since_fill))
    deadlines = np.stack([np.fmin(programmed_low, earliest_low), stable_until, expires_at, max_interval])
    refill_by, limit = _refill_by(deadlines, reason, stopped, terms.margin_s)
    return Dates(
        programmed_low=programmed_low,
        programmed_empty=_whole(depletion.programmed_empty),
        low=_whole(depletion.low),
        empty=_whole(depletion.empty),
        earliest_low=earliest_low,
        stable_until=stable_until,
        expires_at=expires_at,
        drug_expires=np.fmin(stable_until, expires_at),
        max_interval=max_interval,
        refill_by=refill_by,
        filled=_at(fleet.at, depletion.drug),
        stopped=stopped,
        stalled=stalled,
        limit=limit,
        reason=reason,
    )


def _whole(moments: Floats) -> Floats:
    """Whole seconds; nan beyond the horizon, where a level counts as never reached."""
    return np.rint(np.where(moments > HORIZON, np.nan, moments))


def _at(values: Floats, event: Ints) -> Floats:
    """A column's value at one event of each pump, nan where that is -1."""
    found = np.full(len(event), np.nan)
    known = event >= 0
    found[known] = values[event[known]]
    return found


def _reason(fleet: Fleet, depletion: Depletion, stopped: Floats, programmed_low: Floats) -> Ints:
    """Why not (all) dates are known, the first that holds."""
    # A stop planned for later leaves the dates of a reservoir that is low before it.
    is_stopped = ~np.isnan(stopped) & np.isnan(programmed_low)
    reasons: Sequence[tuple[str, Flags]] = (
        ("no_fill", depletion.drug < 0),
        ("no_factory_flow", ~fleet.programmable & np.isnan(fleet.factory_flow)),
        ("no_dose", fleet.programmable & (depletion.program < 0)),
        ("dose_unseen", is_stopped & depletion.assumed),
        ("stopped", is_stopped),
        ("stall", depletion.stalled >= 0),
        ("dose_unseen", depletion.assumed),
        ("flow_changed", depletion.ratios.deviation != 0),
    )
    return np.select([holds for _, holds in reasons], [REASONS.index(name) for name, _ in reasons], 0)


def _since_fill(fleet: Fleet, depletion: Depletion) -> Flags:
    """The events that put in what a pump now holds: its last fill after emptying, and what was added to it."""
    segments = depletion.segments
    is_last: Flags = (segments.fill >= 0) & (segments.fill == depletion.fill[segments.pump])
    return fleet.is_any(FILL, PART, REST) & is_last


def _first(fleet: Fleet, moments: Floats, counts: Flags) -> Floats:
    """The earliest of the moments that count, by pump; nan without one."""
    earliest = np.full(fleet.pumps, np.inf)
    chosen = np.flatnonzero(counts & ~np.isnan(moments))
    pump = np.searchsorted(fleet.first_event, chosen, side="right") - 1
    np.minimum.at(earliest, pump, moments[chosen])
    return np.where(np.isinf(earliest), np.nan, earliest)


def _refill_by(deadlines: Floats, reason: Ints, stopped: Floats, margin_s: Floats) -> tuple[Floats, Ints]:
    """The date everyone works to: the earliest deadline less the margin, and which it is.

    A stopped pump has none: it needs somebody now, not by a date. What falls due before a planned stop does count.
    """
    known = np.where(np.isnan(deadlines), np.inf, deadlines)
    limit = known.argmin(axis=0).astype(np.int64)
    earliest = known.min(axis=0)
    refill_by = earliest - margin_s
    halted = (reason == REASONS.index("stopped")) & (refill_by >= stopped)
    none = np.isinf(earliest) | halted
    return np.where(none, np.nan, refill_by), np.where(none | (reason > 0), UNKNOWN, limit)

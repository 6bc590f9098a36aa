"""A ledger cut into segments at every event, and what flows within each.

Within a segment the programmed flow is dose / programmed concentration (constant-flow pumps: the factory flow), shaped
over the pump's own day by the program's daily curve. Source: clinical-rules, section 2.
"""

from dataclasses import dataclass

import numpy as np

from clinical.columns import (
    BRIDGE,
    BRIDGE_END,
    FILL,
    PROGRAM,
    RECOVERED,
    RESTARTED,
    STALLED,
    STOPPED,
    Curves,
    Flags,
    Fleet,
    Floats,
    Ints,
)
from clinical.units import SECONDS_PER_DAY

# Of a daily dose: far above what float64 loses in a ledger's sums, far below what a second delivers.
ROUNDING = 1e-9
# A pump filled and first programmed within this time had not been started; later, its first dose was running unseen.
STARTING_UP_S = SECONDS_PER_DAY


@dataclass(frozen=True)
class Segments:
    """One entry an event: what holds from it until the pump's next event.

    `fill` and `program` index the latest event of their kind, -1 before the first; `stopped` and `stalled` the stop or
    stall that holds, -1 without one. `flow` is mL/day, nan while unknown (no fill, no program, no factory flow). Where
    the first recorded dose comes long after a fill, it is `assumed` to have run since the fill; a stall without a
    recovery is taken to flow: both the pessimistic side. `given_ml` flows at once at the segment's start, `volume_ml`
    within it altogether; the latter is nan for a pump's last segment, which has no end.
    """

    pump: Ints
    fill: Ints
    program: Ints
    stopped: Ints
    stalled: Ints
    flow: Floats
    curve: Ints
    clock_offset_s: Floats
    given_ml: Floats
    volume_ml: Floats
    assumed: Flags


@dataclass(frozen=True)
class _Places:
    """For each event its own index, its pump's, and that of its pump's first event."""

    index: Ints
    pump: Ints
    first: Ints

    def latest(self, is_kind: Flags) -> Ints:
        """For each event the index of the pump's latest event of a kind, itself included; -1 before the first."""
        latest = np.maximum.accumulate(np.where(is_kind, self.index, -1)) if len(self.index) else self.index
        return np.where(latest >= self.first, latest, -1)


def cut(fleet: Fleet) -> Segments:
    """The segments of every pump, in event order."""
    pump = np.repeat(np.arange(fleet.pumps, dtype=np.int64), np.diff(fleet.first_event))
    places = _Places(np.arange(len(fleet.at), dtype=np.int64), pump, fleet.first_event[pump])
    fill, program = places.latest(fleet.is_any(FILL)), places.latest(fleet.is_any(PROGRAM))
    programmable = fleet.programmable[pump]
    coming = _next(fleet, places, PROGRAM)
    running, assumed = _running(fleet, coming, fill, program)
    # Filled, but not yet started: nothing flows until the first dose.
    waiting = (running < 0) & (coming >= 0)
    dose = np.where(running >= 0, fleet.dose[running], np.where(waiting, 0.0, np.nan))
    concentration = np.where(fill >= 0, fleet.concentration[fill], np.nan)
    flow = np.where(programmable, dose / concentration, np.where(fill >= 0, fleet.factory_flow[pump], np.nan))
    curve = np.where(programmable & (running >= 0), fleet.curve[running], 0)
    flow, curve = _bridged(fleet, places, flow, curve)
    stopped, stalled, is_recovered = _halted(fleet, places)
    flow = np.where(((stopped >= 0) | is_recovered) & (fill >= 0), 0.0, flow)
    offset = np.where(programmable & (running >= 0), _clock(fleet, places, running, assumed), 0.0)
    given = fleet.given_ml + np.where(fleet.given_mcg > 0, fleet.given_mcg / concentration, 0.0)
    given = np.nan_to_num(given, nan=0.0)
    volume = given + _flowing(fleet, places, flow, curve, offset)
    unrecovered = np.where(is_recovered, -1, stalled)
    return Segments(
        pump, fill, program, stopped, unrecovered, flow, curve, offset, given, volume, assumed & programmable
    )


def _flowing(fleet: Fleet, places: _Places, flow: Floats, curve: Ints, offset: Floats) -> Floats:
    """What the flow of each segment adds up to, nan without an end or a known flow."""
    end = np.append(fleet.at[1:], np.nan)[: len(places.index)]
    end = np.where(places.index == fleet.first_event[places.pump + 1] - 1, np.nan, end)
    days = elapsed_days(fleet.curves, curve, end + offset) - elapsed_days(fleet.curves, curve, fleet.at + offset)
    # Between two events of one moment nothing flows, whether or not the flow is known.
    return np.where(days == 0, 0.0, flow * days)


def _next(fleet: Fleet, places: _Places, code: int) -> Ints:
    """For each event the index of the pump's next event of a kind, itself included; -1 after the last."""
    none = len(places.index)
    if not none:
        return places.index
    after = np.minimum.accumulate(np.where(fleet.is_any(code), places.index, none)[::-1])[::-1]
    return np.where(after < fleet.first_event[places.pump + 1], after, -1)


def _running(fleet: Fleet, coming: Ints, fill: Ints, program: Ints) -> tuple[Ints, Flags]:
    """The program that runs in each segment, and whether that is assumed rather than recorded."""
    assumed = (program < 0) & (fill >= 0) & (coming >= 0)
    assumed &= fleet.at[coming] - fleet.at[fill] > STARTING_UP_S
    return np.where(assumed, coming, program), assumed


def _bridged(fleet: Fleet, places: _Places, flow: Floats, curve: Ints) -> tuple[Floats, Ints]:
    """Flow and curve with a bridge bolus in place of the program while it lasts."""
    latest = places.latest(fleet.is_any(BRIDGE, BRIDGE_END, PROGRAM))
    bridging = (latest >= 0) & (fleet.what[latest] == BRIDGE) & fleet.programmable[places.pump]
    return np.where(bridging, fleet.bridge_flow[latest], flow), np.where(bridging, 0, curve)


def _halted(fleet: Fleet, places: _Places) -> tuple[Ints, Ints, Flags]:
    """The stop and the stall that hold in each segment (-1 without one), and whether the stall has a recovery."""
    stop = places.latest(fleet.is_any(STOPPED, RESTARTED, PROGRAM))
    stopped = np.where((stop >= 0) & (fleet.what[stop] == STOPPED), stop, -1)
    stall = places.latest(fleet.is_any(STALLED, RECOVERED))
    stalled = np.where((stall >= 0) & (fleet.what[stall] == STALLED), stall, -1)
    return stopped, stalled, (stalled >= 0) & (_next(fleet, places, RECOVERED) >= 0)


def _clock(fleet: Fleet, places: _Places, running: Ints, assumed: Flags) -> Floats:
    """The pump clock's offset: as its program was set, or as a later interrogation read it."""
    latest = places.latest(~np.isnan(fleet.clock_offset_s))
    return np.where(assumed | (latest < running), fleet.clock_offset_s[running], fleet.clock_offset_s[latest])


# The weekly curves begin on a Monday; 1970 began on a Thursday.
MONDAY_S = 3 * SECONDS_PER_DAY


def elapsed_days(curves: Curves, curve: Ints, local_s: Floats) -> Floats:
    """Daily doses delivered by a program from some beginning of its own until just before a pump-clock second.

    One entry a query. A bolus at the very moment a program begins is given, one at the moment it ends is not.
    """
    elapsed = local_s / SECONDS_PER_DAY
    shaped = np.flatnonzero((curve > 0) & ~np.isnan(local_s))
    if len(shaped) == 0:
        return elapsed
    row = curve[shaped]
    days = curves.days[row]
    clock = local_s[shaped] + np.where(days > 1, MONDAY_S, 0.0)
    cycle = np.ceil(clock / SECONDS_PER_DAY / days) - 1.0
    second = clock - cycle * days * SECONDS_PER_DAY
    knot = np.sum(curves.second[row] < second[:, None], axis=1) - 1
    elapsed[shaped] = (
        cycle * days + curves.after[row, knot] + curves.slope_per_s[row, knot] * (second - curves.second[row, knot])
    )
    return elapsed


def local_seconds(curves: Curves, curve: Ints, elapsed: Floats) -> Floats:
    """The earliest pump-clock second at which `elapsed` daily doses have been delivered: the inverse of the above."""
    local_s = elapsed * SECONDS_PER_DAY
    shaped = np.flatnonzero((curve > 0) & ~np.isnan(elapsed))
    if len(shaped) == 0:
        return local_s
    row = curve[shaped]
    days = curves.days[row]
    # A target met exactly by a bolus must not slip behind it by a rounding error.
    reached = elapsed[shaped] - ROUNDING
    cycle = np.ceil(reached / days) - 1.0
    part = elapsed[shaped] - cycle * days
    knot = np.sum(curves.before[row] < (reached - cycle * days)[:, None], axis=1) - 1
    beyond = np.maximum(part - curves.after[row, knot], 0.0)
    # A flat stretch is never inverted: `beyond` is 0 there, up to rounding.
    slope = curves.slope_per_s[row, knot]
    seconds = np.divide(beyond, slope, out=np.zeros_like(beyond), where=slope > 0)
    clock = cycle * days * SECONDS_PER_DAY + curves.second[row, knot] + seconds
    local_s[shaped] = clock - np.where(days > 1, MONDAY_S, 0.0)
    return local_s

"""A ledger cut into segments at every event, and what flows within each.

Within a segment the programmed flow is dose / programmed concentration (constant-flow pumps: the factory flow), shaped
over the pump's own day by the program's daily curve. Source: clinical-rules, section 2.
"""

from dataclasses import dataclass

import numpy as np

from clinical.columns import (
    BRIDGE,
    BRIDGE_END,
    EMPTIED,
    FILL,
    PART,
    PROGRAM,
    READING,
    RECOVERED,
    REST,
    RESTARTED,
    STALLED,
    STOPPED,
    Curves,
    Flags,
    Fleet,
    Floats,
    Ints,
    begins_unknown,
)
from clinical.units import SECONDS_PER_DAY

# Of a daily dose: far above what float64 loses in a ledger's sums, far below what a second delivers.
ROUNDING = 1e-9
# A pump filled and first programmed within this time had not been started; later, its first dose was running unseen.
STARTING_UP_S = SECONDS_PER_DAY


@dataclass(frozen=True)
class Segments:
    """One entry an event: what holds from it until the pump's next event.

    `fill` and `program` index the latest event of their kind, -1 before the first; `fill` is of an emptied reservoir or
    the first known of, `drug` the latest that put drug in. `stopped` and `stalled` index the stop or stall that holds;
    a plan ends no stop, though the flow follows it.
    `flow` is mL/day, nan while unknown (no fill, no program, no factory flow). Where the first recorded dose comes long
    after a fill, it is `assumed` to have run since the fill; a stall without a recovery is taken to flow: both the
    pessimistic side. Where a patient may call for boluses, the flow counts what a later reading says was given, or else
    the most allowed: then it is `at_most`. `even` is the part of the flow that has no hour (those boluses) and so does
    not follow the curve, 0 to 1. `given_ml` flows at once at the segment's start, `volume_ml` within it
    altogether; the latter is nan for a pump's last segment, which has no end.
    """

    pump: Ints
    fill: Ints
    drug: Ints
    program: Ints
    stopped: Ints
    stalled: Ints
    flow: Floats
    curve: Ints
    even: Floats
    clock_offset_s: Floats
    given_ml: Floats
    volume_ml: Floats
    assumed: Flags
    at_most: Flags


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
    program = places.latest(fleet.is_any(PROGRAM))
    fill = places.latest(fleet.is_any(FILL, REST, EMPTIED) | begins_unknown(fleet.first_event, fleet.what))
    drug = places.latest(fleet.is_any(FILL, PART, REST))
    programmable = fleet.programmable[pump]
    coming = _next(fleet, places, fleet.is_any(PROGRAM))
    running, assumed = _running(fleet, coming, fill, program)
    # Filled, but not yet started: nothing flows until the first dose.
    waiting = (running < 0) & (coming >= 0)
    dose = np.where(running >= 0, fleet.dose[running], np.where(waiting, 0.0, np.nan))
    concentration = np.where(drug >= 0, fleet.concentration[drug], np.nan)
    flow = np.where(programmable, dose / concentration, np.where(fill >= 0, fleet.factory_flow[pump], np.nan))
    curve = np.where(programmable & (running >= 0), fleet.curve[running], 0)
    by_patient = np.where(programmable & (running >= 0), fleet.by_patient_mcg[running], 0.0)
    flow, curve, is_bridging = _bridged(fleet, places, flow, curve)
    stopped, stalled, is_recovered = _halted(fleet, places)
    is_halted = ((stopped >= 0) | is_recovered) & (fill >= 0)
    flow = np.where(is_halted, 0.0, flow)
    offset = np.where(programmable & (running >= 0), _clock(fleet, places, running, assumed), 0.0)
    end = _ends(fleet, places)
    allowed = np.where(is_bridging | is_halted, 0.0, by_patient)
    called, at_once, at_most = _called(fleet, places, allowed, end - fleet.at)
    called /= np.where(called > 0, concentration, 1.0)
    flow = flow + called
    even = np.divide(called, flow, out=np.zeros_like(flow), where=called > 0)
    days = elapsed_days(fleet.curves, curve, even, end + offset)
    days -= elapsed_days(fleet.curves, curve, even, fleet.at + offset)
    given_mcg = fleet.given_mcg + at_once
    given = fleet.given_ml + np.where(given_mcg > 0, given_mcg / concentration, 0.0)
    given = np.nan_to_num(given, nan=0.0)
    # Between two events of one moment nothing flows, whether or not the flow is known.
    volume = given + np.where(days == 0, 0.0, flow * days)
    return Segments(
        pump=pump,
        fill=fill,
        drug=drug,
        program=program,
        stopped=_standing(fleet, places, programmable),
        stalled=np.where(is_recovered, -1, stalled),
        flow=flow,
        curve=curve,
        even=even,
        clock_offset_s=offset,
        given_ml=given,
        volume_ml=volume,
        assumed=assumed & programmable,
        at_most=at_most,
    )


def _ends(fleet: Fleet, places: _Places) -> Floats:
    """When each segment ends: at the pump's next event, nan after its last."""
    end = np.append(fleet.at[1:], np.nan)[: len(places.index)]
    return np.where(places.index == fleet.first_event[places.pump + 1] - 1, np.nan, end)


def _called(fleet: Fleet, places: _Places, most: Floats, lasts_s: Floats) -> tuple[Floats, Floats, Flags]:
    """What patients called for in each segment, mcg/day; what was read though none was allowed, mcg at once; and
    whether the one is only the most they may, or the other not explained.

    A reading tells the sum since the last fill, or the last reading if that is later; it is spread over the time in
    proportion to what was allowed. `most` is what is allowed a day.
    """
    if not (most > 0).any() and not (fleet.read_patient_mcg > 0).any():
        return np.zeros(len(most)), np.zeros(len(most)), np.zeros(len(most), dtype=np.bool_)
    told = fleet.is_any(READING) & ~np.isnan(fleet.read_patient_mcg)
    read = _after(_next(fleet, places, told), places)
    filled = _after(_next(fleet, places, fleet.is_any(FILL, PART, REST, EMPTIED)), places)
    is_told = (read >= 0) & ((filled < 0) | (read < filled)) & ~np.isnan(lasts_s)
    days = lasts_s[is_told] / SECONDS_PER_DAY
    allowed = np.bincount(read[is_told], weights=most[is_told] * days, minlength=len(most))
    shares = np.divide(fleet.read_patient_mcg, allowed, out=np.zeros(len(most)), where=allowed > 0)
    unexplained = told & (allowed <= 0) & (fleet.read_patient_mcg > 0)
    at_once = np.where(unexplained, fleet.read_patient_mcg, 0.0)
    return np.where(is_told, most * shares[read], most), at_once, (most > 0) & ~is_told | unexplained


def _after(following: Ints, places: _Places) -> Ints:
    """From the next event of a kind counting the event itself to the next after it; -1 after the pump's last."""
    shifted = np.append(following[1:], -1)[: len(following)]
    same = np.append(places.pump[1:], -1)[: len(following)] == places.pump
    return np.where(same, shifted, -1)


def _next(fleet: Fleet, places: _Places, is_kind: Flags) -> Ints:
    """For each event the index of the pump's next event of a kind, itself included; -1 after the last."""
    none = len(places.index)
    if not none:
        return places.index
    after = np.minimum.accumulate(np.where(is_kind, places.index, none)[::-1])[::-1]
    return np.where(after < fleet.first_event[places.pump + 1], after, -1)


def _running(fleet: Fleet, coming: Ints, fill: Ints, program: Ints) -> tuple[Ints, Flags]:
    """The program that runs in each segment, and whether that is assumed rather than recorded."""
    assumed = (program < 0) & (fill >= 0) & (coming >= 0)
    assumed &= fleet.at[coming] - fleet.at[fill] > STARTING_UP_S
    return np.where(assumed, coming, program), assumed


def _bridged(fleet: Fleet, places: _Places, flow: Floats, curve: Ints) -> tuple[Floats, Ints, Flags]:
    """Flow and curve with a bridge bolus in place of the program while it lasts, and whether one does."""
    latest = places.latest(fleet.is_any(BRIDGE, BRIDGE_END, PROGRAM))
    bridging = (latest >= 0) & (fleet.what[latest] == BRIDGE) & fleet.programmable[places.pump]
    return np.where(bridging, fleet.bridge_flow[latest], flow), np.where(bridging, 0, curve), bridging


def _halted(fleet: Fleet, places: _Places) -> tuple[Ints, Ints, Flags]:
    """The stop and the stall that hold in each segment (-1 without one), and whether the stall has a recovery."""
    stop = places.latest(fleet.is_any(STOPPED, RESTARTED, PROGRAM))
    stopped = np.where((stop >= 0) & (fleet.what[stop] == STOPPED), stop, -1)
    stall = places.latest(fleet.is_any(STALLED, RECOVERED))
    stalled = np.where((stall >= 0) & (fleet.what[stall] == STALLED), stall, -1)
    return stopped, stalled, (stalled >= 0) & (_next(fleet, places, fleet.is_any(RECOVERED)) >= 0)


def _standing(fleet: Fleet, places: _Places, programmable: Flags) -> Ints:
    """The stop that nothing has ended which is known to have happened, -1 without one: a plan ends none, and a restart
    goes on with a program that is a stop itself."""
    by_program = fleet.is_any(PROGRAM) & programmable
    runs = by_program & (fleet.dose > 0) & (fleet.is_planned == 0)

    def holding(begins: Flags, ends: Flags) -> Ints:
        latest = places.latest(begins | ends)
        return np.where((latest >= 0) & begins[latest], latest, -1)

    by_event = holding(fleet.is_any(STOPPED), fleet.is_any(RESTARTED) | runs)
    return np.where(by_event >= 0, by_event, holding(by_program & (fleet.dose == 0), runs))


def _clock(fleet: Fleet, places: _Places, running: Ints, assumed: Flags) -> Floats:
    """The pump clock's offset: as its program was set, or as a later interrogation read it."""
    latest = places.latest(~np.isnan(fleet.clock_offset_s))
    return np.where(assumed | (latest < running), fleet.clock_offset_s[running], fleet.clock_offset_s[latest])


# The weekly curves begin on a Monday; 1970 began on a Thursday.
MONDAY_S = 3 * SECONDS_PER_DAY


def elapsed_days(curves: Curves, curve: Ints, even: Floats, local_s: Floats) -> Floats:
    """Daily doses delivered by a program from some beginning of its own until just before a pump-clock second.

    One entry a query; `even` is the part that flows evenly beside the curve. A bolus at the very moment a program
    begins is given, one at the moment it ends is not.
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
    shape = curves.after[row, knot] + curves.slope_per_s[row, knot] * (second - curves.second[row, knot])
    elapsed[shaped] = cycle * days + _mixed(shape, second, even[shaped])
    return elapsed


def _mixed(shape: Floats, second: Floats, even: Floats) -> Floats:
    """Daily doses by the curve (`shape`), of which a part flows evenly instead. Infinite levels stay so."""
    mixes = even > 0
    mixed = shape.copy()
    mixed[mixes] = (1 - even[mixes]) * shape[mixes] + even[mixes] * second[mixes] / SECONDS_PER_DAY
    return mixed


def local_seconds(curves: Curves, curve: Ints, even: Floats, elapsed: Floats) -> Floats:
    """The earliest pump-clock second at which `elapsed` daily doses have been delivered: the inverse of the above."""
    local_s = elapsed * SECONDS_PER_DAY
    shaped = np.flatnonzero((curve > 0) & ~np.isnan(elapsed))
    if len(shaped) == 0:
        return local_s
    row, part_even = curve[shaped], even[shaped]
    days, seconds = curves.days[row], curves.second[row]
    before = _mixed(curves.before[row], seconds, np.broadcast_to(part_even[:, None], seconds.shape))
    # A target met exactly by a bolus must not slip behind it by a rounding error.
    reached = elapsed[shaped] - ROUNDING
    cycle = np.ceil(reached / days) - 1.0
    part = elapsed[shaped] - cycle * days
    knot = np.sum(before < (reached - cycle * days)[:, None], axis=1) - 1
    second = curves.second[row, knot]
    beyond = np.maximum(part - _mixed(curves.after[row, knot], second, part_even), 0.0)
    # A flat stretch is never inverted: `beyond` is 0 there, up to rounding.
    slope = (1 - part_even) * curves.slope_per_s[row, knot] + part_even / SECONDS_PER_DAY
    later = np.divide(beyond, slope, out=np.zeros_like(beyond), where=slope > 0)
    local_s[shaped] = cycle * days * SECONDS_PER_DAY + second + later - np.where(days > 1, MONDAY_S, 0.0)
    return local_s

"""When a reservoir runs low: the kernel, for one pump or a fleet.

A ledger is cut into segments at every event. Within a segment the programmed flow is dose / programmed concentration
(constant-flow pumps: the factory flow), shaped over the pump's own day by the program's daily curve. Volumes follow by
summing segments since the last fill; dates by walking the segments forward and inverting the curve of the one in
which the target volume has flowed. Source: clinical-rules, section 2.
"""

from dataclasses import dataclass

import numpy as np

from clinical.calibration import Intervals, Ratios, calibrate
from clinical.ledger import Curves, Flags, Fleet, Floats, Ints
from clinical.units import SECONDS_PER_DAY

# Of a daily dose: far above what float64 loses in a ledger's sums, far below what a second delivers.
ROUNDING = 1e-9
# A pump filled and first programmed within this time had not been started; later, its first dose was running unseen.
STARTING_UP_S = SECONDS_PER_DAY


@dataclass(frozen=True)
class Segments:
    """One entry an event: what holds from it until the pump's next event.

    `fill` and `program` index the latest event of their kind, -1 before the first. `flow` is mL/day, nan while unknown
    (no fill, no program, no factory flow). Where the first recorded dose comes long after a fill, it is `assumed` to
    have run since the fill, the pessimistic side. `volume_ml` is what is programmed to flow within the segment, nan for
    a pump's last one, which has no end.
    """

    pump: Ints
    fill: Ints
    program: Ints
    flow: Floats
    curve: Ints
    clock_offset_s: Floats
    volume_ml: Floats
    assumed: Flags


@dataclass(frozen=True)
class Depletion:
    """One entry a pump. Moments in seconds UTC, nan where the level is never reached or unknown.

    `fill` and `program` index the pump's last fill and last program in the fleet's events, -1 if there is none.
    `assumed` says that a part of the flow since the last fill is assumed.
    """

    fill: Ints
    program: Ints
    flow: Floats
    assumed: Flags
    ratios: Ratios
    programmed_low: Floats
    programmed_empty: Floats
    low: Floats
    empty: Floats
    earliest_low: Floats


def deplete(fleet: Fleet) -> Depletion:
    """Calibrate every pump and find when it is low and empty."""
    segments = cut(fleet)
    ratios = calibrate(fleet, calibration_intervals(fleet, segments))
    last = fleet.first_event[1:] - 1
    has_events = last >= fleet.first_event[:-1]
    fill = _at_last(segments.fill, last, has_events)
    filled_ml = np.where(fill >= 0, fleet.filled_ml[fill], np.nan) if len(fleet.at) else np.full(fleet.pumps, np.nan)
    to_low = np.maximum(filled_ml - fleet.low_ml, 0.0)
    needs = np.stack(
        [to_low, filled_ml, to_low / ratios.mean, filled_ml / ratios.mean, to_low / ratios.high],
        axis=1,
    )
    moments = _reach(fleet, segments, fill, needs)
    flow = np.full(fleet.pumps, np.nan)
    flow[has_events] = segments.flow[last[has_events]]
    guessed = segments.assumed & (segments.fill == fill[segments.pump])
    assumed = np.bincount(segments.pump, weights=guessed, minlength=fleet.pumps) > 0
    return Depletion(fill, _at_last(segments.program, last, has_events), flow, assumed, ratios, *moments.T)


def _at_last(column: Ints, last: Ints, has_events: Flags) -> Ints:
    values = np.full(len(last), -1, dtype=np.int64)
    values[has_events] = column[last[has_events]]
    return values


def cut(fleet: Fleet) -> Segments:
    """The segments of every pump, in event order."""
    index = np.arange(len(fleet.at), dtype=np.int64)
    pump = np.repeat(np.arange(fleet.pumps, dtype=np.int64), np.diff(fleet.first_event))
    first = fleet.first_event[pump]
    fill = _latest(index, fleet.is_fill, first)
    program = _latest(index, ~fleet.is_fill, first)
    programmable = fleet.programmable[pump]
    running, assumed = _running(fleet, index, pump, fill, program)
    # Filled, but not yet started: nothing flows until the first dose.
    waiting = (running < 0) & (_next_program(fleet, index, pump) >= 0)
    dose = np.where(running >= 0, fleet.dose[running], np.where(waiting, 0.0, np.nan))
    concentration = np.where(fill >= 0, fleet.concentration[fill], np.nan)
    flow = np.where(programmable, dose / concentration, np.where(fill >= 0, fleet.factory_flow[pump], np.nan))
    curve = np.where(programmable & (running >= 0), fleet.curve[running], 0)
    offset = np.where(programmable & (running >= 0), fleet.clock_offset_s[running], 0.0)
    end = np.append(fleet.at[1:], np.nan)[: len(index)]
    end = np.where(index == fleet.first_event[pump + 1] - 1, np.nan, end)
    days = elapsed_days(fleet.curves, curve, end + offset) - elapsed_days(fleet.curves, curve, fleet.at + offset)
    # Between two events of one moment nothing flows, whether or not the flow is known.
    volume = np.where(days == 0, 0.0, flow * days)
    return Segments(pump, fill, program, flow, curve, offset, volume, assumed & programmable)


def _next_program(fleet: Fleet, index: Ints, pump: Ints) -> Ints:
    """For each event the index of the pump's next program, itself included; -1 after the last."""
    none = len(index)
    after = np.minimum.accumulate(np.where(fleet.is_fill, none, index)[::-1])[::-1] if none else index
    return np.where(after < fleet.first_event[pump + 1], after, -1)


def _running(fleet: Fleet, index: Ints, pump: Ints, fill: Ints, program: Ints) -> tuple[Ints, Flags]:
    """The program that runs in each segment, and whether that is assumed rather than recorded."""
    coming = _next_program(fleet, index, pump)
    assumed = (program < 0) & (fill >= 0) & (coming >= 0)
    assumed &= fleet.at[coming] - fleet.at[fill] > STARTING_UP_S
    return np.where(assumed, coming, program), assumed


def _latest(index: Ints, is_kind: Flags, first: Ints) -> Ints:
    """For each event the index of the pump's latest event of a kind, itself included; -1 before the first."""
    latest = np.maximum.accumulate(np.where(is_kind, index, -1)) if len(index) else index
    return np.where(latest >= first, latest, -1)


def elapsed_days(curves: Curves, curve: Ints, local_s: Floats) -> Floats:
    """Daily doses delivered by a program from the clock's day 0 until just before a pump-clock second.

    One entry a query. A bolus at the very moment a program begins is given, one at the moment it ends is not.
    """
    elapsed = local_s / SECONDS_PER_DAY
    shaped = np.flatnonzero((curve > 0) & ~np.isnan(local_s))
    if len(shaped) == 0:
        return elapsed
    row = curve[shaped]
    day = np.ceil(elapsed[shaped]) - 1.0
    second = local_s[shaped] - day * SECONDS_PER_DAY
    knot = np.sum(curves.second[row] < second[:, None], axis=1) - 1
    elapsed[shaped] = (
        day + curves.after[row, knot] + curves.slope_per_s[row, knot] * (second - curves.second[row, knot])
    )
    return elapsed


def local_seconds(curves: Curves, curve: Ints, elapsed: Floats) -> Floats:
    """The earliest pump-clock second at which `elapsed` daily doses have been delivered: the inverse of the above."""
    local_s = elapsed * SECONDS_PER_DAY
    shaped = np.flatnonzero((curve > 0) & ~np.isnan(elapsed))
    if len(shaped) == 0:
        return local_s
    row = curve[shaped]
    # A target met exactly by a bolus must not slip behind it by a rounding error.
    reached = elapsed[shaped] - ROUNDING
    day = np.ceil(reached) - 1.0
    part = elapsed[shaped] - day
    knot = np.sum(curves.before[row] < (reached - day)[:, None], axis=1) - 1
    beyond = np.maximum(part - curves.after[row, knot], 0.0)
    # A flat stretch is never inverted: `beyond` is 0 there, up to rounding.
    slope = curves.slope_per_s[row, knot]
    seconds = np.divide(beyond, slope, out=np.zeros_like(beyond), where=slope > 0)
    local_s[shaped] = day * SECONDS_PER_DAY + curves.second[row, knot] + seconds
    return local_s


def calibration_intervals(fleet: Fleet, segments: Segments) -> Intervals:
    """The refill-to-refill intervals that measure a pump.

    Left out: no aspirated volume; nothing programmed; a part of the interval with unknown or assumed flow. Aspirated
    exactly 0 (the pump may have run dry) only bounds the ratio from below, and is kept apart.
    """
    ended = segments.pump[1:] == segments.pump[:-1]
    counted = np.flatnonzero(np.append(ended, False)[: len(fleet.at)] & (segments.fill >= 0))
    programmed = np.bincount(
        segments.fill[counted], weights=segments.volume_ml[counted], minlength=len(fleet.at)
    ).astype(np.float64)
    fills = np.flatnonzero(fleet.is_fill)
    start, end = fills[:-1], fills[1:]
    volume, aspirated = programmed[start], fleet.aspirated_ml[end]
    guessed = np.bincount(segments.fill[counted], weights=segments.assumed[counted], minlength=len(fleet.at)) > 0
    measured = (segments.pump[start] == segments.pump[end]) & (volume > 0) & ~guessed[start]
    usable = measured & (aspirated > 0)
    dry = measured & (aspirated == 0)
    return Intervals(
        end=end[usable],
        dry_end=end[dry],
        pump=segments.pump[start[usable]],
        programmed_ml=volume[usable],
        delivered_ml=fleet.filled_ml[start[usable]] - aspirated[usable],
        dry_pump=segments.pump[start[dry]],
        dry_ratio=fleet.filled_ml[start[dry]] / volume[dry],
    )


def _reach(fleet: Fleet, segments: Segments, fill: Ints, needs: Floats) -> Floats:
    """The moments at which `needs` mL have been programmed to flow since the last fill, shape (pumps, targets).

    Walks all pumps forward together, one segment a round, so the rounds are as many as the longest run of
    program changes since a fill.
    """
    moments = np.full(needs.shape, np.nan)
    flowed = np.zeros(fleet.pumps)
    active = np.flatnonzero(fill >= 0)
    at_once = needs[active] <= 0
    moments[active] = np.where(at_once, fleet.at[fill[active]][:, None], np.nan)
    segment = fill.copy()
    while len(active):
        here = segment[active]
        is_last = here == fleet.first_event[active + 1] - 1
        volume = np.where(is_last, np.where(segments.flow[here] > 0, np.inf, 0.0), segments.volume_ml[here])
        volume = np.where(np.isnan(volume), 0.0, volume)
        within = needs[active] <= (flowed[active] + volume)[:, None]
        _invert_within(fleet, segments, moments, needs, flowed, active, here, within)
        flowed[active] += np.where(np.isinf(volume), 0.0, volume)
        segment[active] += 1
        active = active[~is_last & np.isnan(moments[active]).any(axis=1)]
    return moments


def _invert_within(
    fleet: Fleet,
    segments: Segments,
    moments: Floats,
    needs: Floats,
    flowed: Floats,
    active: Ints,
    here: Ints,
    within: Flags,
) -> None:
    """Set the moments of the targets reached within the segments `here` of the pumps `active`."""
    row, target = np.nonzero(within & np.isnan(moments[active]))
    pump, segment = active[row], here[row]
    curve, offset = segments.curve[segment], segments.clock_offset_s[segment]
    days = (needs[pump, target] - flowed[pump]) / segments.flow[segment]
    start = elapsed_days(fleet.curves, curve, fleet.at[segment] + offset)
    moments[pump, target] = local_seconds(fleet.curves, curve, start + days) - offset


def programmed_since_fill(fleet: Fleet, moments: Floats) -> tuple[Ints, Floats, Floats]:
    """For a fleet of one pump: at each moment the last fill's event index, mL programmed since it, and the flow.

    Before the first fill the index is -1 and the volume nan. Unknown flow counts as none.
    """
    segments = cut(fleet)
    place = np.searchsorted(fleet.at, moments, side="right") - 1
    if len(fleet.at) == 0:
        return place.astype(np.int64), np.full(len(moments), np.nan), np.full(len(moments), np.nan)
    fill = np.where(place >= 0, segments.fill[place], -1)
    volume = np.nan_to_num(segments.volume_ml, nan=0.0)
    before = np.concatenate(([0.0], np.cumsum(volume)))
    curve, offset = segments.curve[place], segments.clock_offset_s[place]
    days = elapsed_days(fleet.curves, curve, moments + offset) - elapsed_days(
        fleet.curves, curve, fleet.at[place] + offset
    )
    flow = np.nan_to_num(segments.flow[place], nan=0.0)
    programmed = before[place] - before[fill] + flow * days
    known = fill >= 0
    return fill, np.where(known, programmed, np.nan), np.where(known, flow, np.nan)

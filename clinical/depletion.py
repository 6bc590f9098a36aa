"""When a reservoir runs low: the kernel, for one pump or a fleet.

Volumes follow by summing segments (`clinical.segments`) since the last fill; dates by walking the segments forward and
inverting the curve of the one in which the target volume has flowed. Source: clinical-rules, section 2.
"""

from dataclasses import dataclass

import numpy as np

from clinical.calibration import SECONDS_PER_YEAR, Intervals, Ratios, calibrate
from clinical.columns import EMPTIED, FILL, PROGRAM, READING, REST, Flags, Fleet, Floats, Ints
from clinical.segments import Segments, cut, elapsed_days, local_seconds


@dataclass(frozen=True)
class Depletion:
    """One entry a pump. Moments in seconds UTC, nan where the level is never reached or unknown.

    `fill`, `drug`, `program`, `running`, `stopped`, `stalled` and `reading` index the fleet's events: the pump's last
    fill after emptying, the last fill of any kind, the last program, the last that is more than a plan, the stop and
    the unrecovered stall that hold, the last volume read since the fill; -1 if there is none. `flow` is after the last
    event that is more than a plan. `read_gap`
    is that reading less what is programmed to be left, mL. `assumed` says that a part of the flow since the last fill
    is assumed.
    """

    segments: Segments
    fill: Ints
    drug: Ints
    program: Ints
    running: Ints
    stopped: Ints
    stalled: Ints
    reading: Ints
    read_gap: Floats
    flow: Floats
    assumed: Flags
    ratios: Ratios
    programmed_low: Floats
    programmed_empty: Floats
    low: Floats
    empty: Floats
    earliest_low: Floats


@dataclass(frozen=True)
class Measured:
    """What follows from the ledgers alone, whatever is believed of the pumps."""

    segments: Segments
    intervals: Intervals


def measure(fleet: Fleet) -> Measured:
    segments = cut(fleet)
    return Measured(segments, calibration_intervals(fleet, segments))


def deplete(fleet: Fleet, measured: Measured | None = None) -> Depletion:
    """Calibrate every pump and find when it is low and empty. `measured` is the fleet's, where the caller has it."""
    measured = measured or measure(fleet)
    segments = measured.segments
    ratios, _ = calibrate(fleet, measured.intervals)
    last = fleet.first_event[1:] - 1
    has_events = last >= fleet.first_event[:-1]

    def at_last(column: Ints) -> Ints:
        values = np.full(fleet.pumps, -1, dtype=np.int64)
        values[has_events] = column[last[has_events]]
        return values

    fill = at_last(segments.fill)
    ones, none = np.ones(fleet.pumps), np.zeros(fleet.pumps)
    moments = _reach(
        fleet,
        segments,
        fill,
        levels=np.stack([fleet.low_ml, none, fleet.low_ml, none, fleet.low_ml], axis=1),
        ratios=np.stack([ones, ones, ratios.mean, ratios.mean, ratios.high], axis=1),
    )
    happened = _last_of(fleet, fleet.is_planned == 0)
    flow = np.where(happened >= 0, segments.flow[happened], np.nan) if len(fleet.at) else np.full(fleet.pumps, np.nan)
    guessed = segments.assumed & (segments.fill == fill[segments.pump])
    reading, gap = _read(fleet, segments, fill)
    return Depletion(
        segments=segments,
        fill=fill,
        drug=at_last(segments.drug),
        program=at_last(segments.program),
        running=_last_of(fleet, fleet.is_any(PROGRAM) & (fleet.is_planned == 0)),
        stopped=at_last(segments.stopped),
        stalled=at_last(segments.stalled),
        reading=reading,
        read_gap=gap,
        flow=flow,
        assumed=_sum(segments.pump, guessed, fleet.pumps) > 0,
        ratios=ratios,
        programmed_low=moments[:, 0],
        programmed_empty=moments[:, 1],
        low=moments[:, 2],
        empty=moments[:, 3],
        earliest_low=moments[:, 4],
    )


def _last_of(fleet: Fleet, is_kind: Flags) -> Ints:
    """The index of each pump's last event of a kind, -1 without one."""
    last = np.full(fleet.pumps, -1, dtype=np.int64)
    chosen = np.flatnonzero(is_kind)
    # Later entries overwrite earlier ones, in order.
    last[np.searchsorted(fleet.first_event, chosen, side="right") - 1] = chosen
    return last


def _sum(place: Ints, values: Floats | Flags, size: int) -> Floats:
    """Sums by place, each added up in the order of events, so that one pump and a fleet give the same bits."""
    return np.bincount(place, weights=values, minlength=size).astype(np.float64)


def calibration_intervals(fleet: Fleet, segments: Segments) -> Intervals:
    """The refill-to-refill intervals that measure a pump, from one emptying to the next.

    Left out: no aspirated volume; nothing programmed; what follows a fill on top of what nobody knows; an emptying for
    a scan; a part of the interval with unknown or assumed flow, with patient boluses allowed and never read or read and
    never allowed, or a stall whose recovery is not recorded. What was put in or taken out in between, by an
    access, a top-up or a partial fill, belongs to what was there to deliver: it is never taken for what was left.
    """
    size = len(fleet.at)
    ended = segments.pump[1:] == segments.pump[:-1]
    counted = np.flatnonzero(np.append(ended, False)[:size] & (segments.fill >= 0))
    of_fill = segments.fill[counted]
    programmed = _sum(of_fill, segments.volume_ml[counted], size)
    added = _sum(of_fill, fleet.added_ml[counted], size)
    is_doubtful = (segments.assumed | segments.at_most & (segments.volume_ml != 0) | (segments.stalled >= 0))[counted]
    doubtful = _sum(of_fill, is_doubtful, size) > 0
    fills = np.flatnonzero(fleet.is_any(FILL, REST, EMPTIED))
    start, end = fills[:-1], fills[1:]
    is_opening = np.concatenate(([True], segments.pump[start][1:] != segments.pump[start][:-1]))[: len(start)]
    volume, aspirated = programmed[start], fleet.aspirated_ml[end]
    measured = (segments.pump[start] == segments.pump[end]) & (volume > 0) & ~doubtful[start] & (aspirated >= 0)
    measured &= (fleet.what[start] == FILL) & (fleet.what[end] == FILL)
    start, end, is_opening = start[measured], end[measured], is_opening[measured]
    return Intervals(
        end=end,
        pump=segments.pump[start],
        programmed_ml=programmed[start],
        delivered_ml=fleet.filled_ml[start] + added[start] - fleet.aspirated_ml[end],
        is_dry=fleet.aspirated_ml[end] == 0,
        is_first=is_opening & np.isnan(fleet.aspirated_ml[start]),
        years=(fleet.at[end] - fleet.at[start]) / SECONDS_PER_YEAR,
    )


def _known(segments: Segments) -> Floats:
    """What flows in each segment, mL; of an unknown flow only what was given at once."""
    return np.where(np.isnan(segments.volume_ml), segments.given_ml, segments.volume_ml)


def _between(fleet: Fleet, segments: Segments, volume: Floats, start: Ints, end: Ints) -> tuple[Floats, Floats]:
    """For each pump what flows from event `start` until `end` by `volume` (of each segment), and what was added after
    `start` up to and with `end`, mL. A pump without a `start` has 0."""
    index = np.arange(len(fleet.at), dtype=np.int64)
    first, last = start[segments.pump], end[segments.pump]
    flowing = np.flatnonzero((first >= 0) & (index >= first) & (index < last))
    adding = np.flatnonzero((first >= 0) & (index > first) & (index <= last))
    flowed = _sum(segments.pump[flowing], volume[flowing], fleet.pumps)
    return flowed, _sum(segments.pump[adding], fleet.added_ml[adding], fleet.pumps)


def _reach(fleet: Fleet, segments: Segments, fill: Ints, *, levels: Floats, ratios: Floats) -> Floats:
    """When the volume has come down to `levels` at `ratios` times the programmed flow, shape (pumps, targets).

    Begins where the volume last rose (a fill, or drug put in), and walks all pumps forward together, one segment a
    round, so the rounds are as many as the most events of a pump since then.
    """
    moments = np.full(levels.shape, np.nan)
    segment = _last_rise(fleet, segments, fill)
    known = _known(segments)
    flowed, added = _between(fleet, segments, known, fill, segment)
    active = np.flatnonzero(fill >= 0)
    while len(active):
        here = segment[active]
        is_last = here == fleet.first_event[active + 1] - 1
        left = (fleet.filled_ml[fill[active]] + added[active])[:, None] - levels[active]
        needs = np.maximum(left, 0.0) / ratios[active]
        volume = np.where(is_last & (segments.flow[here] > 0), np.inf, known[here])
        within = needs <= (flowed[active] + volume)[:, None]
        _invert_within(fleet, segments, moments, needs, flowed, active, here, within)
        flowed[active] += np.where(np.isinf(volume), 0.0, volume)
        segment[active] += 1
        active = active[~is_last & np.isnan(moments[active]).any(axis=1)]
        added[active] += fleet.added_ml[segment[active]]
    return moments


def _last_rise(fleet: Fleet, segments: Segments, fill: Ints) -> Ints:
    """The event with which each pump's volume last rose: its last fill, or drug put in since."""
    last = fill.copy()
    rises = np.flatnonzero(fleet.added_ml > 0)
    rises = rises[rises > fill[segments.pump[rises]]]
    # Later entries overwrite earlier ones, in order.
    last[segments.pump[rises]] = np.where(fill[segments.pump[rises]] >= 0, rises, -1)
    return last


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
    curve, even, offset = segments.curve[segment], segments.even[segment], segments.clock_offset_s[segment]
    need = needs[row, target] - flowed[pump] - segments.given_ml[segment]
    start = elapsed_days(fleet.curves, curve, even, fleet.at[segment] + offset)
    # Reached before anything flows: there already, or with what is given at once (where rounding leaves a trace).
    is_there = (need <= 0) | (segments.flow[segment] == 0)
    days = np.divide(need, segments.flow[segment], out=np.zeros_like(need), where=~is_there)
    inverted = local_seconds(fleet.curves, curve, even, start + days) - offset
    moments[pump, target] = np.where(is_there, fleet.at[segment], inverted)


def _read(fleet: Fleet, segments: Segments, fill: Ints) -> tuple[Ints, Floats]:
    """The last volume a programmer showed since the fill, and by how much it differs from what is programmed, mL."""
    reading = np.full(fleet.pumps, -1, dtype=np.int64)
    read = np.flatnonzero(fleet.is_any(READING) & ~np.isnan(fleet.read_ml))
    read = read[(segments.fill[read] >= 0) & (segments.fill[read] == fill[segments.pump[read]])]
    reading[segments.pump[read]] = read
    flowed, added = _between(fleet, segments, segments.volume_ml, np.where(reading >= 0, fill, -1), reading)
    gap = np.full(fleet.pumps, np.nan)
    known = reading >= 0
    expected = fleet.filled_ml[fill[known]] + added[known] - flowed[known]
    gap[known] = fleet.read_ml[reading[known]] - np.maximum(expected, 0.0)
    return reading, gap


@dataclass(frozen=True)
class SinceFill:
    """At moments of one pump: the last fill's event index (-1 before the first); mL added and programmed since it."""

    fill: Ints
    added_ml: Floats
    programmed_ml: Floats
    flow: Floats


def since_fill(fleet: Fleet, moments: Floats) -> SinceFill:
    """For a fleet of one pump. Before the first fill all volumes are nan; unknown flow counts as none.

    What was added counts from the last emptying on.
    """
    if len(fleet.at) == 0:
        unknown = np.full(len(moments), np.nan)
        return SinceFill(np.full(len(moments), -1, dtype=np.int64), unknown, unknown, unknown)
    segments = cut(fleet)
    place = np.searchsorted(fleet.at, moments, side="right") - 1
    fill = np.where(place >= 0, segments.fill[place], -1)
    known = fill >= 0
    before = np.concatenate(([0.0], np.cumsum(_known(segments))))
    added = np.cumsum(fleet.added_ml)
    curve, even, offset = segments.curve[place], segments.even[place], segments.clock_offset_s[place]
    days = elapsed_days(fleet.curves, curve, even, moments + offset)
    days -= elapsed_days(fleet.curves, curve, even, fleet.at[place] + offset)
    flow = np.nan_to_num(segments.flow[place], nan=0.0)
    programmed = before[place] - before[fill] + segments.given_ml[place] + flow * days
    return SinceFill(
        fill=fill,
        added_ml=np.where(known, added[place] - added[fill], np.nan),
        programmed_ml=np.where(known, programmed, np.nan),
        flow=np.where(known, flow, np.nan),
    )

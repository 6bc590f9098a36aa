"""What stands out of a fleet: groups of refills (a drug's lot) whose flow differs, and pumps that need a look.

All of it informs; nothing here moves a date.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from clinical.calibration import DEVIATION_Z, Expected, Intervals, Ratios
from clinical.columns import FILL, Flags, Fleet, Floats, Ints
from clinical.segments import Segments

# A group stands out beyond so many standard errors, and only with so many pumps: one pump that changed is no bad lot.
GROUP_ERRORS = 3.0
GROUP_PUMPS = 3
# A pump's ratio is far from its model's when it is beyond so many of the standard deviations between pumps of it: by
# chance about 1 pump in 80.
FAR_SD = 2.5


@dataclass(frozen=True)
class GroupRatio:
    """How the refill intervals of a group flowed, relative to what each pump had shown before: 1 is as expected.

    `error` is the standard error of `relative`.
    """

    group: int
    relative: float
    error: float
    intervals: int
    pumps: int

    @property
    def stands_out(self) -> bool:
        return self.pumps >= GROUP_PUMPS and abs(self.relative - 1) > GROUP_ERRORS * self.error


def by_group(fleet: Fleet, intervals: Intervals, expected: Expected, group: Ints) -> list[GroupRatio]:
    """Groups in order of their numbers; `group[i]` is interval i's, -1 for none. Dry intervals are only bounds.

    Each interval gives delivered / (programmed x the ratio believed of its pump just before), with the measurement's
    error and that of the belief; the latter is shared by a pump's intervals within a group, so they count as one there.
    A deviation counts at most `DEVIATION_Z` standard deviations, so that no single interval makes a group. Groups are
    means weighted by the inverse of the variance.
    """
    used = np.flatnonzero((group >= 0) & ~intervals.is_dry & (expected.mean > 0))
    pump, expected_ml = intervals.pump[used], expected.mean[used] * intervals.programmed_ml[used]
    noise = (fleet.noise_ml[pump] / expected_ml) ** 2
    belief = (expected.sd[used] / expected.mean[used]) ** 2
    off = np.clip(expected.z[used], -DEVIATION_Z, DEVIATION_Z) * np.sqrt(noise + belief)
    pairs, place = np.unique(np.stack([group[used], pump], axis=1), axis=0, return_inverse=True)
    weight = _sums(place, 1 / noise, len(pairs))
    mean = _sums(place, off / noise, len(pairs)) / weight
    counts = np.bincount(place.ravel(), minlength=len(pairs))
    variance = 1 / weight + _sums(place, belief, len(pairs)) / np.maximum(counts, 1)
    return _joined(pairs[:, 0], mean, variance, counts)


def _sums(place: Ints, values: Floats, size: int) -> Floats:
    return np.bincount(place.ravel(), weights=values, minlength=size).astype(np.float64)


def _joined(group: Ints, mean: Floats, variance: Floats, counts: Ints) -> list[GroupRatio]:
    """Each group from its pumps."""
    found = []
    for number in np.unique(group).tolist():
        of_group = group == number
        weight = 1 / variance[of_group]
        relative = 1 + float((mean[of_group] * weight).sum() / weight.sum())
        error = float(weight.sum() ** -0.5)
        found.append(GroupRatio(number, relative, error, int(counts[of_group].sum()), int(of_group.sum())))
    return found


class Reason(StrEnum):
    """Why a pump stands out, the gravest first."""

    RAN_DRY = "ran_dry"
    UNSETTLED = "unsettled_change"
    OUTSIDE_ACCURACY = "outside_accuracy"
    FAR_FROM_MODEL = "far_from_model"


@dataclass(frozen=True)
class Standing:
    """A pump that stands out. `place` is its place in the fleet; `from_model` in standard deviations between pumps."""

    place: int
    reasons: tuple[Reason, ...]
    ratio: float
    refills: int
    from_model: float


def pumps_standing_out(fleet: Fleet, segments: Segments, ratios: Ratios, accuracy_pct: Floats) -> list[Standing]:
    """Pumps with a reason, the gravest first, then the furthest from their model.

    Ran dry: nothing could be aspirated at the last emptying. Unsettled: the flow has changed by the pump's own history.
    Outside accuracy: its own ratio is further from 1 than the device is good for (`accuracy_pct`, by pump). Far: beyond
    `FAR_SD` of what its model's pumps show. The last two need a measured refill.
    Source: clinical rules, section 2 (device accuracy limits; spread of r between pumps).
    """
    is_measured = ratios.refills > 0
    from_model = (ratios.mean - fleet.prior_mean) / fleet.prior_sd
    holds = {
        Reason.RAN_DRY: _ran_dry(fleet, segments),
        Reason.UNSETTLED: ratios.deviation != 0,
        Reason.OUTSIDE_ACCURACY: is_measured & (np.abs(ratios.mean - 1) * 100 > accuracy_pct),
        Reason.FAR_FROM_MODEL: is_measured & (np.abs(from_model) > FAR_SD),
    }
    found = [
        Standing(
            place,
            tuple(reason for reason in Reason if holds[reason][place]),
            float(ratios.mean[place]),
            int(ratios.refills[place]),
            float(from_model[place]),
        )
        for place in np.flatnonzero(np.any(list(holds.values()), axis=0)).tolist()
    ]
    order = list(Reason)
    return sorted(found, key=lambda each: (order.index(each.reasons[0]), -abs(each.from_model)))


def _ran_dry(fleet: Fleet, segments: Segments) -> Flags:
    """By pump: whether nothing was aspirated at its last emptying."""
    last = fleet.first_event[1:] - 1
    has_events = last >= fleet.first_event[:-1]
    is_dry = np.zeros(fleet.pumps, dtype=np.bool_)
    fill = segments.fill[last[has_events]]
    is_dry[has_events] = (fill >= 0) & (fleet.aspirated_ml[fill] == 0) & (fleet.what[fill] == FILL)
    return is_dry

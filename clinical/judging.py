"""Which findings hold for which pump: by columns where a rule is about numbers, event by event where it is not."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import numpy as np

from clinical import findings, watching
from clinical.columns import FILL, Flags, Fleet, Floats, Ints
from clinical.dates import REASONS, Dates
from clinical.depletion import Depletion
from clinical.findings import Finding
from clinical.ledger import LedgerEvent
from clinical.terms import LABELS, Terms
from clinical.units import to_seconds

# The ledgers, in order, of the pumps that have scans, heard alarms, planned doses, or readings with alarms or another
# dose, with what the pump's model does in a scanner; by the pump's place in the fleet. Others may be there too.
Watched = Mapping[int, tuple[Sequence[LedgerEvent], str]]


def judge(
    fleet: Fleet, terms: Terms, depletion: Depletion, dates: Dates, watched: Watched
) -> tuple[list[tuple[Finding, ...]], Floats]:
    """The findings of every pump, and when a pump with its replacement indicator on stops (seconds, nan without)."""
    indicated = np.full(fleet.pumps, np.nan)
    found: list[tuple[Finding, ...]] = [()] * fleet.pumps
    rules = _Rules(fleet, terms, depletion, dates)
    for place in np.flatnonzero(rules.only_shelf_life).tolist():
        found[place] = (findings.NO_SHELF_LIFE,)
    for place in sorted({*np.flatnonzero(rules.holds_any).tolist(), *watched}):
        ledger, behaviour = watched.get(place, ((), "verify"))
        found[place] = (*rules.unknown(place), *_seen(ledger, behaviour), *rules.of_numbers(place))
        shown = watching.replacement_indicated_at(ledger)
        if shown is not None:
            indicated[place] = np.floor(to_seconds(shown + watching.STOPS_AFTER_INDICATOR))
    return found, indicated


def _seen(ledger: Sequence[LedgerEvent], behaviour: str) -> list[Finding]:
    return [
        *watching.of_alarm(ledger),
        *watching.of_mri(ledger, behaviour),
        *watching.of_reading(ledger),
        *watching.of_plans(ledger),
    ]


class _Rules:
    """For each rule about numbers, the pumps it holds for."""

    def __init__(self, fleet: Fleet, terms: Terms, depletion: Depletion, dates: Dates) -> None:
        self.dates, self.labels = dates, terms.labels.astype(np.int64)
        self.lowest, self.highest = terms.min_flow, terms.max_flow
        self.flow, self.deviation, self.gap = depletion.flow, depletion.ratios.deviation, depletion.read_gap
        at = _Last(depletion.drug)
        self.filled, self.programmed = at.value(terms.filled_concentration), at.value(fleet.concentration)
        self.dose = np.where(fleet.programmable, _Last(depletion.running).value(fleet.dose), np.nan)
        is_filled = depletion.drug >= 0
        self.is_unknown = dates.reason > 0
        self.is_dry = is_filled & (at.value(fleet.aspirated_ml) == 0) & (at.value(fleet.what) == FILL)
        self.is_not_reprogrammed = is_filled & (self.filled != self.programmed)
        self.is_off_market = is_filled & ~self._sold()
        self.is_shelf_life_unknown = is_filled & np.isnan(dates.drug_expires)
        self.is_odd_dose = self._odd_dose()
        below, above = (self.flow > 0) & (self.flow < self.lowest), self.flow > self.highest
        self.is_odd_flow = below | above
        # A stop that only a plan would end, where the dates count on the plan.
        held = _Last(depletion.stopped).value(fleet.is_planned) == 0
        self.is_held = held & (dates.reason != REASONS.index("stopped"))
        self.is_odd_reading = np.abs(self.gap) > watching.READING_TOLERANCE_ML
        others = self.is_unknown | self.is_dry | self.is_not_reprogrammed | self.is_off_market
        others |= self.is_held | self.is_odd_reading | self.is_odd_dose | self.is_odd_flow | (self.deviation != 0)
        self.holds_any = others
        self.only_shelf_life = self.is_shelf_life_unknown & ~others

    def _sold(self) -> Flags:
        sold = np.zeros(len(self.filled), dtype=np.bool_)
        for number, labels in enumerate(LABELS):
            market = [float(concentration) for concentration in labels.market_concentrations_mcg_per_ml]
            sold |= (self.labels == number) & np.isin(self.filled, market)
        return sold

    def _odd_dose(self) -> Flags:
        """A dose about which `findings.of_dose` has something to say; a stop has none."""
        low = np.array([float(labels.dose_range_mcg[0]) for labels in LABELS])[self.labels]
        high = np.array([float(min(each.dose_range_mcg[1], each.limited_experience_mcg)) for each in LABELS])
        return (self.dose > 0) & ((self.dose < low) | (self.dose > high[self.labels]))

    def unknown(self, place: int) -> list[Finding]:
        """Why a pump's dates are not (all) known; of a change of flow `findings.deviates` says more."""
        reason = REASONS[self.dates.reason[place]]
        if self.is_held[place]:
            return [findings.of_unknown("stopped", _moment(self.dates.stopped[place]))]
        if reason in ("", "flow_changed"):
            return []
        since = {"stopped": self.dates.stopped[place], "stall": self.dates.stalled[place]}.get(reason)
        return [findings.of_unknown(reason, None if since is None else _moment(since))]

    def of_numbers(self, place: int) -> list[Finding]:
        """What else holds for a pump."""
        found = []
        labels = LABELS[self.labels[place]]
        if self.is_odd_reading[place]:
            found.append(watching.reading_differs(float(self.gap[place])))
        if self.is_dry[place]:
            found.append(findings.ASPIRATED_ZERO)
        if self.is_not_reprogrammed[place]:
            filled_at = _moment(self.dates.filled[place])
            found.append(findings.not_reprogrammed(float(self.filled[place]), float(self.programmed[place]), filled_at))
        if self.is_off_market[place]:
            found.append(findings.off_market(float(self.filled[place]), labels))
        if self.is_shelf_life_unknown[place]:
            found.append(findings.NO_SHELF_LIFE)
        if self.is_odd_dose[place]:
            found += findings.of_dose(float(self.dose[place]), labels)
        if self.is_odd_flow[place]:
            limits = float(self.lowest[place]), float(self.highest[place])
            found.append(findings.flow_out_of_range(float(self.flow[place]), *limits))
        if self.deviation[place] != 0:
            found.append(findings.deviates(float(self.deviation[place])))
        return found


class _Last:
    """Reads columns at one event of each pump; nan where it has none."""

    def __init__(self, event: Ints) -> None:
        self.event, self.known = event, event >= 0

    def value(self, column: Floats | Ints) -> Floats:
        found = np.full(len(self.event), np.nan)
        found[self.known] = column[self.event[self.known]]
        return found


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(float(seconds), tz=UTC)

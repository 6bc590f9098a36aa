"""Each date of a forecast with one sentence that says what it was computed from."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from clinical.ledger import Fill
from clinical.units import plain
from clinical.watching import replacement_indicated_at
from clinics.words import calendar_day, day, left, moment_words
from pumps.pages.words import LIMIT_WORDS, unknown_words
from pumps.reading import Reading

_BY_FLOW = ("programmed_low_at", "programmed_empty_at", "low_at", "empty_at", "earliest_low_at")


@dataclass(frozen=True)
class Dated:
    """A line of the list: a date or None, and why."""

    name: str
    at: datetime | None
    left: str
    why: str
    is_key: bool = False


def dates(reading: Reading) -> list[Dated]:
    """All dates of design, section 2, in the order in which a reader asks for them."""
    return [_dated(reading, *line) for line in _LINES]


def _dated(reading: Reading, name: str, field: str, explain: Callable[[Reading], str]) -> Dated:
    at: datetime | None = getattr(reading.row, field)
    away = left(at, reading.now, reading.zone) if at is not None else ""
    why = explain(reading)
    if at is None and field in _BY_FLOW and reading.row.unknown_reason:
        why = f"Not known: {unknown_words(reading.row, reading.now)}."
    return Dated(name, at, away, why, is_key=field == "refill_by")


def rate_words(reading: Reading, fill: Fill) -> str:
    """`0.3514 mL/day (175.7 mcg/day at 500 mcg/mL)`."""
    facts, concentration = reading.device.facts, fill.programmed_concentration_mcg_per_ml
    if not facts.programmable:
        flow = facts.factory_flow_ml_per_day
        return f"its factory flow of {plain(flow)} mL/day" if flow is not None else "an unknown factory flow"
    change = reading.program_now
    if change is None:
        return "an unknown flow (no dose is recorded)"
    if reading.is_stopped:
        return "no flow (the pump is stopped)"
    dose, by_patient = change.program.daily_dose_mcg, change.program.most_by_patient_mcg
    given = f"{plain(dose)} mcg/day"
    if by_patient:
        given += f" and the most the patient may call for, {plain(by_patient)} mcg/day,"
    return f"{(dose + by_patient) / concentration:.4g} mL/day ({given} at {plain(concentration)} mcg/mL)"


def _held(reading: Reading, fill: Fill) -> Decimal:
    """What was filled and added, mL."""
    return fill.filled_ml + reading.added_ml


def _held_words(reading: Reading, fill: Fill) -> str:
    added = reading.added_ml
    if not added:
        return f"{plain(fill.filled_ml)} mL"
    what = f"{plain(added)} mL added" if added > 0 else f"{plain(-added)} mL taken out"
    return f"{plain(_held(reading, fill))} mL ({plain(fill.filled_ml)} filled, {what} since)"


def _room(reading: Reading, fill: Fill) -> Decimal:
    return max(_held(reading, fill) - reading.pump.low_reservoir_alarm_ml, Decimal(0))


def _since(reading: Reading, fill: Fill) -> str:
    changes = sum(fill.at < change.at <= reading.now for change in reading.programs)
    planned = sum(change.at > reading.now for change in reading.programs)
    text = f"since {moment_words(fill.at, reading.zone)}"
    if changes:
        text += f", with {changes} dose change{'s' if changes > 1 else ''} on the way"
    if planned:
        text += f", and {planned} planned"
    return text


def _no_fill(explain: Callable[[Reading, Fill], str]) -> Callable[[Reading], str]:
    def explained(reading: Reading) -> str:
        fill, scan = reading.emptied_fill, reading.emptied_by_scan
        if scan is not None:
            when = day(scan.at, reading.zone)
            return f"The reservoir was emptied for the MRI scan of {when}; no fill is recorded since."
        return explain(reading, fill) if fill is not None else "Not known: no fill is recorded."

    return explained


def _programmed_low(reading: Reading, fill: Fill) -> str:
    low = plain(reading.pump.low_reservoir_alarm_ml)
    room, rate = plain(_room(reading, fill)), rate_words(reading, reading.last_fill or fill)
    if reading.added_ml:
        room = f"{room} mL of {_held_words(reading, fill)},"
        return f"{room} above the {low} mL low level, at {rate} {_since(reading, fill)}. The pump's own alarm date."
    return f"{room} mL above the {low} mL low level, at {rate} {_since(reading, fill)}. The pump's own alarm date."


def _programmed_empty(reading: Reading, fill: Fill) -> str:
    return f"All {_held_words(reading, fill)} at {rate_words(reading, reading.last_fill or fill)}."


def _low(reading: Reading, fill: Fill) -> str:
    mean = reading.computed.flow_ratio.mean
    return f"The same {plain(_room(reading, fill))} mL at {mean:.3f} times the programmed flow."


def _empty(reading: Reading, fill: Fill) -> str:
    mean = reading.computed.flow_ratio.mean
    return f"All {_held_words(reading, fill)} at {mean:.3f} times the programmed flow."


def _earliest_low(reading: Reading, fill: Fill) -> str:
    high = reading.computed.ratio_high
    return (
        f"The same {plain(_room(reading, fill))} mL at {high:.3f} times the programmed flow, the 99th percentile: "
        "at most 1 in 100 such pumps is low before this."
    )


def _drug(reading: Reading, fill: Fill) -> str:
    if reading.last_fill is not fill:
        return "The earliest of all the drug that is in the pump: it was not emptied at the last fill."
    parts = []
    stability = reading.rules.stability_of(fill)
    if stability is not None:
        whose = "" if fill.stability_days is not None else f", as your clinic has set for {fill.formulation},"
        parts.append(f"{stability} days in the pump{whose} after {day(fill.at, reading.zone)}")
    if fill.drug_expires_on is not None:
        parts.append(f"the lot's expiry on {calendar_day(fill.drug_expires_on)}")
    if not parts:
        return "Not known: neither the drug's stability in the pump nor the lot's expiry is recorded."
    if len(parts) == 1:
        missing = "its stability in the pump" if stability is None else "the lot's expiry"
        return f"By {parts[0]}; {missing} is not recorded."
    return f"The earlier of {' and '.join(parts)}."


def _max_interval(reading: Reading, fill: Fill) -> str:
    longest, product = reading.rules.longest_interval_of(fill), reading.rules.product_of(fill)
    is_products = product is not None and product.max_refill_interval_days is not None
    whose = f"the longest interval set for {fill.formulation}" if is_products else "this clinic's longest interval"
    return f"{longest} days, {whose}, after the fill of {day(fill.at, reading.zone)}."


def _refill_by(reading: Reading) -> str:
    row, margin = reading.row, reading.pump.clinic.refill_margin_days
    if row.refill_by is None:
        return "Not known; see the findings."
    deadline = row.refill_by + timedelta(days=margin)
    words = LIMIT_WORDS.get(row.limiting_factor)
    bound = f", set by {words}," if words else ""
    when = moment_words(deadline, reading.zone)
    return f"The earliest deadline, {when}{bound} less this clinic's margin of {margin} days."


def _service_ends(reading: Reading) -> str:
    years = reading.device.service_life_years
    indicated = replacement_indicated_at(reading.ledger)
    if indicated is not None:
        return (
            f"The replacement indicator was on at {day(indicated, reading.zone)}, and the pump stops 90 days after it "
            "came on; or earlier, at the end of its service life. No refill moves it."
        )
    if years is None:
        return "Not known: the catalogue has no service life for this model."
    return f"{years} years after the implant on {calendar_day(reading.pump.implanted_on)}; no refill moves it."


_LINES: tuple[tuple[str, str, Callable[[Reading], str]], ...] = (
    ("Refill by", "refill_by", _refill_by),
    ("Low, as programmed", "programmed_low_at", _no_fill(_programmed_low)),
    ("Low, earliest", "earliest_low_at", _no_fill(_earliest_low)),
    ("Low, expected", "low_at", _no_fill(_low)),
    ("Empty, as programmed", "programmed_empty_at", _no_fill(_programmed_empty)),
    ("Empty, expected", "empty_at", _no_fill(_empty)),
    ("Drug expires", "drug_expires_at", _no_fill(_drug)),
    ("Longest interval", "max_interval_at", _no_fill(_max_interval)),
    ("Pump's service ends", "service_ends_at", _service_ends),
)
NAMES = [(name, field) for name, field, _ in _LINES]


def _learned_words(reading: Reading) -> str:
    """What a pump of its model starts from, and where that is from."""
    prior, version = reading.device.facts.prior, reading.row.prior_version
    whose = f"learned from {version.pumps:,} pumps" if version.pumps else "from the catalogue"
    return (
        f"{reading.pump.model.model} pumps start from {prior.mean:.3f} ± {prior.sd:.3f}, and one measured residue is "
        f"known to ± {prior.noise_ml:.2f} mL (prior {version.pk} of {day(version.created_at, reading.zone)}, {whose})"
    )


def ratio_words(reading: Reading) -> str:
    """What is believed of the pump's flow, and on what grounds."""
    ratio, start = reading.computed.flow_ratio, _learned_words(reading)
    if not ratio.refills:
        return f"No refill has measured this pump yet: {start}."
    refills = "1 refill" if ratio.refills == 1 else f"{ratio.refills} refills"
    measured = f"{ratio.mean:.3f} ± {ratio.sd:.3f}"
    return f"This pump delivers {measured} times what is programmed, learned from {refills}; {start}."

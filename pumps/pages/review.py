"""The review before an entry is saved: the pump as it is and as it would be, line by line."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from clinical.units import plain
from clinics.words import moment_words
from pumps.models import Pump
from pumps.services.consequences import Consequence, State

# A delivered dose this close to the programmed one is not shown apart.
SAME_DOSE = 0.005


@dataclass(frozen=True)
class Line:
    """One line of the comparison. `note` says by how much, where that can be said."""

    name: str
    before: str
    after: str
    note: str = ""
    is_key: bool = False

    @property
    def is_changed(self) -> bool:
        return self.before != self.after


def lines(pump: Pump, found: Consequence) -> list[Line]:
    """What a person compares, in the order of a programmer's last screen: dose, flow, drug, volume, dates."""
    before, after = found.before, found.after
    rows = [_line(name, words, before, after) for name, words in _AMOUNTS]
    if found.change_pct is not None and found.change_pct != 0:
        rows[0] = Line(rows[0].name, rows[0].before, rows[0].after, f"{found.change_pct:+} %")
    if before.patient_boluses_per_day or after.patient_boluses_per_day:
        rows.insert(2, _line("Patient boluses", _patient_boluses, before, after))
    rows += [_dated(pump, name, field, before, after) for name, field in _DATES]
    return [row for row in rows if row.before != NOTHING or row.after != NOTHING]


NOTHING, NO_BOLUSES = "not known", "none"


def _line(name: str, words: Callable[[State], str], before: State, after: State) -> Line:
    return Line(name, words(before), words(after))


def _dated(pump: Pump, name: str, field: str, before: State, after: State) -> Line:
    old, new = getattr(before.forecast, field), getattr(after.forecast, field)
    note = ""
    if old is not None and new is not None and old != new:
        note = _apart(old, new)
    return Line(name, _day(old, pump), _day(new, pump), note, is_key=field == "refill_by")


def _day(moment: datetime | None, pump: Pump) -> str:
    return moment_words(moment, pump.clinic.zone) if moment is not None else NOTHING


def _apart(old: datetime, new: datetime) -> str:
    hours = abs(new - old).total_seconds() / 3600
    amount = f"{hours / 24:.1f} days" if hours >= 24 else f"{hours:.1f} h"
    return f"{amount} {'later' if new > old else 'earlier'}"


def _dose(state: State) -> str:
    return f"{plain(state.daily_dose_mcg)} mcg/day" if state.daily_dose_mcg is not None else NOTHING


def _hourly(state: State) -> str:
    hourly = state.hourly_mcg
    return f"{plain(hourly.quantize(Decimal('0.001')))} mcg/h on average" if hourly is not None else NOTHING


def _patient_boluses(state: State) -> str:
    """What the patient may call for beside the daily dose."""
    if not state.patient_boluses_per_day:
        return NO_BOLUSES
    return f"{plain(state.patient_bolus_mcg)} mcg, at most {state.patient_boluses_per_day} a day"


def _flow(state: State) -> str:
    return f"{state.flow_ml_per_day:.4g} mL/day" if state.flow_ml_per_day is not None else NOTHING


def _drug(state: State) -> str:
    held, told = state.concentration_mcg_per_ml, state.programmed_concentration_mcg_per_ml
    if held is None or told is None:
        return NOTHING
    return f"{plain(held)} mcg/mL" if held == told else f"{plain(held)} mcg/mL, programmed for {plain(told)}"


def _delivered(state: State) -> str:
    """What the patient gets, where that is not what is programmed."""
    dose, delivered = state.daily_dose_mcg, state.delivered_mcg
    if delivered is None or (dose is not None and abs(delivered - float(dose)) <= SAME_DOSE * max(delivered, 1.0)):
        return NOTHING
    return f"{delivered:.4g} mcg/day"


def _volume(state: State) -> str:
    return f"{state.volume_ml:.1f} mL expected" if state.volume_ml is not None else NOTHING


_AMOUNTS: tuple[tuple[str, Callable[[State], str]], ...] = (
    ("Daily dose", _dose),
    ("Hourly equivalent", _hourly),
    ("Flow", _flow),
    ("Drug in the pump", _drug),
    ("The patient gets", _delivered),
    ("In the reservoir", _volume),
)
_DATES = (
    ("Refill by", "refill_by"),
    ("Low, as programmed", "programmed_low_at"),
    ("Low, earliest", "earliest_low_at"),
    ("Low, expected", "low_at"),
    ("Empty, expected", "empty_at"),
    ("Drug expires", "drug_expires_at"),
    ("Longest interval", "max_interval_at"),
)

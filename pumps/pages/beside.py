"""The planner's comparison: the pump now and as tried, figure by figure, each with its unit and how it comes about."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from clinical.planning import FORMULAS, Outlook, ratio_words
from clinical.terms import ClinicRules
from clinical.units import plain
from clinics.words import moment_words
from pumps.models import Event, Pump
from pumps.pages.words import LIMIT_WORDS, UNKNOWN_WORDS
from pumps.services.what_if import Comparison

NOTHING = "not known"
MODES = {str(code): str(label) for code, label in Event.ProgramMode.choices}


@dataclass(frozen=True)
class Line:
    """A figure now and as tried; `note` says by how much they differ, where that can be said."""

    name: str
    now: str
    tried: str
    why: str
    note: str = ""
    is_key: bool = False

    @property
    def is_changed(self) -> bool:
        return self.now != self.tried


@dataclass(frozen=True)
class Group:
    title: str
    lines: Sequence[Line]


@dataclass(frozen=True)
class _Side:
    """One of the two columns."""

    outlook: Outlook
    rules: ClinicRules
    low_ml: Decimal
    model: str
    zone: ZoneInfo


Words = Callable[[_Side], str]


def groups(found: Comparison, pump: Pump) -> list[Group]:
    """What is set, when it ends, what it needs in a year."""
    zone = pump.clinic.zone
    now = None
    if found.now is not None and found.now_rules is not None:
        now = _Side(found.now, found.now_rules, pump.low_reservoir_alarm_ml, str(pump.model), zone)
    device = found.pump
    tried = _Side(found.tried, found.tried_rules, device.low_reservoir_alarm_ml, str(device.model), zone)
    return [
        Group("Set", [_line(now, tried, *words) for words in _SET]),
        Group("Dates", [_dated(now, tried, name, field) for name, field in _DATES] + [_line(now, tried, *_LIMIT)]),
        Group("In a year of 365.25 days", [_line(now, tried, *words) for words in _YEAR]),
    ]


def _line(now: _Side | None, tried: _Side, name: str, words: Words, why: str) -> Line:
    return Line(name, words(now) if now is not None else NOTHING, words(tried), why)


def _dated(now: _Side | None, tried: _Side, name: str, field: str) -> Line:
    old = getattr(now.outlook.forecast, field) if now is not None else None
    new = getattr(tried.outlook.forecast, field)
    note = _apart(old, new) if old is not None and new is not None and old != new else ""
    return Line(name, _day(old, tried.zone), _day(new, tried.zone), FORMULAS[field], note, field == "refill_by")


def _day(moment: datetime | None, zone: ZoneInfo) -> str:
    return moment_words(moment, zone) if moment is not None else NOTHING


def _apart(old: datetime, new: datetime) -> str:
    days = abs(new - old).total_seconds() / 86_400
    return f"{days:.1f} days {'later' if new > old else 'earlier'}"


def _amount(value: Decimal | float | None, unit: str) -> str:
    """Four significant digits, without an exponent."""
    return f"{plain(Decimal(f'{value:.4g}'))} {unit}" if value is not None else NOTHING


def _fill(side: _Side) -> str:
    fill = side.outlook.setting.fill
    return f"{plain(fill.filled_ml)} mL of {plain(fill.concentration_mcg_per_ml)} mcg/mL"


def _dose(side: _Side) -> str:
    dose = side.outlook.daily_dose_mcg
    return f"{plain(dose.quantize(Decimal('0.001')))} mcg/day" if dose is not None else NOTHING


def _mode(side: _Side) -> str:
    change = side.outlook.setting.program
    if change is None:
        return "constant flow"
    program = change.program
    parts = [MODES[program.mode.value].lower()]
    parts += [f"{len(program.steps)} steps"] if program.steps else []
    parts += [f"{len(program.boluses)} timed boluses"] if program.boluses else []
    return ", ".join(parts)


def _interval(side: _Side) -> str:
    days = side.outlook.supply.interval_days
    if days is None:
        return "no refill comes"
    return _amount(days, "days") if days > 0 else "due at once: the margin is longer than the fill lasts"


def _limit(side: _Side) -> str:
    found = side.outlook.forecast
    if found.unknown_reason:
        return f"not known: {UNKNOWN_WORDS.get(found.unknown_reason, found.unknown_reason)}"
    return LIMIT_WORDS.get(found.limiting_factor.value, NOTHING)


def _margin(side: _Side) -> str:
    return f"{side.rules.margin_days} days"


_SET: tuple[tuple[str, Words, str], ...] = (
    ("Pump", lambda side: side.model, "from the catalogue of pump models"),
    ("Fill", _fill, "the last one, or as tried"),
    ("Low level", lambda side: f"{plain(side.low_ml)} mL", "of this pump, or as tried"),
    ("Daily dose", _dose, "as programmed; of a constant-flow pump flow x concentration"),
    ("Hourly", lambda side: _amount(side.outlook.hourly_mcg, "mcg/h on average"), FORMULAS["hourly_mcg"]),
    ("Program", _mode, "the dates follow its steps and boluses exactly"),
    ("Flow", lambda side: _amount(side.outlook.flow_ml_per_day, "mL/day"), FORMULAS["rate_ml_per_day"]),
    (
        "Flow ratio",
        lambda side: ratio_words(side.outlook.forecast.flow_ratio),
        "delivered / programmed: the model's, corrected by what each refill aspirated",
    ),
    ("Margin", _margin, "the clinic's, or as tried"),
)
_DATES = (
    ("Refill by", "refill_by"),
    ("Low, as programmed", "programmed_low_at"),
    ("Low, earliest", "earliest_low_at"),
    ("Low, expected", "low_at"),
    ("Empty, as programmed", "programmed_empty_at"),
    ("Empty, expected", "empty_at"),
    ("Drug expires", "drug_expires_at"),
    ("Longest interval", "max_interval_at"),
)
_LIMIT: tuple[str, Words, str] = ("What limits it", _limit, "the deadline that comes first")
_YEAR: tuple[tuple[str, Words, str], ...] = (
    ("Days between refills", _interval, FORMULAS["interval_days"]),
    ("Refills", lambda side: _amount(side.outlook.supply.refills_per_year, "fills"), FORMULAS["refills_per_year"]),
    ("Drug filled", lambda side: _amount(side.outlook.supply.drug_ml_per_year, "mL"), FORMULAS["drug_ml_per_year"]),
    ("That is", lambda side: _amount(side.outlook.supply.drug_mg_per_year, "mg"), FORMULAS["drug_mg_per_year"]),
    (
        "The patient gets",
        lambda side: _amount(side.outlook.supply.delivered_mg_per_year, "mg"),
        FORMULAS["delivered_mg_per_year"],
    ),
)

"""The planner's comparison: the pump now and as tried, figure by figure, each with its unit and how it comes about."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from clinical.planning import FORMULAS, Outlook, ratio_words
from clinical.terms import ClinicRules
from clinical.units import plain
from clinics.saying import said
from clinics.words import moment_words
from pumps.models import Event, Pump
from pumps.pages.words import LIMIT_WORDS, UNKNOWN_WORDS
from pumps.services.what_if import Comparison

NOTHING = gettext_lazy("not known")


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
        Group(_("Set"), [_line(now, tried, *words) for words in _SET]),
        Group(_("Dates"), [_dated(now, tried, name, field) for name, field in _DATES] + [_line(now, tried, *_LIMIT)]),
        Group(_("In a year of 365.25 days"), [_line(now, tried, *words) for words in _YEAR]),
    ]


def _line(now: _Side | None, tried: _Side, name: Promise, words: Words, why: str | Promise) -> Line:
    before = words(now) if now is not None else str(NOTHING)
    return Line(str(name), before, words(tried), said(str(why)))


def _dated(now: _Side | None, tried: _Side, name: Promise, field: str) -> Line:
    old = getattr(now.outlook.forecast, field) if now is not None else None
    new = getattr(tried.outlook.forecast, field)
    note = _apart(old, new) if old is not None and new is not None and old != new else ""
    return Line(
        str(name), _day(old, tried.zone), _day(new, tried.zone), said(FORMULAS[field]), note, field == "refill_by"
    )


def _day(moment: datetime | None, zone: ZoneInfo) -> str:
    return moment_words(moment, zone) if moment is not None else str(NOTHING)


def _apart(old: datetime, new: datetime) -> str:
    days = {"days": f"{abs(new - old).total_seconds() / 86_400:.1f}"}
    return _("%(days)s days later") % days if new > old else _("%(days)s days earlier") % days


def _amount(value: Decimal | float | None, unit: str) -> str:
    """Four significant digits, without an exponent."""
    return f"{plain(Decimal(f'{value:.4g}'))} {unit}" if value is not None else str(NOTHING)


def _fill(side: _Side) -> str:
    fill = side.outlook.setting.fill
    return _("%(filled_ml)s mL of %(concentration_mcg_per_ml)s mcg/mL") % {
        "filled_ml": plain(fill.filled_ml),
        "concentration_mcg_per_ml": plain(fill.concentration_mcg_per_ml),
    }


def _dose(side: _Side) -> str:
    dose = side.outlook.daily_dose_mcg
    return (
        _("%(dose)s mcg/day") % {"dose": plain(dose.quantize(Decimal("0.001")))} if dose is not None else str(NOTHING)
    )


def _mode(side: _Side) -> str:
    change = side.outlook.setting.program
    if change is None:
        return _("constant flow")
    program = change.program
    parts = [str(Event.ProgramMode(program.mode.value).label).lower()]
    parts += (
        [ngettext("%(steps)s step", "%(steps)s steps", len(program.steps)) % {"steps": len(program.steps)}]
        if program.steps
        else []
    )
    parts += (
        [
            ngettext("%(boluses)s timed bolus", "%(boluses)s timed boluses", len(program.boluses))
            % {"boluses": len(program.boluses)}
        ]
        if program.boluses
        else []
    )
    return ", ".join(parts)


def _interval(side: _Side) -> str:
    days = side.outlook.supply.interval_days
    if days is None:
        return _("no refill comes")
    return _amount(days, _("days")) if days > 0 else _("due at once: the margin is longer than the fill lasts")


def _limit(side: _Side) -> str:
    found = side.outlook.forecast
    if found.unknown_reason:
        return _("not known: %(unknown_reason)s") % {
            "unknown_reason": UNKNOWN_WORDS.get(found.unknown_reason, found.unknown_reason)
        }
    return str(LIMIT_WORDS.get(found.limiting_factor.value, NOTHING))


def _margin(side: _Side) -> str:
    days = side.rules.margin_days
    return ngettext("%(days)s day", "%(days)s days", days) % {"days": days}


_SET: tuple[tuple[Promise, Words, str | Promise], ...] = (
    (gettext_lazy("Pump"), lambda side: side.model, gettext_lazy("from the catalogue of pump models")),
    (gettext_lazy("Fill"), _fill, gettext_lazy("the last one, or as tried")),
    (
        gettext_lazy("Low level"),
        lambda side: _("%(low_ml)s mL") % {"low_ml": plain(side.low_ml)},
        gettext_lazy("of this pump, or as tried"),
    ),
    (gettext_lazy("Daily dose"), _dose, gettext_lazy("as programmed; of a constant-flow pump flow x concentration")),
    (
        gettext_lazy("Hourly"),
        lambda side: _amount(side.outlook.hourly_mcg, _("mcg/h on average")),
        FORMULAS["hourly_mcg"],
    ),
    (gettext_lazy("Program"), _mode, gettext_lazy("the dates follow its steps and boluses exactly")),
    (
        gettext_lazy("Flow"),
        lambda side: _amount(side.outlook.flow_ml_per_day, _("mL/day")),
        FORMULAS["rate_ml_per_day"],
    ),
    (
        gettext_lazy("Flow ratio"),
        lambda side: said(ratio_words(side.outlook.forecast.flow_ratio)),
        gettext_lazy("delivered / programmed: the model's, corrected by what each refill aspirated"),
    ),
    (gettext_lazy("Margin"), _margin, gettext_lazy("the clinic's, or as tried")),
)
_DATES = (
    (gettext_lazy("Refill by"), "refill_by"),
    (gettext_lazy("Low, as programmed"), "programmed_low_at"),
    (gettext_lazy("Low, earliest"), "earliest_low_at"),
    (gettext_lazy("Low, expected"), "low_at"),
    (gettext_lazy("Empty, as programmed"), "programmed_empty_at"),
    (gettext_lazy("Empty, expected"), "empty_at"),
    (gettext_lazy("Drug expires"), "drug_expires_at"),
    (gettext_lazy("Longest interval"), "max_interval_at"),
)
_LIMIT: tuple[Promise, Words, str | Promise] = (
    gettext_lazy("What limits it"),
    _limit,
    gettext_lazy("the deadline that comes first"),
)
_YEAR: tuple[tuple[Promise, Words, str], ...] = (
    (gettext_lazy("Days between refills"), _interval, FORMULAS["interval_days"]),
    (
        gettext_lazy("Refills"),
        lambda side: _amount(side.outlook.supply.refills_per_year, _("fills")),
        FORMULAS["refills_per_year"],
    ),
    (
        gettext_lazy("Drug filled"),
        lambda side: _amount(side.outlook.supply.drug_ml_per_year, "mL"),
        FORMULAS["drug_ml_per_year"],
    ),
    (
        gettext_lazy("That is"),
        lambda side: _amount(side.outlook.supply.drug_mg_per_year, "mg"),
        FORMULAS["drug_mg_per_year"],
    ),
    (
        gettext_lazy("The patient gets"),
        lambda side: _amount(side.outlook.supply.delivered_mg_per_year, "mg"),
        FORMULAS["delivered_mg_per_year"],
    ),
)

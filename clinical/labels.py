"""Label sets: what the drug's labels say, by country, each figure with its unit, status and source.

The figures are data (`label_sets/CODE.toml`), read and checked once, when this module is imported. A figure never
refuses what happened to a pump; it raises a finding or a question.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from clinical.saying import say

FOLDER = Path(__file__).resolve().parent / "label_sets"
STATUSES = {"P": say("read"), "S": say("in a secondary copy"), "D": say("derived"), "U": say("to be verified")}
# A band of steps, or of usual doses, by which patients it is of.
BANDS = ("spinal", "cerebral", "child")
USUAL = ("spinal", "cerebral", "young")

Range = tuple[Decimal, Decimal]


class LabelError(ValueError):
    """The data of a label set cannot be used; the message names file, figure and fix."""


@dataclass(frozen=True)
class Rule:
    """One figure as it stands in the data: one number or several, in `unit`. `status` is one of STATUSES."""

    key: str
    values: tuple[Decimal, ...]
    unit: str
    status: str
    source: str


@dataclass(frozen=True)
class LabelSet:
    """One country's rules. Concentrations mcg/mL, doses mcg/day (of a screening bolus mcg), steps in % of the present
    dose, ages in years. Ranges have both ends inclusive.

    `titration_step_pct` and `maintenance_step_pct` are by band (BANDS), `usual_dose_mcg` by USUAL: `young` is under
    `young_age_years`. `rules` are the same figures with their sources.
    """

    code: str
    name: str
    version: int
    market_concentrations_mcg_per_ml: tuple[Decimal, ...]
    screening_concentration_mcg_per_ml: Decimal
    screening_doses_mcg: tuple[Decimal, ...]
    screening_dose_small_mcg: Decimal
    screening_interval_hours: Decimal
    screening_observe_hours: Range
    screening_minutes: Decimal
    first_dose_factor: Decimal
    first_dose_long_effect_hours: Decimal
    first_dose_long_effect_factor: Decimal
    increase_interval_hours: Decimal
    titration_step_pct: Mapping[str, Range]
    maintenance_step_pct: Mapping[str, Range]
    decrease_pct: Range
    dose_range_mcg: Range
    usual_dose_mcg: Mapping[str, Range]
    limited_experience_mcg: Decimal
    high_dose_mcg: Decimal
    high_dose_step_pct: Decimal
    creep_mcg_per_year: Decimal
    adult_age_years: Decimal
    young_age_years: Decimal
    least_age_years: Decimal
    slip_factor: Decimal
    slip_tolerance_pct: Decimal
    start_concentration_mcg_per_ml: Decimal
    rules: Mapping[str, Rule] = field(repr=False, compare=False, default_factory=dict)

    @property
    def source(self) -> str:
        return self.rules["dose_range_mcg"].source

    def source_of(self, key: str) -> str:
        return self.rules[key].source

    def sells(self, concentration_mcg_per_ml: Decimal) -> bool:
        """Whether a concentration is on the market for pumps (50 mcg/mL is for screening only)."""
        return concentration_mcg_per_ml in self.market_concentrations_mcg_per_ml

    def band(self, origin: str, age_years: int) -> str:
        """The band of steps: `child` under the adult age, else the origin of the spasticity."""
        return "child" if age_years < self.adult_age_years else origin

    def usual_band(self, origin: str, age_years: int) -> str:
        """The band of usual doses: `young` under its age, else the origin."""
        return "young" if age_years < self.young_age_years else origin


# How each figure is made of what stands in the data: a number, a range, a list, or ranges by band.
_LISTS = {"market_concentrations_mcg_per_ml", "screening_doses_mcg"}
_RANGES = {"screening_observe_hours", "decrease_pct", "dose_range_mcg"}
_BY_BAND = {"titration_step_pct": BANDS, "maintenance_step_pct": BANDS, "usual_dose_mcg": USUAL}
_OWN = {"code", "name", "version", "rules"}
FIGURES = tuple(each.name for each in fields(LabelSet) if each.name not in _OWN)


def read(path: Path) -> LabelSet:
    """
    Raises:
        LabelError: a figure is missing, unknown, without unit, status or source, or cannot be.
    """
    try:
        data = tomllib.loads(path.read_text())
    except tomllib.TOMLDecodeError as error:
        raise LabelError(f"{path.name}: not TOML: {error}") from error
    return made(data, path.name)


def made(data: Mapping[str, Any], name: str) -> LabelSet:
    """A label set from the tables of its file, which errors call `name`.

    Raises:
        LabelError: as `read`.
    """
    rules = {rule.key: rule for rule in _rules(data, name)}
    missing = sorted(set(_keys()) - set(rules))
    unknown = sorted(set(rules) - set(_keys()))
    if missing or unknown:
        raise LabelError(
            f"{name}: missing {', '.join(missing) or 'nothing'}; unknown {', '.join(unknown) or 'nothing'}"
        )
    values = {figure: _figure(figure, rules, name) for figure in FIGURES}
    version = data.get("version")
    if not isinstance(version, int) or version < 1:
        raise LabelError(f"{name}: version must be a whole number from 1 on")
    found = LabelSet(code=str(data.get("code")), name=str(data.get("name")), version=version, rules=rules, **values)
    _check(found, name)
    return found


def _keys() -> list[str]:
    """Every figure's key in the data: one with bands is a figure for each."""
    return [f"{figure}.{band}" if band else figure for figure in FIGURES for band in _BY_BAND.get(figure, ("",))]


def _rules(data: Mapping[str, Any], name: str) -> list[Rule]:
    tables = {key: table for key, table in data.items() if isinstance(table, Mapping)}
    flat: dict[str, Mapping[str, Any]] = {}
    for key, table in tables.items():
        inner = {f"{key}.{band}": each for band, each in table.items() if isinstance(each, Mapping)}
        flat |= inner or {key: table}
    return [_rule(key, table, name) for key, table in flat.items()]


def _rule(key: str, table: Mapping[str, Any], name: str) -> Rule:
    given = table.get("value")
    texts = given if isinstance(given, list) else [given]
    try:
        values = tuple(Decimal(text) for text in texts if isinstance(text, str))
    except InvalidOperation:
        values = ()
    if not values or len(values) != len(texts) or any(not value.is_finite() or value <= 0 for value in values):
        raise LabelError(f"{name}: {key}: value must be a number above 0 in quotes, or a list of such")
    unit, status, source = (str(table.get(part, "")).strip() for part in ("unit", "status", "source"))
    if not unit or not source or status not in STATUSES:
        raise LabelError(f"{name}: {key}: needs unit and source, and a status of {', '.join(STATUSES)}")
    return Rule(key, values, unit, status, source)


def _figure(figure: str, rules: Mapping[str, Rule], name: str) -> Any:
    if figure in _BY_BAND:
        return {band: _range(rules[f"{figure}.{band}"], name) for band in _BY_BAND[figure]}
    rule = rules[figure]
    if figure in _RANGES:
        return _range(rule, name)
    if figure in _LISTS:
        return rule.values
    if len(rule.values) != 1:
        raise LabelError(f"{name}: {figure}: is one number")
    return rule.values[0]


def _range(rule: Rule, name: str) -> Range:
    if len(rule.values) != 2 or rule.values[0] >= rule.values[1]:
        raise LabelError(f"{name}: {rule.key}: is a low and a higher end")
    return rule.values[0], rule.values[1]


def _check(labels: LabelSet, name: str) -> None:
    """What holds between figures."""
    if tuple(sorted(labels.screening_doses_mcg)) != labels.screening_doses_mcg:
        raise LabelError(f"{name}: screening_doses_mcg: from the smallest to the largest")
    if not labels.least_age_years < labels.young_age_years < labels.adult_age_years:
        raise LabelError(f"{name}: ages: least_age_years, young_age_years, adult_age_years grow in this order")
    for band in BANDS:
        if labels.maintenance_step_pct[band][1] < labels.titration_step_pct[band][1]:
            raise LabelError(f"{name}: maintenance_step_pct.{band}: its upper end is below that of titration")


def _all(paths: Sequence[Path]) -> dict[str, LabelSet]:
    found = {path.stem: read(path) for path in paths}
    for stem, labels in found.items():
        if labels.code != stem:
            raise LabelError(f"{stem}.toml: code must be {stem}")
    return found


# By code, `us` first: the order of `clinical.terms.LABELS`.
LABEL_SETS = _all([FOLDER / "us.toml", FOLDER / "uk.toml"])

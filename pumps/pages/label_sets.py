"""The figures of the drug's labels that proposals are held against, each with its status and source."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from clinical.labels import LABEL_SETS, STATUSES, LabelSet, Rule
from clinical.units import plain

NAMES = {
    "market_concentrations_mcg_per_ml": "Concentrations on the market for pumps",
    "screening_concentration_mcg_per_ml": "Concentration for screening",
    "screening_doses_mcg": "Screening boluses, in turn",
    "screening_dose_small_mcg": "First bolus of a very small patient",
    "screening_interval_hours": "Between screening boluses, at least",
    "screening_observe_hours": "Observation after a bolus",
    "screening_minutes": "A bolus takes, at least",
    "first_dose_factor": "First daily dose",
    "first_dose_long_effect_hours": "A long effect lasts more than",
    "first_dose_long_effect_factor": "First daily dose after a long effect",
    "increase_interval_hours": "Between increases, and before the first",
    "titration_step_pct": "Step up in titration",
    "maintenance_step_pct": "Step up in maintenance",
    "decrease_pct": "Step down for side effects",
    "dose_range_mcg": "Range of the daily dose",
    "usual_dose_mcg": "Usual daily dose",
    "limited_experience_mcg": "Limited experience above",
    "high_dose_mcg": "A high dose is above",
    "high_dose_step_pct": "A step from a high dose, at most",
    "creep_mcg_per_year": "More in a year asks for a look at pump and catheter",
    "adult_age_years": "An adult from",
    "young_age_years": "Usual doses of a child below",
    "least_age_years": "The label is for",
    "slip_factor": "An hourly rate taken for a daily dose",
    "slip_tolerance_pct": "Taken for one within",
    "start_concentration_mcg_per_ml": "Concentration to begin with",
}


@dataclass(frozen=True)
class Line:
    name: str
    value: str
    rule: Rule
    status: str


@dataclass(frozen=True)
class Shown:
    labels: LabelSet
    lines: Sequence[Line]


def label_sets(request: HttpRequest) -> HttpResponse:
    """Every figure of every label set. They are data of the program, not of a clinic."""
    shown = [Shown(labels, [_line(rule) for rule in labels.rules.values()]) for labels in LABEL_SETS.values()]
    return render(request, "pumps/label_sets.html", {"sets": shown})


def _line(rule: Rule) -> Line:
    figure, _, band = rule.key.partition(".")
    name = f"{NAMES[figure]}, {band}" if band else NAMES[figure]
    between = " to " if len(rule.values) == 2 and "each" not in rule.unit else ", "
    value = f"{between.join(plain(value) for value in rule.values)} {rule.unit.partition(',')[0]}"
    return Line(name, value, rule, STATUSES[rule.status])

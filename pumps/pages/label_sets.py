"""The figures of the drug's labels that proposals are held against, each with its status and source."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinical.labels import LABEL_SETS, STATUSES, LabelSet, Rule
from clinical.units import plain
from clinics.saying import said

NAMES = {
    "market_concentrations_mcg_per_ml": gettext_lazy("Concentrations on the market for pumps"),
    "screening_concentration_mcg_per_ml": gettext_lazy("Concentration for screening"),
    "screening_doses_mcg": gettext_lazy("Screening boluses, in turn"),
    "screening_dose_small_mcg": gettext_lazy("First bolus of a very small patient"),
    "screening_interval_hours": gettext_lazy("Between screening boluses, at least"),
    "screening_observe_hours": gettext_lazy("Observation after a bolus"),
    "screening_minutes": gettext_lazy("A bolus takes, at least"),
    "first_dose_factor": gettext_lazy("First daily dose"),
    "first_dose_long_effect_hours": gettext_lazy("A long effect lasts more than"),
    "first_dose_long_effect_factor": gettext_lazy("First daily dose after a long effect"),
    "increase_interval_hours": gettext_lazy("Between increases, and before the first"),
    "titration_step_pct": gettext_lazy("Step up in titration"),
    "maintenance_step_pct": gettext_lazy("Step up in maintenance"),
    "decrease_pct": gettext_lazy("Step down for side effects"),
    "dose_range_mcg": gettext_lazy("Range of the daily dose"),
    "usual_dose_mcg": gettext_lazy("Usual daily dose"),
    "limited_experience_mcg": gettext_lazy("Limited experience above"),
    "high_dose_mcg": gettext_lazy("A high dose is above"),
    "high_dose_step_pct": gettext_lazy("A step from a high dose, at most"),
    "creep_mcg_per_year": gettext_lazy("More in a year asks for a look at pump and catheter"),
    "adult_age_years": gettext_lazy("An adult from"),
    "young_age_years": gettext_lazy("Usual doses of a child below"),
    "least_age_years": gettext_lazy("The label is for"),
    "slip_factor": gettext_lazy("An hourly rate taken for a daily dose"),
    "slip_tolerance_pct": gettext_lazy("Taken for one within"),
    "start_concentration_mcg_per_ml": gettext_lazy("Concentration to begin with"),
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
    figure, _dot, band = rule.key.partition(".")
    name = f"{NAMES[figure]}, {said(band)}" if band else str(NAMES[figure])
    values, unit = [plain(value) for value in rule.values], said(rule.unit.partition(",")[0])
    if len(values) == 2 and "each" not in rule.unit:
        value = _("%(low)s to %(high)s %(unit)s") % {"low": values[0], "high": values[1], "unit": unit}
    else:
        value = f"{', '.join(values)} {unit}"
    return Line(name, value, rule, said(STATUSES[rule.status]))

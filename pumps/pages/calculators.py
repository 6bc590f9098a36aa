"""The calculators for people: small forms on one page, and what each answers. Nothing is stored."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from clinical.bridging import Direction
from clinical.findings import Finding
from clinical.titration import Outcome
from clinical.units import plain
from clinics.errors import Impossible
from clinics.models import Clinic
from clinics.pages import user_of
from clinics.words import moment_words
from pumps.forms.calculators import (
    BridgeCalculatorForm,
    CalculatorForm,
    CatheterCalculatorForm,
    InitialDoseForm,
    RefillCalculatorForm,
    ResidualCalculatorForm,
    ScreeningForm,
    TitrationCalculatorForm,
)
from pumps.pages.words import SEVERITY_WORDS
from pumps.services import calculators as services


@dataclass(frozen=True)
class Figure:
    """A result in words with its unit, and the formula behind it."""

    name: str
    value: str
    why: str


@dataclass(frozen=True)
class Answer:
    figures: Sequence[Figure]
    findings: Sequence[dict[str, str]] = ()
    note: str = ""


@dataclass(frozen=True)
class Calculator:
    """A form on the page, its source, and the answer where it was sent and can be answered."""

    title: str
    source: str
    form: CalculatorForm
    answer: Answer | None


def page(request: HttpRequest) -> HttpResponse:
    """Sent or opened by a link with its values; only the form that was sent is answered."""
    data = request.POST if request.method == "POST" else request.GET
    zone = _zone(request)
    forms = [kind(data, zone) for _, kind, _ in _CALCULATORS]
    calculators = [
        Calculator(*words, form, _answered(form, compute, zone))
        for form, (words, _, compute) in zip(forms, _CALCULATORS, strict=True)
    ]
    return render(request, "pumps/calculators.html", {"calculators": calculators, **{f.prefix: f for f in forms}})


def _zone(request: HttpRequest) -> ZoneInfo:
    """The clinic's timezone of somebody who has one clinic, else UTC."""
    clinics = Clinic.objects.visible_to(user_of(request))[:2]
    return clinics[0].zone if len(clinics) == 1 else ZoneInfo("UTC")


Compute = Callable[[dict[str, Any], ZoneInfo], Answer]


def _answered(form: CalculatorForm, compute: Compute, zone: ZoneInfo) -> Answer | None:
    if not form.is_valid():
        return None
    try:
        return compute(form.cleaned_data, zone)
    except Impossible as error:
        form.take(error.errors)
        return None


def number(value: Decimal) -> str:
    """Six significant digits, without an exponent."""
    return plain(Decimal(f"{value:.6g}"))


def shown(findings: Sequence[Finding]) -> list[dict[str, str]]:
    return [{**finding.as_json(), "word": SEVERITY_WORDS[finding.severity.value]} for finding in findings]


def _refill(values: dict[str, Any], zone: ZoneInfo) -> Answer:
    found = services.refill(**values)
    low = f"{number(found.days_to_low)} days, {moment_words(found.low_at, zone)}"
    empty = f"{number(found.days_to_empty)} days, {moment_words(found.empty_at, zone)}"
    return Answer(
        [
            Figure("Flow", f"{number(found.rate_ml_per_day)} mL/day", "daily dose / concentration"),
            Figure("Low after", low, "(volume - low level) / flow"),
            Figure("Empty after", empty, "volume / flow"),
        ]
    )


_EFFECTS = {
    Direction.UNDER_DOSE: "an under-dose: watch for withdrawal",
    Direction.OVER_DOSE: "an over-dose: watch for drowsiness and slow breathing",
    Direction.SAME: "the same drug",
}


def _bridge(values: dict[str, Any], zone: ZoneInfo) -> Answer:
    found = services.bridge_bolus(**values)
    without = found.unbridged
    given = f"{number(without.dose_mcg_per_day)} mcg/day for {number(without.hours)} hours"
    return Answer(
        [
            Figure("Volume", f"{number(found.volume_ml)} mL", "tubing + catheter"),
            Figure("Bolus", f"{number(found.bolus_mcg)} mcg", "volume x concentration before"),
            Figure("Duration", f"{number(found.duration_hours)} hours", "bolus / daily dose before x 24"),
            Figure("Flow", f"{number(found.rate_ml_per_day)} mL/day", "daily dose before / concentration before"),
            Figure(
                "Without a bridge",
                f"{given}, {_EFFECTS[without.direction]}",
                "concentration before x flow after, while the volume flows; flow after = dose / concentration after",
            ),
        ]
    )


def _residual(values: dict[str, Any], zone: ZoneInfo) -> Answer:
    found = services.residual(**values)
    ratio = f"{number(found.flow_ratio)} times" if found.flow_ratio is not None else "not known: nothing flowed"
    return Answer(
        [
            Figure("Expected", f"{number(found.expected_ml)} mL", "filled - programmed, never below 0"),
            Figure("Discrepancy", f"{number(found.discrepancy_ml)} mL", "expected - aspirated"),
            Figure("Flow ratio", ratio, "(filled - aspirated) / programmed"),
        ],
        shown(found.findings),
        "" if found.findings else "Within 2 mL either way and within the device's accuracy.",
    )


def _catheter(values: dict[str, Any], zone: ZoneInfo) -> Answer:
    volume, findings = services.catheter_volume(**values)
    per_cm = plain(values["model"].catheter_ml_per_cm)
    why = f"implanted length x {per_cm} mL/cm, from the catalogue of pump models"
    if values["trimmed_cm"] is not None:
        why = f"({plain(values['model'].catheter_length_cm)} cm - trimmed) x {per_cm} mL/cm, from the catalogue"
    return Answer([Figure("Catheter", f"{number(volume)} mL", why)], shown(findings))


def _titration(values: dict[str, Any], zone: ZoneInfo) -> Answer:
    found = services.titration_step(**values)
    hourly = f"{number(values['proposed_daily_dose_mcg'] / 24)} mcg/h"
    return Answer(
        [
            Figure("Change", f"{number(found.change_pct)} %", "(proposed - now) / now"),
            Figure("Proposed, per hour", hourly, "proposed daily dose / 24"),
            Figure(
                "Usual band",
                f"{number(found.allowed.least)} to {number(found.allowed.most)} mcg/day",
                "now less the largest step down, to now and the largest step up",
            ),
        ],
        shown(found.findings),
        "" if found.findings else "Within the label's bounds.",
    )


def _first(values: dict[str, Any], zone: ZoneInfo) -> Answer:
    found = services.initial_dose(**values)
    hourly = f"{number(found.daily_dose_mcg)} mcg/day ({number(found.daily_dose_mcg / 24)} mcg/h)"
    return Answer([Figure("First daily dose", hourly, f"{found.why}. {found.source}")])


_OUTCOMES = {
    Outcome.GIVE: "A bolus may follow",
    Outcome.OBSERVE: "Observe the last bolus",
    Outcome.RESPONDED: "The screening has ended: a response",
    Outcome.NOT_A_CANDIDATE: "The screening has ended: no response",
}


def _screening(values: dict[str, Any], zone: ZoneInfo) -> Answer:
    found = services.screening_step(**values)
    figures = [Figure("Now", _OUTCOMES[found.outcome], f"{found.why}. {found.source}")]
    if found.next_dose_mcg is not None:
        figures.append(Figure("Next bolus", f"{number(found.next_dose_mcg)} mcg", "the label's next dose"))
    if found.not_before is not None:
        figures.append(Figure("Not before", moment_words(found.not_before, zone), "the label's interval"))
    return Answer(figures)


_CALCULATORS: tuple[tuple[tuple[str, str], type[CalculatorForm], Compute], ...] = (
    (
        ("How long a fill lasts", "clinical rules, section 2 (programmed flow, low-reservoir date)"),
        RefillCalculatorForm,
        _refill,
    ),
    (
        ("Bridge bolus", "clinical rules, section 2 (bridge bolus): derived; required by Boster 2016"),
        BridgeCalculatorForm,
        _bridge,
    ),
    (
        ("What should be left", "clinical rules, section 2 (discrepancy, device accuracy limits); ASRA 2017"),
        ResidualCalculatorForm,
        _residual,
    ),
    (
        ("Catheter volume", "clinical rules, section 2 (catheter volume): Prometra II manual; others to be verified"),
        CatheterCalculatorForm,
        _catheter,
    ),
    (
        ("A step of the dose", "clinical rules, section 3 (titration and maintenance steps, severity)"),
        TitrationCalculatorForm,
        _titration,
    ),
    (("First daily dose", "clinical rules, section 3 (first daily dose)"), InitialDoseForm, _first),
    (("Screening", "clinical rules, section 3 (screening boluses)"), ScreeningForm, _screening),
)

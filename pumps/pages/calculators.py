"""The calculators for people: small forms on one page, and what each answers. Nothing is stored."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from clinical.bridging import Direction
from clinical.findings import Finding
from clinical.saying import say
from clinical.titration import Outcome
from clinical.units import plain
from clinics.errors import Impossible
from clinics.models import Clinic
from clinics.pages import user_of
from clinics.saying import said
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
    forms = [kind(data, zone) for _words, kind, _compute in _CALCULATORS]
    calculators = [
        Calculator(str(words[0]), words[1], form, _answered(form, compute, zone))
        for form, (words, _kind, compute) in zip(forms, _CALCULATORS, strict=True)
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
    return [{**finding.as_json(), "word": str(SEVERITY_WORDS[finding.severity.value])} for finding in findings]


def _refill(values: dict[str, Any], zone: ZoneInfo) -> Answer:
    found = services.refill(**values)
    low = _("%(days_to_low)s days, %(low_at)s") % {
        "days_to_low": number(found.days_to_low),
        "low_at": moment_words(found.low_at, zone),
    }
    empty = _("%(days_to_empty)s days, %(empty_at)s") % {
        "days_to_empty": number(found.days_to_empty),
        "empty_at": moment_words(found.empty_at, zone),
    }
    return Answer(
        [
            Figure(
                _("Flow"),
                _("%(rate_ml_per_day)s mL/day") % {"rate_ml_per_day": number(found.rate_ml_per_day)},
                _("daily dose / concentration"),
            ),
            Figure(_("Low after"), low, _("(volume - low level) / flow")),
            Figure(_("Empty after"), empty, _("volume / flow")),
        ]
    )


_EFFECTS = {
    Direction.UNDER_DOSE: gettext_lazy("an under-dose: watch for withdrawal"),
    Direction.OVER_DOSE: gettext_lazy("an over-dose: watch for drowsiness and slow breathing"),
    Direction.SAME: gettext_lazy("the same drug"),
}


def _bridge(values: dict[str, Any], zone: ZoneInfo) -> Answer:
    found = services.bridge_bolus(**values)
    without = found.unbridged
    given = _("%(dose_mcg_per_day)s mcg/day for %(hours)s hours") % {
        "dose_mcg_per_day": number(without.dose_mcg_per_day),
        "hours": number(without.hours),
    }
    return Answer(
        [
            Figure(_("Volume"), _("%(volume_ml)s mL") % {"volume_ml": number(found.volume_ml)}, _("tubing + catheter")),
            Figure(
                _("Bolus"),
                _("%(bolus_mcg)s mcg") % {"bolus_mcg": number(found.bolus_mcg)},
                _("volume x concentration before"),
            ),
            Figure(
                _("Duration"),
                _("%(duration_hours)s hours") % {"duration_hours": number(found.duration_hours)},
                _("bolus / daily dose before x 24"),
            ),
            Figure(
                _("Flow"),
                _("%(rate_ml_per_day)s mL/day") % {"rate_ml_per_day": number(found.rate_ml_per_day)},
                _("daily dose before / concentration before"),
            ),
            Figure(
                _("Without a bridge"),
                f"{given}, {_EFFECTS[without.direction]}",
                _("concentration before x flow after, while the volume flows; flow after = dose / concentration after"),
            ),
        ]
    )


def _residual(values: dict[str, Any], zone: ZoneInfo) -> Answer:
    found = services.residual(**values)
    ratio = (
        _("%(flow_ratio)s times") % {"flow_ratio": number(found.flow_ratio)}
        if found.flow_ratio is not None
        else _("not known: nothing flowed")
    )
    return Answer(
        [
            Figure(
                _("Expected"),
                _("%(expected_ml)s mL") % {"expected_ml": number(found.expected_ml)},
                _("filled - programmed, never below 0"),
            ),
            Figure(
                _("Discrepancy"),
                _("%(discrepancy_ml)s mL") % {"discrepancy_ml": number(found.discrepancy_ml)},
                _("expected - aspirated"),
            ),
            Figure(_("Flow ratio"), ratio, _("(filled - aspirated) / programmed")),
        ],
        shown(found.findings),
        "" if found.findings else _("Within 2 mL either way and within the device's accuracy."),
    )


def _catheter(values: dict[str, Any], zone: ZoneInfo) -> Answer:
    volume, findings = services.catheter_volume(**values)
    per_cm = plain(values["model"].catheter_ml_per_cm)
    why = _("implanted length x %(per_cm)s mL/cm, from the catalogue of pump models") % {"per_cm": per_cm}
    if values["trimmed_cm"] is not None:
        why = _("(%(catheter_length_cm)s cm - trimmed) x %(per_cm)s mL/cm, from the catalogue") % {
            "catheter_length_cm": plain(values["model"].catheter_length_cm),
            "per_cm": per_cm,
        }
    return Answer([Figure(_("Catheter"), _("%(volume)s mL") % {"volume": number(volume)}, why)], shown(findings))


def _titration(values: dict[str, Any], zone: ZoneInfo) -> Answer:
    found = services.titration_step(**values)
    hourly = _("%(hourly)s mcg/h") % {"hourly": number(values["proposed_daily_dose_mcg"] / 24)}
    return Answer(
        [
            Figure(pgettext("noun", "Change"), f"{number(found.change_pct)} %", _("(proposed - now) / now")),
            Figure(_("Proposed, per hour"), hourly, _("proposed daily dose / 24")),
            Figure(
                _("Usual band"),
                _("%(least)s to %(most)s mcg/day")
                % {"least": number(found.allowed.least), "most": number(found.allowed.most)},
                _("now less the largest step down, to now and the largest step up"),
            ),
        ],
        shown(found.findings),
        "" if found.findings else _("Within the label's bounds."),
    )


def _first(values: dict[str, Any], zone: ZoneInfo) -> Answer:
    found = services.initial_dose(**values)
    hourly = _("%(dose)s mcg/day (%(hourly)s mcg/h)") % {
        "dose": number(found.daily_dose_mcg),
        "hourly": number(found.daily_dose_mcg / 24),
    }
    return Answer([Figure(_("First daily dose"), hourly, f"{said(found.why)}. {said(found.source)}")])


_OUTCOMES = {
    Outcome.GIVE: gettext_lazy("A bolus may follow"),
    Outcome.OBSERVE: gettext_lazy("Observe the last bolus"),
    Outcome.RESPONDED: gettext_lazy("The screening has ended: a response"),
    Outcome.NOT_A_CANDIDATE: gettext_lazy("The screening has ended: no response"),
}


def _screening(values: dict[str, Any], zone: ZoneInfo) -> Answer:
    found = services.screening_step(**values)
    figures = [Figure(_("Now"), str(_OUTCOMES[found.outcome]), f"{said(found.why)}. {said(found.source)}")]
    if found.next_dose_mcg is not None:
        figures.append(
            Figure(
                _("Next bolus"),
                _("%(next_dose_mcg)s mcg") % {"next_dose_mcg": number(found.next_dose_mcg)},
                _("the label's next dose"),
            )
        )
    if found.not_before is not None:
        figures.append(Figure(_("Not before"), moment_words(found.not_before, zone), _("the label's interval")))
    return Answer(figures)


_CALCULATORS: tuple[tuple[tuple[Promise, str], type[CalculatorForm], Compute], ...] = (
    (
        (
            gettext_lazy("How long a fill lasts"),
            say("clinical rules, section 2 (programmed flow, low-reservoir date)"),
        ),
        RefillCalculatorForm,
        _refill,
    ),
    (
        (
            gettext_lazy("Bridge bolus"),
            say("clinical rules, section 2 (bridge bolus): derived; required by Boster 2016"),
        ),
        BridgeCalculatorForm,
        _bridge,
    ),
    (
        (
            gettext_lazy("What should be left"),
            say("clinical rules, section 2 (discrepancy, device accuracy limits); ASRA 2017"),
        ),
        ResidualCalculatorForm,
        _residual,
    ),
    (
        (
            gettext_lazy("Catheter volume"),
            say("clinical rules, section 2 (catheter volume): Prometra II manual; others to be verified"),
        ),
        CatheterCalculatorForm,
        _catheter,
    ),
    (
        (
            gettext_lazy("A step of the dose"),
            say("clinical rules, section 3 (titration and maintenance steps, severity)"),
        ),
        TitrationCalculatorForm,
        _titration,
    ),
    (
        (gettext_lazy("First daily dose"), say("clinical rules, section 3 (first daily dose)")),
        InitialDoseForm,
        _first,
    ),
    (
        (gettext_lazy("Screening"), say("clinical rules, section 3 (screening boluses)")),
        ScreeningForm,
        _screening,
    ),
)

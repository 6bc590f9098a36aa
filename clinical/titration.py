"""Proposed doses held against a label set: the first dose, a step, and the next bolus of a screening.

Nothing here is a prescription. `block` findings are for proposals and signatures, which a prescriber may override with
a reason; what has happened to a pump is recorded whatever they say (design, section 1).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from enum import StrEnum

from clinical.findings import Finding, Severity, of_dose
from clinical.labels import LabelSet
from clinical.saying import say
from clinical.units import plain

BAND_WORDS = {
    "spinal": say("spasticity of spinal origin"),
    "cerebral": say("spasticity of cerebral origin"),
}


class Phase(StrEnum):
    TITRATION = "titration"
    MAINTENANCE = "maintenance"


PHASE_WORDS = {Phase.TITRATION: say("titration"), Phase.MAINTENANCE: say("maintenance")}


@dataclass(frozen=True)
class Step:
    """A change of the daily dose, mcg/day, both above 0; `hours_since_last_change` is since the last one or the start.

    `origin` is spinal or cerebral.
    """

    origin: str
    age_years: int
    phase: Phase
    current_mcg: Decimal
    proposed_mcg: Decimal
    hours_since_last_change: Decimal

    @property
    def change_pct(self) -> Decimal:
        """% of the present dose; negative for a decrease."""
        return (self.proposed_mcg - self.current_mcg) * 100 / self.current_mcg

    def is_within(self, pct: Decimal) -> bool:
        """Whether the dose grows by at most so many %: exactly, without a quotient that is rounded."""
        return (self.proposed_mcg - self.current_mcg) * 100 <= pct * self.current_mcg

    def is_below(self, pct: Decimal) -> bool:
        """Whether the dose grows by less than so many %."""
        return (self.proposed_mcg - self.current_mcg) * 100 < pct * self.current_mcg

    def is_less_by(self, pct: Decimal) -> bool:
        """Whether the dose falls by more than so many %."""
        return (self.current_mcg - self.proposed_mcg) * 100 > pct * self.current_mcg


@dataclass(frozen=True)
class Allowed:
    """mcg/day. `most` is the upper end of the band, `least` the present dose less the largest step down."""

    least: Decimal
    most: Decimal


def allowed(step: Step, labels: LabelSet) -> Allowed:
    """The band a proposal is drawn in. Source: clinical rules, section 3 (steps up and down)."""
    _, most = _band(step, labels)
    share = step.current_mcg / 100
    return Allowed(step.current_mcg - labels.decrease_pct[1] * share, step.current_mcg + most * share)


def findings(step: Step, labels: LabelSet) -> list[Finding]:
    """What there is to say of a proposal, gravest first; empty if nothing.

    block: `too_soon`, `step_above_band`; warn: `factor_24`, `dose_above_1000`, `dose_out_of_range`,
    `step_high_dose`, `step_below_band`, `age_below_label`; info: `step_small`, `dose_unusual`.
    Source: clinical rules, section 3 (severity of a proposed change).
    """
    found = [
        *_of_increase(step, labels),
        *_of_slip(step, labels),
        *of_dose(float(step.proposed_mcg), labels),
        *_of_usual(step, labels),
        *_of_patient(step, labels),
    ]
    order = [Severity.BLOCK, Severity.WARN, Severity.INFO]
    return sorted(found, key=lambda finding: order.index(finding.severity))


def _band(step: Step, labels: LabelSet) -> tuple[Decimal, Decimal]:
    """The step up of the phase, from its lower to its upper end, %."""
    bands = labels.titration_step_pct if step.phase is Phase.TITRATION else labels.maintenance_step_pct
    return bands[labels.band(step.origin, step.age_years)]


def _of_increase(step: Step, labels: LabelSet) -> list[Finding]:
    if step.proposed_mcg <= step.current_mcg:
        return _of_decrease(step, labels)
    found = []
    wait = labels.increase_interval_hours
    if step.hours_since_last_change < wait:
        hours = plain(step.hours_since_last_change.quantize(Decimal("0.1"), rounding=ROUND_DOWN))
        told = say(
            "%(hours)s h after the last change: one increase in %(wait)s h is allowed, and none in "
            "the first %(wait)s h.",
            hours=hours,
            wait=wait,
        )
        found.append(Finding("too_soon", Severity.BLOCK, told, labels.source_of("increase_interval_hours")))
    band, (least, most) = labels.band(step.origin, step.age_years), _band(step, labels)
    name = "titration_step_pct" if step.phase is Phase.TITRATION else "maintenance_step_pct"
    source, whose = labels.source_of(f"{name}.{band}"), band_words(band, labels)
    if not step.is_within(most):
        told = say(
            "%(step)s more than now: the label's step in %(phase)s is at most %(most)s %% for %(whose)s.",
            step=_pct(step),
            phase=PHASE_WORDS[step.phase],
            most=most,
            whose=whose,
        )
        found.append(Finding("step_above_band", Severity.BLOCK, told, source))
    elif step.is_below(least):
        told = say(
            "%(step)s more than now is below the usual step in %(phase)s of %(least)s to %(most)s %% for %(whose)s.",
            step=_pct(step),
            phase=PHASE_WORDS[step.phase],
            least=least,
            most=most,
            whose=whose,
        )
        found.append(Finding("step_small", Severity.INFO, told, source))
    if step.current_mcg > labels.high_dose_mcg and not step.is_within(labels.high_dose_step_pct):
        told = say(
            "%(step)s more than %(current_mcg)s mcg/day: above %(high_dose_step_pct)s %% may be "
            "excessive from a high dose (above %(high_dose_mcg)s mcg/day, our reading: the source "
            "has no number).",
            step=_pct(step),
            current_mcg=plain(step.current_mcg),
            high_dose_step_pct=labels.high_dose_step_pct,
            high_dose_mcg=labels.high_dose_mcg,
        )
        found.append(Finding("step_high_dose", Severity.WARN, told, labels.source_of("high_dose_step_pct")))
    return found


def _of_decrease(step: Step, labels: LabelSet) -> list[Finding]:
    """A decrease is never blocked, however soon: it may be what saves the patient."""
    most = labels.decrease_pct[1]
    if not step.is_less_by(most):
        return []
    told = say(
        "%(step)s less than now: a decrease of more than %(most)s %% can bring on withdrawal.",
        step=_pct(step),
        most=most,
    )
    return [Finding("step_below_band", Severity.WARN, told, labels.source_of("decrease_pct"))]


def _of_slip(step: Step, labels: LabelSet) -> list[Finding]:
    """An hourly rate taken for a daily dose, or the other way round: new / old near 24 or 1/24."""
    factor, tolerance = labels.slip_factor, labels.slip_tolerance_pct / 100
    now, new = step.current_mcg, step.proposed_mcg
    for more, less in ((new, now), (now, new)):
        exact = factor * less
        if abs(more - exact) <= tolerance * exact:
            told = (
                say(
                    "%(new)s mcg/day would be about %(factor)s times what it is now: is it a rate per hour, or the "
                    "other way round?",
                    new=plain(new),
                    factor=factor,
                )
                if more is new
                else say(
                    "%(new)s mcg/day is about %(factor)s times less than now: is it a rate per hour, or the "
                    "other way round?",
                    new=plain(new),
                    factor=factor,
                )
            )
            return [Finding("factor_24", Severity.WARN, told, labels.source_of("slip_factor"))]
    return []


def _of_usual(step: Step, labels: LabelSet) -> list[Finding]:
    dose, band = step.proposed_mcg, labels.usual_band(step.origin, step.age_years)
    least, most = labels.usual_dose_mcg[band]
    if least <= dose <= most:
        return []
    told = say(
        "%(dose)s mcg/day is outside the usual %(least)s to %(most)s mcg/day for %(band)s.",
        dose=plain(dose),
        least=least,
        most=most,
        band=band_words(band, labels),
    )
    return [Finding("dose_unusual", Severity.INFO, told, labels.source_of(f"usual_dose_mcg.{band}"))]


def _of_patient(step: Step, labels: LabelSet) -> list[Finding]:
    if step.age_years >= labels.least_age_years:
        return []
    told = say(
        "The patient is %(age)s: the label is for %(least_age_years)s years and above.",
        age=step.age_years,
        least_age_years=labels.least_age_years,
    )
    return [Finding("age_below_label", Severity.WARN, told, labels.source_of("least_age_years"))]


def _pct(step: Step) -> str:
    return f"{plain(abs(step.change_pct).quantize(Decimal('0.1')))} %"


def band_words(band: str, labels: LabelSet) -> str:
    """Whose band it is."""
    if band in BAND_WORDS:
        return BAND_WORDS[band]
    years = labels.adult_age_years if band == "child" else labels.young_age_years
    return say("a patient under %(years)s years", years=years)


# --- the first dose ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FirstDose:
    """`daily_dose_mcg` is `factor` times the effective screening dose, because `why`."""

    daily_dose_mcg: Decimal
    factor: Decimal
    why: str
    source: str


def first_dose(*, screening_dose_mcg: Decimal, effect_hours: Decimal, labels: LabelSet) -> FirstDose:
    """The first daily dose after a screening bolus that worked. Source: clinical rules, section 3 (first daily dose).

    An effect that lasted longer than the label's hours is not doubled; exactly so long still is.
    """
    limit = labels.first_dose_long_effect_hours
    is_long = effect_hours > limit
    factor = labels.first_dose_long_effect_factor if is_long else labels.first_dose_factor
    why = (
        say(
            "the effect of %(screening_dose_mcg)s mcg lasted more than %(limit)s h, so %(factor)s times that dose",
            screening_dose_mcg=plain(screening_dose_mcg),
            limit=limit,
            factor=factor,
        )
        if is_long
        else say(
            "the effect of %(screening_dose_mcg)s mcg lasted at most %(limit)s h, so %(factor)s times that dose",
            screening_dose_mcg=plain(screening_dose_mcg),
            limit=limit,
            factor=factor,
        )
    )
    key = "first_dose_long_effect_hours" if is_long else "first_dose_factor"
    return FirstDose(factor * screening_dose_mcg, factor, why, labels.source_of(key))


# --- screening --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Bolus:
    """A screening bolus: mcg, when, and whether the patient responded; None while that is not known yet."""

    at: datetime
    dose_mcg: Decimal
    responded: bool | None


class Outcome(StrEnum):
    """Where a screening stands: give a bolus, wait, observe the last one, or it has ended either way."""

    GIVE = "give"
    OBSERVE = "observe"
    RESPONDED = "responded"
    NOT_A_CANDIDATE = "not_a_candidate"


@dataclass(frozen=True)
class Screening:
    """`next_dose_mcg` and from when on it may be given, where another bolus may follow; `at` None means now."""

    outcome: Outcome
    why: str
    source: str
    next_dose_mcg: Decimal | None = None
    not_before: datetime | None = None


def screening(boluses: Sequence[Bolus], labels: LabelSet, *, starts_small: bool) -> Screening:
    """What may follow in a screening: it stops at the first response, and after the largest dose without one.

    `starts_small` begins with the smaller dose, for a very small patient. Boluses in any order.
    Source: clinical rules, section 3 (screening boluses, no response at 100 mcg).
    """
    given = sorted(boluses, key=lambda bolus: bolus.at)
    doses, source = labels.screening_doses_mcg, labels.source_of("screening_doses_mcg")
    worked = next((bolus for bolus in given if bolus.responded), None)
    if worked is not None:
        why = say("the patient responded to %(dose_mcg)s mcg: no further bolus", dose_mcg=plain(worked.dose_mcg))
        return Screening(Outcome.RESPONDED, why, source)
    if not given:
        first = labels.screening_dose_small_mcg if starts_small else doses[0]
        return Screening(Outcome.GIVE, say("begin with %(first)s mcg", first=plain(first)), source, first)
    last = given[-1]
    if last.responded is None:
        least, most = labels.screening_observe_hours
        why = say("observe for %(least)s to %(most)s h, then say whether the patient responded", least=least, most=most)
        return Screening(Outcome.OBSERVE, why, labels.source_of("screening_observe_hours"))
    larger = [dose for dose in doses if dose > last.dose_mcg]
    if not larger:
        why = say("no response to %(dose_mcg)s mcg: not a candidate for a pump", dose_mcg=plain(last.dose_mcg))
        return Screening(Outcome.NOT_A_CANDIDATE, why, source)
    wait = labels.screening_interval_hours
    not_before = last.at + timedelta(hours=float(wait))
    why = say(
        "no response to %(dose_mcg)s mcg: %(larger)s mcg, at least %(wait)s h after it",
        dose_mcg=plain(last.dose_mcg),
        larger=plain(larger[0]),
        wait=wait,
    )
    return Screening(Outcome.GIVE, why, labels.source_of("screening_interval_hours"), larger[0], not_before)


# --- creep ------------------------------------------------------------------------------------------------------------

YEAR, MONTH = timedelta(days=365), timedelta(days=30)


@dataclass(frozen=True)
class Dose:
    """A daily dose that ran from `at` on, mcg/day."""

    at: datetime
    daily_dose_mcg: Decimal


def creep(doses: Sequence[Dose], now: datetime, labels: LabelSet, *, band: str, since: datetime) -> Finding | None:
    """`dose_creep`, where the dose has grown by more than the label's figure within a year, or by more than a whole
    step of maintenance within 30 days; None otherwise.

    `doses` in order, with what is proposed as the last where that is asked; `since` is when maintenance began: a dose
    grows in titration on purpose. 30 days are our reading of a sudden large need: the source has no number.
    Source: clinical rules, section 3 (dose up more than 100 mcg in a year, or sudden large need).
    """
    if not doses:
        return None
    present = doses[-1].daily_dose_mcg
    year = _ran_at(doses, max(now - YEAR, since))
    month = _ran_at(doses, max(now - MONTH, since))
    source = labels.source_of("creep_mcg_per_year")
    if year is not None and present - year > labels.creep_mcg_per_year:
        told = say(
            "The dose has grown by %(present)s mcg/day within a year, more than "
            "%(creep_mcg_per_year)s mcg. Look at the catheter and the pump before you call it "
            "tolerance.",
            present=plain(present - year),
            creep_mcg_per_year=labels.creep_mcg_per_year,
        )
        return Finding("dose_creep", Severity.WARN, told, source)
    cap = labels.maintenance_step_pct[band][1]
    if month is not None and (present - month) * 100 > cap * month:
        told = say(
            "The dose has grown from %(month)s to %(present)s mcg/day within 30 days, above %(cap)s "
            "%%. Look at the catheter and the pump before you call it tolerance.",
            month=plain(month),
            present=plain(present),
            cap=cap,
        )
        return Finding("dose_creep", Severity.WARN, told, source)
    return None


def _ran_at(doses: Sequence[Dose], at: datetime) -> Decimal | None:
    """The dose that ran at a moment; None for none, or a stop."""
    begun = [dose.daily_dose_mcg for dose in doses if dose.at <= at]
    return begun[-1] if begun and begun[-1] > 0 else None

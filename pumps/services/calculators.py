"""The calculators as pages and API call them: the catalogue's figures, what cannot be by field, plain arithmetic.

Nothing is stored. Formulas and sources: `clinical.calculators`, `clinical.bridging`, `clinical.titration`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.utils.translation import gettext as _

from clinical import calculators, titration
from clinical.bridging import Bridging, bridging
from clinical.calculators import NoCatheter, RefillAnswer, ResidualAnswer
from clinical.findings import Finding, Severity
from clinical.labels import LABEL_SETS
from clinical.saying import say
from clinical.titration import Allowed, Bolus, FirstDose, Phase, Screening, Step
from clinical.units import plain
from clinics.errors import Impossible
from clinics.saying import said
from pumps.models import PumpModel


def refill(
    *,
    volume_ml: Decimal,
    low_reservoir_alarm_ml: Decimal,
    daily_dose_mcg: Decimal,
    concentration_mcg_per_ml: Decimal,
    filled_at: datetime,
) -> RefillAnswer:
    """
    Raises:
        Impossible: a dose or concentration of 0 or less, a date beyond the calendar.
    """
    _check_positive(daily_dose_mcg=daily_dose_mcg, concentration_mcg_per_ml=concentration_mcg_per_ml)
    try:
        return calculators.refill(
            volume_ml=volume_ml,
            low_reservoir_alarm_ml=low_reservoir_alarm_ml,
            daily_dose_mcg=daily_dose_mcg,
            concentration_mcg_per_ml=concentration_mcg_per_ml,
            filled_at=filled_at,
        )
    except OverflowError as error:
        told = _("At this rate the reservoir lasts beyond the calendar; check the dose.")
        raise Impossible({"daily_dose_mcg": [told]}) from error


def bridge_bolus(
    *,
    tubing_volume_ml: Decimal,
    catheter_volume_ml: Decimal,
    old_concentration_mcg_per_ml: Decimal,
    new_concentration_mcg_per_ml: Decimal,
    old_daily_dose_mcg: Decimal,
    new_daily_dose_mcg: Decimal,
) -> Bridging:
    """
    Raises:
        Impossible: a dose or concentration of 0 or less; no volume at all.
    """
    above = {
        "old_concentration_mcg_per_ml": old_concentration_mcg_per_ml,
        "new_concentration_mcg_per_ml": new_concentration_mcg_per_ml,
        "old_daily_dose_mcg": old_daily_dose_mcg,
        "new_daily_dose_mcg": new_daily_dose_mcg,
    }
    _check_positive(**above)
    if tubing_volume_ml + catheter_volume_ml <= 0:
        raise Impossible({"catheter_volume_ml": [_("Tubing and catheter together must hold more than 0 mL.")]})
    return bridging(tubing_volume_ml=tubing_volume_ml, catheter_volume_ml=catheter_volume_ml, **above)


def residual(*, model: PumpModel, filled_ml: Decimal, programmed_ml: Decimal, aspirated_ml: Decimal) -> ResidualAnswer:
    """
    Raises:
        Impossible: more than the reservoir holds.
    """
    size = model.reservoir_ml
    given = {"filled_ml": filled_ml, "aspirated_ml": aspirated_ml}
    errors = {
        field: [
            _("The reservoir holds %(size)s mL; %(value)s mL does not fit.")
            % {"size": plain(size), "value": plain(value)}
        ]
        for field, value in given.items()
        if value > size
    }
    if errors:
        raise Impossible(errors)
    return calculators.residual(programmed_ml=programmed_ml, accuracy_pct=model.flow_accuracy_pct, **given)


def catheter_volume(
    *, model: PumpModel, implanted_length_cm: Decimal | None = None, trimmed_cm: Decimal | None = None
) -> tuple[Decimal, list[Finding]]:
    """The catheter's volume in mL, and that its figures are to be verified where they were not read in a manual.

    Raises:
        Impossible: what the catalogue does not know, or a length that cannot be.
    """
    try:
        volume = calculators.catheter_volume(
            ml_per_cm=model.catheter_ml_per_cm,
            length_cm=model.catheter_length_cm,
            implanted_length_cm=implanted_length_cm,
            trimmed_cm=trimmed_cm,
        )
    except NoCatheter as error:
        raise Impossible({error.field: [said(error.message)]}) from error
    return volume, [] if model.catheter_confirmed else [_unconfirmed(model)]


@dataclass(frozen=True)
class StepAnswer:
    """`change_pct` is % of the present dose; `allowed` in mcg/day; findings gravest first."""

    change_pct: Decimal
    allowed: Allowed
    findings: Sequence[Finding]


def titration_step(
    *,
    label_set: str,
    origin: str,
    age_years: int,
    phase: str,
    current_daily_dose_mcg: Decimal,
    proposed_daily_dose_mcg: Decimal,
    hours_since_last_change: Decimal,
) -> StepAnswer:
    """A proposed dose against the label. Source: `clinical.titration`.

    Raises:
        Impossible: a dose of 0 or less: a stop is no step of a titration.
    """
    _check_positive(current_daily_dose_mcg=current_daily_dose_mcg, proposed_daily_dose_mcg=proposed_daily_dose_mcg)
    labels = LABEL_SETS[label_set]
    step = Step(
        origin=origin,
        age_years=age_years,
        phase=Phase(phase),
        current_mcg=current_daily_dose_mcg,
        proposed_mcg=proposed_daily_dose_mcg,
        hours_since_last_change=hours_since_last_change,
    )
    return StepAnswer(step.change_pct, titration.allowed(step, labels), titration.findings(step, labels))


def initial_dose(*, label_set: str, screening_dose_mcg: Decimal, effect_hours: Decimal) -> FirstDose:
    """The first daily dose after a screening bolus that worked. Source: `clinical.titration`.

    Raises:
        Impossible: a dose or a time of 0 or less.
    """
    _check_positive(screening_dose_mcg=screening_dose_mcg, effect_hours=effect_hours)
    return titration.first_dose(
        screening_dose_mcg=screening_dose_mcg, effect_hours=effect_hours, labels=LABEL_SETS[label_set]
    )


def screening_step(
    *,
    label_set: str,
    starts_small: bool,
    last_dose_mcg: Decimal | None,
    given_at: datetime | None,
    responded: bool | None,
) -> Screening:
    """What may follow a screening bolus, or the first one where none was given. Source: `clinical.titration`.

    Raises:
        Impossible: a dose of 0 or less, or a bolus without its time.
    """
    given = []
    if last_dose_mcg is not None:
        _check_positive(last_dose_mcg=last_dose_mcg)
        if given_at is None:
            raise Impossible({"given_at": [_("Say when the bolus was given.")]})
        given.append(Bolus(given_at, last_dose_mcg, responded))
    elif given_at is not None or responded is not None:
        raise Impossible({"last_dose_mcg": [_("Say which dose was given, or leave all three blank before the first.")]})
    return titration.screening(given, LABEL_SETS[label_set], starts_small=starts_small)


def _unconfirmed(model: PumpModel) -> Finding:
    per_cm = plain(model.catheter_ml_per_cm) if model.catheter_ml_per_cm is not None else "?"
    return Finding(
        "catheter_unconfirmed",
        Severity.WARN,
        say(
            "%(per_cm)s mL/cm was not read in a manual: verify against the manual before you rely on it.", per_cm=per_cm
        ),
        say("pump catalogue; clinical rules, section 2 (catheter volume)"),
    )


def _check_positive(**given: Decimal) -> None:
    errors = {field: [_("Ensure this value is greater than 0.")] for field, value in given.items() if value <= 0}
    if errors:
        raise Impossible(errors)

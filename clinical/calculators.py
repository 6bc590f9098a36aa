"""Calculators: nothing stored, plain arithmetic with the formula in the docstring."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from clinical.findings import Finding, Severity
from clinical.residual import DISCREPANCY_ML, is_outside_accuracy
from clinical.saying import say
from clinical.units import plain


@dataclass(frozen=True)
class RefillAnswer:
    """Flow in mL/day; days are exact, moments rounded to whole seconds."""

    rate_ml_per_day: Decimal
    days_to_low: Decimal
    low_at: datetime
    days_to_empty: Decimal
    empty_at: datetime


def refill(
    *,
    volume_ml: Decimal,
    low_reservoir_alarm_ml: Decimal,
    daily_dose_mcg: Decimal,
    concentration_mcg_per_ml: Decimal,
    filled_at: datetime,
) -> RefillAnswer:
    """When a reservoir is low and empty at the programmed rate.

    flow = dose / concentration; days = (volume - level) / flow. A volume already below the level is low at once.
    Source: clinical rules, section 2 (programmed flow, low-reservoir date).

    Raises:
        OverflowError: a date beyond the calendar.
    """
    rate = daily_dose_mcg / concentration_mcg_per_ml
    to_low = max(volume_ml - low_reservoir_alarm_ml, Decimal(0)) / rate
    to_empty = volume_ml / rate
    return RefillAnswer(rate, to_low, _after(filled_at, to_low), to_empty, _after(filled_at, to_empty))


def _after(start: datetime, days: Decimal) -> datetime:
    return start + timedelta(seconds=round(days * 86_400))


@dataclass(frozen=True)
class ResidualAnswer:
    """`discrepancy_ml` is expected - aspirated; `flow_ratio` delivered / programmed, None where nothing flowed."""

    expected_ml: Decimal
    discrepancy_ml: Decimal
    flow_ratio: Decimal | None
    findings: tuple[Finding, ...]


def residual(
    *, filled_ml: Decimal, programmed_ml: Decimal, aspirated_ml: Decimal, accuracy_pct: Decimal
) -> ResidualAnswer:
    """What is left in a reservoir against what should be.

    expected = filled - programmed, never below 0; discrepancy = expected - aspirated; flow ratio = (filled -
    aspirated) / programmed. It warns beyond 2 mL either way (2.0 is within, 2.1 is not) or when what was delivered is
    further than `accuracy_pct` from what can have been (the limit is within). Volumes in mL since the fill.
    Source: clinical rules, section 2 (discrepancy, device accuracy limits): ASRA 2017, manuals.
    """
    expected = max(filled_ml - programmed_ml, Decimal(0))
    discrepancy = expected - aspirated_ml
    deliverable = filled_ml - expected
    is_outside = is_outside_accuracy(discrepancy, deliverable, accuracy_pct)
    found = []
    if abs(discrepancy) > DISCREPANCY_ML or is_outside:
        found.append(_discrepancy(discrepancy, deliverable, accuracy_pct, is_outside=is_outside))
    if aspirated_ml == 0:
        found.append(_DRY)
    ratio = (filled_ml - aspirated_ml) / programmed_ml if programmed_ml > 0 else None
    return ResidualAnswer(expected, discrepancy, ratio, tuple(found))


def _discrepancy(discrepancy: Decimal, deliverable: Decimal, accuracy_pct: Decimal, *, is_outside: bool) -> Finding:
    side, causes = (
        (say("less"), say("over-delivery, or a pocket fill at the last refill"))
        if discrepancy > 0
        else (say("more"), say("under-delivery, a motor stall or a catheter problem"))
    )
    values = {"ml": DISCREPANCY_ML, "pct": plain(accuracy_pct), "deliverable": plain(deliverable)}
    limits = say("more than %(ml)s mL", **values)
    if is_outside and abs(discrepancy) > DISCREPANCY_ML:
        limits = say(
            "more than %(ml)s mL and outside the device's accuracy of %(pct)s %% of %(deliverable)s mL", **values
        )
    elif is_outside:
        limits = say("outside the device's accuracy of %(pct)s %% of %(deliverable)s mL", **values)
    return Finding(
        "discrepancy",
        Severity.WARN,
        say(
            "%(discrepancy)s mL %(side)s was aspirated than expected: %(limits)s. Read the syringe "
            "again; consider %(causes)s. One outlier may not repeat: follow the trend.",
            discrepancy=plain(abs(discrepancy)),
            side=side,
            limits=limits,
            causes=causes,
        ),
        say("ASRA 2017; pocket fill notice 2011; Sgouros 2010"),
    )


_DRY = Finding(
    "aspirated_zero",
    Severity.HIGH,
    say(
        "Nothing was aspirated: the pump may have run dry. Ask about withdrawal (spasms, "
        "itching, fever, confusion). What it delivered, and the flow ratio, are only known as "
        "lower bounds."
    ),
    say("clinical rules, section 2 (discrepancy); Neurosurgery 2004;55:390"),
)


class NoCatheter(ValueError):
    """A catheter's volume that cannot be computed. `field` names the input, `message` says what is missing."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.message = message


def catheter_volume(
    *,
    ml_per_cm: Decimal | None,
    length_cm: Decimal | None,
    implanted_length_cm: Decimal | None = None,
    trimmed_cm: Decimal | None = None,
) -> Decimal:
    """What a catheter holds in mL: its implanted length, or the untrimmed one less what was trimmed, x mL per cm.

    `ml_per_cm` and `length_cm` (untrimmed) are the catalogue's, None where it does not know. One of
    `implanted_length_cm` and `trimmed_cm` is given.
    Source: clinical rules, section 2 (catheter volume): Prometra II manual; others as the catalogue marks them.

    Raises:
        NoCatheter: what is missing, or a length that cannot be, by field.
    """
    if (implanted_length_cm is None) == (trimmed_cm is None):
        told = say("Give either the implanted length or what was trimmed, in cm.")
        raise NoCatheter("implanted_length_cm" if implanted_length_cm is None else "trimmed_cm", told)
    if ml_per_cm is None:
        told = say("The catalogue has no mL per cm of this model's catheter; an administrator can enter it there.")
        raise NoCatheter("model", told)
    if implanted_length_cm is not None:
        if length_cm is not None and implanted_length_cm > length_cm:
            raise NoCatheter(
                "implanted_length_cm", say("The whole catheter is %(length_cm)s cm long.", length_cm=plain(length_cm))
            )
        return implanted_length_cm * ml_per_cm
    if length_cm is None:
        told = say("The catalogue has no untrimmed length of this model's catheter; give the implanted length instead.")
        raise NoCatheter("trimmed_cm", told)
    if trimmed_cm is None or trimmed_cm >= length_cm:
        raise NoCatheter("trimmed_cm", say("The whole catheter is %(length_cm)s cm long.", length_cm=plain(length_cm)))
    return (length_cm - trimmed_cm) * ml_per_cm

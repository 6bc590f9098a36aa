"""What the pump shows after it was programmed, against what was signed: a difference stops the confirmation.

A daily dose of 24 times the signed one is an hourly rate entered as a daily dose, and one of 4 times another
concentration (500 for 2000 mcg/mL); both have happened (ISMP, Baclofen programming error; clinical rules, section 1).
"""

from dataclasses import dataclass
from decimal import Decimal

from clinical.findings import Finding, Severity
from clinical.programs import MODE_WORDS, Mode
from clinical.saying import say
from clinical.units import plain

# A programmer rounds what it shows: a dose within this of the signed one is the same.
ROUNDING_PCT = Decimal("0.5")
# A factor near one of these has a name. Within 6 %, since a slip is often made of a rounded figure.
FACTORS = (
    (Decimal(24), say("an hourly rate for a daily dose")),
    (Decimal(4), say("another concentration, 500 for 2000 mcg/mL or the other way round")),
    (Decimal(1000), say("mg for mcg")),
)
FACTOR_PCT = Decimal(6)
SOURCE = say("ISMP, Baclofen programming error")
WORDS = {
    "daily_dose_mcg": (say("daily dose"), "mcg/day"),
    "concentration_mcg_per_ml": (say("concentration"), "mcg/mL"),
    "bridge_volume_ml": (say("volume of the bridge bolus"), "mL"),
    "bridge_hours": (say("duration of the bridge bolus"), say("hours")),
    "patient_bolus_mcg": (say("patient bolus"), "mcg"),
    "patient_boluses_per_day": (say("number of patient boluses"), say("a day")),
    "step_count": (say("number of steps"), say("steps")),
    "highest_rate_mcg_per_h": (say("highest rate of a step"), "mcg/h"),
    "bolus_count": (say("number of timed boluses"), say("boluses")),
    "largest_bolus_mcg": (say("largest timed bolus"), "mcg"),
}


@dataclass(frozen=True)
class Settings:
    """What was signed, or what the pump shows. None: there is none, or it was not read."""

    daily_dose_mcg: Decimal | None
    concentration_mcg_per_ml: Decimal | None
    bridge_volume_ml: Decimal | None = None
    bridge_hours: Decimal | None = None
    patient_bolus_mcg: Decimal | None = None
    patient_boluses_per_day: Decimal | None = None
    step_count: Decimal | None = None
    highest_rate_mcg_per_h: Decimal | None = None
    bolus_count: Decimal | None = None
    largest_bolus_mcg: Decimal | None = None
    mode: str = ""


def mismatches(signed: Settings, read: Settings) -> dict[str, Finding]:
    """What differs, by field; empty if the pump shows what was signed. What was signed must have been read, and what
    was not must not be there."""
    found = {}
    if signed.mode and read.mode != signed.mode:
        told = (
            say("The pump runs in another mode than was signed (%(mode)s).", mode=MODE_WORDS[Mode(signed.mode)])
            if read.mode
            else say("Say in which mode the pump runs.")
        )
        found["mode"] = Finding("read_back_differs" if read.mode else "not_read_back", Severity.BLOCK, told, SOURCE)
    for field, (words, unit) in WORDS.items():
        wanted, shown = getattr(signed, field), getattr(read, field)
        if wanted is None:
            if shown is not None:
                told = say(
                    "The pump shows a %(words)s of %(shown)s %(unit)s, and none was signed. Nothing is confirmed.",
                    words=words,
                    shown=plain(shown),
                    unit=unit,
                )
                found[field] = Finding("read_back_differs", Severity.BLOCK, told, SOURCE)
            continue
        if shown is None:
            told = say("Read the %(words)s off the programmer and enter it.", words=words)
            found[field] = Finding("not_read_back", Severity.BLOCK, told, SOURCE)
        elif not _same(wanted, shown):
            told = _differs(words, unit, wanted, shown)
            found[field] = Finding("read_back_differs", Severity.BLOCK, told, SOURCE)
    return found


def _same(wanted: Decimal, shown: Decimal) -> bool:
    return abs(shown - wanted) * 100 <= ROUNDING_PCT * wanted


def _differs(words: str, unit: str, wanted: Decimal, shown: Decimal) -> str:
    values = {"words": words, "unit": unit, "shown": plain(shown), "wanted": plain(wanted)}
    for factor, cause in FACTORS:
        if _is_times(shown, factor, wanted):
            return say(
                "The pump shows a %(words)s of %(shown)s %(unit)s, and %(wanted)s %(unit)s was signed: about "
                "%(factor)s times it, as with %(cause)s. Nothing is confirmed: correct the pump, or sign another dose.",
                factor=plain(factor),
                cause=cause,
                **values,
            )
        if _is_times(wanted, factor, shown):
            return say(
                "The pump shows a %(words)s of %(shown)s %(unit)s, and %(wanted)s %(unit)s was signed: about "
                "1/%(factor)s of it, as with %(cause)s. Nothing is confirmed: correct the pump, or sign another dose.",
                factor=plain(factor),
                cause=cause,
                **values,
            )
    return say(
        "The pump shows a %(words)s of %(shown)s %(unit)s, and %(wanted)s %(unit)s was signed. Nothing is confirmed: "
        "correct the pump, or sign another dose.",
        **values,
    )


def _is_times(more: Decimal, factor: Decimal, less: Decimal) -> bool:
    return less > 0 and abs(more - factor * less) * 100 <= FACTOR_PCT * factor * less

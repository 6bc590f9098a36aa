"""What the pump shows after it was programmed, against what was signed: a difference stops the confirmation.

A daily dose of 24 times the signed one is an hourly rate entered as a daily dose, and one of 4 times another
concentration (500 for 2000 mcg/mL); both have happened (ISMP, Baclofen programming error; clinical rules, section 1).
"""

from dataclasses import dataclass
from decimal import Decimal

from clinical.findings import Finding, Severity
from clinical.units import plain

# A programmer rounds what it shows: a dose within this of the signed one is the same.
ROUNDING_PCT = Decimal("0.5")
# A factor near one of these has a name. Within 6 %, since a slip is often made of a rounded figure.
FACTORS = (
    (Decimal(24), "an hourly rate for a daily dose"),
    (Decimal(4), "another concentration, 500 for 2000 mcg/mL or the other way round"),
    (Decimal(1000), "mg for mcg"),
)
FACTOR_PCT = Decimal(6)
SOURCE = "ISMP, Baclofen programming error"
WORDS = {
    "daily_dose_mcg": ("daily dose", "mcg/day"),
    "concentration_mcg_per_ml": ("concentration", "mcg/mL"),
    "bridge_volume_ml": ("volume of the bridge bolus", "mL"),
    "bridge_hours": ("duration of the bridge bolus", "hours"),
    "patient_bolus_mcg": ("patient bolus", "mcg"),
    "patient_boluses_per_day": ("number of patient boluses", "a day"),
    "step_count": ("number of steps", "steps"),
    "highest_rate_mcg_per_h": ("highest rate of a step", "mcg/h"),
    "bolus_count": ("number of timed boluses", "boluses"),
    "largest_bolus_mcg": ("largest timed bolus", "mcg"),
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
            f"The pump runs in another mode than was signed ({signed.mode.replace('_', ' ')})."
            if read.mode
            else ("Say in which mode the pump runs.")
        )
        found["mode"] = Finding("read_back_differs" if read.mode else "not_read_back", Severity.BLOCK, told, SOURCE)
    for field, (words, unit) in WORDS.items():
        wanted, shown = getattr(signed, field), getattr(read, field)
        if wanted is None:
            if shown is not None:
                told = f"The pump shows a {words} of {plain(shown)} {unit}, and none was signed. Nothing is confirmed."
                found[field] = Finding("read_back_differs", Severity.BLOCK, told, SOURCE)
            continue
        if shown is None:
            told = f"Read the {words} off the programmer and enter it."
            found[field] = Finding("not_read_back", Severity.BLOCK, told, SOURCE)
        elif not _same(wanted, shown):
            told = (
                f"The pump shows a {words} of {plain(shown)} {unit}, and {plain(wanted)} {unit} was signed"
                f"{_factor_words(wanted, shown)}. Nothing is confirmed: correct the pump, or sign another dose."
            )
            found[field] = Finding("read_back_differs", Severity.BLOCK, told, SOURCE)
    return found


def _same(wanted: Decimal, shown: Decimal) -> bool:
    return abs(shown - wanted) * 100 <= ROUNDING_PCT * wanted


def _factor_words(wanted: Decimal, shown: Decimal) -> str:
    for factor, cause in FACTORS:
        for more, less, words in ((shown, wanted, "times it"), (wanted, shown, "of it")):
            if less > 0 and abs(more - factor * less) * 100 <= FACTOR_PCT * factor * less:
                share = plain(factor) if words == "times it" else f"1/{plain(factor)}"
                return f": about {share} {words}, as with {cause}"
    return ""

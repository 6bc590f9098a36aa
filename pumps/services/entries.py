"""What a person or program wants to record, and what is impossible or unlikely about it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from clinical.findings import MARKET_CONCENTRATIONS
from clinical.programs import Mode, ProgramError
from clinical.units import plain
from clinics.errors import Doubt, Impossible
from pumps.models import Event, Pump
from pumps.programs_json import program_of

# A fill or measurement may be this far ahead of the server's clock.
CLOCK_TOLERANCE = timedelta(minutes=5)
# Slips of unit or scale: hourly for daily, 500 for 2000 mcg/mL, mcg for mg.
SLIP_FACTORS = (24, 4, 1000)
SLIP_TOLERANCE = Decimal("0.05")


@dataclass(frozen=True, kw_only=True)
class RefillEntry:
    refilled_at: datetime
    filled_ml: Decimal
    concentration_mcg_per_ml: Decimal
    aspirated_ml: Decimal | None = None
    programmed_concentration_mcg_per_ml: Decimal | None = None
    formulation: str = ""
    lot_number: str = ""
    drug_expires_on: date | None = None
    stability_days: int | None = None
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class DoseEntry:
    effective_at: datetime
    mode: str
    daily_dose_mcg: Decimal
    steps: Sequence[Mapping[str, str]] = ()
    boluses: Sequence[Mapping[str, str]] = ()
    reason: str = ""
    override_reason: str = ""


def impossible_refill(
    pump: Pump, entry: RefillEntry, *, now: datetime, last_programmed: Decimal | None
) -> dict[str, list[str]]:
    """Messages per field; empty if the refill can have happened.

    `last_programmed` is the concentration (mcg/mL) the pump was programmed for before it, None at the first fill.
    """
    errors: dict[str, list[str]] = defaultdict(list)
    size = pump.model.reservoir_ml
    for field, value in (("filled_ml", entry.filled_ml), ("aspirated_ml", entry.aspirated_ml)):
        if value is not None and value < 0:
            errors[field].append("A volume cannot be negative.")
        if value is not None and value > size:
            errors[field].append(f"The reservoir holds {plain(size)} mL; {plain(value)} mL does not fit.")
    for field, value in (
        ("concentration_mcg_per_ml", entry.concentration_mcg_per_ml),
        ("programmed_concentration_mcg_per_ml", entry.programmed_concentration_mcg_per_ml),
    ):
        if value is not None and value <= 0:
            errors[field].append("A concentration must be above 0 mcg/mL.")
    if (
        pump.model.programmable
        and entry.programmed_concentration_mcg_per_ml is None
        and last_programmed is not None
        and last_programmed != entry.concentration_mcg_per_ml
    ):
        errors["programmed_concentration_mcg_per_ml"].append(
            f"The pump was programmed for {plain(last_programmed)} mcg/mL and now holds "
            f"{plain(entry.concentration_mcg_per_ml)}: say which concentration is programmed."
        )
    errors["refilled_at"] += impossible_moment(pump, entry.refilled_at)
    if entry.refilled_at > now + CLOCK_TOLERANCE:
        errors["refilled_at"].append("A refill cannot lie in the future; enter the time it was done.")
    return {field: messages for field, messages in errors.items() if messages}


def impossible_dose(pump: Pump, entry: DoseEntry) -> dict[str, list[str]]:
    """Messages per field; empty if a pump can be programmed so. A future change is a plan and allowed."""
    errors: dict[str, list[str]] = defaultdict(list)
    try:
        program_of(entry.mode, entry.daily_dose_mcg, entry.steps, entry.boluses)
    except ProgramError as error:
        errors[error.field].append(error.message[:1].upper() + error.message[1:] + ".")
    errors["effective_at"] += impossible_moment(pump, entry.effective_at)
    return {field: messages for field, messages in errors.items() if messages}


def impossible_moment(pump: Pump, moment: datetime) -> list[str]:
    """Why nothing can have happened to this pump at a moment. Dates are the clinic's calendar days."""
    day = moment.astimezone(pump.clinic.zone).date()
    if day < pump.implanted_on:
        return [f"The pump was implanted on {pump.implanted_on}; this is before."]
    if pump.explanted_on is not None and day > pump.explanted_on:
        return [f"The pump was explanted on {pump.explanted_on}; this is after."]
    return []


def raise_if(errors: Mapping[str, Sequence[str]]) -> None:
    if errors:
        raise Impossible(errors)


def dose_doubts(entry: DoseEntry, current_mcg: Decimal | None) -> list[Doubt]:
    """A dose a slip of unit away from the present one. Stored once confirmed: what happened is never refused."""
    if entry.mode == Mode.STOPPED or not current_mcg:
        return []
    factor = entry.daily_dose_mcg / current_mcg
    for slip in SLIP_FACTORS:
        for exact in (Decimal(slip), 1 / Decimal(slip)):
            if abs(factor / exact - 1) <= SLIP_TOLERANCE:
                return [_slip(slip, entry.daily_dose_mcg, current_mcg)]
    return []


def refill_doubts(pump: Pump, entry: RefillEntry, last_concentration: Decimal | None) -> list[Doubt]:
    """A refill that is possible but unlikely. Stored once confirmed."""
    doubts = []
    concentration = entry.concentration_mcg_per_ml
    if concentration not in MARKET_CONCENTRATIONS and concentration != last_concentration:
        doubts.append(
            Doubt(
                "concentration_off_market",
                "concentration_mcg_per_ml",
                f"{plain(concentration)} mcg/mL is not on the market for pumps (500, 1000, 2000 mcg/mL): "
                "is it a dilution made on purpose?",
            )
        )
    if entry.filled_ml == 0:
        doubts.append(Doubt("filled_nothing", "filled_ml", "Nothing was filled: is the pump meant to be empty now?"))
    day = entry.refilled_at.astimezone(pump.clinic.zone).date()
    if entry.drug_expires_on is not None and entry.drug_expires_on < day:
        doubts.append(
            Doubt(
                "drug_expired", "drug_expires_on", f"The lot had expired on {entry.drug_expires_on}, before the refill."
            )
        )
    return doubts


def _slip(slip: int, dose: Decimal, current: Decimal) -> Doubt:
    causes = {24: "an hourly rate entered as a daily dose", 4: "another concentration", 1000: "mg for mcg"}
    return Doubt(
        code=f"factor_{slip}",
        field="daily_dose_mcg",
        message=(
            f"{plain(dose)} mcg/day ({plain((dose / 24).quantize(Decimal('0.01')))} mcg/h) is about {slip} times or a "
            f"{slip}th of the present {plain(current)} mcg/day: could it be {causes[slip]}?"
        ),
    )


def is_drug_data_correction(event: Event, replacement: object) -> bool:
    """Whether a replacement leaves a refill as it happened and changes only which drug was in it."""
    return (
        event.kind == Event.Kind.REFILL
        and isinstance(replacement, RefillEntry)
        and replacement.refilled_at == event.occurred_at
        and replacement.filled_ml == event.filled_ml
        and replacement.aspirated_ml == event.aspirated_ml
        and _programs_the_same(event, replacement)
    )


def _programs_the_same(event: Event, replacement: RefillEntry) -> bool:
    """What the pump was told is not drug data; blank stands for the drug's own concentration."""
    programmed = replacement.programmed_concentration_mcg_per_ml
    if programmed is None:
        programmed = replacement.concentration_mcg_per_ml
    return programmed == event.programmed_concentration_mcg_per_ml

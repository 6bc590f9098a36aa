"""What is possible but unlikely: stored once its code is confirmed, since what happened is never refused."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from clinical.labels import LABEL_SETS, LabelSet
from clinical.ledger import Emptying
from clinical.programs import Mode
from clinical.residual import DISCREPANCY_ML, Residual
from clinical.titration import Phase, Step, band_words
from clinical.units import plain
from clinical.watching import READING_TOLERANCE_ML
from clinical.weekdays import most_steps_in_a_day
from clinics.errors import Doubt
from clinics.words import calendar_day
from pumps.models import Event, Pump
from pumps.programs_json import program_of
from pumps.services.entries import DoseEntry, Entry, EventEntry, RefillEntry

# Slips of unit or scale: hourly for daily, 500 for 2000 mcg/mL, mcg for mg.
SLIP_FACTORS = (24, 4, 1000)
SLIP_TOLERANCE = Decimal("0.05")
SLIP_CAUSES = {24: "an hourly rate entered as a daily dose", 4: "another concentration", 1000: "mg for mcg"}
# A date further back than this is more often a slip of the year than a late entry; one further ahead is no plan yet.
FAR_BACK, FAR_AHEAD = timedelta(days=300), timedelta(days=90)


@dataclass(frozen=True)
class Known:
    """What the ledger says of the moment before an entry; None where it says nothing.

    `residual` compares what a refill aspirated with what was expected. `volume_ml` is programmed to be left,
    `expected_ml` expected of this pump. `patient_boluses_most_mcg` is the most that patient boluses can have given
    since the last fill, or the last reading of them if later.
    `is_stopped` and `is_stalled` are by events of their own.
    """

    daily_dose_mcg: Decimal | None = None
    concentration_mcg_per_ml: Decimal | None = None
    residual: Residual | None = None
    volume_ml: float | None = None
    expected_ml: float | None = None
    patient_boluses_most_mcg: Decimal = Decimal(0)
    is_stopped: bool = False
    is_stalled: bool = False


def doubts_of(pump: Pump, entry: Entry, known: Known, *, now: datetime) -> list[Doubt]:
    """Every question about an entry that is possible. `pump.patient`, `.clinic` and `.model` are read."""
    labels = LABEL_SETS[pump.clinic.label_set]
    far = _far(pump, entry, now)
    if isinstance(entry, RefillEntry):
        return [*far, *_of_refill(pump, entry, known, labels)]
    if isinstance(entry, DoseEntry):
        return [*far, *_of_dose(pump, entry, known.daily_dose_mcg, labels), *_of_steps(pump, entry)]
    return [*far, *_of_event(entry, known)]


def _far(pump: Pump, entry: Entry, now: datetime) -> list[Doubt]:
    field = {RefillEntry: "refilled_at", DoseEntry: "effective_at"}.get(type(entry), "occurred_at")
    day = entry.at.astimezone(pump.clinic.zone).date()
    if entry.at < now - FAR_BACK:
        months = (now - entry.at).days // 30
        return [Doubt("date_far_back", field, f"{calendar_day(day)} is {months} months ago: is the year right?")]
    if entry.at > now + FAR_AHEAD:
        days = (entry.at - now).days
        return [Doubt("date_far_ahead", field, f"{calendar_day(day)} is {days} days ahead: is the date right?")]
    return []


def _of_dose(pump: Pump, entry: DoseEntry, current: Decimal | None, labels: LabelSet) -> list[Doubt]:
    if entry.mode == Mode.STOPPED:
        return []
    dose = entry.daily_dose_mcg
    doubts = [*_outside(dose, current, labels)]
    if not current:
        return doubts
    slip = _slip(dose, current)
    step = _step(pump, entry, current, labels)
    return [*([slip] if slip is not None else []), *doubts, *([step] if step is not None and slip is None else [])]


def _of_steps(pump: Pump, entry: DoseEntry) -> list[Doubt]:
    most = pump.model.max_steps_per_day
    if most is None or len(entry.steps) <= most:
        return []
    steps = most_steps_in_a_day(program_of(entry.mode, entry.daily_dose_mcg, entry.steps, entry.boluses))
    if steps <= most:
        return []
    message = (
        f"{steps} steps in one day are more than the {most} that the catalogue has for {pump.model}. That number is to "
        "be verified against the manual: does the pump really run so many?"
    )
    return [Doubt("too_many_steps", "steps", message)]


def _slip(dose: Decimal, current: Decimal) -> Doubt | None:
    factor = dose / current
    for slip in SLIP_FACTORS:
        for exact, words in ((Decimal(slip), f"about {slip} times"), (1 / Decimal(slip), f"about 1/{slip} of")):
            if abs(factor / exact - 1) <= SLIP_TOLERANCE:
                message = (
                    f"{_dose_words(dose)} is {words} the present {plain(current)} mcg/day: could it be "
                    f"{SLIP_CAUSES[slip]}?"
                )
                return Doubt(f"factor_{slip}", "daily_dose_mcg", message)
    return None


def _dose_words(dose: Decimal) -> str:
    return f"{plain(dose)} mcg/day ({plain((dose / 24).quantize(Decimal('0.01')))} mcg/h)"


def _outside(dose: Decimal, current: Decimal | None, labels: LabelSet) -> list[Doubt]:
    """Beyond the label's range or experience, unless the pump is there already."""
    low, high = labels.dose_range_mcg
    doubts = []
    if not low <= dose <= high and (not current or low <= current <= high):
        message = (
            f"{_dose_words(dose)} is outside the label's range of {low} to {high} mcg/day. Source: {labels.source}."
        )
        doubts.append(Doubt("dose_out_of_range", "daily_dose_mcg", message))
    most = labels.limited_experience_mcg
    if dose > most and (not current or current <= most):
        message = f"{_dose_words(dose)}: there is limited experience above {most} mcg/day. Source: {labels.source}."
        doubts.append(Doubt("dose_above_1000", "daily_dose_mcg", message))
    return doubts


def _step(pump: Pump, entry: DoseEntry, current: Decimal, labels: LabelSet) -> Doubt | None:
    """A change above the label's step for the patient's origin and age, or a steep decrease; the bound is inside."""
    day = entry.effective_at.astimezone(pump.clinic.zone).date()
    age = _age(pump.patient.date_of_birth, day)
    # Nobody has said which phase this is, nor does it matter here how long ago the last change was.
    step = Step(pump.patient.spasticity_origin, age, Phase.TITRATION, current, entry.daily_dose_mcg, Decimal(0))
    most = labels.decrease_pct[1]
    if step.is_less_by(most):
        message = (
            f"{_dose_words(entry.daily_dose_mcg)} is {-step.change_pct:.0f} % less than the present {plain(current)} "
            f"mcg/day: a decrease of more than {most} % can bring on withdrawal. Source: {labels.source}."
        )
        return Doubt("step_below_band", "daily_dose_mcg", message)
    which = labels.band(step.origin, step.age_years)
    upper, cap = labels.titration_step_pct[which][1], labels.maintenance_step_pct[which][1]
    if step.is_within(upper):
        return None
    is_within_cap = step.is_within(cap)
    beyond = f"though within the {cap} % of maintenance" if is_within_cap else f"and above the {cap} % of maintenance"
    message = (
        f"{_dose_words(entry.daily_dose_mcg)} is {step.change_pct:.0f} % more than the present {plain(current)} "
        f"mcg/day: above the label's titration step of {upper} % for {band_words(which, labels)}, {beyond}. "
        f"Source: {labels.source}."
    )
    return Doubt("step_above_band", "daily_dose_mcg", message)


def _age(born: date, on: date) -> int:
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))


def _of_refill(pump: Pump, entry: RefillEntry, known: Known, labels: LabelSet) -> list[Doubt]:
    doubts = []
    concentration = entry.concentration_mcg_per_ml
    if not labels.sells(concentration) and concentration != known.concentration_mcg_per_ml:
        market = ", ".join(plain(sold) for sold in labels.market_concentrations_mcg_per_ml)
        message = (
            f"{plain(concentration)} mcg/mL is not on the market for pumps ({market} mcg/mL): is it a dilution made on "
            f"purpose? Source: {labels.source}."
        )
        doubts.append(Doubt("concentration_off_market", "concentration_mcg_per_ml", message))
    if entry.filled_ml == 0:
        doubts.append(Doubt("filled_nothing", "filled_ml", "Nothing was filled: is the pump meant to be empty now?"))
    day = entry.refilled_at.astimezone(pump.clinic.zone).date()
    if entry.drug_expires_on is not None and entry.drug_expires_on < day:
        message = f"The lot had expired on {calendar_day(entry.drug_expires_on)}, before the refill."
        doubts.append(Doubt("drug_expired", "drug_expires_on", message))
    if known.residual is not None and known.residual.is_off:
        doubts.append(Doubt("aspirated_unexpected", "aspirated_ml", _aspirated_words(known.residual)))
    return [*doubts, *_of_emptying(pump, entry, known)]


def _of_emptying(pump: Pump, entry: RefillEntry, known: Known) -> list[Doubt]:
    """What stays in the reservoir counts with what is filled; how much that is, is an estimate."""
    if entry.emptying == Emptying.EMPTIED:
        return []
    doubts = []
    if entry.emptying == Emptying.PARTIAL and entry.aspirated_ml is None:
        message = "How much was taken out is not said, so nobody knows what was left in the pump. Can it be found out?"
        doubts.append(Doubt("aspirated_not_said", "aspirated_ml", message))
    left = known.expected_ml - float(entry.aspirated_ml or 0) if known.expected_ml is not None else 0.0
    total, size = max(left, 0.0) + float(entry.filled_ml), float(pump.model.reservoir_ml)
    if total > size:
        message = (
            f"About {max(left, 0.0):.1f} mL expected to be left and {plain(entry.filled_ml)} mL filled make "
            f"{total:.1f} mL, and the reservoir holds {plain(pump.model.reservoir_ml)} mL. Read the syringes again, or "
            "was the pump emptied?"
        )
        doubts.append(Doubt("overfilled", "filled_ml", message))
    return doubts


def _aspirated_words(found: Residual) -> str:
    gap = found.calibrated_ml - found.aspirated_ml
    side = "less" if gap > 0 else "more"
    causes = (
        "over-delivery, or a pocket fill at the refill before"
        if gap > 0
        else "under-delivery, a motor stall or a catheter problem"
    )
    return (
        f"{plain(found.aspirated_ml)} mL aspirated is {plain(abs(gap))} mL {side} than the "
        f"{plain(found.calibrated_ml)} mL expected of this pump ({plain(found.expected_ml)} mL as programmed; more "
        f"than {DISCREPANCY_ML} mL either way asks for a look). Read the syringe again. If it is right, consider "
        f"{causes}. Source: ASRA 2017."
    )


def _of_event(entry: EventEntry, known: Known) -> list[Doubt]:
    match entry.kind:
        case Event.Kind.BOLUS:
            return _of_bolus(entry, known)
        case Event.Kind.INTERROGATION:
            return _of_reading(entry, known)
        case Event.Kind.RESTART if not known.is_stopped:
            message = "No stop is recorded before this. A dose change restarts a pump whose program is a stop."
            return [Doubt("not_stopped", "occurred_at", message)]
        case Event.Kind.STALL_RECOVERY if not known.is_stalled:
            return [Doubt("not_stalled", "occurred_at", "No motor stall is recorded before this recovery.")]
        case _:
            return []


def _of_bolus(entry: EventEntry, known: Known) -> list[Doubt]:
    daily = known.daily_dose_mcg
    if entry.dose_mcg is None or not daily or entry.dose_mcg <= daily:
        return []
    message = f"A bolus of {plain(entry.dose_mcg)} mcg is more than the {plain(daily)} mcg of a whole day."
    return [Doubt("bolus_above_daily_dose", "dose_mcg", message)]


def _of_reading(entry: EventEntry, known: Known) -> list[Doubt]:
    doubts = []
    if entry.volume_ml is not None and known.volume_ml is not None:
        gap = float(entry.volume_ml) - known.volume_ml
        if abs(gap) > READING_TOLERANCE_ML:
            message = (
                f"The programmer's {plain(entry.volume_ml)} mL is {abs(gap):.1f} mL {'more' if gap > 0 else 'less'} "
                "than this ledger makes it. Is it the right pump, and is everything recorded?"
            )
            doubts.append(Doubt("reading_differs", "volume_ml", message))
    daily = known.daily_dose_mcg
    if entry.daily_dose_mcg is not None and daily is not None and entry.daily_dose_mcg != daily:
        message = (
            f"The programmer's {plain(entry.daily_dose_mcg)} mcg/day is not the {plain(daily)} mcg/day of this ledger. "
            "Record the dose change as well."
        )
        doubts.append(Doubt("dose_differs", "daily_dose_mcg", message))
    return [*doubts, *_of_patient_boluses(entry, known)]


def _of_patient_boluses(entry: EventEntry, known: Known) -> list[Doubt]:
    read, most = entry.patient_bolus_mcg, known.patient_boluses_most_mcg
    if read is None or read <= most:
        return []
    if most == 0:
        message = (
            f"The programmer shows {plain(read)} mcg given by patient boluses, and this ledger has no program that "
            "allows any. Record the dose change that does."
        )
        return [Doubt("no_patient_boluses", "patient_bolus_mcg", message)]
    message = (
        f"{plain(read)} mcg by patient boluses is more than the {plain(most)} mcg that the programs allow at most "
        "since the last fill, or the last reading of them. Is it the total since then?"
    )
    return [Doubt("patient_boluses_above_most", "patient_bolus_mcg", message)]

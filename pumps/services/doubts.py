"""What is possible but unlikely: stored once its code is confirmed, since what happened is never refused."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinical.labels import LABEL_SETS, LabelSet
from clinical.ledger import Emptying
from clinical.programs import Mode
from clinical.residual import DISCREPANCY_ML, Residual
from clinical.titration import Phase, Step, band_words
from clinical.units import plain
from clinical.watching import READING_TOLERANCE_ML
from clinical.weekdays import most_steps_in_a_day
from clinics.errors import Doubt
from clinics.saying import said
from clinics.words import calendar_day
from pumps.models import Event, Pump
from pumps.programs_json import program_of
from pumps.services.entries import DoseEntry, Entry, EventEntry, RefillEntry

# Slips of unit or scale: hourly for daily, 500 for 2000 mcg/mL, mcg for mg.
SLIP_FACTORS = (24, 4, 1000)
SLIP_TOLERANCE = Decimal("0.05")
SLIP_CAUSES = {
    24: gettext_lazy("an hourly rate entered as a daily dose"),
    4: gettext_lazy("another concentration"),
    1000: gettext_lazy("mg for mcg"),
}
# A date further back than this is more often a slip of the year than a late entry; one further ahead is no plan yet.
FAR_BACK, FAR_AHEAD = timedelta(days=300), timedelta(days=90)


@dataclass(frozen=True)
class Known:
    """What the ledger says of the moment before an entry; None where it says nothing.

    `residual` compares what a refill aspirated with what was expected. `volume_ml` is programmed to be left,
    `expected_ml` expected of this pump. `patient_boluses_most_mcg` is the most that patient boluses can have given
    since the last fill, or the last reading of them if later.
    `is_stopped` and `is_stalled` are by events of their own. `has_alarm`: one was heard, and nobody has looked since.
    """

    daily_dose_mcg: Decimal | None = None
    concentration_mcg_per_ml: Decimal | None = None
    residual: Residual | None = None
    volume_ml: float | None = None
    expected_ml: float | None = None
    patient_boluses_most_mcg: Decimal = Decimal(0)
    is_stopped: bool = False
    is_stalled: bool = False
    has_alarm: bool = False


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
        return [
            Doubt(
                "date_far_back",
                field,
                _("%(day)s is %(months)s months ago: is the year right?")
                % {"day": calendar_day(day), "months": months},
            )
        ]
    if entry.at > now + FAR_AHEAD:
        days = (entry.at - now).days
        return [
            Doubt(
                "date_far_ahead",
                field,
                _("%(day)s is %(days)s days ahead: is the date right?") % {"day": calendar_day(day), "days": days},
            )
        ]
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
    message = _(
        "%(steps)s steps in one day are more than the %(most)s that the catalogue has for "
        "%(model)s. That number is to be verified against the manual: does the pump really run "
        "so many?"
    ) % {"steps": steps, "most": most, "model": pump.model}
    return [Doubt("too_many_steps", "steps", message)]


def _slip(dose: Decimal, current: Decimal) -> Doubt | None:
    factor = dose / current
    for slip in SLIP_FACTORS:
        for exact, told in (
            (
                Decimal(slip),
                _("%(dose)s is about %(slip)s times the present %(current)s mcg/day: could it be %(cause)s?"),
            ),
            (
                1 / Decimal(slip),
                _("%(dose)s is about 1/%(slip)s of the present %(current)s mcg/day: could it be %(cause)s?"),
            ),
        ):
            if abs(factor / exact - 1) <= SLIP_TOLERANCE:
                message = told % {
                    "dose": _dose_words(dose),
                    "slip": slip,
                    "current": plain(current),
                    "cause": SLIP_CAUSES[slip],
                }
                return Doubt(f"factor_{slip}", "daily_dose_mcg", message)
    return None


def _dose_words(dose: Decimal) -> str:
    return _("%(dose)s mcg/day (%(hourly)s mcg/h)") % {
        "dose": plain(dose),
        "hourly": plain((dose / 24).quantize(Decimal("0.01"))),
    }


def _outside(dose: Decimal, current: Decimal | None, labels: LabelSet) -> list[Doubt]:
    """Beyond the label's range or experience, unless the pump is there already."""
    low, high = labels.dose_range_mcg
    doubts = []
    if not low <= dose <= high and (not current or low <= current <= high):
        message = _("%(dose)s is outside the label's range of %(low)s to %(high)s mcg/day. Source: %(source)s.") % {
            "dose": _dose_words(dose),
            "low": low,
            "high": high,
            "source": said(labels.source),
        }
        doubts.append(Doubt("dose_out_of_range", "daily_dose_mcg", message))
    most = labels.limited_experience_mcg
    if dose > most and (not current or current <= most):
        message = _("%(dose)s: there is limited experience above %(most)s mcg/day. Source: %(source)s.") % {
            "dose": _dose_words(dose),
            "most": most,
            "source": said(labels.source),
        }
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
        message = _(
            "%(dose)s is %(change_pct)s %% less than the present %(current)s mcg/day: a "
            "decrease of more than %(most)s %% can bring on withdrawal. Source: %(source)s."
        ) % {
            "dose": _dose_words(entry.daily_dose_mcg),
            "change_pct": f"{-step.change_pct:.0f}",
            "current": plain(current),
            "most": most,
            "source": said(labels.source),
        }
        return Doubt("step_below_band", "daily_dose_mcg", message)
    which = labels.band(step.origin, step.age_years)
    upper, cap = labels.titration_step_pct[which][1], labels.maintenance_step_pct[which][1]
    if step.is_within(upper):
        return None
    is_within_cap = step.is_within(cap)
    told = (
        _(
            "%(dose)s is %(change_pct)s %% more than the present %(current)s mcg/day: above the label's titration step "
            "of %(upper)s %% for %(which)s, though within the %(cap)s %% of maintenance. Source: %(source)s."
        )
        if is_within_cap
        else _(
            "%(dose)s is %(change_pct)s %% more than the present %(current)s mcg/day: above the label's titration step "
            "of %(upper)s %% for %(which)s, and above the %(cap)s %% of maintenance. Source: %(source)s."
        )
    )
    message = told % {
        "dose": _dose_words(entry.daily_dose_mcg),
        "change_pct": f"{step.change_pct:.0f}",
        "current": plain(current),
        "upper": upper,
        "which": said(band_words(which, labels)),
        "cap": cap,
        "source": said(labels.source),
    }
    return Doubt("step_above_band", "daily_dose_mcg", message)


def _age(born: date, on: date) -> int:
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))


def _of_refill(pump: Pump, entry: RefillEntry, known: Known, labels: LabelSet) -> list[Doubt]:
    doubts = []
    concentration = entry.concentration_mcg_per_ml
    if not labels.sells(concentration) and concentration != known.concentration_mcg_per_ml:
        market = ", ".join(plain(sold) for sold in labels.market_concentrations_mcg_per_ml)
        message = _(
            "%(concentration)s mcg/mL is not on the market for pumps (%(market)s mcg/mL): is it a "
            "dilution made on purpose? Source: %(source)s."
        ) % {"concentration": plain(concentration), "market": market, "source": said(labels.source)}
        doubts.append(Doubt("concentration_off_market", "concentration_mcg_per_ml", message))
    if entry.filled_ml == 0:
        doubts.append(Doubt("filled_nothing", "filled_ml", _("Nothing was filled: is the pump meant to be empty now?")))
    day = entry.refilled_at.astimezone(pump.clinic.zone).date()
    if entry.drug_expires_on is not None and entry.drug_expires_on < day:
        message = _("The lot had expired on %(drug_expires_on)s, before the refill.") % {
            "drug_expires_on": calendar_day(entry.drug_expires_on)
        }
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
        message = _(
            "How much was taken out is not said, so nobody knows what was left in the pump. Can it be found out?"
        )
        doubts.append(Doubt("aspirated_not_said", "aspirated_ml", message))
    left = known.expected_ml - float(entry.aspirated_ml or 0) if known.expected_ml is not None else 0.0
    total, size = max(left, 0.0) + float(entry.filled_ml), float(pump.model.reservoir_ml)
    if total > size:
        message = _(
            "About %(left)s mL expected to be left and %(filled_ml)s mL filled make %(total)s mL, "
            "and the reservoir holds %(reservoir_ml)s mL. Read the syringes again, or was the pump "
            "emptied?"
        ) % {
            "left": f"{max(left, 0.0):.1f}",
            "filled_ml": plain(entry.filled_ml),
            "total": f"{total:.1f}",
            "reservoir_ml": plain(pump.model.reservoir_ml),
        }
        doubts.append(Doubt("overfilled", "filled_ml", message))
    return doubts


def _aspirated_words(found: Residual) -> str:
    gap = found.calibrated_ml - found.aspirated_ml
    told = (
        _(
            "%(aspirated_ml)s mL aspirated is %(gap)s mL less than the %(calibrated_ml)s mL expected of this pump "
            "(%(expected_ml)s mL as programmed; more than %(discrepancy_ml)s mL either way asks for a look). Read the "
            "syringe again. If it is right, consider over-delivery, or a pocket fill at the refill before. "
            "Source: ASRA 2017."
        )
        if gap > 0
        else _(
            "%(aspirated_ml)s mL aspirated is %(gap)s mL more than the %(calibrated_ml)s mL expected of this pump "
            "(%(expected_ml)s mL as programmed; more than %(discrepancy_ml)s mL either way asks for a look). Read the "
            "syringe again. If it is right, consider under-delivery, a motor stall or a catheter problem. "
            "Source: ASRA 2017."
        )
    )
    return told % {
        "aspirated_ml": plain(found.aspirated_ml),
        "gap": plain(abs(gap)),
        "calibrated_ml": plain(found.calibrated_ml),
        "expected_ml": plain(found.expected_ml),
        "discrepancy_ml": DISCREPANCY_ML,
    }


def _of_event(entry: EventEntry, known: Known) -> list[Doubt]:
    match entry.kind:
        case Event.Kind.BOLUS:
            return _of_bolus(entry, known)
        case Event.Kind.INTERROGATION:
            return _of_reading(entry, known)
        case Event.Kind.RESTART if not known.is_stopped:
            message = _("No stop is recorded before this. A dose change restarts a pump whose program is a stop.")
            return [Doubt("not_stopped", "occurred_at", message)]
        case Event.Kind.STALL_RECOVERY if not known.is_stalled:
            return [Doubt("not_stalled", "occurred_at", _("No motor stall is recorded before this recovery."))]
        case _:
            return []


def _of_bolus(entry: EventEntry, known: Known) -> list[Doubt]:
    daily = known.daily_dose_mcg
    if entry.dose_mcg is None or not daily or entry.dose_mcg <= daily:
        return []
    message = _("A bolus of %(dose_mcg)s mcg is more than the %(daily)s mcg of a whole day.") % {
        "dose_mcg": plain(entry.dose_mcg),
        "daily": plain(daily),
    }
    return [Doubt("bolus_above_daily_dose", "dose_mcg", message)]


def _of_reading(entry: EventEntry, known: Known) -> list[Doubt]:
    doubts = []
    has_read = any(value is not None for value in (entry.volume_ml, entry.daily_dose_mcg, entry.patient_bolus_mcg))
    if known.has_alarm and not has_read and not entry.alarms:
        message = _(
            "An alarm was heard from this pump, and this reading settles it, though nothing of what the programmer "
            "showed is entered. Enter the volume, the dose or the alarms of its log; or confirm that it shows none."
        )
        doubts.append(Doubt("alarm_not_read", "alarms", message))
    if entry.volume_ml is not None and known.volume_ml is not None:
        gap = float(entry.volume_ml) - known.volume_ml
        if abs(gap) > READING_TOLERANCE_ML:
            told = (
                _(
                    "The programmer's %(volume_ml)s mL is %(gap)s mL more than this ledger makes it. Is it the right "
                    "pump, and is everything recorded?"
                )
                if gap > 0
                else _(
                    "The programmer's %(volume_ml)s mL is %(gap)s mL less than this ledger makes it. Is it the right "
                    "pump, and is everything recorded?"
                )
            )
            message = told % {"volume_ml": plain(entry.volume_ml), "gap": f"{abs(gap):.1f}"}
            doubts.append(Doubt("reading_differs", "volume_ml", message))
    daily = known.daily_dose_mcg
    if entry.daily_dose_mcg is not None and daily is not None and entry.daily_dose_mcg != daily:
        message = _(
            "The programmer's %(daily_dose_mcg)s mcg/day is not the %(daily)s mcg/day of this "
            "ledger. Record the dose change as well."
        ) % {"daily_dose_mcg": plain(entry.daily_dose_mcg), "daily": plain(daily)}
        doubts.append(Doubt("dose_differs", "daily_dose_mcg", message))
    return [*doubts, *_of_patient_boluses(entry, known)]


def _of_patient_boluses(entry: EventEntry, known: Known) -> list[Doubt]:
    read, most = entry.patient_bolus_mcg, known.patient_boluses_most_mcg
    if read is None or read <= most:
        return []
    if most == 0:
        message = _(
            "The programmer shows %(read)s mcg given by patient boluses, and this ledger has no "
            "program that allows any. Record the dose change that does."
        ) % {"read": plain(read)}
        return [Doubt("no_patient_boluses", "patient_bolus_mcg", message)]
    message = _(
        "%(read)s mcg by patient boluses is more than the %(most)s mcg that the programs allow "
        "at most since the last fill, or the last reading of them. Is it the total since then?"
    ) % {"read": plain(read), "most": plain(most)}
    return [Doubt("patient_boluses_above_most", "patient_bolus_mcg", message)]

"""What somebody tries of a pump, turned into the kernel's facts; what cannot be is said by field. Nothing is stored."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import TypeVar
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from clinical.ledger import Fill, ProgramChange
from clinical.programs import Bolus, Mode, Program, ProgramError, Step, checked
from clinical.terms import ClinicRules
from clinical.units import plain, utc_offset_seconds
from clinics.errors import Impossible
from clinics.saying import said
from pumps.models import Pump, PumpModel
from pumps.programs_json import program_of
from pumps.services.entries import impossible_volume, raise_if

Rows = Sequence[Mapping[str, str]]
Value = TypeVar("Value")


@dataclass(frozen=True, kw_only=True)
class Tried:
    """What somebody tries; None leaves a value as the pump has it. Steps and boluses as the API writes them.

    `old_*` and `catheter_volume_ml` say what the pump had before, for the bridge of a pump that is not in Brim.
    """

    model: PumpModel | None = None
    volume_ml: Decimal | None = None
    concentration_mcg_per_ml: Decimal | None = None
    mode: str | None = None
    daily_dose_mcg: Decimal | None = None
    steps: Rows | None = None
    boluses: Rows | None = None
    filled_at: datetime | None = None
    low_reservoir_alarm_ml: Decimal | None = None
    factory_flow_ml_per_day: Decimal | None = None
    margin_days: int | None = None
    max_refill_interval_days: int | None = None
    stability_days: int | None = None
    drug_expires_on: date | None = None
    old_concentration_mcg_per_ml: Decimal | None = None
    old_daily_dose_mcg: Decimal | None = None
    catheter_volume_ml: Decimal | None = None


def first(given: Value | None, otherwise: Value) -> Value:
    return otherwise if given is None else given


def check_device(device: Pump) -> None:
    """
    Raises:
        Impossible: a low level or a factory flow that the model cannot have, or lacks.
    """
    errors: dict[str, list[str]] = {}
    size = device.model.reservoir_ml
    if device.low_reservoir_alarm_ml >= size:
        errors["low_reservoir_alarm_ml"] = [
            _("The reservoir holds %(size)s mL; a low level lies below.") % {"size": plain(size)}
        ]
    flow = device.factory_flow_ml_per_day
    if flow is not None and device.model.programmable:
        errors["factory_flow_ml_per_day"] = [_("This model is programmable and has no factory flow; leave it blank.")]
    elif flow is None and not device.model.programmable:
        errors["factory_flow_ml_per_day"] = [_("Write the factory flow of this constant-flow model, in mL/day.")]
    elif flow is not None and flow <= 0:
        errors["factory_flow_ml_per_day"] = [_("Must be above 0 mL/day.")]
    raise_if(errors)


def checked_fill(device: Pump, last: Fill | None, tried: Tried, *, at: datetime, volume: Decimal) -> Fill:
    """A refill as tried, told to the pump; the drug is the last one's where nothing else is said."""
    errors: dict[str, list[str]] = defaultdict(list)
    errors["volume_ml"] += impossible_volume(device, volume)
    if volume == 0:
        errors["volume_ml"].append(_("Must be above 0 mL."))
    concentration = tried.concentration_mcg_per_ml
    if concentration is None and last is not None:
        concentration = last.concentration_mcg_per_ml
    if concentration is None:
        errors["concentration_mcg_per_ml"].append(_("No fill is recorded: write the concentration in mcg/mL."))
    elif concentration <= 0:
        errors["concentration_mcg_per_ml"].append(_("A concentration must be above 0 mcg/mL."))
    raise_if({field: messages for field, messages in errors.items() if messages})
    if concentration is None:
        raise TypeError("checked above")
    return Fill(
        at=at,
        filled_ml=volume,
        aspirated_ml=None,
        concentration_mcg_per_ml=concentration,
        programmed_concentration_mcg_per_ml=concentration,
        stability_days=tried.stability_days,
        drug_expires_on=tried.drug_expires_on,
        formulation=last.formulation if last is not None else "",
    )


def tried_program(
    device: Pump, present: ProgramChange | None, tried: Tried, *, at: datetime, zone: ZoneInfo
) -> ProgramChange | None:
    """The program tried, on the clinic's clock, or the `present` one where it is the same; None for a constant flow."""
    running = present.program if present is not None else None
    dose = tried.daily_dose_mcg
    if not device.model.programmable:
        if dose is not None and (running is None or dose != running.daily_dose_mcg):
            told = _(
                "This model is not programmable: its dose is its factory flow x the concentration; leave it blank."
            )
            raise Impossible({"daily_dose_mcg": [told]})
        return None
    mode = tried.mode or _usual_mode(running, dose)
    if dose is None:
        dose = Decimal(0) if mode == Mode.STOPPED else running.daily_dose_mcg if running is not None else None
    if dose is None:
        raise Impossible({"daily_dose_mcg": [_("No dose is recorded: write the dose of 24 hours in mcg.")]})
    try:
        program = _shaped(mode, dose, tried, running)
    except ProgramError as error:
        told = said(error.message)
        raise Impossible({error.field: [f"{told[:1].upper()}{told[1:]}."]}) from error
    if present is not None and program == running:
        return present
    return ProgramChange(at, program, utc_offset_seconds(at, zone))


def _usual_mode(running: Program | None, dose: Decimal | None) -> str:
    """The running mode; a dose tried of a pump that is stopped or has none runs continuously."""
    if running is None or (running.mode is Mode.STOPPED and dose):
        return Mode.SIMPLE_CONTINUOUS.value
    return running.mode.value


def _shaped(mode: str, dose: Decimal, tried: Tried, running: Program | None) -> Program:
    """Steps and boluses as given; where none are given and the mode stays, the running ones scaled to the dose."""
    if tried.steps is not None or tried.boluses is not None:
        shaped = program_of(mode, dose, tried.steps or (), tried.boluses or ())
    elif running is not None and running.mode == mode and running.daily_dose_mcg > 0:
        factor = dose / running.daily_dose_mcg
        steps = tuple(Step(step.start_minute, step.rate_mcg_per_h * factor, step.days) for step in running.steps)
        boluses = tuple(Bolus(bolus.at_minute, bolus.dose_mcg * factor, bolus.days) for bolus in running.boluses)
        shaped = running if factor == 1 else checked(Program(Mode(mode), dose, steps, boluses))
    else:
        shaped = program_of(mode, dose, (), ())
    if running is None or shaped.mode is Mode.STOPPED:
        return shaped
    # What a patient may call for beside the dose stays as it is.
    return replace(
        shaped,
        patient_bolus_mcg=running.patient_bolus_mcg,
        patient_boluses_per_day=running.patient_boluses_per_day,
    )


def tried_rules(rules: ClinicRules, tried: Tried) -> ClinicRules:
    """The clinic's rules with what is tried; a longest interval tried counts before a product's own."""
    products = rules.products
    if tried.max_refill_interval_days is not None:
        products = {key: replace(product, max_refill_interval_days=None) for key, product in products.items()}
    return replace(
        rules,
        margin_days=first(tried.margin_days, rules.margin_days),
        max_refill_interval_days=first(tried.max_refill_interval_days, rules.max_refill_interval_days),
        products=products,
    )

"""Pumps themselves: implanted, corrected."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, cast

from django.db import IntegrityError, transaction

from clinical.units import plain
from clinics.errors import Impossible
from patients.models import Patient
from pumps import forecasting
from pumps.alerting import reconcile
from pumps.models import Event, Forecast, Pump, PumpModel

TAKEN = "A pump with this serial number is in the clinic already."


@transaction.atomic
def implant(*, patient: Patient, model: PumpModel, now: datetime, **fields: Any) -> Pump:
    """Record an implanted pump with its first forecast (unknown until a fill). Blank low level: the catalogue's.

    Raises:
        Impossible: serial number taken in the clinic, or a value the model cannot have; messages per field.
    """
    pump = Pump(patient=patient, clinic=patient.clinic, model=model, **fields)
    _complete(pump)
    _check(pump, now)
    try:
        with transaction.atomic():
            pump.save()
    except IntegrityError as error:  # the same serial number entered twice at once
        raise Impossible({"serial_number": [TAKEN]}) from error
    _refresh(pump, now)
    return pump


@transaction.atomic
def correct(*, pump: Pump, changes: Mapping[str, Any], now: datetime) -> Pump:
    """Correct a pump's particulars; its forecast follows in the same transaction.

    Raises:
        Impossible: as `implant`.
    """
    [locked] = forecasting.locked([pump.pk])
    list(Forecast.objects.select_for_update().filter(pump=locked))
    for field, value in changes.items():
        setattr(locked, field, value)
    _complete(locked)
    _check(locked, now)
    _check_against_ledger(locked)
    locked.save()
    _refresh(locked, now)
    return locked


def _complete(pump: Pump) -> None:
    """Fill in what follows from the rest: a blank low level is the catalogue's; an explant date ends the use."""
    if cast("Decimal | None", pump.low_reservoir_alarm_ml) is None:  # as entered, before the database sees it
        pump.low_reservoir_alarm_ml = pump.model.low_reservoir_ml
    pump.status = Pump.Status.ACTIVE if pump.explanted_on is None else Pump.Status.EXPLANTED


def _check_against_ledger(pump: Pump) -> None:
    """A pump's dates cannot leave recorded events outside its life."""
    days = [at.astimezone(pump.clinic.zone).date() for at in Event.objects.life_of(pump)]
    if days and pump.implanted_on > days[0]:
        raise Impossible({"implanted_on": [f"An entry of {days[0]} stands in the pump's ledger, which is before."]})
    if days and pump.explanted_on is not None and pump.explanted_on < days[-1]:
        raise Impossible({"explanted_on": [f"An entry of {days[-1]} stands in the pump's ledger, which is after."]})


def _refresh(pump: Pump, now: datetime) -> None:
    [row] = forecasting.fresh([pump], [forecasting.current_prior()], now=now)
    forecasting.store([row])
    reconcile([row], now=now)


def _check(pump: Pump, now: datetime) -> None:
    errors: dict[str, list[str]] = defaultdict(list)
    for field, message in impossible(pump, now=now):
        errors[field].append(f"{message[:1].upper()}{message[1:]}.")
    same = Pump.objects.filter(clinic=pump.clinic_id, serial_number=pump.serial_number).exclude(pk=pump.pk)
    if same.exists():
        errors["serial_number"].append(TAKEN)
    if errors:
        raise Impossible(errors)


def impossible(pump: Pump, *, now: datetime) -> Iterator[tuple[str, str]]:
    """What cannot be about a pump: (field, message), from its own values, its model, clinic and patient. No query."""
    yield from _impossible_dates(pump, now.astimezone(pump.clinic.zone).date())
    for field in ("catheter_volume_ml", "low_reservoir_alarm_ml", "flow_accuracy_pct"):
        value = getattr(pump, field)
        if value is not None and value < 0:
            yield field, "cannot be negative"
    if pump.low_reservoir_alarm_ml >= pump.model.reservoir_ml:
        yield "low_reservoir_alarm_ml", f"the reservoir holds {plain(pump.model.reservoir_ml)} mL"
    flow = pump.factory_flow_ml_per_day
    if flow is not None and flow <= 0:
        yield "factory_flow_ml_per_day", "must be above 0"
    elif flow is not None and pump.model.programmable:
        yield "factory_flow_ml_per_day", "this model is programmable and has no factory flow; leave it blank"


def _impossible_dates(pump: Pump, today: date) -> Iterator[tuple[str, str]]:
    born = pump.patient.date_of_birth
    if pump.implanted_on > today:
        yield "implanted_on", "lies in the future; enter the pump once it is implanted"
    if pump.implanted_on < born:
        yield "implanted_on", f"lies before the patient's birth on {born}"
    if pump.explanted_on is not None and pump.explanted_on > today:
        yield "explanted_on", "lies in the future; enter it once the pump is out"
    if pump.explanted_on is not None and pump.explanted_on < pump.implanted_on:
        yield "explanted_on", f"lies before the implant on {pump.implanted_on}"

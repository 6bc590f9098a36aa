"""Pumps themselves: implanted, corrected."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from clinical.units import plain
from clinics.errors import Impossible
from patients.models import Patient
from pumps import forecasting
from pumps.alerting import reconcile
from pumps.models import Forecast, Pump, PumpModel


@transaction.atomic
def implant(*, patient: Patient, model: PumpModel, now: datetime, **fields: Any) -> Pump:
    """Record an implanted pump with its first forecast (unknown until a fill). Blank low level: the catalogue's.

    Raises:
        Impossible: serial number taken in the clinic, or a value the model cannot have; messages per field.
    """
    if fields.get("low_reservoir_alarm_ml") is None:
        fields["low_reservoir_alarm_ml"] = model.low_reservoir_ml
    pump = Pump(patient=patient, clinic=patient.clinic, model=model, **fields)
    _check(pump, now)
    pump.save()
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
    locked.status = Pump.Status.ACTIVE if locked.explanted_on is None else Pump.Status.EXPLANTED
    _check(locked, now)
    locked.save()
    _refresh(locked, now)
    return locked


def _refresh(pump: Pump, now: datetime) -> None:
    [row] = forecasting.fresh([pump], [forecasting.current_prior()], now=now)
    forecasting.store([row])
    reconcile([row], now=now)


def _check(pump: Pump, now: datetime) -> None:
    errors: dict[str, list[str]] = {}
    same = Pump.objects.filter(clinic=pump.clinic_id, serial_number=pump.serial_number).exclude(pk=pump.pk)
    if same.exists():
        errors["serial_number"] = ["A pump with this serial number is in the clinic already."]
    if pump.low_reservoir_alarm_ml >= pump.model.reservoir_ml:
        errors["low_reservoir_alarm_ml"] = [f"The reservoir holds {plain(pump.model.reservoir_ml)} mL."]
    if pump.model.programmable and pump.factory_flow_ml_per_day is not None:
        errors["factory_flow_ml_per_day"] = ["This model is programmable and has no factory flow; leave it blank."]
    today = now.astimezone(pump.clinic.zone).date()
    if pump.implanted_on > today:
        errors["implanted_on"] = ["The implant lies in the future; enter the pump once it is implanted."]
    if pump.implanted_on < pump.patient.date_of_birth:
        errors["implanted_on"] = ["The implant lies before the patient's birth."]
    if pump.explanted_on is not None and pump.explanted_on < pump.implanted_on:
        errors["explanted_on"] = ["The explant lies before the implant."]
    if errors:
        raise Impossible(errors)

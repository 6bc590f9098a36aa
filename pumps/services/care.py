"""The end of a patient's care at a clinic: death, end of therapy, transfer."""

from datetime import date, datetime

from django.db import transaction

from clinics.errors import Impossible
from patients.models import Patient
from pumps import forecasting
from pumps.alerting import reconcile
from pumps.models import Forecast, Pump


@transaction.atomic
def change_status(*, patient: Patient, status: str, on: date, reason: str, now: datetime) -> Patient:
    """Store a patient's status; their pumps leave or rejoin the worklist and their alerts close, together.

    Raises:
        Impossible: an end of care without a reason, before birth or in the future.
    """
    _check(patient, status, on, reason, now)
    pump_ids = list(Pump.objects.filter(patient=patient).order_by("pk").values_list("pk", flat=True))
    forecasting.locked(pump_ids)
    list(Forecast.objects.select_for_update().filter(pump__in=pump_ids).order_by("pk"))
    locked = Patient.objects.select_for_update(no_key=True).get(pk=patient.pk)
    locked.status, locked.status_on, locked.status_reason = status, on, reason
    locked.save(update_fields=["status", "status_on", "status_reason"])
    pumps = forecasting.locked(pump_ids)
    rows = forecasting.fresh(pumps, [forecasting.current_prior()] * len(pumps), now=now)
    forecasting.store(rows)
    reconcile(rows, now=now)
    return locked


def _check(patient: Patient, status: str, on: date, reason: str, now: datetime) -> None:
    errors: dict[str, list[str]] = {}
    if status not in Patient.Status.values:
        errors["status"] = [f"Choose one of {', '.join(Patient.Status.values)}."]
    if status != Patient.Status.ACTIVE and not reason.strip():
        errors["reason"] = ["Say why: it ends the reminders for this patient."]
    if on > now.astimezone(patient.clinic.zone).date():
        errors["on"] = ["This lies in the future; enter it once it has happened."]
    if on < patient.date_of_birth:
        errors["on"] = ["This lies before the patient's birth."]
    if errors:
        raise Impossible(errors)

"""The course of a patient's care at a clinic: death, end of therapy, transfer away, and back."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.dispatch import Signal
from django.utils.translation import gettext as _

from clinical.escalation import RAISING_FLAGS
from clinical.saying import say
from clinics.errors import Conflict, Impossible
from clinics.history import note, subject_of
from clinics.models import User
from clinics.words import in_english
from patients import services
from patients.models import Patient
from pumps import forecasting
from pumps.alerting import align
from pumps.models import Forecast, Pump
from pumps.services import visit_ends

# Sent within the transaction in which a patient leaves a clinic's care, or comes back into it, with `patient`, `by` and
# `now`: what a room above has opened for a patient in care ends.
care_changed = Signal()


@transaction.atomic
def change_status(
    *, patient: Patient, status: str, on: date, reason: str, now: datetime, by: User | None = None
) -> Patient:
    """Store a patient's status; their pumps leave or rejoin the worklist and their alerts close, together.

    Raises:
        Impossible: an end of care without a reason, before birth or in the future.
        Conflict: another clinic of this Brim has taken the patient over.
    """
    _check(patient, status, on, reason, now)
    pump_ids = list(Pump.objects.filter(patient=patient).order_by("pk").values_list("pk", flat=True))
    forecasting.held(pump_ids)
    locked = Patient.objects.select_for_update(no_key=True).get(pk=patient.pk)
    if locked.transfers.filter(accepted_at__isnull=False).exists():
        raise Conflict(_("Another clinic has taken this patient over; their care goes on there."))
    was = locked.status
    details = {"status": [was, status], "reason": [locked.status_reason, reason]}
    locked.status, locked.status_on, locked.status_reason = status, on, reason
    locked.save(update_fields=["status", "status_on", "status_reason"])
    settle(pump_ids, now=now)
    if {was, status} != {Patient.Status.ACTIVE.value}:
        care_changed.send(sender=Patient, patient=locked, by=by, now=now)
    summary = say("%(status)s on %(on)s", status=in_english(locked.get_status_display), on=on)
    note(clinic=locked.clinic, by=by, at=now, subject=subject_of(locked), summary=summary, details=details)
    return locked


@transaction.atomic
def change_patient(*, patient: Patient, changes: Mapping[str, Any], by: User, now: datetime) -> Patient:
    """As `patients.services.change`; flags that raise the risk make alerts begin earlier, so the next tick looks.

    Raises:
        Conflict, Impossible: as there.
    """
    rows = Forecast.objects.filter(pump__patient=patient, in_use=True)
    list(rows.select_for_update().order_by("pk"))
    before = set(Patient.objects.values_list("flags", flat=True).get(pk=patient.pk))
    changed = services.change(patient=patient, changes=changes, by=by, now=now)
    if (before ^ set(changed.flags)) & RAISING_FLAGS:
        # Touched, so that a nightly run that has read the row does not put the later start back.
        rows.update(next_alert_at=now, computed_at=now)
    return changed


def settle(pump_ids: list[int], *, now: datetime) -> None:
    """Forecast pumps anew and bring their visits and alerts into line, after something about their patient changed."""
    pumps = forecasting.locked(pump_ids)
    rows = forecasting.fresh(pumps, [forecasting.current_prior()] * len(pumps), now=now)
    visit_ends.out_of_use(rows, now=now)
    align(rows, {pump.pk: pump.patient.flags for pump in pumps}, now=now)
    forecasting.store(rows)


def _check(patient: Patient, status: str, on: date, reason: str, now: datetime) -> None:
    errors: dict[str, list[str]] = {}
    if status not in Patient.Status.values:
        errors["status"] = [_("Choose one of %(values)s.") % {"values": ", ".join(Patient.Status.values)}]
    if status != Patient.Status.ACTIVE and not reason.strip():
        errors["reason"] = [_("Say why: it ends the reminders for this patient.")]
    if on > now.astimezone(patient.clinic.zone).date():
        errors["on"] = [_("This lies in the future; enter it once it has happened.")]
    if on < patient.date_of_birth:
        errors["on"] = [_("This lies before the patient's birth.")]
    if errors:
        raise Impossible(errors)

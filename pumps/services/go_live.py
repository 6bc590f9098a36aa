"""Who would be written to, and when, once a clinic's messages to patients are on."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from alerts.models import Alert
from alerts.services import lifecycle
from clinical.escalation import first_to_patient, starts
from clinics.models import Clinic
from patients.models import Contact, Patient
from pumps.alerting import deadlines
from pumps.models import Forecast, Pump


@dataclass(frozen=True)
class Planned:
    """One person who would be written to about a pump; `contact` is empty for the patient."""

    pump: Pump
    patient: Patient
    contact: Contact | None
    at: datetime

    @property
    def name(self) -> str:
        return str(self.contact or self.patient)

    @property
    def email(self) -> str:
        return self.contact.email if self.contact is not None else self.patient.email


def planned(clinic: Clinic, *, now: datetime) -> list[Planned]:
    """Everybody who would get a message, by when the first one leaves if nothing is refilled before. Four queries."""
    rows = list(
        Forecast.objects.filter(clinic=clinic, in_use=True, refill_by__isnull=False).select_related("pump__patient")
    )
    ladder = lifecycle.ladders([clinic.pk])[clinic.pk]
    alerts = {alert.pump_id: alert for alert in Alert.objects.open().filter(clinic=clinic, kind=Alert.Kind.REFILL_DUE)}
    contacts: dict[int, list[Contact]] = defaultdict(list)
    for contact in Contact.objects.with_consent().filter(patient__clinic=clinic):
        contacts[contact.patient_id].append(contact)
    found = []
    for row in rows:
        at = _first(row, alerts.get(row.pump_id), ladder, clinic, now)
        patient = row.pump.patient
        if at is None:
            continue
        if patient.email_reminders and patient.email and patient.email_undeliverable_since is None:
            found.append(Planned(row.pump, patient, None, at))
        found += [Planned(row.pump, patient, contact, at) for contact in contacts[patient.pk]]
    return sorted(found, key=lambda one: (one.at, one.pump.pk))


def _first(
    row: Forecast, alert: Alert | None, ladder: lifecycle.Ladder, clinic: Clinic, now: datetime
) -> datetime | None:
    """An open alert goes by the ladder it opened with, from its next turn on; otherwise the first tier opens one."""
    if alert is not None:
        begins = max(alert.next_due_at or now, now)
        return first_to_patient(lifecycle.ladder_of(alert), lifecycle.deadlines_of(alert), begins, clinic.zone)
    works_to = deadlines(row, row.computed_at)
    begins = max(min(start for start, _ in starts(ladder, works_to)), now)
    return first_to_patient(ladder, works_to, begins, clinic.zone)

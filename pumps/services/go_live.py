"""Who would be written to, and when, once a clinic's messages to patients are on."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from alerts.models import Alert
from alerts.reach import ways_to
from alerts.services import lifecycle
from clinical.escalation import Tier, first_told, starts
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
    policy = lifecycle.policies([clinic.pk])[clinic.pk]
    alerts = {alert.pump_id: alert for alert in Alert.objects.open().filter(clinic=clinic, kind=Alert.Kind.REFILL_DUE)}
    contacts: dict[int, list[Contact]] = defaultdict(list)
    for contact in Contact.objects.standing().filter(patient__clinic=clinic):
        contacts[contact.patient_id].append(contact)
    found = []
    for row in rows:
        patient = row.pump.patient
        ladder = policy.of(patient.flags)
        people: list[Patient | Contact] = [patient, *contacts[patient.pk]]
        for person in people:
            at = _first(row, alerts.get(row.pump_id), ladder, clinic, now, person)
            if at is not None:
                found.append(Planned(row.pump, patient, person if isinstance(person, Contact) else None, at))
    return sorted(found, key=lambda one: (one.at, one.pump.pk))


def _reaches(tier: Tier, person: Patient | Contact) -> bool:
    """Whether a tier tells this person, by a channel they consent to."""
    if isinstance(person, Patient):
        is_named = tier.to_patient
    else:
        is_named = tier.to_caregivers if person.kind == Contact.Kind.CAREGIVER else tier.to_care_home
    return is_named and bool(ways_to(person, tier.channels))


def _first(
    row: Forecast,
    alert: Alert | None,
    ladder: lifecycle.Ladder,
    clinic: Clinic,
    now: datetime,
    person: Patient | Contact,
) -> datetime | None:
    """An open alert goes by the ladder it opened with, from its next turn on; otherwise the first tier opens one."""

    def reaches(tier: Tier) -> bool:
        return _reaches(tier, person)

    if alert is not None:
        begins = max(alert.next_due_at or now, now)
        return first_told(lifecycle.ladder_of(alert), lifecycle.deadlines_of(alert), begins, clinic.zone, reaches)
    works_to = deadlines(row, row.computed_at)
    begins = max(min(start for start, _ in starts(ladder, works_to)), now)
    return first_told(ladder, works_to, begins, clinic.zone, reaches)

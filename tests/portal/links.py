"""A message somebody got, and the path of its link."""

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.utils import timezone

from alerts.models import Alert, Notification
from alerts.patient_links import link_of
from patients.models import Contact, Patient
from pumps.models import Pump
from scheduling.models import Appointment
from tests.builders import a_clinic, a_patient, a_running_pump

# Named nowhere before the reader has chosen to see it, and in no message.
FORBIDDEN = (
    "baclofen",
    "pump",
    "refill",
    "dose",
    "reservoir",
    "implant",
    "intrathecal",
    "catheter",
    "spastic",
    "spasm",
    "medicine",
    "drug",
    "neuro",
    "rehab",
    "rossi",
)


def a_patients_pump(**clinic: Any) -> Pump:
    """A pump of Ada, who gets e-mail, some days before its date, at a clinic with a phone."""
    values = {"patient_facing_name": "Harbor", "phone": "+1 555 0100", **clinic}
    found = a_clinic("Harbor Neurology", **values)
    patient = a_patient(found, email="ada@example.org", email_reminders=True, family_name="Rossi")
    return a_running_pump(found, patient=patient, filled_days_ago=60, now=timezone.now())


def a_caregiver(patient: Patient, **fields: Any) -> Contact:
    values = {"kind": "caregiver", "name": "Bruno", "email": "bruno@example.org", "email_reminders": True, **fields}
    return Contact.objects.create(patient=patient, **values)


def a_visit(pump: Pump, starts_at: datetime | None = None, **fields: Any) -> Appointment:
    moment = starts_at or (timezone.now() + timedelta(days=5)).replace(hour=19, minute=30, second=0, microsecond=0)
    values = {"clinic": pump.clinic, "patient": pump.patient, "pump": pump, "starts_at": moment, **fields}
    return Appointment.objects.create(**values)


def a_message(
    pump: Pump, *, contact: Contact | None = None, visit: Appointment | None = None, channel: str = "email"
) -> Notification:
    """A reminder of the visit, or, without one, the message of the pump's refill alert."""
    alert = None
    if visit is None:
        alert = Alert.objects.open().get(pump=pump, kind=Alert.Kind.REFILL_DUE)
    return Notification.objects.create(
        clinic=pump.clinic,
        alert=alert,
        appointment=visit,
        tier="patient",
        repeat_number=Notification.objects.count(),
        recipient=f"contact:{contact.pk}" if contact is not None else f"patient:{pump.patient_id}",
        patient=pump.patient if contact is None else None,
        contact=contact,
        channel=channel,
        due_at=timezone.now(),
    )


def path_of(row: Notification) -> str:
    return urlsplit(link_of(row)).path

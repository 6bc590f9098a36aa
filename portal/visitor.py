"""Who followed a link, about whom, and what there is to say about the next visit."""

from dataclasses import dataclass
from datetime import datetime

from alerts.models import Alert, Notification
from clinical.saying import say
from clinics.models import Clinic
from clinics.words import in_english
from patients.models import Contact, Patient
from pumps.models import Pump
from scheduling.models import Appointment
from scheduling.states import State


@dataclass(frozen=True)
class Visitor:
    """The patient, or a contact of theirs, as the link's message knows them, and the pump in use today."""

    row: Notification
    # What they came with: a page's own links are no younger.
    token: str
    patient: Patient
    contact: Contact | None
    clinic: Clinic
    pump: Pump

    @property
    def words(self) -> str:
        """Who it is, for staff who read what they did."""
        if self.contact is None:
            return say("%(name)s (the patient)", name=self.patient.given_name)
        return say("%(name)s (%(kind)s)", name=self.contact, kind=in_english(self.contact.get_kind_display).lower())

    @property
    def name(self) -> str:
        return self.contact.name if self.contact is not None else self.patient.given_name

    @property
    def came_by_email(self) -> bool:
        return self.row.channel == Notification.Channel.EMAIL

    @property
    def has_email(self) -> bool:
        """Whether e-mail still goes to this person."""
        return (self.contact or self.patient).email_reminders


def visitor_of(row: Notification, token: str) -> Visitor | None:
    """None where the link has nobody to answer for any more: the patient died, moved to another clinic or ended the
    therapy, the contact was removed, or no pump is in use."""
    contact = row.contact
    patient = contact.patient if contact is not None else row.patient
    if patient is None or patient.status != Patient.Status.ACTIVE:
        return None
    if contact is not None and contact.ended_at is not None:
        return None
    pump = _pump(row, patient)
    return Visitor(row, token, patient, contact, patient.clinic, pump) if pump is not None else None


def _pump(row: Notification, patient: Patient) -> Pump | None:
    """The one the message was about, or, once that is out, the one that replaced it."""
    about = row.alert or row.appointment
    own = about.pump if about is not None else None
    if own is not None and own.status == Pump.Status.ACTIVE:
        return own
    return Pump.objects.filter(patient=patient, status=Pump.Status.ACTIVE).order_by("pk").last()


def next_visit(visitor: Visitor, now: datetime) -> Appointment | None:
    """The booked time still to come; one that has begun is the clinic's business."""
    standing = Appointment.objects.standing().filter(pump=visitor.pump, starts_at__gt=now)
    return standing.filter(state__in=(State.BOOKED, State.CONFIRMED)).first()


def may_book(visitor: Visitor) -> bool:
    """A time is asked for where a refill is due and no visit stands."""
    if Appointment.objects.standing().filter(pump=visitor.pump).exists():
        return False
    return Alert.objects.open().filter(pump=visitor.pump, kind=Alert.Kind.REFILL_DUE).exists()

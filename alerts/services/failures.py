"""Messages that could not be delivered: an alert for staff, until the recipient is reached."""

from collections.abc import Collection
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q

from alerts.models import Alert, Digest, Notification
from alerts.people import at_home, patient_of, pump_id_of
from alerts.queries import AlertQuerySet
from alerts.services.lifecycle import Opening, close, open_all
from clinical.escalation import Deadlines
from clinical.saying import say
from clinics.history import note, subject_of
from clinics.models import Membership
from patients.models import Contact, Patient

# A clinic and a pump of it, or None for what concerns the clinic.
Place = tuple[int, int | None]


def place_of(row: Notification) -> Place:
    return row.clinic_id, pump_id_of(row)


def open_failure(row: Notification, *, now: datetime) -> None:
    """Alert staff, unless they are already, or what failed was such an alert itself. Within a transaction."""
    if row.alert is not None and row.alert.kind == Alert.Kind.DELIVERY_FAILED:
        return
    patient = patient_of(row)
    _open(place_of(row), patient.pk if patient is not None else None, "", now)


def open_digest_failure(row: Digest, *, now: datetime) -> None:
    """Alert the staff of a clinic that one of them gets no digest. Within a transaction."""
    _open((row.clinic_id, None), None, say("the daily digest to %(email)s was refused", email=row.user.email), now)


def _open(place: Place, patient_id: int | None, detail: str, now: datetime) -> None:
    if _failures([place]).exists():
        return
    clinic_id, pump_id = place
    kind, deadlines = Alert.Kind.DELIVERY_FAILED, Deadlines(opened_at=now)
    try:
        with transaction.atomic():
            open_all([Opening(clinic_id, patient_id, pump_id, kind, deadlines, detail=detail)], now=now)
    except IntegrityError:  # two messages about one pump failed at once
        if not _failures([place]).exists():
            raise


def places_with_failures(rows: Collection[Notification]) -> set[Place]:
    """Of the pumps and clinics of some rows, those with such an alert. One query."""
    found = _failures({place_of(row) for row in rows})
    return set(found.values_list("clinic_id", "pump_id"))


def settle(place: Place, *, now: datetime) -> None:
    """End the alert once everybody who was not reached was reached later. Within a transaction."""
    clinic_id, pump_id = place
    about = Q(alert__pump=pump_id) | Q(appointment__pump=pump_id) if pump_id is not None else Q(alert__pump=None)
    rows = Notification.objects.filter(about, clinic=clinic_id)
    if pump_id is None:
        rows = rows.filter(alert__isnull=False)
    reached_later = rows.filter(state=Notification.State.SENT, recipient=OuterRef("recipient"), pk__gt=OuterRef("pk"))
    if rows.filter(~Exists(reached_later), state=Notification.State.FAILED).exists():
        return
    if pump_id is None and _is_digest_missing(clinic_id):
        return
    for alert in _failures([place]).select_for_update():
        close(alert, reason=say("the recipient was reached"), event_id=None, now=now)


def _is_digest_missing(clinic_id: int) -> bool:
    """Whether a digest to somebody on the staff was refused, and none has reached them since."""
    rows = Digest.objects.filter(clinic=clinic_id, user__in=Membership.objects.of_clinic(clinic_id).values("user"))
    reached_later = rows.filter(state=Digest.State.SENT, user=OuterRef("user"), day__gt=OuterRef("day"))
    return rows.filter(~Exists(reached_later), state=Digest.State.FAILED).exists()


def give_up_address(row: Notification, *, address: str, why: str, now: datetime) -> None:
    """Send no e-mail to an address any more: whoever has it in the clinic becomes somebody to phone.

    An address that was replaced meanwhile is nobody's, so a late bounce stops nothing. Staff keep theirs: it is what
    they log in by, and the alert about it goes on.
    """
    if at_home(row) is None or not address:
        return
    flagged = {"email__iexact": address, "email_undeliverable_since": None}
    for patient in Patient.objects.filter(clinic=row.clinic_id, **flagged).select_related("clinic"):
        _flag(patient, patient, why, now)
    for contact in Contact.objects.filter(patient__clinic=row.clinic_id, **flagged).select_related("patient__clinic"):
        _flag(contact, contact.patient, why, now)


def _flag(person: Patient | Contact, patient: Patient, why: str, now: datetime) -> None:
    type(person).objects.filter(pk=person.pk).update(email_undeliverable_since=now)
    summary = say("No more e-mail to %(person)s: %(why)s; phone instead", person=person, why=why)
    note(clinic=patient.clinic, by=None, at=now, subject=subject_of(patient), summary=summary)


def _failures(places: Collection[Place]) -> AlertQuerySet[Alert]:
    """The open alerts of this kind about some pumps, and about the clinics of no pump."""
    pumps = {pump_id for _, pump_id in places if pump_id is not None}
    clinics = {clinic_id for clinic_id, pump_id in places if pump_id is None}
    wanted = Q(pump__in=pumps) | Q(pump=None, clinic__in=clinics)
    return Alert.objects.open().filter(wanted, kind=Alert.Kind.DELIVERY_FAILED)

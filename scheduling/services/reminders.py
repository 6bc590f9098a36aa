"""Reminders of visits: the outbox rows of those that are due."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from alerts.models import Notification
from alerts.reach import ways_to
from alerts.services.batches import act_on_due
from clinical.saying import say
from patients.models import Contact, Patient
from scheduling.models import Appointment, AppointmentStep, VisitRules
from scheduling.times import nearest, next_reminder, reminder_tier

BATCH = 200


def write_due(now: datetime) -> int:
    """Write the rows of every reminder that is due; returns how many visits were looked at.

    Of each one's reminders that have come, the nearest to the visit has its rows written, due in the clinic's allowed
    hours, and the visit says when the next one is due, in one transaction a batch (`batches`). No row is written twice.
    """
    due = Appointment.objects.to_remind(now).select_related("clinic", "patient")
    return act_on_due(
        due, lambda visits: _remind_all(visits, now), size=BATCH, broke="a visit could not be reminded of"
    )


def _remind_all(visits: Sequence[Appointment], now: datetime) -> None:
    rules = VisitRules.objects.of({visit.clinic_id for visit in visits})
    contacts: dict[int, list[Contact]] = defaultdict(list)
    for contact in Contact.objects.standing().filter(patient__in={visit.patient_id for visit in visits}).order_by("pk"):
        contacts[contact.patient_id].append(contact)
    rows: list[Notification] = []
    steps: list[AppointmentStep] = []
    for visit in visits:
        told, step = _remind(visit, rules[visit.clinic_id], contacts[visit.patient_id], now)
        rows += told
        steps += [step] if step is not None else []
    _skip_earlier(rows)
    Notification.objects.bulk_create(rows, ignore_conflicts=True)
    AppointmentStep.objects.bulk_create(steps)
    Appointment.objects.bulk_update(visits, ["remind_at"])


def _skip_earlier(rows: Sequence[Notification]) -> None:
    """What could not be sent until a nearer reminder of the same visit was due is not sent any more."""
    queued = Notification.objects.filter(state=Notification.State.QUEUED)
    waiting = queued.filter(appointment__in={row.appointment_id for row in rows})
    for tier in {row.tier for row in rows}:
        # The same reminder, due again since the clinic moved its hours, is on its way already.
        waiting = waiting.exclude(appointment__in={row.appointment_id for row in rows if row.tier == tier}, tier=tier)
    waiting.update(state=Notification.State.CANCELLED, error=say("a nearer reminder of the visit is due"))


def _remind(
    visit: Appointment, rules: VisitRules, contacts: Sequence[Contact], now: datetime
) -> tuple[list[Notification], AppointmentStep | None]:
    """The rows of the reminder that is due, and the step that says so; the visit's next one is set."""
    zone, days, allowed = visit.clinic.zone, rules.reminder_days, rules.allowed
    at = allowed.next(now, zone)
    visit.remind_at = next_reminder(visit.starts_at, days, zone, allowed, at)
    which = nearest(visit.starts_at, days, zone, allowed, at)
    if which is None or at >= visit.starts_at:
        return [], None
    tier = reminder_tier(which)
    rows = [
        Notification(
            clinic_id=visit.clinic_id,
            appointment=visit,
            tier=tier,
            repeat_number=visit.sequence,
            channel=way,
            due_at=at,
            **whom,
        )
        for whom, way in _recipients(visit, contacts, rules.reminder_channels)
    ]
    said = (
        say("%(tier)s: %(count)s messages", tier=tier, count=len(rows))
        if rows
        else say("%(tier)s: nobody can be written to, so somebody has to phone", tier=tier)
    )
    return rows, AppointmentStep(appointment=visit, at=now, what="reminder", detail=said)


def _recipients(
    visit: Appointment, contacts: Sequence[Contact], channels: Sequence[str]
) -> Iterator[tuple[dict[str, Any], str]]:
    """The patient and their contacts, each by every channel they consent to; nobody before the clinic goes live."""
    if visit.clinic.patient_messages_since is None or visit.patient.status != Patient.Status.ACTIVE:
        return
    patient = {"recipient": f"patient:{visit.patient_id}", "patient_id": visit.patient_id}
    yield from ((patient, way) for way in ways_to(visit.patient, channels))
    for contact in contacts:
        whom = {"recipient": f"contact:{contact.pk}", "contact_id": contact.pk}
        yield from ((whom, way) for way in ways_to(contact, channels))

"""Reminders of visits: the outbox rows of those that are due."""

import logging
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from alerts.models import Notification
from alerts.services.telling import can_message
from patients.models import Contact
from scheduling.models import Appointment, AppointmentStep, VisitRules
from scheduling.times import nearest, next_reminder

logger = logging.getLogger(__name__)

BATCH = 200


def write_due(now: datetime) -> int:
    """Write the rows of every reminder that is due; returns how many visits were looked at.

    In steps: (1) claim up to BATCH due visits with SKIP LOCKED; (2) of each one's reminders that have come, take the
    nearest to the visit and write its rows, due in the clinic's allowed hours; (3) set when the next one is due; (4)
    commit; again until none is left. A crash before 4 leaves them due, and no row is written twice.
    """
    total = 0
    broken: set[int] = set()
    while True:
        with transaction.atomic():
            visits = _claim(now, broken)
            if not visits:
                return total
            total += len(visits)
            try:
                with transaction.atomic():
                    _remind_all(visits, now)
            except Exception:  # noqa: BLE001  stored and logged visit by visit below
                broken |= _remind_singly(visits, now)


def _claim(now: datetime, without: set[int]) -> list[Appointment]:
    due = Appointment.objects.to_remind(now).exclude(pk__in=without).select_related("clinic", "patient")
    return list(due.select_for_update(skip_locked=True, of=("self",))[:BATCH])


def _remind_singly(visits: Sequence[Appointment], now: datetime) -> set[int]:
    """One visit that breaks must not hold up the others: it stays due."""
    broken = set()
    for visit in visits:
        try:
            with transaction.atomic():
                _remind_all([Appointment.objects.select_related("clinic", "patient").get(pk=visit.pk)], now)
        except Exception:  # the tick's edge: whatever it is, the other visits go on
            logger.exception("visit %s could not be reminded of", visit.pk)
            broken.add(visit.pk)
    return broken


def _remind_all(visits: Sequence[Appointment], now: datetime) -> None:
    rules = VisitRules.objects.of({visit.clinic_id for visit in visits})
    contacts: dict[int, list[int]] = defaultdict(list)
    asked = Contact.objects.with_consent().filter(patient__in={visit.patient_id for visit in visits})
    for patient_id, contact_id in asked.order_by("pk").values_list("patient_id", "pk"):
        contacts[patient_id].append(contact_id)
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
    waiting.update(state=Notification.State.CANCELLED, error="a nearer reminder of the visit is due")


def _remind(
    visit: Appointment, rules: VisitRules, contacts: Sequence[int], now: datetime
) -> tuple[list[Notification], AppointmentStep | None]:
    """The rows of the reminder that is due, and the step that says so; the visit's next one is set."""
    zone, days, allowed = visit.clinic.zone, rules.reminder_days, rules.allowed
    at = allowed.next(now, zone)
    visit.remind_at = next_reminder(visit.starts_at, days, zone, allowed, at)
    which = nearest(visit.starts_at, days, zone, allowed, at)
    if which is None or at >= visit.starts_at:
        return [], None
    tier = f"visit_{which}"
    rows = [
        Notification(
            clinic_id=visit.clinic_id,
            appointment=visit,
            tier=tier,
            repeat_number=visit.sequence,
            recipient=recipient,
            channel=Notification.Channel.EMAIL,
            due_at=at,
            **whom,
        )
        for recipient, whom in _recipients(visit, contacts)
    ]
    said = f"{tier}: {len(rows)} messages" if rows else f"{tier}: nobody can be written to, so somebody has to phone"
    return rows, AppointmentStep(appointment=visit, at=now, what="reminder", detail=said)


def _recipients(visit: Appointment, contacts: Sequence[int]) -> list[tuple[str, dict[str, int]]]:
    """The patient and their contacts, as far as each may be written to; nobody before the clinic goes live."""
    if visit.clinic.patient_messages_since is None:
        return []
    found = [(f"contact:{pk}", {"contact_id": pk}) for pk in contacts]
    if can_message(visit.patient, visit.clinic.patient_messages_since):
        found.insert(0, (f"patient:{visit.patient_id}", {"patient_id": visit.patient_id}))
    return found

"""The outbox is filled here: whoever has to be told now gets a row."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from django.db import transaction

from alerts.models import Alert, Notification
from alerts.services.lifecycle import deadlines_of, ladder_of, log
from clinical.escalation import Tier, allowed_from, next_due, next_start, tier_at
from clinics.models import Membership, User
from clinics.roles import Role
from patients.models import Contact, Patient

logger = logging.getLogger(__name__)

BATCH = 200
# How often a tier with nobody to tell looks again for somebody.
LOOK_AGAIN = timedelta(minutes=10)


def advance(now: datetime) -> int:
    """Act on every alert that is due; returns how many.

    In steps: (1) claim up to BATCH due alerts with SKIP LOCKED; (2) find each one's tier and recipients; (3) write
    their outbox rows and when to act next; (4) commit; again until none is left. A crash before 4 leaves the alerts
    due; two ticks at once claim different alerts.
    """
    total = 0
    broken: set[int] = set()
    while True:
        with transaction.atomic():
            alerts = _claim_due(now, broken)
            if not alerts:
                return total
            total += len(alerts)
            try:
                with transaction.atomic():
                    _tell_all(alerts, now)
            except Exception:  # noqa: BLE001  stored and logged alert by alert below
                broken |= _tell_singly(alerts, now)


def _claim_due(now: datetime, without: set[int]) -> list[Alert]:
    due = Alert.objects.due(now).exclude(pk__in=without).select_related("clinic", "patient")
    return list(due.select_for_update(skip_locked=True, of=("self",))[:BATCH])


def _tell_singly(alerts: Sequence[Alert], now: datetime) -> set[int]:
    """One alert that breaks must not hold up the others: it stays due, which the engine's health counts as late."""
    broken = set()
    for alert in alerts:
        try:
            with transaction.atomic():
                _tell_all([Alert.objects.select_related("clinic", "patient").get(pk=alert.pk)], now)
        except Exception:  # the tick's edge: whatever it is, the other alerts go on
            logger.exception("alert %s could not be told", alert.pk)
            broken.add(alert.pk)
    return broken


def _tell_all(alerts: Sequence[Alert], now: datetime) -> None:
    staff = Staff.of({alert.clinic_id for alert in alerts})
    contacts = _contacts({alert.patient_id for alert in alerts})
    rows: list[Notification] = []
    for alert in alerts:
        rows += _tell(alert, staff, contacts.get(alert.patient_id, []), now)
    Notification.objects.bulk_create(rows, ignore_conflicts=True)
    Alert.objects.bulk_update(
        alerts,
        ["tier", "next_due_at", "repeat_number", "told_at", "nobody_since", "closed_at", "closed_reason"],
    )


@dataclass(frozen=True)
class Staff:
    """Active accounts by clinic and role, for one batch."""

    users: dict[tuple[int, str], set[int]] = field(default_factory=lambda: defaultdict(set))

    @classmethod
    def of(cls, clinic_ids: Iterable[int]) -> "Staff":
        ids = set(clinic_ids)
        staff = cls()
        memberships = Membership.objects.filter(user__in=User.objects.in_use())
        for clinic_id, role, user_id in memberships.values_list("clinic_id", "role", "user_id"):
            for reached in ids if clinic_id is None else ids & {clinic_id}:
                staff.users[reached, role].add(user_id)
        return staff

    def with_roles(self, clinic_id: int, roles: Sequence[str]) -> list[int]:
        return sorted(set().union(*(self.users.get((clinic_id, role), set()) for role in roles)))


def _contacts(patient_ids: Iterable[int]) -> dict[int, list[int]]:
    """The contacts of patients who may be written to, by patient. One query."""
    found: dict[int, list[int]] = defaultdict(list)
    rows = Contact.objects.with_consent().filter(patient__in=patient_ids).order_by("pk")
    for patient_id, contact_id in rows.values_list("patient_id", "pk"):
        found[patient_id].append(contact_id)
    return found


@dataclass(frozen=True)
class Recipients:
    """Staff, and the patient's side: the patient, and the ids of contacts."""

    users: list[int]
    patient: bool
    contacts: list[int]

    @property
    def reaches_home(self) -> bool:
        return self.patient or bool(self.contacts)


def _tell(alert: Alert, staff: Staff, contacts: list[int], now: datetime) -> list[Notification]:
    """Outbox rows of one due alert, which is moved on to its next due time."""
    if alert.patient is not None and alert.patient.status != Patient.Status.ACTIVE:
        _close_for_patient(alert, now)
        return []
    ladder, deadlines = ladder_of(alert), deadlines_of(alert)
    tier = tier_at(ladder, deadlines, now)
    if tier is None:
        alert.next_due_at = next_start(ladder, deadlines, now)
        return []
    moved = tier.code != alert.tier
    alert.tier = tier.code
    alert.next_due_at = next_due(ladder, deadlines, now)
    recipients = _recipients(alert, tier, staff, contacts)
    if not recipients.users and (tier.roles or not recipients.reaches_home):
        return _tell_administrators(alert, tier, staff, now, moved, recipients)
    alert.nobody_since = None
    return _rows(alert, tier, recipients, now)


def _close_for_patient(alert: Alert, now: datetime) -> None:
    alert.closed_at, alert.next_due_at = now, None
    alert.closed_reason = f"patient: {alert.patient.get_status_display().lower()}"
    log([alert], "closed", now, detail=alert.closed_reason)


def can_message(patient: Patient, patient_messages_since: datetime | None) -> bool:
    """Whether a patient may be written to: after go-live, with consent and an address."""
    return bool(
        patient_messages_since is not None
        and patient.email_reminders
        and patient.email
        and patient.status == Patient.Status.ACTIVE
    )


def _recipients(alert: Alert, tier: Tier, staff: Staff, contacts: list[int]) -> Recipients:
    """A tier that reaches the patient reaches their contacts too; where none can be written to, a scheduler phones."""
    is_live = alert.clinic.patient_messages_since is not None
    to_patient = tier.to_patient and can_message(alert.patient, alert.clinic.patient_messages_since)
    to_contacts = contacts if tier.to_patient and is_live else []
    roles = tier.roles
    if tier.to_patient and not to_patient and not to_contacts and not roles:
        roles = (Role.SCHEDULER,)
    return Recipients(staff.with_roles(alert.clinic_id, roles), to_patient, to_contacts)


def _tell_administrators(
    alert: Alert, tier: Tier, staff: Staff, now: datetime, moved: bool, recipients: Recipients
) -> list[Notification]:
    """Nobody holds the tier's roles: it stays due, looked at again shortly; administrators are told at its pace.

    With no administrator either, the worklist on screen says so once, and the engine's health until somebody is there.
    """
    is_news = moved or alert.nobody_since is None
    alert.nobody_since = alert.nobody_since or now
    alert.next_due_at = min(now + LOOK_AGAIN, alert.next_due_at or now + LOOK_AGAIN)
    administrators = staff.with_roles(alert.clinic_id, (Role.ADMINISTRATOR,))
    if not administrators and not recipients.reaches_home and not is_news:
        return []
    repeat = timedelta(hours=tier.repeat_hours)
    is_turn = moved or alert.told_at is None or now >= alert.told_at + repeat
    return _rows(alert, tier, replace(recipients, users=administrators), now) if is_turn else []


def _rows(alert: Alert, tier: Tier, recipients: Recipients, now: datetime) -> list[Notification]:
    """One row a recipient and one for the worklist on screen, so that no alert is without a row."""
    alert.repeat_number += 1
    if recipients.users or recipients.reaches_home:
        alert.told_at = now
    shared = {
        "clinic_id": alert.clinic_id,
        "alert": alert,
        "tier": tier.code,
        "repeat_number": alert.repeat_number,
    }
    mail = {
        "channel": Notification.Channel.EMAIL,
        "due_at": allowed_from(now, tier, alert.clinic.zone),
        **shared,
    }
    rows = [Notification(recipient=f"user:{user_id}", user_id=user_id, **mail) for user_id in recipients.users]
    if recipients.patient:
        rows.append(Notification(recipient=f"patient:{alert.patient_id}", patient_id=alert.patient_id, **mail))
    rows += [Notification(recipient=f"contact:{pk}", contact_id=pk, **mail) for pk in recipients.contacts]
    screen = Notification(
        recipient="screen",
        channel=Notification.Channel.SCREEN,
        state=Notification.State.SENT,
        due_at=now,
        sent_at=now,
        **shared,
    )
    log([alert], "told", now, detail=f"{tier.code}, telling {alert.repeat_number}: {len(rows)} messages")
    return [*rows, screen]

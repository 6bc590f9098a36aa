"""The outbox is filled here: whoever has to be told now gets a row."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from django.db import transaction

from alerts.models import Alert, Notification
from alerts.reach import can_message
from alerts.services import nobody
from alerts.services.lifecycle import deadlines_of, end_acknowledgement, ladder_of, log
from alerts.services.recipients import Around, Told
from clinical.escalation import Tier, allowed_from, is_quieted, next_due, next_start, tier_at
from clinics.roles import Role
from patients.models import Patient

__all__ = ["BATCH", "LOOK_AGAIN", "advance", "can_message"]

logger = logging.getLogger(__name__)

BATCH = 200
# How often a tier with nobody to tell looks again for somebody.
LOOK_AGAIN = timedelta(minutes=10)


def advance(now: datetime) -> int:
    """Act on every alert that is due; returns how many.

    In steps: (1) claim up to BATCH due alerts with SKIP LOCKED; (2) find each one's tier and recipients; (3) write
    their outbox rows and when to act next, and open what nobody being on call calls for; (4) commit; again until none
    is left. A crash before 4 leaves the alerts due; two ticks at once claim different alerts.
    """
    nobody.close_settled(now)
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
    around = Around.of(alerts, now)
    rows: list[Notification] = []
    for alert in alerts:
        rows += _tell(alert, around, now)
    Notification.objects.bulk_create(rows, ignore_conflicts=True)
    Alert.objects.bulk_update(alerts, _MOVED)
    nobody.open_for(around.missed_on_call, now)


_MOVED = [
    "tier",
    "next_due_at",
    "repeat_number",
    "told_at",
    "nobody_since",
    "acknowledged_until",
    "acknowledged_by",
    "acknowledged_note",
    "closed_at",
    "closed_reason",
]


def _tell(alert: Alert, around: Around, now: datetime) -> list[Notification]:
    """Outbox rows of one due alert, which is moved on to its next due time."""
    if alert.patient is not None and alert.patient.status != Patient.Status.ACTIVE:
        _close_for_patient(alert, alert.patient, now)
        return []
    ladder, deadlines = ladder_of(alert), deadlines_of(alert)
    if _is_acknowledged(alert, now):
        return []
    tier = tier_at(ladder, deadlines, now)
    if tier is None:
        alert.next_due_at = next_start(ladder, deadlines, now)
        return []
    moved = tier.code != alert.tier
    alert.tier = tier.code
    if is_quieted(tier, deadlines, alert.booked_at):
        alert.next_due_at = next_start(ladder, deadlines, now)
        log([alert], "quiet", now, detail=f"{tier.code}: a visit is booked in time")
        return _rows(alert, tier, Told(), now)
    alert.next_due_at = next_due(ladder, deadlines, now)
    told = around.told(alert, tier)
    if not told.users and (tier.reaches_staff or not told.reaches_home):
        return _tell_administrators(alert, tier, around, now, moved, told)
    alert.nobody_since = None
    return _rows(alert, tier, told, now)


def _is_acknowledged(alert: Alert, now: datetime) -> bool:
    """Whether somebody has it in hand for now; an acknowledgement whose time is over ends here, and it is told."""
    if alert.acknowledged_until is None:
        return False
    if alert.acknowledged_until > now:
        alert.next_due_at = alert.acknowledged_until
        return True
    end_acknowledgement(alert, now, "its time is over")
    return False


def _close_for_patient(alert: Alert, patient: Patient, now: datetime) -> None:
    alert.closed_at, alert.next_due_at = now, None
    alert.closed_reason = f"patient: {patient.get_status_display().lower()}"
    log([alert], "closed", now, detail=alert.closed_reason)


def _tell_administrators(
    alert: Alert, tier: Tier, around: Around, now: datetime, moved: bool, told: Told
) -> list[Notification]:
    """Nobody is there whom the tier names: it stays due, looked at again shortly; administrators are told at its pace.

    With no administrator either, the worklist on screen says so once, and the engine's health until somebody is there.
    """
    is_news = moved or alert.nobody_since is None
    alert.nobody_since = alert.nobody_since or now
    alert.next_due_at = min(now + LOOK_AGAIN, alert.next_due_at or now + LOOK_AGAIN)
    instead = around.staff_ways(alert, around.with_roles(alert.clinic_id, (Role.ADMINISTRATOR,)), tier)
    if not instead and not told.reaches_home and not is_news:
        return []
    repeat = timedelta(hours=tier.repeat_hours)
    is_turn = moved or alert.told_at is None or now >= alert.told_at + repeat
    return _rows(alert, tier, replace(told, users=instead), now) if is_turn else []


def _rows(alert: Alert, tier: Tier, told: Told, now: datetime) -> list[Notification]:
    """A row for each recipient and channel, and one for the worklist on screen, so that no alert is without a row."""
    alert.repeat_number += 1
    if told.users or told.reaches_home:
        alert.told_at = now
    shared = {
        "clinic_id": alert.clinic_id,
        "alert": alert,
        "tier": tier.code,
        "repeat_number": alert.repeat_number,
    }
    due_at = allowed_from(now, tier, alert.clinic.zone)
    rows = [Notification(channel=way, due_at=due_at, **who, **shared) for who, way in told.each()]
    screen = Notification(
        recipient="screen",
        channel=Notification.Channel.SCREEN,
        state=Notification.State.SENT,
        due_at=now,
        sent_at=now,
        **shared,
    )
    log([alert], "told", now, detail=_said(tier, alert, rows, now))
    return [*rows, screen]


def _said(tier: Tier, alert: Alert, rows: Sequence[Notification], now: datetime) -> str:
    held = f", held until quiet hours end at {tier.quiet_to:%H:%M}" if rows and rows[0].due_at > now else ""
    return f"{tier.code}, telling {alert.repeat_number}: {len(rows)} message{'s' * (len(rows) != 1)}{held}"

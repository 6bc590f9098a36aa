"""The outbox is filled here: whoever has to be told now gets a row."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from alerts.models import Alert, Notification
from alerts.services import nobody
from alerts.services.batches import act_on_due
from alerts.services.lifecycle import deadlines_of, end_acknowledgement, ladder_of, log
from alerts.services.recipients import Around, Told
from clinical.escalation import Tier, allowed_from, is_quieted, next_due, next_start, tier_at
from clinical.saying import say
from clinics.roles import Role
from clinics.words import in_english
from patients.models import Patient

BATCH = 200
# How often a tier with nobody to tell looks again for somebody.
LOOK_AGAIN = timedelta(minutes=10)


def advance(now: datetime) -> int:
    """Act on every alert that is due; returns how many.

    Each one's tier and recipients are found, its outbox rows written and when to act next, and what nobody being on
    call calls for is opened, in one transaction a batch (`batches`).
    """
    nobody.close_settled(now)
    due = Alert.objects.due(now).select_related("clinic", "patient")
    return act_on_due(due, lambda alerts: _tell_all(alerts, now), size=BATCH, broke="an alert could not be told")


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
        log([alert], say("quiet"), now, detail=say("%(code)s: a visit is booked in time", code=tier.code))
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
    end_acknowledgement(alert, now, say("its time is over"))
    return False


def _close_for_patient(alert: Alert, patient: Patient, now: datetime) -> None:
    alert.closed_at, alert.next_due_at = now, None
    alert.closed_reason = say("patient: %(status)s", status=in_english(patient.get_status_display).lower())
    log([alert], say("closed"), now, detail=alert.closed_reason)


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
    log([alert], say("told"), now, detail=_said(tier, alert, rows, now))
    return [*rows, screen]


def _said(tier: Tier, alert: Alert, rows: Sequence[Notification], now: datetime) -> str:
    values = {"tier": tier.code, "number": alert.repeat_number, "count": len(rows)}
    if len(rows) == 1:
        said = say("%(tier)s, telling %(number)s: %(count)s message", **values)
    else:
        said = say("%(tier)s, telling %(number)s: %(count)s messages", **values)
    if not rows or rows[0].due_at <= now:
        return said
    return say("%(said)s, held until quiet hours end at %(time)s", said=said, time=f"{tier.quiet_to:%H:%M}")

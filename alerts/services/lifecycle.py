"""Open, move, close and reopen alerts. Callers hold the lock on the pump or its forecast."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Max

from alerts.models import Alert, AlertStep, EscalationPolicy
from clinical.escalation import (
    IMMEDIATE_LADDER,
    REFILL_LADDER,
    Deadlines,
    Tier,
    next_due,
    next_start,
    problems,
    tier_at,
    tier_from_json,
    tier_to_json,
)
from clinics.errors import Impossible
from clinics.models import Clinic

Ladder = Sequence[Tier]


@dataclass(frozen=True)
class Opening:
    """An alert to open. `deadlines.opened_at` is now."""

    clinic_id: int
    patient_id: int | None
    pump_id: int | None
    kind: str
    deadlines: Deadlines
    ladder: Ladder = IMMEDIATE_LADDER


def ladders(clinic_ids: Iterable[int]) -> dict[int, Ladder]:
    """The refill ladder of each clinic: its newest own one, or the default."""
    ids = set(clinic_ids)
    newest = EscalationPolicy.objects.filter(clinic__in=ids).values("clinic").annotate(newest=Max("pk"))
    own = EscalationPolicy.objects.filter(pk__in=[row["newest"] for row in newest])
    found = {policy.clinic_id: tuple(tier_from_json(tier) for tier in policy.tiers) for policy in own}
    return {clinic_id: found.get(clinic_id, REFILL_LADDER) for clinic_id in ids}


def store_ladder(*, clinic: Clinic, ladder: Ladder, now: datetime) -> EscalationPolicy:
    """A new version of a clinic's refill ladder. Alerts that are open keep theirs.

    Raises:
        Impossible: by tier code, see `clinical.escalation.problems`.
    """
    wrong = problems(ladder)
    if wrong:
        raise Impossible(wrong)
    # One after the other, so that no version is given twice.
    Clinic.objects.select_for_update(no_key=True).get(pk=clinic.pk)
    newest = EscalationPolicy.objects.filter(clinic=clinic).aggregate(newest=Max("version"))["newest"] or 0
    return EscalationPolicy.objects.create(
        clinic=clinic, version=newest + 1, tiers=[tier_to_json(tier) for tier in ladder], created_at=now
    )


def ladder_of(alert: Alert) -> Ladder:
    """The ladder frozen on the alert when it opened."""
    return tuple(tier_from_json(tier) for tier in alert.tiers)


def deadlines_of(alert: Alert) -> Deadlines:
    return Deadlines(
        alert.opened_at, alert.refill_by, alert.low_at, alert.empty_at, alert.filled_at, alert.service_ends_at
    )


def open_of(pump_ids: Sequence[int]) -> dict[tuple[int, str], Alert]:
    """The open alerts of pumps, locked, by pump and kind."""
    alerts = Alert.objects.open().select_for_update().filter(pump__in=pump_ids).order_by("pk")
    return {(alert.pump_id, alert.kind): alert for alert in alerts}


def open_all(openings: Sequence[Opening], *, now: datetime) -> None:
    """Open alerts; they are due at once."""
    alerts = Alert.objects.bulk_create(_new(opening, now) for opening in openings)
    log(alerts, "opened", now)


def _new(opening: Opening, now: datetime) -> Alert:
    deadlines = opening.deadlines
    tier = tier_at(opening.ladder, deadlines, now)
    return Alert(
        clinic_id=opening.clinic_id,
        patient_id=opening.patient_id,
        pump_id=opening.pump_id,
        kind=opening.kind,
        tiers=[tier_to_json(rung) for rung in opening.ladder],
        tier=tier.code if tier is not None else "",
        opened_at=now,
        refill_by=deadlines.refill_by,
        low_at=deadlines.low_at,
        empty_at=deadlines.empty_at,
        filled_at=deadlines.filled_at,
        service_ends_at=deadlines.service_ends_at,
        next_due_at=now,
    )


def move(alert: Alert, deadlines: Deadlines, *, now: datetime) -> None:
    """Give an open alert new dates. A severer tier is told at once, a milder one at its next turn; never closed."""
    ladder = ladder_of(alert)
    before = [tier.code for tier in ladder].index(alert.tier) if alert.tier else -1
    tier = tier_at(ladder, deadlines, now)
    after = ladder.index(tier) if tier is not None else -1
    alert.refill_by, alert.low_at, alert.empty_at = deadlines.refill_by, deadlines.low_at, deadlines.empty_at
    alert.filled_at, alert.service_ends_at = deadlines.filled_at, deadlines.service_ends_at
    alert.tier = tier.code if tier is not None else ""
    if after > before:
        alert.next_due_at = now
    elif after < before:
        alert.next_due_at = next_due(ladder, deadlines, now)
    else:
        alert.next_due_at = _sooner(alert.next_due_at, next_start(ladder, deadlines, now))
    alert.save()
    if after != before:
        log([alert], "tier", now, detail=alert.tier or "not due")


def _sooner(*moments: datetime | None) -> datetime | None:
    return min((moment for moment in moments if moment is not None), default=None)


def close(alert: Alert, *, reason: str, event_id: int | None, now: datetime) -> None:
    alert.closed_at, alert.closed_reason, alert.closed_by_event_id = now, reason, event_id
    alert.next_due_at = None
    alert.save()
    log([alert], "closed", now, detail=reason)


def reopen_closed_by(event_id: int, *, now: datetime) -> None:
    """Open again what an event closed that turned out to be entered in error, unless its like is open by now."""
    for alert in Alert.objects.select_for_update().filter(closed_by_event=event_id):
        if Alert.objects.open().filter(pump=alert.pump_id, kind=alert.kind).exists():
            continue
        alert.closed_at, alert.closed_reason, alert.closed_by_event_id = None, "", None
        alert.next_due_at, alert.nobody_since = now, None
        alert.save()
        log([alert], "reopened", now, detail="the entry that closed it was voided")


def log(alerts: Sequence[Alert], what: str, now: datetime, detail: str = "") -> None:
    AlertStep.objects.bulk_create(
        AlertStep(alert=alert, at=now, what=what, detail=detail or alert.tier) for alert in alerts
    )

"""Open, move, close and reopen alerts. Callers hold the lock on the pump or its forecast."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from alerts.models import Alert, AlertStep, EscalationPolicy
from clinical.escalation import (
    IMMEDIATE_LADDER,
    MOST_RISK_DAYS,
    REFILL_LADDER,
    RISK_DAYS,
    Deadlines,
    Tier,
    acknowledged_at_most,
    for_risk,
    next_due,
    next_start,
    problems,
    tier_at,
    tier_from_json,
    tier_to_json,
)
from clinical.saying import say
from clinics.errors import Impossible
from clinics.models import Clinic
from clinics.saying import said_by_field

Ladder = Sequence[Tier]


@dataclass(frozen=True)
class Opening:
    """An alert to open, of a pump and its patient or, without them, of a clinic. `deadlines.opened_at` is now.

    `detail` says what it is about beside its kind; `reports` how often it was reported already.
    """

    clinic_id: int
    patient_id: int | None
    pump_id: int | None
    kind: str
    deadlines: Deadlines
    ladder: Ladder = IMMEDIATE_LADDER
    detail: str = ""
    reports: int = 0
    booked_at: datetime | None = None


@dataclass(frozen=True)
class Policy:
    """A clinic's refill ladder, and how many days earlier it begins for patients whose flags raise the risk."""

    ladder: Ladder = REFILL_LADDER
    risk_days: int = RISK_DAYS
    version: int = 0

    def of(self, flags: Collection[str]) -> Ladder:
        """The ladder of a patient with these flags."""
        return for_risk(self.ladder, flags, self.risk_days)


def policies(clinic_ids: Iterable[int]) -> dict[int, Policy]:
    """The policy of each clinic: its newest own one, or the default. One query."""
    ids = set(clinic_ids)
    own = EscalationPolicy.objects.filter(clinic__in=ids).order_by("clinic_id", "-pk").distinct("clinic_id")
    found = {
        row.clinic_id: Policy(tuple(tier_from_json(tier) for tier in row.tiers), row.risk_days, row.version)
        for row in own
    }
    return {clinic_id: found.get(clinic_id, Policy()) for clinic_id in ids}


def ladders(clinic_ids: Iterable[int]) -> dict[int, Ladder]:
    """The refill ladder of each clinic for a patient without a flag that raises the risk."""
    return {clinic_id: policy.ladder for clinic_id, policy in policies(clinic_ids).items()}


def store_ladder(*, clinic: Clinic, ladder: Ladder, risk_days: int, now: datetime) -> EscalationPolicy:
    """A new version of a clinic's refill ladder. Alerts that are open keep theirs.

    Raises:
        Impossible: by tier code, see `clinical.escalation.problems`; or `risk_days` out of range.
    """
    wrong = said_by_field(problems(ladder))
    if not 0 <= risk_days <= MOST_RISK_DAYS:
        wrong = {
            **wrong,
            "risk_days": [_("From 0 to %(most_risk_days)s days.") % {"most_risk_days": MOST_RISK_DAYS}],
        }
    if wrong:
        raise Impossible(wrong)
    # One after the other, so that no version is given twice.
    Clinic.objects.select_for_update(no_key=True).get(pk=clinic.pk)
    newest = EscalationPolicy.objects.filter(clinic=clinic).aggregate(newest=Max("version"))["newest"] or 0
    return EscalationPolicy.objects.create(
        clinic=clinic,
        version=newest + 1,
        tiers=[tier_to_json(tier) for tier in ladder],
        risk_days=risk_days,
        created_at=now,
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
    return {(alert.pump_id, alert.kind): alert for alert in alerts if alert.pump_id is not None}


def lock_pump(pump_id: int) -> Any:
    """A pump, locked, so that what is opened for it here and by its ledger comes one after the other.

    This room knows pumps by its lazy key alone.
    """
    pumps: Any = Alert._meta.get_field("pump").related_model
    return pumps._default_manager.select_for_update(no_key=True).get(pk=pump_id)


def open_all(openings: Sequence[Opening], *, now: datetime) -> None:
    """Open alerts; they are due at once."""
    alerts = Alert.objects.bulk_create(_new(opening, now) for opening in openings)
    log(alerts, "opened", now)


def open_or_get(opening: Opening, *, now: datetime) -> tuple[Alert, bool]:
    """The open alert of its pump (or clinic) and kind, locked; opened if there is none, and then True.

    The database lets one of two through that open it at once; the other gets what the first has opened.
    """
    standing = Alert.objects.open().select_for_update()
    same = standing.filter(clinic=opening.clinic_id, pump=opening.pump_id, kind=opening.kind)
    alert = same.first()
    if alert is not None:
        return alert, False
    try:
        with transaction.atomic():
            alert = _new(opening, now)
            alert.save()
    except IntegrityError:
        return same.get(), False
    log([alert], say("opened"), now)
    return alert, True


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
        booked_at=opening.booked_at,
        detail=opening.detail,
        reports=opening.reports,
        next_due_at=now,
    )


def move(alert: Alert, deadlines: Deadlines, *, now: datetime) -> None:
    """Give an open alert new dates. A severer tier is told at once, a milder one at its next turn; never closed.

    What got worse is not acknowledged any more; nor is anything for longer than its new dates allow.
    """
    ladder = ladder_of(alert)
    before = [tier.code for tier in ladder].index(alert.tier) if alert.tier else -1
    tier = tier_at(ladder, deadlines, now)
    after = ladder.index(tier) if tier is not None else -1
    alert.refill_by, alert.low_at, alert.empty_at = deadlines.refill_by, deadlines.low_at, deadlines.empty_at
    alert.filled_at, alert.service_ends_at = deadlines.filled_at, deadlines.service_ends_at
    alert.tier = tier.code if tier is not None else ""
    if after > before:
        alert.next_due_at = now
        end_acknowledgement(alert, now, say("it has become more urgent"))
    elif after < before:
        alert.next_due_at = next_due(ladder, deadlines, now)
    else:
        alert.next_due_at = _sooner(alert.next_due_at, next_start(ladder, deadlines, now))
    if alert.acknowledged_until is not None:
        alert.acknowledged_until = min(alert.acknowledged_until, acknowledged_at_most(tier, deadlines, now))
        alert.next_due_at = _sooner(alert.next_due_at, alert.acknowledged_until)
    alert.save()
    if after != before:
        log([alert], say("tier"), now, detail=alert.tier or say("not due"))


def end_acknowledgement(alert: Alert, now: datetime, why: str) -> None:
    """Take an acknowledgement off an alert the caller saves; logged if there was one."""
    if alert.acknowledged_until is None:
        return
    alert.acknowledged_until, alert.acknowledged_by, alert.acknowledged_note = None, None, ""
    log([alert], say("acknowledgement ended"), now, detail=why)


def tell_again(alert: Alert, *, now: datetime, why: str) -> None:
    """What an open alert is about was reported once more: it is due at once, acknowledged or not."""
    alert.next_due_at = now
    end_acknowledgement(alert, now, why)
    alert.save()
    log([alert], say("reported again"), now, detail=why)


def _sooner(*moments: datetime | None) -> datetime | None:
    return min((moment for moment in moments if moment is not None), default=None)


def close(alert: Alert, *, reason: str, event_id: int | None, now: datetime) -> None:
    alert.closed_at, alert.closed_reason, alert.closed_by_event_id = now, reason, event_id
    alert.next_due_at = None
    alert.save()
    log([alert], say("closed"), now, detail=reason)


def reopen_closed_by(event_id: int, *, now: datetime) -> None:
    """Open again what an event closed that turned out to be entered in error, unless its like is open by now."""
    for alert in Alert.objects.select_for_update().filter(closed_by_event=event_id):
        if Alert.objects.open().filter(pump=alert.pump_id, kind=alert.kind).exists():
            continue
        alert.closed_at, alert.closed_reason, alert.closed_by_event_id = None, "", None
        alert.next_due_at, alert.nobody_since = now, None
        alert.acknowledged_until, alert.acknowledged_by, alert.acknowledged_note = None, None, ""
        alert.save()
        log([alert], say("reopened"), now, detail=say("the entry that closed it was voided"))


def log(alerts: Sequence[Alert], what: str, now: datetime, detail: str = "") -> None:
    AlertStep.objects.bulk_create(
        AlertStep(alert=alert, at=now, what=what, detail=detail or alert.tier) for alert in alerts
    )

"""Which alerts a forecast calls for, and from when. The room below decides who is told and how often."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from alerts.models import Alert
from alerts.services import lifecycle
from alerts.services.lifecycle import Ladder, Opening
from clinical.escalation import (
    CHANGED_LADDER,
    EMERGENCY_LADDER,
    IMMEDIATE_LADDER,
    RAISING_FLAGS,
    SERVICE_LADDER,
    Deadlines,
    starts,
)
from clinical.saying import say
from patients.models import Patient
from pumps import reported
from pumps.models import Event, Forecast
from pumps.visit_alerts import OF_VISITS, VISIT_LADDER, Visits, is_quieted, visit_words

Kind = Alert.Kind
# A pump is entered step by step; it counts as unknown once nobody has completed it for this long.
UNKNOWN_GRACE = timedelta(hours=1)


@dataclass(frozen=True)
class Condition:
    """Something that calls for an alert of `kind` from `since` on."""

    kind: str
    since: datetime


def deadlines(row: Forecast, opened_at: datetime) -> Deadlines:
    """What a refill alert works towards: low and empty are the earlier of programmed and calibrated."""
    return Deadlines(
        opened_at=opened_at,
        refill_by=row.refill_by,
        low_at=_earliest(row.programmed_low_at, row.earliest_low_at),
        empty_at=_earliest(row.programmed_empty_at, row.empty_at),
        filled_at=row.filled_at,
    )


def _of_service(row: Forecast, opened_at: datetime) -> Deadlines:
    return Deadlines(opened_at=opened_at, service_ends_at=row.service_ends_at)


def _earliest(*moments: datetime | None) -> datetime | None:
    return min((moment for moment in moments if moment is not None), default=None)


def conditions(row: Forecast, ladder: Ladder) -> list[Condition]:
    """Everything about a pump in use that somebody has to be told, now or later."""
    if not row.in_use:
        return []
    found = []
    if row.refill_by is not None:
        first = min(start for start, _ in starts(ladder, deadlines(row, row.refill_by)))
        found.append(Condition(Kind.REFILL_DUE, first))
    if row.service_ends_at is not None:
        [(first, _), *_] = starts(SERVICE_LADDER, _of_service(row, row.service_ends_at))
        found.append(Condition(Kind.SERVICE_ENDING, first))
    if row.stopped_at is not None:
        found.append(Condition(Kind.PUMP_STOPPED, row.stopped_at))
    if row.unknown_reason == "flow_changed":
        found.append(Condition(Kind.FLOW_CHANGED, row.computed_at))
    elif row.unknown_reason not in ("", "stopped", "stall"):
        found.append(Condition(Kind.FORECAST_UNKNOWN, row.computed_at + UNKNOWN_GRACE))
    if row.stalled_at is not None:
        found.append(Condition(Kind.PUMP_STALLED, row.stalled_at))
    return [*found, *_of_findings(row), *_of_discrepancy(row)]


# Findings about one event that somebody has to be told of, from that event on.
ALERTING = {
    "concentration_not_programmed": Kind.CONCENTRATION_NOT_PROGRAMMED,
    "alarm_one_tone": Kind.PUMP_ALARM,
    "alarm_two_tones": Kind.PUMP_ALARM_TWO_TONES,
    "mri_not_interrogated": Kind.INTERROGATION_DUE,
    "plan_unconfirmed": Kind.PLAN_UNCONFIRMED,
}


def _of_findings(row: Forecast) -> list[Condition]:
    return [
        Condition(ALERTING[finding["code"]], datetime.fromisoformat(finding["since"]))
        for finding in row.findings
        if finding["code"] in ALERTING
    ]


# Findings that the last refill was not what the pump's own history makes of it.
DISCREPANT = frozenset({"aspirated_zero", "calibrated_deviation"})


def _of_discrepancy(row: Forecast) -> list[Condition]:
    """A volume that differs from the calibrated expectation, where no alert of a changed flow says so already."""
    codes = {finding["code"] for finding in row.findings}
    if row.unknown_reason == "flow_changed" or not codes & DISCREPANT:
        return []
    return [Condition(Kind.DISCREPANCY, row.filled_at or row.computed_at)]


def risk_flags(pump_ids: Sequence[int]) -> dict[int, list[str]]:
    """The flags of the patients whose flags make the ladder begin earlier, by pump. One query."""
    rows = Patient.objects.filter(pumps__in=pump_ids, flags__overlap=sorted(RAISING_FLAGS))
    return dict(rows.values_list("pumps", "flags"))


def reconcile(rows: Sequence[Forecast], *, now: datetime, refill: Event | None = None) -> None:
    """As `align`, of forecasts that are stored."""
    align(rows, risk_flags([row.pump_id for row in rows]), now=now, refill=refill)
    Forecast.objects.bulk_update(rows, ["next_alert_at"], batch_size=1000)


def align(
    rows: Sequence[Forecast], flags: Mapping[int, Collection[str]], *, now: datetime, refill: Event | None = None
) -> None:
    """Open, move and close the alerts of forecasts the caller holds locked, and set when to look again, which the
    caller stores.

    `flags` are those of their patients, by pump, and `refill` is the refill just recorded, if that is why. Running it
    twice changes nothing.
    """
    if not rows:
        return
    pump_ids = [row.pump_id for row in rows]
    policies = lifecycle.policies({row.clinic_id for row in rows})
    ladders = {row.pump_id: policies[row.clinic_id].of(flags.get(row.pump_id, ())) for row in rows}
    work = _Work(now, refill, ladders, Visits.of(pump_ids))
    existing = lifecycle.open_of(pump_ids)
    for row in rows:
        _reconcile_one(row, {kind: a for (pump, kind), a in existing.items() if pump == row.pump_id}, work)
    lifecycle.open_all(work.openings, now=now)
    _tell_of_visits(rows, work)


@dataclass
class _Work:
    now: datetime
    refill: Event | None
    # By pump: what its patient's flags make of the clinic's ladder.
    ladders: dict[int, Ladder]
    visits: Visits
    openings: list[Opening] = field(default_factory=list)


def _reconcile_one(row: Forecast, existing: dict[str, Alert], work: _Work) -> None:
    ladder, visits = work.ladders[row.pump_id], work.visits.by_kind(row)
    wanted = [*conditions(row, ladder), *(Condition(kind, visit.booked_at) for kind, visit in visits.items())]
    for kind in [kind for kind, alert in existing.items() if _settle(row, alert, wanted, work)]:
        del existing[kind]
    # Several plans that nobody has confirmed are one alert.
    begun = dict.fromkeys(condition.kind for condition in wanted if condition.since <= work.now)
    for kind in begun:
        if kind not in existing and not reported.is_decided(row, kind):
            work.openings.append(_opening(row, kind, ladder, work.now))
    # An open refill alert looks after itself; only what has not begun needs another look from here.
    waiting = [c.since for c in wanted if c.since > work.now and c.kind not in existing]
    row.next_alert_at = min(waiting, default=None)


def _opening(row: Forecast, kind: str, ladder: Ladder, now: datetime) -> Opening:
    found: Deadlines = Deadlines(opened_at=now)
    tiers: Ladder = IMMEDIATE_LADDER
    if kind == Kind.REFILL_DUE:
        found, tiers = deadlines(row, now), ladder
    elif kind == Kind.FLOW_CHANGED:
        tiers = CHANGED_LADDER
    elif kind == Kind.DISCREPANCY:
        found, tiers = Deadlines(opened_at=now, filled_at=row.filled_at), CHANGED_LADDER
    elif kind == Kind.PUMP_ALARM_TWO_TONES:
        tiers = EMERGENCY_LADDER
    elif kind == Kind.SERVICE_ENDING:
        found, tiers = _of_service(row, now), SERVICE_LADDER
    elif kind in OF_VISITS:
        tiers = VISIT_LADDER
    return Opening(
        clinic_id=row.clinic_id,
        patient_id=row.pump.patient_id,
        pump_id=row.pump_id,
        kind=kind,
        deadlines=found,
        ladder=tiers,
    )


def _settle(row: Forecast, alert: Alert, wanted: Sequence[Condition], work: _Work) -> bool:
    """Close or move one open alert; whether it was closed."""
    event_id = work.refill.pk if work.refill is not None else None
    if not row.in_use:
        lifecycle.close(alert, reason=say("pump no longer in use"), event_id=None, now=work.now)
    elif alert.kind == Kind.REFILL_DUE:
        if not _is_refilled(row, alert, work):
            _follow(row, alert, work)
            return False
        lifecycle.close(alert, reason="refilled", event_id=event_id or _last_fill(row), now=work.now)
    elif alert.kind == Kind.DELIVERY_FAILED:
        if work.refill is None:
            return False
        lifecycle.close(alert, reason="refilled", event_id=event_id, now=work.now)
    elif alert.kind in reported.BY_PEOPLE:
        return reported.settle(row, alert, calls=_still_calls(alert, wanted, work.now), event_id=event_id, now=work.now)
    elif not _still_calls(alert, wanted, work.now):
        lifecycle.close(alert, reason=_why(row, alert, work), event_id=event_id, now=work.now)
    else:
        if alert.kind == Kind.SERVICE_ENDING and alert.service_ends_at != row.service_ends_at:
            lifecycle.move(alert, _of_service(row, alert.opened_at), now=work.now)
        return False
    return True


def _follow(row: Forecast, alert: Alert, work: _Work) -> None:
    """Give an open refill alert the dates of its pump and the visit that stands. Where a visit quieted it and does so
    no longer, since it was cancelled or the forecast has moved ahead of it, somebody is told at once."""
    visit = work.visits.standing.get(row.pump_id)
    before, was_quiet = alert.booked_at, is_quieted(alert)
    alert.booked_at = visit.starts_at if visit is not None else None
    if row.refill_by is not None:
        lifecycle.move(alert, deadlines(row, alert.opened_at), now=work.now)
    is_loud_again = was_quiet and not is_quieted(alert)
    if is_loud_again:
        alert.next_due_at = work.now
    if is_loud_again or alert.booked_at != before:
        alert.save(update_fields=["booked_at", "next_due_at"])
        lifecycle.log([alert], "visit", work.now, detail=visit_words(row, visit) if visit is not None else "none")


def _tell_of_visits(rows: Sequence[Forecast], work: _Work) -> None:
    """What the alerts of visits are about, and on a refill alert just opened, the visit that stands."""
    opened = {(opening.pump_id, opening.kind) for opening in work.openings}
    for row in rows:
        for kind, visit in work.visits.by_kind(row).items():
            told = Alert.objects.open().filter(pump=row.pump_id, kind=kind)
            told.exclude(detail=visit_words(row, visit)).update(detail=visit_words(row, visit))
        standing = work.visits.standing.get(row.pump_id)
        if standing is not None and (row.pump_id, Kind.REFILL_DUE) in opened:
            Alert.objects.open().filter(pump=row.pump_id, kind=Kind.REFILL_DUE).update(booked_at=standing.starts_at)


def _why(row: Forecast, alert: Alert, work: _Work) -> str:
    """Why an alert that nothing calls for any more closes."""
    if alert.kind in OF_VISITS:
        return work.visits.why_closed(row, alert.kind, is_refilled=work.refill is not None)
    return say("put right")


def _still_calls(alert: Alert, wanted: Sequence[Condition], now: datetime) -> bool:
    """Whether what opened an alert still holds; the grace of an unknown forecast is for opening only."""
    return any(c.kind == alert.kind and (c.since <= now or c.kind == Kind.FORECAST_UNKNOWN) for c in wanted)


def _is_refilled(row: Forecast, alert: Alert, work: _Work) -> bool:
    """A stored refill has moved `refill_by` beyond now. A dose change or a setting may move it, never close."""
    is_new = work.refill is not None and work.refill.occurred_at == row.filled_at
    if row.refill_by is None:
        # A stopped pump that is filled is not due; that it is stopped is an alert of its own.
        return is_new
    if row.refill_by <= work.now or row.filled_at is None:
        return False
    if is_new:
        return True
    return alert.filled_at is not None and row.filled_at > alert.filled_at


def _last_fill(row: Forecast) -> int | None:
    if row.filled_at is None:
        return None
    fills = Event.objects.standing().filter(pump=row.pump_id, kind=Event.Kind.REFILL, occurred_at=row.filled_at)
    return fills.values_list("pk", flat=True).first()

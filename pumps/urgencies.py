"""How urgent pumps are, asked of the database: to show those of one urgency, and to count them.

It says what `pages.words.urgency` says one by one; a test holds both together.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Case, Count, DurationField, Exists, F, FloatField, Func, OuterRef, Q, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce, Greatest, Least
from django.db.models.lookups import LessThanOrEqual

from alerts.services.lifecycle import Ladder, Policy
from clinical.escalation import FULL_INTERVAL, RAISING_FLAGS, Anchor, Tier
from clinical.units import SECONDS_PER_DAY
from pumps.models import Forecast
from pumps.queries import GRAVE_FROM, ForecastQuerySet
from scheduling.models import Appointment

ANCHORS: dict[Anchor, Any] = {
    Anchor.REFILL_BY: F("refill_by"),
    Anchor.LOW: Least("programmed_low_at", "earliest_low_at"),
    Anchor.EMPTY: Least("programmed_empty_at", "empty_at"),
}
STOPPED, UNKNOWN, LATER = "stopped", "unknown", "later"

Forecasts = ForecastQuerySet[Forecast]


@dataclass(frozen=True)
class Counts:
    """Of the pumps that somebody has to do something about: how many of each urgency, and how many have no visit."""

    by_code: Mapping[str, int]
    without_visit: int


def counts(rows: Forecasts, policies: Mapping[int, Policy], now: datetime) -> Counts:
    """One query, over those whose first tier may have begun and those of whom something is not known."""
    found = (
        rows.filter(_may_be_pressing(policies, now))
        .annotate(urgency=_urgency(policies, now), is_booked=_is_booked())
        .order_by()
        .values("urgency")
        .annotate(pumps=Count("pk"), unbooked=Count("pk", filter=Q(is_booked=False)))
    )
    pressing = [row for row in found if row["urgency"] != LATER]
    return Counts({row["urgency"]: row["pumps"] for row in pressing}, sum(row["unbooked"] for row in pressing))


def of_urgency(rows: Forecasts, code: str, policies: Mapping[int, Policy], now: datetime) -> Forecasts:
    """Only those that are so urgent now."""
    if code != LATER:
        rows = rows.filter(_may_be_pressing(policies, now))
    asked: Forecasts = rows.alias(urgency=_urgency(policies, now)).filter(urgency=code)  # type: ignore[assignment]  # an alias is no column
    return asked


# What waits for no date: a pump that is stopped or stalled, one that may be empty, one without a date, one that may be
# low. `DATED` is any other.
STANDS_STILL, EMPTY, UNDATED, LOW, DATED = range(5)


def gravity(row: Forecast, now: datetime) -> int:
    """Which of these a pump is, by the earlier of programmed and calibrated; `DATED` if its date is what counts."""
    if _is_past(now, row.stopped_at, row.stalled_at):
        return STANDS_STILL
    if _is_past(now, row.programmed_empty_at, row.empty_at):
        return EMPTY
    if row.refill_by is None:
        return UNDATED
    return LOW if _is_past(now, row.programmed_low_at, row.earliest_low_at) else DATED


def _is_past(now: datetime, *moments: datetime | None) -> bool:
    return any(moment is not None and moment <= now for moment in moments)


def gravest(rows: Forecasts, now: datetime) -> Forecasts:
    """Only those that wait for no date, the gravest first: read by two ranges of indexes that hold hardly any other."""
    stands_still = Q(stopped_at__lte=now) | Q(stalled_at__lte=now)
    is_empty = Q(LessThanOrEqual(ANCHORS[Anchor.EMPTY], Value(now)))
    is_grave = Q(LessThanOrEqual(GRAVE_FROM, Value(now)))
    case = Case(
        When(stands_still, then=Value(STANDS_STILL)),
        When(is_empty, then=Value(EMPTY)),
        When(refill_by=None, then=Value(UNDATED)),
        default=Value(LOW),
    )
    near = rows.filter(is_grave | ~Q(unknown_reason=""))
    return near.filter(is_grave | Q(refill_by=None)).order_by(case, "worklist_at", "pump_id")


def without_visit(rows: Forecasts, policies: Mapping[int, Policy], now: datetime) -> Forecasts:
    """Only those that somebody has to do something about, and that have no visit."""
    pressing = rows.filter(_may_be_pressing(policies, now)).alias(urgency=_urgency(policies, now))
    asked: Forecasts = pressing.exclude(urgency=LATER).filter(~_is_booked())  # type: ignore[assignment]  # the same
    return asked


def _is_booked() -> Exists:
    return Exists(Appointment.objects.standing().filter(pump=OuterRef("pk")))


def _may_be_pressing(policies: Mapping[int, Policy], now: datetime) -> Q:
    """Two ranges of indexes that hold every pump which is not `later`: no tier begins earlier than its lead says."""
    leads = [-tier.lead_days + policy.risk_days for policy in policies.values() for tier in policy.ladder]
    return Q(worklist_at__lte=now + timedelta(days=max(leads, default=0))) | ~Q(unknown_reason="")


def _urgency(policies: Mapping[int, Policy], now: datetime) -> Case:
    by_ladder: dict[tuple[Ladder, int], list[int]] = {}
    for clinic_id, policy in policies.items():
        by_ladder.setdefault((tuple(policy.ladder), policy.risk_days), []).append(clinic_id)
    return Case(
        When(stopped_at__lte=now, then=Value(STOPPED)),
        When(stalled_at__isnull=False, then=Value(STOPPED)),
        When(refill_by=None, then=Value(UNKNOWN)),
        *(
            When(_has_begun(tier, risk_days, now) & Q(clinic__in=clinic_ids), then=Value(tier.code))
            for (ladder, risk_days), clinic_ids in by_ladder.items()
            for tier in reversed(ladder)
        ),
        When(~Q(unknown_reason=""), then=Value(UNKNOWN)),
        default=Value(LATER),
    )


def _has_begun(tier: Tier, risk_days: int, now: datetime) -> Q:
    """Whether a tier of the refill ladder has begun, as `escalation.starts` and `for_risk` have it."""
    lead: Combinable = _seconds(tier.lead_days)
    if tier.anchor is Anchor.REFILL_BY and tier.lead_days < 0:
        at_risk = Q(pump__patient__flags__overlap=sorted(RAISING_FLAGS))
        lead = Case(When(at_risk, then=_seconds(tier.lead_days - risk_days)), default=lead)
    if tier.lead_days == 0:
        return Q(LessThanOrEqual(ANCHORS[tier.anchor], Value(now)))
    ahead = Func(lead * _scale(), template="make_interval(secs => %(expressions)s)", output_field=DurationField())
    return Q(LessThanOrEqual(ANCHORS[tier.anchor] + ahead, Value(now)))


def _seconds(days: int) -> Value:
    return Value(days * SECONDS_PER_DAY, output_field=FloatField())


def _scale() -> Combinable:
    """1, or the refill interval as a part of 35 days where it is shorter; as `escalation.lead_scale`."""
    interval = Func(
        F("refill_by") - F("filled_at"), template="EXTRACT(EPOCH FROM %(expressions)s)", output_field=FloatField()
    )
    part = Coalesce(interval / Value(FULL_INTERVAL.total_seconds()), Value(1.0), output_field=FloatField())
    return Least(Value(1.0), Greatest(Value(0.0), part), output_field=FloatField())

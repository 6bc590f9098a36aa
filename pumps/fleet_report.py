"""A clinic's month in numbers, for people who answer for it. A fixed number of queries, whatever the fleet's size."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from statistics import median

from django.db import connection
from django.db.models import Count, F, Min, Q

from alerts.models import Alert, AlertStep, Notification
from clinics.models import Clinic
from pumps.models import Event, Forecast, Pump
from pumps.services.figures import ModelFigure, fleet_view
from scheduling.models import Appointment
from scheduling.states import State

# Of a long list so many are named; the rest are counted.
MOST_LOTS, MOST_PUMPS = 40, 60
Told = Callable[[int, int], None]


@dataclass(frozen=True)
class Month:
    """A month on the clinic's calendar: its first moment, and the first behind it."""

    clinic: Clinic
    first: date
    begins: datetime
    ends: datetime

    def until(self, now: datetime) -> datetime:
        """Its end, or now while it goes on."""
        return min(self.ends, now)


@dataclass(frozen=True)
class PumpCounts:
    in_use: int
    implanted: int
    explanted: int


@dataclass(frozen=True)
class RefillCounts:
    """`late`: behind the refill-by of the alert that they ended. `margins_days` is by how many days each came before
    its refill-by (negative: behind it), of those that ended an alert. `missed` pumps were past refill-by as the month
    ended, `no_shows` are visits to which nobody came."""

    done: int
    late: int
    missed: int
    no_shows: int
    margins_days: Sequence[float]

    @property
    def usual_margin_days(self) -> float | None:
        return median(self.margins_days) if self.margins_days else None


@dataclass(frozen=True)
class Reached:
    """How many alerts reached a tier in the month, and after how many minutes each was acknowledged."""

    tier: str
    alerts: int
    minutes: Sequence[float]

    @property
    def unacknowledged(self) -> int:
        return self.alerts - len(self.minutes)

    @property
    def usual_minutes(self) -> float | None:
        return median(self.minutes) if self.minutes else None


@dataclass(frozen=True)
class FindingCount:
    code: str
    severity: str
    message: str
    pumps: int


@dataclass(frozen=True)
class LotCount:
    formulation: str
    concentration_mcg_per_ml: Decimal
    lot_number: str
    refills: int


@dataclass(frozen=True)
class SentCount:
    """Messages of one channel, to patients' side or to staff."""

    channel: str
    sent: int
    failed: int


@dataclass(frozen=True)
class OpenAlerts:
    kind: str
    alerts: int
    oldest: datetime


@dataclass(frozen=True)
class FleetReport:
    """`past` are pumps past their refill-by now, the longest first: `past_count` of them, the first MOST_PUMPS here."""

    month: Month
    made_at: datetime
    pumps: PumpCounts
    refills: RefillCounts
    reached: Sequence[Reached]
    models: Sequence[ModelFigure]
    findings: Sequence[FindingCount]
    lots: Sequence[LotCount]
    more_lots: int
    sent: Sequence[SentCount]
    open: Sequence[OpenAlerts]
    past: Sequence[Forecast]
    past_count: int


def month_of(written: str) -> date:
    """The first day of `2026-11`.

    Raises:
        ValueError: it is no month.
    """
    return datetime.strptime(written, "%Y-%m").replace(tzinfo=UTC).date()


def month_in(clinic: Clinic, first: date) -> Month:
    first = first.replace(day=1)
    after = (first + timedelta(days=32)).replace(day=1)
    begins, ends = (datetime(day.year, day.month, 1, tzinfo=clinic.zone).astimezone(UTC) for day in (first, after))
    return Month(clinic, first, begins, ends)


@dataclass
class _Parts:
    """Counts the parts as they are read."""

    tell: Told
    of: int
    done: int = field(default=0)

    def next(self) -> None:
        self.tell(self.done, self.of)
        self.done += 1


def report_of(clinic: Clinic, first: date, now: datetime, tell: Told) -> FleetReport:
    """`tell` is told how many of its parts are read."""
    month, parts = month_in(clinic, first), _Parts(tell, 9)
    parts.next()
    pumps = _pumps(month)
    parts.next()
    refills = _refills(month, now)
    parts.next()
    reached = [_reached(month, tier) for tier in ("low", "empty")]
    parts.next()
    models = fleet_view([clinic]).models
    parts.next()
    findings = _findings(clinic)
    parts.next()
    lots, more_lots = _lots(month)
    parts.next()
    sent = _sent(month)
    parts.next()
    alerts = _open(clinic)
    parts.next()
    past, past_count = _past(clinic, now)
    tell(parts.of, parts.of)
    return FleetReport(
        month=month,
        made_at=now,
        pumps=pumps,
        refills=refills,
        reached=reached,
        models=models,
        findings=findings,
        lots=lots,
        more_lots=more_lots,
        sent=sent,
        open=alerts,
        past=past,
        past_count=past_count,
    )


def _pumps(month: Month) -> PumpCounts:
    last = (month.first + timedelta(days=32)).replace(day=1)
    pumps = Pump.objects.filter(clinic=month.clinic)
    counts = pumps.aggregate(
        implanted=Count("pk", filter=Q(implanted_on__gte=month.first, implanted_on__lt=last)),
        explanted=Count("pk", filter=Q(explanted_on__gte=month.first, explanted_on__lt=last)),
    )
    return PumpCounts(Forecast.objects.filter(clinic=month.clinic, in_use=True).count(), **counts)


def _refills(month: Month, now: datetime) -> RefillCounts:
    done = Event.objects.standing().filter(
        pump__clinic=month.clinic,
        kind=Event.Kind.REFILL,
        occurred_at__gte=month.begins,
        occurred_at__lt=month.ends,
    )
    due = Alert.objects.filter(clinic=month.clinic, kind=Alert.Kind.REFILL_DUE, refill_by__isnull=False)
    ended = due.filter(closed_by_event__occurred_at__gte=month.begins, closed_by_event__occurred_at__lt=month.ends)
    margins = [
        (refill_by - at).total_seconds() / 86_400
        for refill_by, at in ended.values_list("refill_by", "closed_by_event__occurred_at")
        if refill_by is not None
    ]
    until = month.until(now)
    still_open = Q(closed_at=None) | Q(closed_at__gt=until)
    missed = due.filter(still_open, opened_at__lte=until, refill_by__lt=until)
    # A refill counts from when it was done, however late it was entered. What nothing closed (NULL) stays.
    missed = missed.exclude(closed_by_event__occurred_at__lte=until)
    visits = Appointment.objects.filter(clinic=month.clinic, starts_at__gte=month.begins, starts_at__lt=month.ends)
    return RefillCounts(
        done=done.count(),
        late=sum(margin < 0 for margin in margins),
        missed=missed.values("pump").distinct().count(),
        no_shows=visits.filter(state=State.NO_SHOW).count(),
        margins_days=margins,
    )


def _reached(month: Month, tier: str) -> Reached:
    """Alerts that came into a tier in the month, and how soon after that somebody first acknowledged them."""
    steps = AlertStep.objects.filter(alert__clinic=month.clinic, alert__kind=Alert.Kind.REFILL_DUE)
    came = steps.filter(what__in=("tier", "opened"), detail=tier, at__gte=month.begins, at__lt=month.ends)
    came_at = dict(came.values("alert").annotate(first=Min("at")).values_list("alert", "first"))
    answers = steps.filter(alert__in=came_at, what="acknowledged").order_by("at").values_list("alert", "at")
    minutes: dict[int, float] = {}
    for alert, at in answers:
        if at >= came_at[alert]:
            minutes.setdefault(alert, (at - came_at[alert]).total_seconds() / 60)
    return Reached(tier, len(came_at), sorted(minutes.values()))


_FINDINGS = """
SELECT found->>'code', found->>'severity', min(found->>'message'), count(*)
FROM pumps_forecast, jsonb_array_elements(findings) AS found
WHERE clinic_id = %s AND in_use GROUP BY 1, 2 ORDER BY 4 DESC, 1
"""


def _findings(clinic: Clinic) -> list[FindingCount]:
    """What the present forecasts of pumps in use find, by kind, with one example's words."""
    with connection.cursor() as cursor:
        cursor.execute(_FINDINGS, [clinic.pk])
        return [FindingCount(*row) for row in cursor.fetchall()]


def _lots(month: Month) -> tuple[list[LotCount], int]:
    refills = Event.objects.standing().filter(
        pump__clinic=month.clinic,
        kind=Event.Kind.REFILL,
        occurred_at__gte=month.begins,
        occurred_at__lt=month.ends,
    )
    names = ("formulation", "concentration_mcg_per_ml", "lot_number")
    found = list(refills.values(*names).annotate(refills=Count("pk")).order_by("-refills", *names))
    return [LotCount(**row) for row in found[:MOST_LOTS]], max(len(found) - MOST_LOTS, 0)


def _sent(month: Month) -> list[SentCount]:
    rows = Notification.objects.filter(clinic=month.clinic).exclude(channel=Notification.Channel.SCREEN)
    sent = Q(state=Notification.State.SENT, sent_at__gte=month.begins, sent_at__lt=month.ends)
    failed = Q(state=Notification.State.FAILED, due_at__gte=month.begins, due_at__lt=month.ends)
    counted = rows.values("channel").annotate(sent=Count("pk", filter=sent), failed=Count("pk", filter=failed))
    return [SentCount(**row) for row in counted.order_by("channel") if row["sent"] or row["failed"]]


def _open(clinic: Clinic) -> list[OpenAlerts]:
    rows = Alert.objects.open().filter(clinic=clinic).values("kind")
    counted = rows.annotate(alerts=Count("pk"), oldest=Min("opened_at")).order_by("-alerts", "kind")
    return [OpenAlerts(**row) for row in counted]


def _past(clinic: Clinic, now: datetime) -> tuple[list[Forecast], int]:
    rows = Forecast.objects.on_worklist().filter(clinic=clinic, worklist_at__lt=now, refill_by=F("worklist_at"))
    named = rows.select_related("pump__patient", "pump__model")[:MOST_PUMPS]
    return list(named), rows.count()

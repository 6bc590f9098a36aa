"""The nurse's day: who comes when, what to prepare, who is overdue, and which visits were begun."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy

from alerts.models import Alert
from alerts.priorities import rank
from alerts.services.lifecycle import policies
from clinics.models import Clinic, User
from clinics.pages.access import user_of
from clinics.roles import Permission
from pumps import urgencies
from pumps.models import Event, Forecast, VisitDraft
from pumps.pages.homes import recent
from pumps.pages.words import Urgency, urgency
from scheduling.models import Appointment
from scheduling.states import State

# So many are shown; a day that has more is a day of many clinics.
MOST_VISITS, MOST_OTHERS = 200, 10
# Without a visit these cannot wait; so many are looked at, among pumps of which nothing is known yet.
GRAVE, MOST_GRAVE = {urgencies.STANDS_STILL, urgencies.EMPTY, urgencies.LOW}, 100
# What is open since so long before now was found in the night or this morning.
MORNING = timedelta(hours=18)

STATES = {
    State.BOOKED: ("book", gettext_lazy("Expected")),
    State.CONFIRMED: ("book", gettext_lazy("Expected, confirmed")),
    State.ARRIVED: ("urgent", gettext_lazy("Arrived")),
    State.DONE: ("sent", gettext_lazy("Done")),
    State.NO_SHOW: ("past", gettext_lazy("Did not come")),
}
IN_VISIT = ("urgent", gettext_lazy("In visit"))


@dataclass(frozen=True)
class Prepare:
    """What the refill before says is to be drawn up, mL and mcg/mL; None where it says nothing."""

    concentration_mcg_per_ml: Decimal | None
    formulation: str
    volume_ml: Decimal


@dataclass(frozen=True)
class Line:
    """A visit of today. `begun` is somebody's visit that is going on; `is_mine` says that it is the reader's."""

    visit: Appointment
    prepare: Prepare
    begun: VisitDraft | None
    is_mine: bool
    can_log: bool

    @property
    def state(self) -> tuple[str, str]:
        """The code of its colour, and its word."""
        is_open = self.visit.state in (State.BOOKED, State.CONFIRMED, State.ARRIVED)
        code, word = IN_VISIT if self.begun is not None and is_open else STATES[State(self.visit.state)]
        return code, str(word)

    @property
    def can_begin(self) -> bool:
        return self.can_log and self.visit.state not in (State.DONE, State.CANCELLED)

    @property
    def can_arrive(self) -> bool:
        return self.can_log and self.visit.state in (State.BOOKED, State.CONFIRMED, State.NO_SHOW)


def today(request: HttpRequest) -> HttpResponse:
    """Every clinic's day is its own wall's. A handful of queries, however large the fleet."""
    user, now = user_of(request), timezone.now()
    clinics = [
        clinic for clinic in Clinic.objects.visible_to(user) if user.access.can(Permission.SEE_CLINICAL, clinic.pk)
    ]
    ids = [clinic.pk for clinic in clinics]
    visits = _visits(clinics, now)
    begun = list(
        VisitDraft.objects.visible_to(user).filter(clinic__in=ids).open(now).select_related("pump__patient", "user")
    )
    overdue, found = _overdue(ids, now), _findings(user, ids, now)
    context = {
        "clinics": clinics,
        "now": now,
        "day": now.astimezone(clinics[0].zone).date() if clinics else now.date(),
        "lines": _lines(sorted(visits, key=lambda visit: (visit.clinic.name, visit.clinic_id)), begun, user),
        "is_cut": len(visits) == MOST_VISITS,
        "mine": [draft for draft in begun if draft.user_id == user.pk],
        "overdue": _with_urgency(overdue[:MOST_OTHERS], now),
        "grave": sum(urgencies.gravity(row, now) in GRAVE for row in overdue[:MOST_OTHERS]),
        "overdue_left": len(overdue) > MOST_OTHERS,
        "alerts": found[:MOST_OTHERS],
        "alerts_left": len(found) > MOST_OTHERS,
        "sees": bool(clinics),
        **recent(user, now),
    }
    return render(request, "pumps/today.html", context)


def _visits(clinics: Sequence[Clinic], now: datetime) -> list[Appointment]:
    """Those of today on each clinic's wall, in order of time; cancelled ones are none."""
    if not clinics:
        return []
    midnights = [_midnight(clinic, now) for clinic in clinics]
    rows = (
        Appointment.objects.filter(clinic__in=[clinic.pk for clinic in clinics])
        .exclude(state=State.CANCELLED)
        .between(min(midnights), max(midnights) + timedelta(days=1, hours=1))
        .select_related("clinic", "patient", "pump__model")
    )
    return [visit for visit in rows[: MOST_VISITS * 2] if _is_today(visit, now)][:MOST_VISITS]


def _midnight(clinic: Clinic, now: datetime) -> datetime:
    return now.astimezone(clinic.zone).replace(hour=0, minute=0, second=0, microsecond=0)


def _is_today(visit: Appointment, now: datetime) -> bool:
    zone = visit.clinic.zone
    return visit.starts_at.astimezone(zone).date() == now.astimezone(zone).date()


def _lines(visits: Sequence[Appointment], begun: Sequence[VisitDraft], user: User) -> list[Line]:
    fills = _last_fills([visit.pump_id for visit in visits])
    drafts = {draft.pump_id: draft for draft in begun}
    mine = {draft.pump_id: draft for draft in begun if draft.user_id == user.pk}
    lines = []
    for visit in visits:
        fill = fills.get(visit.pump_id)
        prepare = Prepare(
            fill.concentration_mcg_per_ml if fill is not None else None,
            fill.formulation if fill is not None else "",
            visit.pump.model.reservoir_ml,
        )
        can_log = user.access.can(Permission.LOG, visit.clinic_id)
        draft = mine.get(visit.pump_id) or drafts.get(visit.pump_id)
        lines.append(Line(visit, prepare, draft, visit.pump_id in mine, can_log))
    return lines


def _last_fills(pump_ids: Collection[int]) -> dict[int, Event]:
    """The newest refill of each pump. One query."""
    rows = (
        Event.objects.standing()
        .filter(pump__in=pump_ids, kind=Event.Kind.REFILL)
        .order_by("pump_id", "-occurred_at")
        .distinct("pump_id")
    )
    return {row.pump_id: row for row in rows}


def _overdue(clinic_ids: Collection[int], now: datetime) -> list[Forecast]:
    """Nobody has booked, and the pump is stopped, may be empty or low, the gravest first; or it is past refill-by, the
    longest first. Ranges of the worklist's index, and two queries."""
    rows = Forecast.objects.filter(clinic__in=clinic_ids).on_worklist().without(Appointment.objects.standing())
    rows = rows.select_related("pump__patient", "pump__model", "clinic")
    grave = [row for row in urgencies.gravest(rows, now)[:MOST_GRAVE] if urgencies.gravity(row, now) in GRAVE]
    grave = grave[: MOST_OTHERS + 1]
    others = rows.filter(refill_by__lte=now).exclude(pump__in=[row.pump_id for row in grave])
    return [*grave, *others[: MOST_OTHERS + 1 - len(grave)]]


def _with_urgency(rows: Sequence[Forecast], now: datetime) -> list[tuple[Forecast, Urgency]]:
    by_clinic = policies({row.clinic_id for row in rows})
    return [(row, urgency(row, by_clinic[row.clinic_id].of(row.pump.patient.flags), now)) for row in rows]


def _findings(user: User, clinic_ids: Collection[int], now: datetime) -> list[Alert]:
    """What was found in the night or this morning beside refills that are due: the gravest first."""
    rows = (
        Alert.objects.visible_to(user)
        .open()
        .filter(clinic__in=clinic_ids, opened_at__gt=now - MORNING, pump__isnull=False)
        .exclude(kind=Alert.Kind.REFILL_DUE)
    )
    return list(rows.order_by(rank(), "-opened_at").select_related("patient", "clinic")[: MOST_OTHERS + 1])

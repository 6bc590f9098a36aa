"""A visit as pages show it: what it is, what is wrong with it, and what can be done about it now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext_lazy

from pumps.models import Forecast
from pumps.visit_alerts import Visits, is_late
from scheduling.models import Appointment
from scheduling.states import State, may_follow

STATE_WORDS = {
    State.BOOKED: gettext_lazy("Booked"),
    State.CONFIRMED: gettext_lazy("Confirmed"),
    State.ARRIVED: gettext_lazy("Arrived"),
    State.DONE: gettext_lazy("Done"),
    State.NO_SHOW: gettext_lazy("Did not come"),
    State.CANCELLED: gettext_lazy("Cancelled"),
}


@dataclass(frozen=True)
class VisitLine:
    visit: Appointment
    is_late: bool
    now: datetime

    @property
    def word(self) -> str:
        return str(STATE_WORDS[State(self.visit.state)])

    @property
    def is_today_or_past(self) -> bool:
        zone = self.visit.clinic.zone
        return self.visit.starts_at.astimezone(zone).date() <= self.now.astimezone(zone).date()

    @property
    def can_confirm(self) -> bool:
        return self.visit.state == State.BOOKED

    @property
    def can_arrive(self) -> bool:
        return self._may(State.ARRIVED) and self.is_today_or_past

    @property
    def can_miss(self) -> bool:
        return self._may(State.NO_SHOW) and self.visit.starts_at <= self.now

    @property
    def can_cancel(self) -> bool:
        return self._may(State.CANCELLED)

    def _may(self, state: State) -> bool:
        return may_follow(State(self.visit.state), state)


def line_of(visit: Appointment, row: Forecast | None, now: datetime) -> VisitLine:
    is_too_late = row is not None and visit.is_standing and is_late(row, visit)
    return VisitLine(visit, is_too_late, now)


def lines_of(rows: Sequence[Forecast], now: datetime) -> dict[int, VisitLine]:
    """Of each pump that has one, the visit that stands, or one that was missed and not made up for. One query."""
    visits = Visits.of([row.pump_id for row in rows])
    found = {}
    for row in rows:
        visit = visits.standing.get(row.pump_id) or next(iter(visits.by_kind(row).values()), None)
        if visit is not None:
            visit.clinic = row.clinic
            found[row.pump_id] = line_of(visit, row, now)
    return found

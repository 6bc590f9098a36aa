"""A pump's row on the worklist: on the page, in the panel that books in place, and on paper."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from alerts.services.lifecycle import Policy, policies
from clinics.models import User
from clinics.roles import Permission
from clinics.words import left
from pumps.models import Forecast, Pump
from pumps.pages.pump import open_day
from pumps.pages.visit_lines import VisitLine, lines_of
from pumps.pages.words import Urgency, limit_words, urgency


@dataclass(frozen=True)
class Line:
    """A pump on the worklist."""

    forecast: Forecast
    pump: Pump
    urgency: Urgency
    left: str
    because: str
    is_serious: bool
    open_day: date | None
    visit: VisitLine | None
    can_book: bool


def lines(user: User, rows: Iterable[Forecast], by_clinic: Mapping[int, Policy], now: datetime) -> list[Line]:
    """Rows with pump, patient, model and the clinic's closed days read already. One query for their visits."""
    rows = list(rows)
    visits = lines_of(rows, now)
    return [
        Line(
            forecast=row,
            pump=row.pump,
            urgency=urgency(row, by_clinic[row.clinic_id].of(row.pump.patient.flags), now),
            left=left(row.refill_by, now, row.clinic.zone) if row.refill_by is not None else "",
            because=limit_words(row, now),
            is_serious=_is_serious(user, row),
            open_day=open_day(row, row.clinic),
            visit=visits.get(row.pump_id),
            can_book=user.access.can(Permission.BOOK, row.clinic_id),
        )
        for row in rows
    ]


def line_of_pump(user: User, pump: Pump, now: datetime) -> Line:
    """The row of one pump as it stands now."""
    rows = Forecast.objects.select_related("pump__patient", "pump__model").prefetch_related("clinic__closed_days")
    [line] = lines(user, [rows.get(pump=pump)], policies([pump.clinic_id]), now)
    return line


def _is_serious(user: User, row: Forecast) -> bool:
    """Something is wrong that neither the date nor its absence tells; for those who may know what."""
    return user.access.can(Permission.SEE_CLINICAL, row.clinic_id) and any(
        finding["severity"] == "high" and finding["code"] != row.unknown_reason for finding in row.findings
    )

"""What there is to say of one refill visit: settings before and after, volumes, what was looked at, what comes next."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.utils.translation import gettext as _

from clinical.checks import RefillCheck
from clinical.ledger import ProgramChange
from clinical.programs import Bolus, Program, Step
from clinical.units import plain
from clinical.weekdays import words as weekday_words
from pumps.models import Event, Forecast, Pump, VisitDraft
from pumps.reading import Reading, read
from pumps.services import consequences
from pumps.services.checks import refills_of
from pumps.services.consequences import Consequence
from scheduling.models import Appointment

JUST = timedelta(milliseconds=1)


@dataclass(frozen=True)
class VisitReport:
    """`found` holds the pump before and after the visit. `entries` are all that stands of the visit's day.

    `reading` and `next_visit` are there for the pump's newest refill alone: of an older one they would say what came
    later.
    """

    pump: Pump
    refill: Event
    entries: Sequence[Event]
    found: Consequence
    programs: tuple[Program | None, Program | None]
    check: RefillCheck | None
    guided: VisitDraft | None
    reading: Reading | None
    next_visit: Appointment | None
    made_at: datetime


def visit_report(pump: Pump, refill: Event, now: datetime) -> VisitReport:
    """`pump` comes with model, clinic and patient; `refill` stands."""
    zone = pump.clinic.zone
    on = refill.occurred_at.astimezone(zone).date()
    standing = (
        Event.objects.standing()
        .filter(pump=pump)
        .order_by("occurred_at", "pk")
        .select_related("recorded_by", "pump__clinic")
    )
    nearby = standing.filter(
        occurred_at__gt=refill.occurred_at - timedelta(days=1), occurred_at__lt=refill.occurred_at + timedelta(days=1)
    )
    entries = [event for event in nearby if event.occurred_at.astimezone(zone).date() == on]
    # A clock that is ahead may have recorded the refill a few minutes from now.
    ends = max([refill.occurred_at, *(event.occurred_at for event in entries if event.occurred_at <= now)])
    begins = entries[0].occurred_at
    before, after = consequences.around(pump, begins, ends)
    row = Forecast.objects.select_related("prior_version").get(pump=pump)
    reading = read(pump, row, now)
    is_newest = row.filled_at == refill.occurred_at
    return VisitReport(
        pump=pump,
        refill=refill,
        entries=entries,
        found=Consequence(refill, before, after, [], None, 0),
        programs=(_program(reading, begins - JUST), _program(reading, ends)),
        check=refills_of(pump).get(refill.occurred_at),
        guided=VisitDraft.objects.filter(refill=refill).select_related("user").first(),
        reading=reading if is_newest else None,
        next_visit=Appointment.objects.standing().filter(pump=pump).first() if is_newest else None,
        made_at=now,
    )


def _program(reading: Reading, at: datetime) -> Program | None:
    begun = [event for event in reading.ledger if isinstance(event, ProgramChange) and event.at <= at]
    return begun[-1].program if begun else None


def settings(found: VisitReport) -> list[tuple[str, str, str]]:
    """What is set on the pump beside the dose: name, before, after. Of an older refill without the low level, which is
    known as it is now alone."""
    before, after = found.programs
    lines = [
        (_("Mode"), _mode(before), _mode(after)),
        (_("Steps"), _steps(before), _steps(after)),
        (_("Timed boluses"), _boluses(before), _boluses(after)),
    ]
    if found.reading is None:
        return lines
    low = f"{plain(found.pump.low_reservoir_alarm_ml)} mL"
    return [*lines, (_("Low reservoir alarm"), low, low)]


def _mode(program: Program | None) -> str:
    return str(Event.ProgramMode(program.mode.value).label) if program is not None else _("not known")


def _steps(program: Program | None) -> str:
    steps = program.steps if program is not None else ()
    return "\n".join(_step(step) for step in steps) or _("none")


def _step(step: Step) -> str:
    return _timed(step.start_minute, step.rate_mcg_per_h, "mcg/h", step.days)


def _boluses(program: Program | None) -> str:
    boluses = program.boluses if program is not None else ()
    return "\n".join(_bolus(bolus) for bolus in boluses) or _("none")


def _bolus(bolus: Bolus) -> str:
    return _timed(bolus.at_minute, bolus.dose_mcg, "mcg", bolus.days)


def _timed(minute: int, amount: Decimal, unit: str, days: Sequence[int]) -> str:
    on = f" ({weekday_words(days)})" if days else ""
    return f"{minute // 60:02}:{minute % 60:02} {plain(amount)} {unit}{on}"

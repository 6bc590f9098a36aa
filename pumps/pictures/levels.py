"""What the reservoir holds at moments that have a name: now, at each date, at each entry."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import isnan

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinical.ledger import (
    AlarmReport,
    Bridge,
    Emptying,
    Fill,
    Interrogation,
    LedgerEvent,
    Motor,
    MotorChange,
    MriScan,
    ProgramChange,
    PumpBolus,
    ReservoirAccess,
)
from clinical.units import plain
from pumps.reading import Reading


@dataclass(frozen=True)
class Volume:
    """What the reservoir holds at a moment, mL: as programmed, expected, and the 98 % range."""

    name: str
    at: datetime
    programmed: float
    expected: float
    low: float
    high: float

    @property
    def range_words(self) -> str:
        return range_words(self.low, self.high)

    @property
    def expected_words(self) -> str:
        return ml(self.expected)

    @property
    def programmed_words(self) -> str:
        return ml(self.programmed)


def ml(value: float) -> str:
    return f"{value:.1f} mL"


def range_words(low: float, high: float) -> str:
    return _("%(low)s to %(high)s mL") % {"low": f"{low:.1f}", "high": f"{high:.1f}"}


def volume_now(reading: Reading) -> Volume | None:
    """None before the first fill."""
    return next(iter(volumes_at(reading, [(_("Now"), reading.now)])), None)


def of_dates(reading: Reading) -> list[tuple[str, datetime]]:
    """Now, and each date that matters, in their order."""
    row = reading.row
    named = [
        (_("Now"), reading.now),
        (_("Refill by"), row.refill_by),
        (_("Low, earliest"), row.earliest_low_at),
        (_("Low, as programmed"), row.programmed_low_at),
        (_("Low, expected"), row.low_at),
        (_("Empty, expected"), row.empty_at),
    ]
    return sorted(((name, at) for name, at in named if at is not None), key=lambda pair: pair[1])


def volumes_at(reading: Reading, named: Sequence[tuple[str, datetime]]) -> list[Volume]:
    curve = reading.volumes([at for _name, at in named])
    columns = zip(named, curve.programmed, curve.expected, curve.low, curve.high, strict=True)
    return [Volume(name, at, *numbers) for (name, at), *numbers in columns if not isnan(numbers[0])]


def entry_words(event: LedgerEvent) -> str:
    """What an entry is called beside the picture; nothing for what the picture shows by itself."""
    match event:
        case ProgramChange(program=program, is_planned=is_planned):
            dose = {"dose": plain(program.daily_dose_mcg)}
            return _("%(dose)s mcg/day planned") % dose if is_planned else _("%(dose)s mcg/day") % dose
        case MotorChange(motor=motor):
            return str(_MOTOR_WORDS[motor])
        case PumpBolus():
            return _("Bolus")
        case Bridge():
            return _("Bridge bolus")
        case ReservoirAccess():
            return _("Reservoir access")
        case Interrogation():
            return _("Interrogation")
        case MriScan():
            return _("MRI scan")
        case AlarmReport():
            return _("Alarm reported")
        case Fill(emptying=emptying) if emptying is not Emptying.EMPTIED:
            return _("Not emptied before this fill")
    return ""


_MOTOR_WORDS = {
    Motor.STOPPED: gettext_lazy("Stopped"),
    Motor.RESTARTED: gettext_lazy("Restarted"),
    Motor.STALLED: gettext_lazy("Motor stall"),
    Motor.RECOVERED: gettext_lazy("Recovered from a stall"),
}

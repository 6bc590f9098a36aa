"""A dose beside the one before it, as on a programmer's last screen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from clinical.programs import Mode, Program, hourly_of
from clinical.saying import say
from clinical.units import plain
from clinical.weekdays import days_of, words
from therapy.models import Proposal
from therapy.wanted import Wanted

NOTHING = say("none")
_MODES = {
    Mode.SIMPLE_CONTINUOUS: say("Simple continuous"),
    Mode.FLEX: say("Flex"),
    Mode.PERIODIC_BOLUS: say("Periodic bolus"),
    Mode.MINIMUM_RATE: say("Minimum rate"),
    Mode.STOPPED: say("Stopped"),
}


@dataclass(frozen=True)
class Compared:
    name: str
    old: str
    new: str

    @property
    def is_changed(self) -> bool:
        return self.old != self.new


BAND_WIDTH = 400.0
_TENTH = Decimal("0.1")


def signed(pct: Decimal) -> str:
    """A change in %, to a tenth, with its sign: `+10.5`, `-20`, `0`."""
    rounded = pct.quantize(_TENTH, rounding=ROUND_HALF_UP)
    return f"{'+' if rounded > 0 else ''}{plain(rounded or Decimal(0))}"


@dataclass(frozen=True)
class Band:
    """Doses a step may lead to, the present and the proposed one, mcg/day; and where each is drawn, 0 to BAND_WIDTH."""

    least: Decimal
    most: Decimal
    current: Decimal
    proposed: Decimal

    @property
    def change_pct(self) -> Decimal:
        return (self.proposed - self.current) * 100 / self.current

    @property
    def change_words(self) -> str:
        return signed(self.change_pct)

    def _x(self, dose: Decimal) -> float:
        span = float(max(self.most, self.proposed)) * 1.15
        return float(dose) / span * BAND_WIDTH

    @property
    def x_least(self) -> float:
        return self._x(self.least)

    @property
    def x_width(self) -> float:
        return self._x(self.most) - self._x(self.least)

    @property
    def x_current(self) -> float:
        return self._x(self.current)

    @property
    def x_proposed(self) -> float:
        return self._x(self.proposed)


def band_of(proposal: Proposal) -> Band | None:
    """The band a stored proposal was held against; None where no dose ran, or it is a stop."""
    current = proposal.current_daily_dose_mcg
    if not proposal.allowed or not current:
        return None
    least, most = (Decimal(value) for value in proposal.allowed)
    return Band(least, most, current, proposal.daily_dose_mcg)


def compared(old: Program | None, told: Decimal | None, wanted: Wanted, bridge: Mapping[str, str]) -> list[Compared]:
    """What runs (`old`, at `told` mcg/mL) and what is wanted, with its bridge bolus. In English: it is kept."""
    dose = old.daily_dose_mcg if old is not None else None
    found = [
        Compared(say("Daily dose"), _amount(dose, say("mcg/day")), _amount(wanted.daily_dose_mcg, say("mcg/day"))),
        Compared(say("Hourly"), _hourly(dose), _hourly(wanted.daily_dose_mcg)),
        Compared(say("Mode"), _mode(old.mode.value) if old is not None else NOTHING, _mode(wanted.mode)),
        Compared(say("Steps"), _old_steps(old), _steps(wanted.steps)),
        Compared(say("Timed boluses"), _old_boluses(old), _boluses(wanted.boluses)),
        Compared(say("Patient boluses"), _old_by_patient(old), _by_patient(wanted)),
        Compared(say("Concentration"), _strength(told), _strength(wanted.concentration_mcg_per_ml or told)),
    ]
    if bridge:
        said = say("%(volume_ml)s mL (%(bolus_mcg)s mcg) over %(hours)s h", **bridge)
        found.append(Compared(say("Bridge bolus"), NOTHING, said))
    return found


def _hourly(dose: Decimal | None) -> str:
    return _amount(hourly_of(dose).quantize(Decimal("0.001")) if dose is not None else None, say("mcg/h on average"))


def _old_steps(old: Program | None) -> str:
    steps = old.steps if old is not None else ()
    said = (_step(_clock(each.start_minute), plain(each.rate_mcg_per_h), _days(each.days)) for each in steps)
    return "; ".join(said) or NOTHING


def _old_boluses(old: Program | None) -> str:
    boluses = old.boluses if old is not None else ()
    said = (_bolus(_clock(each.at_minute), plain(each.dose_mcg), _days(each.days)) for each in boluses)
    return "; ".join(said) or NOTHING


def _old_by_patient(old: Program | None) -> str:
    if old is None or not old.patient_boluses_per_day:
        return NOTHING
    return _called_for(old.patient_bolus_mcg, old.patient_boluses_per_day)


def _by_patient(wanted: Wanted) -> str:
    if not wanted.patient_bolus_mcg or not wanted.patient_boluses_per_day:
        return NOTHING
    return _called_for(wanted.patient_bolus_mcg, wanted.patient_boluses_per_day)


def _called_for(bolus_mcg: Decimal, per_day: int) -> str:
    return say("%(bolus)s mcg, at most %(count)s a day", bolus=plain(bolus_mcg), count=per_day)


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _amount(value: Decimal | None, unit: str) -> str:
    return f"{plain(value)} {unit}" if value is not None else NOTHING


def _strength(value: Decimal | None) -> str:
    return _amount(value, "mcg/mL")


def _mode(mode: str) -> str:
    return _MODES[Mode(mode)]


def _steps(rows: Sequence[Mapping[str, Any]]) -> str:
    said = (_step(row["start"], _plain(row["rate_mcg_per_h"]), _of_row(row)) for row in rows)
    return "; ".join(said) or NOTHING


def _boluses(rows: Sequence[Mapping[str, Any]]) -> str:
    return "; ".join(_bolus(row["at"], _plain(row["dose_mcg"]), _of_row(row)) for row in rows) or NOTHING


def _plain(written: str) -> str:
    return plain(Decimal(written))


def _step(start: str, rate: str, days: str) -> str:
    return say("from %(start)s %(rate)s mcg/h", start=start, rate=rate) + days


def _bolus(at: str, dose: str, days: str) -> str:
    return say("at %(at)s %(dose)s mcg", at=at, dose=dose) + days


def _of_row(row: Mapping[str, Any]) -> str:
    return _days(days_of(row.get("days", ()), "days"))


def _days(days: tuple[int, ...]) -> str:
    return f" ({words(days)})" if days else ""

"""A dose beside the one before it, as on a programmer's last screen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from clinical.programs import Program, hourly_of
from clinical.units import plain
from clinical.weekdays import days_of, words
from pumps.models import Event
from therapy.models import Proposal
from therapy.wanted import Wanted

NOTHING = "none"


@dataclass(frozen=True)
class Compared:
    name: str
    old: str
    new: str

    @property
    def is_changed(self) -> bool:
        return self.old != self.new


BAND_WIDTH = 400.0


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
    """What runs (`old`, at `told` mcg/mL) and what is wanted, with its bridge bolus where it has one."""
    dose = old.daily_dose_mcg if old is not None else None
    found = [
        Compared(_("Daily dose"), _amount(dose, _("mcg/day")), _amount(wanted.daily_dose_mcg, _("mcg/day"))),
        Compared(_("Hourly"), _hourly(dose), _hourly(wanted.daily_dose_mcg)),
        Compared(_("Mode"), _mode(old.mode.value) if old is not None else NOTHING, _mode(wanted.mode)),
        Compared(_("Steps"), _old_steps(old), _steps(wanted.steps)),
        Compared(_("Timed boluses"), _old_boluses(old), _boluses(wanted.boluses)),
        Compared(_("Patient boluses"), _old_by_patient(old), _by_patient(wanted)),
        Compared(_("Concentration"), _strength(told), _strength(wanted.concentration_mcg_per_ml or told)),
    ]
    if bridge:
        said = _("%(volume_ml)s mL (%(bolus_mcg)s mcg) over %(hours)s h") % bridge
        found.append(Compared(_("Bridge bolus"), NOTHING, said))
    return found


def _hourly(dose: Decimal | None) -> str:
    return _amount(hourly_of(dose).quantize(Decimal("0.001")) if dose is not None else None, _("mcg/h on average"))


def _old_steps(old: Program | None) -> str:
    steps = old.steps if old is not None else ()
    said = (
        _("from %(start)s %(rate)s mcg/h%(days)s")
        % {"start": _clock(each.start_minute), "rate": plain(each.rate_mcg_per_h), "days": _days(each.days)}
        for each in steps
    )
    return "; ".join(said) or NOTHING


def _old_boluses(old: Program | None) -> str:
    boluses = old.boluses if old is not None else ()
    said = (
        _("at %(at)s %(dose)s mcg%(days)s")
        % {"at": _clock(each.at_minute), "dose": plain(each.dose_mcg), "days": _days(each.days)}
        for each in boluses
    )
    return "; ".join(said) or NOTHING


def _old_by_patient(old: Program | None) -> str:
    if old is None or not old.patient_boluses_per_day:
        return NOTHING
    return _("%(patient_bolus_mcg)s mcg, at most %(patient_boluses_per_day)s a day") % {
        "patient_bolus_mcg": plain(old.patient_bolus_mcg),
        "patient_boluses_per_day": old.patient_boluses_per_day,
    }


def _by_patient(wanted: Wanted) -> str:
    if not wanted.patient_bolus_mcg or not wanted.patient_boluses_per_day:
        return NOTHING
    return _("%(patient_bolus_mcg)s mcg, at most %(patient_boluses_per_day)s a day") % {
        "patient_bolus_mcg": plain(wanted.patient_bolus_mcg),
        "patient_boluses_per_day": wanted.patient_boluses_per_day,
    }


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _amount(value: Decimal | None, unit: str) -> str:
    return f"{plain(value)} {unit}" if value is not None else NOTHING


def _strength(value: Decimal | None) -> str:
    return _amount(value, "mcg/mL")


def _mode(mode: str) -> str:
    return str(Event.ProgramMode(mode).label)


def _steps(rows: Sequence[Mapping[str, Any]]) -> str:
    said = (
        _("from %(start)s %(rate)s mcg/h%(days)s")
        % {"start": row["start"], "rate": row["rate_mcg_per_h"], "days": _of_row(row)}
        for row in rows
    )
    return "; ".join(said) or NOTHING


def _boluses(rows: Sequence[Mapping[str, Any]]) -> str:
    return (
        "; ".join(
            _("at %(at)s %(dose)s mcg%(days)s") % {"at": row["at"], "dose": row["dose_mcg"], "days": _of_row(row)}
            for row in rows
        )
        or NOTHING
    )


def _of_row(row: Mapping[str, Any]) -> str:
    return _days(days_of(row.get("days", ()), "days"))


def _days(days: tuple[int, ...]) -> str:
    return f" ({words(days)})" if days else ""

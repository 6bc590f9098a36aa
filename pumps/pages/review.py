"""The review before an entry is saved: the pump as it is and as it would be, line by line."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinical.units import plain
from clinics.words import moment_words
from pumps.models import Pump
from pumps.services.consequences import Consequence, State

# A delivered dose this close to the programmed one is not shown apart.
SAME_DOSE = 0.005


@dataclass(frozen=True)
class Line:
    """One line of the comparison. `note` says by how much, where that can be said."""

    name: str
    before: str
    after: str
    note: str = ""
    is_key: bool = False

    @property
    def is_changed(self) -> bool:
        return self.before != self.after


def lines(pump: Pump, found: Consequence) -> list[Line]:
    """What a person compares, in the order of a programmer's last screen: dose, flow, drug, volume, dates."""
    before, after = found.before, found.after
    rows = [_line(name, words, before, after) for name, words in _AMOUNTS]
    if found.change_pct is not None and found.change_pct != 0:
        rows[0] = Line(rows[0].name, rows[0].before, rows[0].after, f"{found.change_pct:+} %")
    if before.patient_boluses_per_day or after.patient_boluses_per_day:
        rows.insert(2, _line(_("Patient boluses"), _patient_boluses, before, after))
    if _is_other(before) or _is_other(after):
        rows.insert(-1, _line(_("The patient gets"), _delivered, before, after))
    rows += [_dated(pump, name, field, before, after) for name, field in _DATES]
    return [row for row in rows if {row.before, row.after} != {str(NOTHING)}]


NOTHING, NO_BOLUSES = gettext_lazy("not known"), gettext_lazy("none")


def _line(name: str | Promise, words: Callable[[State], str], before: State, after: State) -> Line:
    return Line(str(name), words(before), words(after))


def _dated(pump: Pump, name: Promise, field: str, before: State, after: State) -> Line:
    old, new = getattr(before.forecast, field), getattr(after.forecast, field)
    note = ""
    if old is not None and new is not None and old != new:
        note = _apart(old, new)
    return Line(str(name), _day(old, pump), _day(new, pump), note, is_key=field == "refill_by")


def _day(moment: datetime | None, pump: Pump) -> str:
    return moment_words(moment, pump.clinic.zone) if moment is not None else str(NOTHING)


def _apart(old: datetime, new: datetime) -> str:
    hours = abs(new - old).total_seconds() / 3600
    if hours >= 24:
        days = {"days": f"{hours / 24:.1f}"}
        return _("%(days)s days later") % days if new > old else _("%(days)s days earlier") % days
    return (_("%(hours)s h later") if new > old else _("%(hours)s h earlier")) % {"hours": f"{hours:.1f}"}


def _dose(state: State) -> str:
    return (
        _("%(daily_dose_mcg)s mcg/day") % {"daily_dose_mcg": plain(state.daily_dose_mcg)}
        if state.daily_dose_mcg is not None
        else str(NOTHING)
    )


def _hourly(state: State) -> str:
    hourly = state.hourly_mcg
    return (
        _("%(hourly)s mcg/h on average") % {"hourly": plain(hourly.quantize(Decimal("0.001")))}
        if hourly is not None
        else str(NOTHING)
    )


def _patient_boluses(state: State) -> str:
    """What the patient may call for beside the daily dose."""
    if not state.patient_boluses_per_day:
        return str(NO_BOLUSES)
    return _("%(patient_bolus_mcg)s mcg, at most %(patient_boluses_per_day)s a day") % {
        "patient_bolus_mcg": plain(state.patient_bolus_mcg),
        "patient_boluses_per_day": state.patient_boluses_per_day,
    }


def _flow(state: State) -> str:
    return (
        _("%(flow_ml_per_day)s mL/day") % {"flow_ml_per_day": _figure(state.flow_ml_per_day)}
        if state.flow_ml_per_day is not None
        else str(NOTHING)
    )


def _drug(state: State) -> str:
    held, told = state.concentration_mcg_per_ml, state.programmed_concentration_mcg_per_ml
    if held is None or told is None:
        return str(NOTHING)
    return (
        _("%(held)s mcg/mL") % {"held": plain(held)}
        if held == told
        else _("%(held)s mcg/mL, programmed for %(told)s") % {"held": plain(held), "told": plain(told)}
    )


def _is_other(state: State) -> bool:
    """Whether the patient gets something else than what is programmed."""
    dose, delivered = state.daily_dose_mcg, state.delivered_mcg
    return delivered is not None and (dose is None or abs(delivered - float(dose)) > SAME_DOSE * max(delivered, 1.0))


def _delivered(state: State) -> str:
    """What the patient gets: the dose itself, where that is what is programmed."""
    if state.delivered_mcg is None:
        return str(NOTHING)
    if not _is_other(state):
        return _dose(state)
    return _("%(delivered)s mcg/day") % {"delivered": _figure(state.delivered_mcg)}


def _figure(value: float) -> str:
    """Four significant digits, without an exponent."""
    return plain(Decimal(f"{value:.4g}"))


def _volume(state: State) -> str:
    return (
        _("%(volume_ml)s mL expected") % {"volume_ml": f"{state.volume_ml:.1f}"}
        if state.volume_ml is not None
        else str(NOTHING)
    )


_AMOUNTS: tuple[tuple[Promise, Callable[[State], str]], ...] = (
    (gettext_lazy("Daily dose"), _dose),
    (gettext_lazy("Hourly equivalent"), _hourly),
    (gettext_lazy("Flow"), _flow),
    (gettext_lazy("Drug in the pump"), _drug),
    (gettext_lazy("In the reservoir"), _volume),
)
_DATES = (
    (gettext_lazy("Refill by"), "refill_by"),
    (gettext_lazy("Low, as programmed"), "programmed_low_at"),
    (gettext_lazy("Low, earliest"), "earliest_low_at"),
    (gettext_lazy("Low, expected"), "low_at"),
    (gettext_lazy("Empty, expected"), "empty_at"),
    (gettext_lazy("Drug expires"), "drug_expires_at"),
    (gettext_lazy("Longest interval"), "max_interval_at"),
)

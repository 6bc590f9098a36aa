"""The ledger in words, newest first: what stands, what was entered in error, and who said so."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Q

from clinical.units import plain
from clinical.watching import PumpAlarm
from clinical.weekdays import days_of, words
from clinics.words import calendar_day, moment_words
from pumps.forms.events import ALARM_WORDS
from pumps.models import Event, Pump


@dataclass(frozen=True)
class Entry:
    """A line of the ledger. `void` is the event that declared it an error, if any."""

    event: Event
    title: str
    details: list[str]
    void: Event | None

    @property
    def is_unsigned(self) -> bool:
        """A dose change that waits for a prescriber's signature."""
        asked = getattr(self.event, "signature", None)
        return asked is not None and asked.signed_at is None and self.void is None

    @property
    def signed_words(self) -> str:
        """Who signed it after it was made; empty for all others."""
        asked = getattr(self.event, "signature", None)
        if asked is None or asked.signed_at is None:
            return ""
        note = f": {asked.note}" if asked.note else ""
        when = moment_words(asked.signed_at, self.event.pump.clinic.zone)
        return f"signed after the fact by {asked.signed_by}, {when}{note}"

    @property
    def can_be_voided(self) -> bool:
        return self.event.kind != Event.Kind.VOID and self.void is None

    @property
    def can_be_corrected(self) -> bool:
        """A confirmation says nothing that could be said otherwise; it is right or an error."""
        return self.can_be_voided and self.event.kind != Event.Kind.DOSE_CONFIRMED


def timeline(pump: Pump, most: int | None = None) -> list[Entry]:
    """One query, however long the ledger; the newest `most` entries where that is given."""
    events = pump.events.newest_first().select_related(
        "pump__clinic", "recorded_by", "voided_by__recorded_by", "voided_by__replacement", "voids", "replacement",
        "signature__signed_by",
    )  # fmt: skip
    return [entry_of(event) for event in events[:most]]


def plans_of(pump: Pump) -> list[Entry]:
    """What is or was planned, and the confirmations, of a ledger of which only the newest entries are at hand."""
    planned = pump.events.newest_first().filter(Q(is_planned=True) | Q(kind=Event.Kind.DOSE_CONFIRMED))
    return [entry_of(event) for event in planned.select_related("pump__clinic", "voided_by")]


def plans_to_confirm(entries: Sequence[Entry], now: datetime) -> list[Entry]:
    """Planned dose changes whose moment has passed and that nobody has confirmed. `entries` are a whole timeline."""
    standing = [entry for entry in entries if entry.void is None]
    confirmed = {entry.event.confirms_at for entry in standing}
    return [
        entry
        for entry in standing
        if entry.event.is_planned and entry.event.occurred_at <= now and entry.event.occurred_at not in confirmed
    ]


def entry_of(event: Event) -> Entry:
    title, details = _WORDS[event.kind](event)
    return Entry(event, title, details, getattr(event, "voided_by", None))


def title_of(event: Event) -> str:
    return _WORDS[event.kind](event)[0]


def _refill(event: Event) -> tuple[str, list[str]]:
    concentration, programmed = event.concentration_mcg_per_ml, event.programmed_concentration_mcg_per_ml
    details = [
        _emptying(event),
        *([f"programmed for {_number(programmed)} mcg/mL"] if programmed != concentration else []),
        " ".join(filter(None, (event.formulation, event.lot_number and f"lot {event.lot_number}"))),
        f"expires {calendar_day(event.drug_expires_on)}" if event.drug_expires_on is not None else "",
        f"stable {event.stability_days} days in the pump" if event.stability_days is not None else "",
        event.reason,
    ]
    called = "Top-up" if event.emptying == Event.EmptyingFirst.TOP_UP else "Refill"
    title = f"{called}: {_number(event.filled_ml)} mL of {_number(concentration)} mcg/mL"
    return title, _said(details)


def _emptying(event: Event) -> str:
    """What was taken out before it was filled."""
    out = f"{plain(event.aspirated_ml)} mL aspirated" if event.aspirated_ml is not None else ""
    match event.emptying:
        case Event.EmptyingFirst.TOP_UP:
            return "topped up, nothing taken out"
        case Event.EmptyingFirst.PARTIAL:
            return f"only part could be taken out: {out or 'not said how much'}"
        case _:
            return out or "nothing said of aspiration"


def _dose_change(event: Event) -> tuple[str, list[str]]:
    if event.mode == Event.ProgramMode.STOPPED or event.daily_dose_mcg is None:
        return "Pump stopped", _said([event.reason])
    hourly = plain((event.daily_dose_mcg / 24).quantize(Decimal("0.01")))
    details = [
        f"{event.get_mode_display().lower()}, {hourly} mcg/h on average",
        "; ".join(f"from {step['start']} {step['rate_mcg_per_h']} mcg/h{_days(step)}" for step in event.steps),
        "; ".join(f"bolus at {bolus['at']} of {bolus['dose_mcg']} mcg{_days(bolus)}" for bolus in event.boluses),
        patient_boluses_words(event.patient_bolus_mcg, event.patient_boluses_per_day),
        "entered as a plan" if event.is_planned else "",
        event.reason,
        event.override_reason,
    ]
    return f"Dose: {plain(event.daily_dose_mcg)} mcg/day", _said(details)


def _days(row: Mapping[str, Any]) -> str:
    """` (Mon-Fri)`; nothing for every day."""
    days = days_of(row.get("days", ()), "days")
    return f" ({words(days)})" if days else ""


def patient_boluses_words(bolus_mcg: Decimal | None, per_day: int | None) -> str:
    """`patient boluses of 10 mcg, at most 4 a day`; empty where there are none."""
    if not bolus_mcg or not per_day:
        return ""
    return f"patient boluses of {plain(bolus_mcg)} mcg, at most {per_day} a day"


def _confirmed(event: Event) -> tuple[str, list[str]]:
    when = moment_words(event.confirms_at, event.pump.clinic.zone) if event.confirms_at is not None else "?"
    return "Planned dose programmed", _said([f"the dose change planned for {when}", event.reason])


def _simple(event: Event) -> tuple[str, list[str]]:
    return event.get_kind_display(), _said([event.reason])


def _interrogation(event: Event) -> tuple[str, list[str]]:
    details = [
        f"{plain(event.volume_ml)} mL shown" if event.volume_ml is not None else "",
        f"{plain(event.daily_dose_mcg)} mcg/day shown" if event.daily_dose_mcg is not None else "",
        f"{plain(event.patient_bolus_mcg)} mcg given by patient boluses" if event.patient_bolus_mcg is not None else "",
        _clock_words(event),
        f"alarms: {', '.join(ALARM_WORDS[PumpAlarm(alarm)].lower() for alarm in event.alarms)}" if event.alarms else "",
        event.reason,
    ]
    return "Interrogation", _said(details)


def _clock_words(event: Event) -> str:
    shown = event.shown_clock
    return f"pump's clock at {shown:%H:%M}" if shown is not None else ""


def _mri(event: Event) -> tuple[str, list[str]]:
    emptied = {True: "reservoir emptied before", False: "reservoir not emptied before", None: ""}
    return "MRI scan", _said([emptied[event.reservoir_emptied], event.reason])


def _bolus(event: Event) -> tuple[str, list[str]]:
    over = f"over {plain(event.duration_hours)} h" if event.duration_hours is not None else ""
    return f"Single bolus: {_number(event.dose_mcg)} mcg", _said([over, event.reason])


def _priming(event: Event) -> tuple[str, list[str]]:
    return f"Priming bolus: {_number(event.volume_ml)} mL", _said([event.reason])


def _bridge(event: Event) -> tuple[str, list[str]]:
    dose = f"{plain(event.dose_mcg)} mcg" if event.dose_mcg is not None else ""
    title = f"Bridge bolus: {_number(event.volume_ml)} mL over {_number(event.duration_hours)} h"
    return title, _said([dose, event.reason])


def _access(event: Event) -> tuple[str, list[str]]:
    title = f"Reservoir access: {_number(event.aspirated_ml)} mL out, {_number(event.injected_ml)} mL in"
    return title, _said([event.reason])


def _catheter_access(event: Event) -> tuple[str, list[str]]:
    return f"Catheter access: {_number(event.aspirated_ml)} mL aspirated", _said([event.reason])


def _revision(event: Event) -> tuple[str, list[str]]:
    volume = event.catheter_volume_ml
    now = f"catheter volume now {plain(volume)} mL" if volume is not None else "catheter volume not known"
    return "Catheter revision", _said([now, event.reason])


def _alarm(event: Event) -> tuple[str, list[str]]:
    heard = {1: "one tone", 2: "two tones"}.get(event.tones or 0, "nobody could tell how many tones")
    return "Pump alarm reported", _said([heard, event.reason])


def _void(event: Event) -> tuple[str, list[str]]:
    wrong = event.voids
    about = title_of(wrong) if wrong is not None and wrong.kind != Event.Kind.VOID else "entry"
    replaced = f"replaced by: {title_of(event.replacement)}" if event.replacement is not None else ""
    return f"Entered in error: {about}", _said([event.reason, replaced])


def _said(details: Iterable[str]) -> list[str]:
    return [detail for detail in details if detail]


def _number(value: Decimal | None) -> str:
    return plain(value) if value is not None else "?"


_WORDS: dict[str, Callable[[Event], tuple[str, list[str]]]] = {
    Event.Kind.REFILL: _refill,
    Event.Kind.DOSE_CHANGE: _dose_change,
    Event.Kind.INTERROGATION: _interrogation,
    Event.Kind.STOP: _simple,
    Event.Kind.RESTART: _simple,
    Event.Kind.STALL: _simple,
    Event.Kind.STALL_RECOVERY: _simple,
    Event.Kind.MRI: _mri,
    Event.Kind.BOLUS: _bolus,
    Event.Kind.PRIMING_BOLUS: _priming,
    Event.Kind.BRIDGE_BOLUS: _bridge,
    Event.Kind.RESERVOIR_ACCESS: _access,
    Event.Kind.CATHETER_ACCESS: _catheter_access,
    Event.Kind.CATHETER_REVISION: _revision,
    Event.Kind.ALARM_REPORTED: _alarm,
    Event.Kind.DOSE_CONFIRMED: _confirmed,
    Event.Kind.VOID: _void,
}

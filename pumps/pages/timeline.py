"""The ledger in words, newest first: what stands, what was entered in error, and who said so."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Prefetch, Q
from django.utils.translation import gettext as _

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
        return _("signed after the fact by %(signed_by)s, %(when)s%(note)s") % {
            "signed_by": asked.signed_by,
            "when": when,
            "note": note,
        }

    @property
    def can_be_voided(self) -> bool:
        return self.event.kind != Event.Kind.VOID and self.void is None

    @property
    def can_be_corrected(self) -> bool:
        """A confirmation says nothing that could be said otherwise; it is right or an error."""
        return self.can_be_voided and self.event.kind != Event.Kind.DOSE_CONFIRMED


def timeline(pump: Pump, most: int | None = None) -> list[Entry]:
    """As many queries however long the ledger; the newest `most` entries where that is given. What few entries have is
    read beside them, for a join is planned whether any has it or not."""
    events = pump.events.newest_first().select_related("recorded_by", "signature__signed_by")
    named = Event.objects.select_related("pump__clinic")
    beside = events.prefetch_related("voided_by__recorded_by", Prefetch("voids", named), Prefetch("replacement", named))
    return [entry_of(event) for event in beside[:most]]


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
        *(
            [_("programmed for %(programmed)s mcg/mL") % {"programmed": _number(programmed)}]
            if programmed != concentration
            else []
        ),
        " ".join(
            filter(
                None,
                (event.formulation, event.lot_number and _("lot %(lot_number)s") % {"lot_number": event.lot_number}),
            )
        ),
        _("expires %(drug_expires_on)s") % {"drug_expires_on": calendar_day(event.drug_expires_on)}
        if event.drug_expires_on is not None
        else "",
        _("stable %(stability_days)s days in the pump") % {"stability_days": event.stability_days}
        if event.stability_days is not None
        else "",
        event.reason,
    ]
    called = _("Top-up") if event.emptying == Event.EmptyingFirst.TOP_UP else _("Refill")
    title = _("%(called)s: %(filled_ml)s mL of %(concentration)s mcg/mL") % {
        "called": called,
        "filled_ml": _number(event.filled_ml),
        "concentration": _number(concentration),
    }
    return title, _said(details)


def _emptying(event: Event) -> str:
    """What was taken out before it was filled."""
    out = (
        _("%(aspirated_ml)s mL aspirated") % {"aspirated_ml": plain(event.aspirated_ml)}
        if event.aspirated_ml is not None
        else ""
    )
    match event.emptying:
        case Event.EmptyingFirst.TOP_UP:
            return _("topped up, nothing taken out")
        case Event.EmptyingFirst.PARTIAL:
            return _("only part could be taken out: %(out)s") % {"out": out or _("not said how much")}
        case _:
            return out or _("nothing said of aspiration")


def _dose_change(event: Event) -> tuple[str, list[str]]:
    if event.mode == Event.ProgramMode.STOPPED or event.daily_dose_mcg is None:
        return _("Pump stopped"), _said([event.reason])
    hourly = plain((event.daily_dose_mcg / 24).quantize(Decimal("0.01")))
    details = [
        _("%(mode)s, %(hourly)s mcg/h on average") % {"mode": event.get_mode_display().lower(), "hourly": hourly},
        "; ".join(
            _("from %(start)s %(rate)s mcg/h%(days)s")
            % {"start": step["start"], "rate": plain(Decimal(step["rate_mcg_per_h"])), "days": _days(step)}
            for step in event.steps
        ),
        "; ".join(
            _("bolus at %(at)s of %(dose)s mcg%(days)s")
            % {"at": bolus["at"], "dose": plain(Decimal(bolus["dose_mcg"])), "days": _days(bolus)}
            for bolus in event.boluses
        ),
        patient_boluses_words(event.patient_bolus_mcg, event.patient_boluses_per_day),
        _("entered as a plan") if event.is_planned else "",
        event.reason,
        event.override_reason,
    ]
    return _("Dose: %(daily_dose_mcg)s mcg/day") % {"daily_dose_mcg": plain(event.daily_dose_mcg)}, _said(details)


def _days(row: Mapping[str, Any]) -> str:
    """` (Mon-Fri)`; nothing for every day."""
    days = days_of(row.get("days", ()), "days")
    return f" ({words(days)})" if days else ""


def patient_boluses_words(bolus_mcg: Decimal | None, per_day: int | None) -> str:
    """`patient boluses of 10 mcg, at most 4 a day`; empty where there are none."""
    if not bolus_mcg or not per_day:
        return ""
    return _("patient boluses of %(bolus_mcg)s mcg, at most %(per_day)s a day") % {
        "bolus_mcg": plain(bolus_mcg),
        "per_day": per_day,
    }


def _confirmed(event: Event) -> tuple[str, list[str]]:
    when = moment_words(event.confirms_at, event.pump.clinic.zone) if event.confirms_at is not None else "?"
    return _("Planned dose programmed"), _said(
        [_("the dose change planned for %(when)s") % {"when": when}, event.reason]
    )


def _simple(event: Event) -> tuple[str, list[str]]:
    return event.get_kind_display(), _said([event.reason])


def _interrogation(event: Event) -> tuple[str, list[str]]:
    details = [
        _("%(volume_ml)s mL shown") % {"volume_ml": plain(event.volume_ml)} if event.volume_ml is not None else "",
        _("%(daily_dose_mcg)s mcg/day shown") % {"daily_dose_mcg": plain(event.daily_dose_mcg)}
        if event.daily_dose_mcg is not None
        else "",
        _("%(patient_bolus_mcg)s mcg given by patient boluses") % {"patient_bolus_mcg": plain(event.patient_bolus_mcg)}
        if event.patient_bolus_mcg is not None
        else "",
        _clock_words(event),
        _("alarms: %(alarms)s") % {"alarms": ", ".join(ALARM_WORDS[PumpAlarm(alarm)].lower() for alarm in event.alarms)}
        if event.alarms
        else "",
        event.reason,
    ]
    return _("Interrogation"), _said(details)


def _clock_words(event: Event) -> str:
    shown = event.shown_clock
    return _("pump's clock at %(shown)s") % {"shown": f"{shown:%H:%M}"} if shown is not None else ""


def _mri(event: Event) -> tuple[str, list[str]]:
    emptied = {True: _("reservoir emptied before"), False: _("reservoir not emptied before"), None: ""}
    return _("MRI scan"), _said([emptied[event.reservoir_emptied], event.reason])


def _bolus(event: Event) -> tuple[str, list[str]]:
    over = (
        _("over %(duration_hours)s h") % {"duration_hours": plain(event.duration_hours)}
        if event.duration_hours is not None
        else ""
    )
    return _("Single bolus: %(dose_mcg)s mcg") % {"dose_mcg": _number(event.dose_mcg)}, _said([over, event.reason])


def _priming(event: Event) -> tuple[str, list[str]]:
    return _("Priming bolus: %(volume_ml)s mL") % {"volume_ml": _number(event.volume_ml)}, _said([event.reason])


def _bridge(event: Event) -> tuple[str, list[str]]:
    dose = _("%(dose_mcg)s mcg") % {"dose_mcg": plain(event.dose_mcg)} if event.dose_mcg is not None else ""
    title = _("Bridge bolus: %(volume_ml)s mL over %(duration_hours)s h") % {
        "volume_ml": _number(event.volume_ml),
        "duration_hours": _number(event.duration_hours),
    }
    return title, _said([dose, event.reason])


def _access(event: Event) -> tuple[str, list[str]]:
    title = _("Reservoir access: %(aspirated_ml)s mL out, %(injected_ml)s mL in") % {
        "aspirated_ml": _number(event.aspirated_ml),
        "injected_ml": _number(event.injected_ml),
    }
    return title, _said([event.reason])


def _catheter_access(event: Event) -> tuple[str, list[str]]:
    return _("Catheter access: %(aspirated_ml)s mL aspirated") % {"aspirated_ml": _number(event.aspirated_ml)}, _said(
        [event.reason]
    )


def _revision(event: Event) -> tuple[str, list[str]]:
    volume = event.catheter_volume_ml
    now = (
        _("catheter volume now %(volume)s mL") % {"volume": plain(volume)}
        if volume is not None
        else _("catheter volume not known")
    )
    return _("Catheter revision"), _said([now, event.reason])


def _alarm(event: Event) -> tuple[str, list[str]]:
    heard = {1: _("one tone"), 2: _("two tones")}.get(event.tones or 0, _("nobody could tell how many tones"))
    return _("Pump alarm reported"), _said([heard, event.reason])


def _void(event: Event) -> tuple[str, list[str]]:
    wrong = event.voids
    about = title_of(wrong) if wrong is not None and wrong.kind != Event.Kind.VOID else _("an entry")
    replaced = (
        _("replaced by: %(replacement)s") % {"replacement": title_of(event.replacement)}
        if event.replacement is not None
        else ""
    )
    return _("Entered in error: %(about)s") % {"about": about}, _said([event.reason, replaced])


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

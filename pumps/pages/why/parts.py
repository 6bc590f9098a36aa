"""What an explanation of a date is made of."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clinical.ledger import (
    Bridge,
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
from clinics.words import left, moment_words
from pumps.models import Event
from pumps.pages.dates import NAMES, explained
from pumps.reading import Reading

Key = tuple[str, datetime]


@dataclass(frozen=True)
class Input:
    """One figure, with its unit, and where it is from."""

    name: str
    value: str
    origin: str


@dataclass(frozen=True)
class Step:
    """A stretch of time with what was programmed to flow in it."""

    words: str
    flow: str
    used: str


@dataclass(frozen=True)
class Why:
    """`events` name the ledger's entries by kind and moment; `others` are what else could have bound."""

    what: str
    name: str
    at: str
    says: str
    inputs: Sequence[Input] = ()
    formula: str = ""
    numbers: str = ""
    steps: Sequence[Step] = ()
    sources: Sequence[str] = ()
    events: Collection[Key] = ()
    others: Sequence[Input] = ()


def bare(reading: Reading, what: str) -> Why:
    return Why(what, *named(reading, what))


def named(reading: Reading, what: str) -> tuple[str, str, str]:
    """Its name, the date in words, and the sentence that says why."""
    at: datetime | None = getattr(reading.row, what)
    words = _("not known")
    if at is not None:
        words = f"{moment_words(at, reading.zone)} ({left(at, reading.now, reading.zone)})"
    dated = explained(reading, what)
    return dated.name, words, dated.why


_DEADLINES = ("programmed_low_at", "earliest_low_at", "drug_expires_at", "max_interval_at")


def others(reading: Reading, what: str) -> list[Input]:
    """The deadlines besides `what`, and which of all binds."""
    names, row, found = {field: name for name, field in NAMES}, reading.row, []
    known = [at for field in _DEADLINES if (at := getattr(row, field)) is not None]
    for field in _DEADLINES:
        at = getattr(row, field)
        if field == what:
            continue
        binds = at is not None and row.refill_by is not None and at == min(known)
        words = moment_words(at, reading.zone) if at is not None else _("not known")
        found.append(Input(str(names[field]), words, _("binds: it is the earliest") if binds else ""))
    return found


def days(count: int) -> str:
    return ngettext("%(count)s day", "%(count)s days", count) % {"count": count}


_KINDS: Mapping[type, str] = {
    Fill: Event.Kind.REFILL,
    ProgramChange: Event.Kind.DOSE_CHANGE,
    Bridge: Event.Kind.BRIDGE_BOLUS,
    ReservoirAccess: Event.Kind.RESERVOIR_ACCESS,
    MriScan: Event.Kind.MRI,
    Interrogation: Event.Kind.INTERROGATION,
}
_MOTORS = {
    Motor.STOPPED: Event.Kind.STOP,
    Motor.RESTARTED: Event.Kind.RESTART,
    Motor.STALLED: Event.Kind.STALL,
    Motor.RECOVERED: Event.Kind.STALL_RECOVERY,
}


def key(event: LedgerEvent) -> Key:
    """By what the ledger's own row of an entry is found."""
    match event:
        case MotorChange(at=at, motor=motor):
            return str(_MOTORS[motor].value), at
        case PumpBolus(at=at, dose_mcg=dose):
            kind = Event.Kind.BOLUS if dose is not None else Event.Kind.PRIMING_BOLUS
            return str(kind.value), at
        case _:
            return str(_KINDS[type(event)]), event.at

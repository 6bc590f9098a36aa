"""The only writers of the ledger. Each stores the event, its forecast, its visit and its alerts in one transaction."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.dispatch import Signal
from django.utils.translation import gettext as _

from alerts.services import lifecycle
from clinical.ledger import LedgerEvent
from clinical.units import utc_offset_seconds
from clinics.errors import Conflict, Doubt, Impossible, NeedsConfirmation, Overtaken
from clinics.models import User
from clinics.words import moment_words
from patients.models import Patient
from pumps import folding, forecasting, reported
from pumps.alerting import align
from pumps.folding import Row
from pumps.models import Event, Forecast, PriorVersion, Pump
from pumps.services import signing
from pumps.services.doubts import Known, doubts_of
from pumps.services.entries import (
    DoseEntry,
    Entry,
    EventEntry,
    RefillEntry,
    impossible_confirmation,
    impossible_dose,
    impossible_event,
    impossible_mixture,
    impossible_refill,
    kind_of,
    raise_if,
)
from pumps.services.situation import known, situation
from pumps.services.visit_ends import after_correction, after_refill, after_void
from scheduling.services.visits import Author

# A pump's clock this close to the clinic's wall is the clinic's: it was read to the minute.
CLOCK_READ_TO = timedelta(minutes=3)


@dataclass(frozen=True)
class Draft:
    """An entry that can have happened, not stored yet: its event, the ledger it comes into, and what is unlikely."""

    event: Event
    ledger: Sequence[LedgerEvent]
    known: Known
    doubts: list[Doubt]
    bridge: Event | None = None

    @property
    def ledger_without_bridge(self) -> list[LedgerEvent]:
        return folding.with_event(self.ledger, self.event)

    @property
    def ledger_with_it(self) -> list[LedgerEvent]:
        facts = self.ledger_without_bridge
        return folding.with_event(facts, self.bridge) if self.bridge is not None else facts


# Sent within the transaction, with `event`, `user`, `source` and `now`, so that what a room above has planned ends: a
# dose change that was made without a signature, and an entry marked as an error.
dose_made, entry_voided = Signal(), Signal()


@transaction.atomic
def record(
    *,
    pump_id: int,
    entry: Entry,
    user: User,
    source: str,
    now: datetime,
    confirmed: Collection[str] = (),
    seen: int | None = None,
    bridge: EventEntry | None = None,
    is_signed: bool = False,
) -> Event:
    """Store what happened to a pump. `seen` is the newest event the caller has looked at, where that matters.

    `bridge` is the bridge bolus programmed with a refill: both are stored, or neither. Returns the entry's event.
    A dose change that nobody has signed (`is_signed`), by somebody who may not sign, waits for a prescriber.

    Raises:
        Overtaken: there is a newer event than `seen`.
        Impossible: it cannot have happened; messages per field.
        Conflict: another entry stands for the same moment, or the record is read-only.
        NeedsConfirmation: it is unlikely; call again with the codes in `confirmed`.
    """
    pump = _locked(pump_id)
    check_seen(pump, seen)
    version = forecasting.current_prior()
    draft = drafted(pump, entry, version, now=now, bridge=bridge)
    _insist(draft, confirmed)
    event = _stored(draft.event, user, source, now)
    if draft.bridge is not None:
        _stored(draft.bridge, user, source, now)
    _refresh(pump, version, draft.ledger_with_it, now=now, refill=event if event.kind == Event.Kind.REFILL else None)
    if event.kind == Event.Kind.ALARM_REPORTED:
        reported.heard_again(event, now=now)
    if event.kind == Event.Kind.DOSE_CHANGE and not is_signed:
        signing.ask(event, clinic_id=pump.clinic_id, user=user, now=now)
        dose_made.send(sender=Event, event=event, user=user, source=source, now=now)
    return event


@transaction.atomic
def void(
    *,
    pump_id: int,
    event_id: int,
    reason: str,
    user: User,
    source: str,
    now: datetime,
    replacement: Event | Entry | None = None,
    also: Collection[int] = (),
    confirmed: Collection[str] = (),
    seen: int | None = None,
) -> Event:
    """Declare an entry as entered in error; returns the void.

    `replacement` is an event already recorded, or what should have been entered, recorded with the void or not at all.
    `also` are entries of the same pump that are errors together with it, for the same reason; all of them or none.

    Raises:
        Overtaken: there is a newer event than `seen`, as in `record`.
        Conflict: the entry is a void or already voided, or the record is read-only.
        Impossible, NeedsConfirmation: no reason, or as `record` for the replacement.
    """
    pump = _locked(pump_id)
    check_seen(pump, seen)
    version = forecasting.current_prior()
    event = pump.events.get(pk=event_id)
    wrong = [*pump.events.filter(pk__in=also).exclude(pk=event_id).order_by("-pk"), event]
    if len(wrong) != len({*also, event_id}):
        raise Conflict(_("One of these entries is not of this pump. Look at it again."))
    for each in wrong:
        check_voidable(each)
    if not reason.strip():
        raise Impossible({"reason": [_("Say what was wrong with the entry.")]})
    corrected = replacement if isinstance(replacement, Event) else None
    if replacement is not None and not isinstance(replacement, Event):
        draft = drafted(pump, replacement, version, now=now, instead_of=wrong)
        _insist(draft, confirmed)
        corrected, facts = _stored(draft.event, user, source, now), draft.ledger_with_it
        if corrected.kind == Event.Kind.DOSE_CHANGE:
            signing.ask(corrected, clinic_id=pump.clinic_id, user=user, now=now)
    else:
        check_writable(pump)
        facts = ledger_of(pump, without=wrong)
    for each in wrong:
        instead = corrected if each == event else None
        void = Event(pump=pump, kind=Event.Kind.VOID, occurred_at=now, reason=reason, voids=each, replacement=instead)
        _stored(void, user, source, now)
        lifecycle.reopen_closed_by(each.pk, now=now)
        if instead is None:
            after_void(each, by=Author(user, now))
        else:
            after_correction(each, instead=instead, by=Author(user, now))
    is_refill = corrected is not None and corrected.kind == Event.Kind.REFILL
    _refresh(pump, version, facts, now=now, refill=corrected if is_refill else None)
    for each in wrong:
        entry_voided.send(sender=Event, event=each, user=user, source=source, now=now)
    return void


def check_seen(pump: Pump, seen: int | None) -> None:
    """
    Raises:
        Overtaken: somebody has recorded something meanwhile.
    """
    if seen is not None and seen != latest_event(pump):
        raise Overtaken(
            _("Somebody has recorded something for this pump meanwhile. Look at the comparison again before you save.")
        )


def latest_event(pump: Pump) -> int:
    """The id of the newest entry of a pump, 0 without one."""
    return pump.events.order_by("-pk").values_list("pk", flat=True).first() or 0


def check_voidable(event: Event) -> None:
    """
    Raises:
        Conflict: the entry is a void, or already voided.
    """
    if event.kind == Event.Kind.VOID:
        raise Conflict(_("A void cannot be voided; record the entry again instead."))
    if Event.objects.filter(voids=event).exists():
        raise Conflict(_("This entry is already marked as entered in error."))


def check_writable(pump: Pump) -> None:
    """
    Raises:
        Conflict: the patient's record has gone to another clinic, and this one is only there to be read.
    """
    if pump.patient.status == Patient.Status.TRANSFERRED:
        raise Conflict(
            _("The patient has been transferred: this record can only be read. The new clinic keeps its own.")
        )


def _locked(pump_id: int) -> Pump:
    """The pump and its forecast, locked, so that writes to one ledger and the tick come one after the other."""
    pumps = forecasting.held([pump_id])
    if not pumps:
        raise Pump.DoesNotExist
    return pumps[0]


def ledger_of(pump: Pump, *, without: Sequence[Event] = ()) -> list[LedgerEvent]:
    found = folding.ledgers([pump.pk], without=[event.pk for event in without])
    return found.get(pump.pk, [])


def drafted(
    pump: Pump,
    entry: Entry,
    version: PriorVersion,
    *,
    now: datetime,
    instead_of: Sequence[Event] = (),
    bridge: EventEntry | None = None,
    upon: Sequence[Event] = (),
) -> Draft:
    """An entry checked against the pump and its ledger, not stored; `instead_of` are events that count no more.

    `bridge` comes with it; `upon` are events that are to be stored before it. `pump` comes with model, clinic and
    patient.

    Raises:
        Impossible, Conflict: as `record`.
    """
    check_writable(pump)
    standing = list(folding.rows([pump.pk], without=[event.pk for event in instead_of]))
    facts = folding.facts(standing).get(pump.pk, [])
    for event in upon:
        facts = folding.with_event(facts, event)
    before = situation(folding.device(pump, version).facts, facts, entry.at)
    if isinstance(entry, RefillEntry):
        fill = before.last_fill()
        last_programmed = fill.programmed_concentration_mcg_per_ml if fill is not None else None
        raise_if(impossible_refill(pump, entry, now=now, last_programmed=last_programmed))
        raise_if(impossible_mixture(entry, fill, before.next_fill()))
    elif isinstance(entry, DoseEntry):
        raise_if(impossible_dose(pump, entry))
    else:
        raise_if(impossible_event(pump, entry, now=now))
        if entry.kind == Event.Kind.DOSE_CONFIRMED:
            raise_if(impossible_confirmation(entry, facts))
    _check_conflict(pump, entry, standing)
    said = known(before, entry)
    doubts = doubts_of(pump, entry, said, now=now)
    return Draft(_event_of(pump, entry, now), facts, said, doubts, _bridge_of(pump, bridge, standing, now))


def _bridge_of(pump: Pump, bridge: EventEntry | None, standing: Sequence[Row], now: datetime) -> Event | None:
    """The unsaved event of a bridge. What is impossible about it is said at `bridge`."""
    if bridge is None:
        return None
    found = impossible_event(pump, bridge, now=now)
    if found:
        raise Impossible({"bridge": [f"{field}: {told}" for field, messages in found.items() for told in messages]})
    _check_conflict(pump, bridge, standing)
    return _event_of(pump, bridge, now)


def _check_conflict(pump: Pump, entry: Entry, standing: Sequence[Row]) -> None:
    if any(row.kind == kind_of(entry) and row.occurred_at == entry.at for row in standing):
        called = Event.Kind(kind_of(entry)).label.lower()
        raise Conflict(
            _(
                "An entry for this moment stands already: %(called)s of %(local)s (%(timezone)s); mark "
                "it as entered in error, or correct the time."
            )
            % {
                "called": called,
                "local": moment_words(entry.at, pump.clinic.zone),
                "timezone": pump.clinic.timezone,
            }
        )


def _event_of(pump: Pump, entry: Entry, now: datetime) -> Event:
    """The unsaved event of an entry."""
    if isinstance(entry, RefillEntry):
        # A constant-flow pump is never programmed: what is in it is what it gives.
        programmed = entry.programmed_concentration_mcg_per_ml if pump.model.programmable else None
        if programmed is None:
            programmed = entry.concentration_mcg_per_ml
        values = asdict(replace(entry, programmed_concentration_mcg_per_ml=programmed))
        return Event(pump=pump, kind=Event.Kind.REFILL, occurred_at=values.pop("refilled_at"), **values)
    if isinstance(entry, DoseEntry):
        values = asdict(entry)
        return Event(
            pump=pump,
            kind=Event.Kind.DOSE_CHANGE,
            occurred_at=values.pop("effective_at"),
            clock_offset_s=utc_offset_seconds(entry.effective_at, pump.clinic.zone),
            is_planned=entry.effective_at > now,
            **values,
        )
    return Event(pump=pump, kind=entry.kind, occurred_at=entry.at, reason=entry.reason, **_values(pump, entry))


def _values(pump: Pump, entry: EventEntry) -> dict[str, Any]:
    values = entry.given()
    clock = values.pop("pump_clock", None)
    if clock is not None:
        wall = utc_offset_seconds(entry.at, pump.clinic.zone)
        utc = entry.at.astimezone(UTC)
        shown = timedelta(hours=clock.hour, minutes=clock.minute, seconds=clock.second)
        ahead = (shown - timedelta(hours=utc.hour, minutes=utc.minute)).total_seconds() - wall
        # A clock has no date: the difference to the wall is taken as less than half a day.
        ahead = (ahead + 43_200) % 86_400 - 43_200
        values["clock_offset_s"] = wall if abs(ahead) <= CLOCK_READ_TO.total_seconds() else wall + int(ahead)
    return values


def _insist(draft: Draft, confirmed: Collection[str]) -> None:
    still_open = [doubt for doubt in draft.doubts if doubt.code not in confirmed]
    if still_open:
        raise NeedsConfirmation(still_open)


def _stored(event: Event, user: User, source: str, now: datetime) -> Event:
    event.recorded_by, event.source, event.recorded_at = user, source, now
    event.save()
    return event


def _refresh(
    pump: Pump, version: PriorVersion, facts: Sequence[LedgerEvent], *, now: datetime, refill: Event | None
) -> Forecast:
    [row] = forecasting.fresh([pump], [version], now=now, ledgers={pump.pk: facts})
    if refill is not None:
        after_refill(row=row, refill=refill, now=now)
    align([row], {pump.pk: pump.patient.flags}, now=now, refill=refill)
    forecasting.store([row])
    return row

"""The only writers of the ledger. Each stores the event, its forecast and its alerts in one transaction."""

from collections.abc import Collection
from dataclasses import asdict, replace
from datetime import datetime

from django.db import transaction

from alerts.services import lifecycle
from clinical.units import utc_offset_seconds
from clinics.errors import Conflict, Doubt, Impossible, NeedsConfirmation
from clinics.models import User
from pumps import forecasting
from pumps.alerting import reconcile
from pumps.models import Event, Forecast, Pump
from pumps.queries import EventQuerySet
from pumps.services.entries import (
    DoseEntry,
    RefillEntry,
    dose_doubts,
    impossible_dose,
    impossible_refill,
    raise_if,
    refill_doubts,
)

Entry = RefillEntry | DoseEntry


@transaction.atomic
def record(
    *,
    pump_id: int,
    entry: Entry,
    user: User,
    source: str,
    now: datetime,
    confirmed: Collection[str] = (),
) -> Event:
    """Store what happened to a pump.

    Raises:
        Impossible: it cannot have happened; messages per field.
        Conflict: another entry stands for the same moment.
        NeedsConfirmation: it is unlikely; call again with the codes in `confirmed`.
    """
    pump = _locked(pump_id)
    event = _checked_event(pump, entry, now=now, confirmed=confirmed)
    event.recorded_by, event.source, event.recorded_at = user, source, now
    event.save()
    _refresh(pump, now=now, refill=event if event.kind == Event.Kind.REFILL else None)
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
    confirmed: Collection[str] = (),
) -> Event:
    """Declare an entry as entered in error; returns the void.

    `replacement` is an event already recorded, or what should have been entered, recorded with the void or not at all.

    Raises:
        Conflict: the entry is a void or already voided.
        Impossible, NeedsConfirmation: no reason, or as `record` for the replacement.
    """
    pump = _locked(pump_id)
    event = pump.events.get(pk=event_id)
    _check_voidable(event, reason)
    corrected = replacement if isinstance(replacement, Event) else None
    if isinstance(replacement, RefillEntry | DoseEntry):
        corrected = _checked_event(pump, replacement, now=now, confirmed=confirmed, instead_of=event)
        corrected.recorded_by, corrected.source, corrected.recorded_at = user, source, now
        corrected.save()
    error = Event.objects.create(
        pump=pump,
        kind=Event.Kind.VOID,
        occurred_at=now,
        reason=reason,
        voids=event,
        replacement=corrected,
        recorded_at=now,
        recorded_by=user,
        source=source,
    )
    lifecycle.reopen_closed_by(event.pk, now=now)
    is_refill = corrected is not None and corrected.kind == Event.Kind.REFILL
    _refresh(pump, now=now, refill=corrected if is_refill else None)
    return error


def _check_voidable(event: Event, reason: str) -> None:
    if event.kind == Event.Kind.VOID:
        raise Conflict("A void cannot be voided; record the entry again instead.")
    if Event.objects.filter(voids=event).exists():
        raise Conflict("This entry is already marked as entered in error.")
    if not reason.strip():
        raise Impossible({"reason": ["Say what was wrong with the entry."]})


def _locked(pump_id: int) -> Pump:
    """The pump and its forecast, locked, so that writes to one ledger and the tick come one after the other."""
    pumps = forecasting.locked([pump_id])
    if not pumps:
        raise Pump.DoesNotExist
    list(Forecast.objects.select_for_update().filter(pump=pump_id))
    return pumps[0]


def _checked_event(
    pump: Pump, entry: Entry, *, now: datetime, confirmed: Collection[str], instead_of: Event | None = None
) -> Event:
    """The unsaved event of an entry that is possible, likely or confirmed, and not there yet.

    `instead_of` is an event about to be voided, which counts no more.
    """
    standing = Event.objects.standing().filter(pump=pump)
    if instead_of is not None:
        standing = standing.exclude(pk=instead_of.pk)
    if isinstance(entry, RefillEntry):
        event, doubts = _refill(pump, entry, standing, now)
    else:
        event, doubts = _dose_change(pump, entry, standing)
    if standing.filter(kind=event.kind, occurred_at=event.occurred_at).exists():
        local = event.occurred_at.astimezone(pump.clinic.zone)
        raise Conflict(
            f"A {event.get_kind_display().lower()} of {local:%Y-%m-%d %H:%M} ({pump.clinic.timezone}) stands already; "
            "void it, or correct the time."
        )
    open_doubts = [doubt for doubt in doubts if doubt.code not in confirmed]
    if open_doubts:
        raise NeedsConfirmation(open_doubts)
    return event


def _refill(pump: Pump, entry: RefillEntry, standing: EventQuerySet[Event], now: datetime) -> tuple[Event, list[Doubt]]:
    before = standing.latest_before(Event.Kind.REFILL, entry.refilled_at)
    last_programmed = before.programmed_concentration_mcg_per_ml if before is not None else None
    raise_if(impossible_refill(pump, entry, now=now, last_programmed=last_programmed))
    # A constant-flow pump is never programmed: what is in it is what it gives.
    programmed = entry.programmed_concentration_mcg_per_ml if pump.model.programmable else None
    if programmed is None:
        programmed = entry.concentration_mcg_per_ml
    values = asdict(replace(entry, programmed_concentration_mcg_per_ml=programmed))
    event = Event(pump=pump, kind=Event.Kind.REFILL, occurred_at=values.pop("refilled_at"), **values)
    return event, refill_doubts(pump, entry, before.concentration_mcg_per_ml if before is not None else None)


def _dose_change(pump: Pump, entry: DoseEntry, standing: EventQuerySet[Event]) -> tuple[Event, list[Doubt]]:
    raise_if(impossible_dose(pump, entry))
    before = standing.latest_before(Event.Kind.DOSE_CHANGE, entry.effective_at)
    values = asdict(entry)
    event = Event(
        pump=pump,
        kind=Event.Kind.DOSE_CHANGE,
        occurred_at=values.pop("effective_at"),
        clock_offset_s=utc_offset_seconds(entry.effective_at, pump.clinic.zone),
        **values,
    )
    return event, dose_doubts(entry, before.daily_dose_mcg if before is not None else None)


def _refresh(pump: Pump, *, now: datetime, refill: Event | None) -> Forecast:
    [row] = forecasting.fresh([pump], [forecasting.current_prior()], now=now)
    forecasting.store([row])
    reconcile([row], now=now, refill=refill)
    return row

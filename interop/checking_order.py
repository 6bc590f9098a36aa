"""Entries of a folder against the entries before them, of the folder and stored: what is filled on top of what, and
which planned dose change is confirmed."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from clinical.ledger import Emptying, Fill
from clinical.saying import say
from interop.problems import Problems
from interop.reading import Sheet
from interop.registry import Ledger, Registry
from interop.tables import OtherRow, RefillRow
from pumps.models import Event
from pumps.services.entries import RefillEntry, impossible_mixture


class _Filled(NamedTuple):
    """A fill as far as another is held against it; `row` is None for a stored one."""

    at: datetime
    concentration: Decimal
    emptying: str
    row: RefillRow | None


def check_order(refills: Sheet[RefillRow], others: Sheet[OtherRow], registry: Registry, problems: Problems) -> None:
    """Two passes over the pumps that need them: most ledgers are of emptied pumps and of doses entered once made."""
    topped_up = _topped_up()
    asked = [ledger for ledger in registry.ledgers() if _needs_order(ledger, topped_up)]
    stored = _stored([ledger.pump.pk for ledger in asked if ledger.pump.pk is not None])
    for ledger in asked:
        events = stored.get(ledger.pump.pk, [])
        _check_fills(refills, ledger, events, problems)
        _check_confirmations(others, ledger, events, problems)


def _needs_order(ledger: Ledger, topped_up: Collection[int]) -> bool:
    """A stored top-up may follow what a folder adds."""
    follows = ledger.pump.pk in topped_up and bool(ledger.refills)
    kept_some = any(row.emptying != Emptying.EMPTIED for row in ledger.refills.values())
    return follows or kept_some or any(kind == Event.Kind.DOSE_CONFIRMED for kind, _ in ledger.others)


def _topped_up() -> set[int]:
    """Pumps with a stored fill on top of what was there: few of all there are."""
    kept = Event.objects.standing().filter(kind=Event.Kind.REFILL).exclude(emptying=Emptying.EMPTIED)
    return set(kept.values_list("pump_id", flat=True))


def _stored(pump_ids: Sequence[int]) -> dict[int, list[Event]]:
    kinds = (Event.Kind.REFILL, Event.Kind.DOSE_CHANGE)
    found: dict[int, list[Event]] = defaultdict(list)
    for event in Event.objects.standing().filter(pump__in=pump_ids, kind__in=kinds).iterator():
        found[event.pump_id].append(event)
    return found


def _check_fills(sheet: Sheet[RefillRow], ledger: Ledger, stored: Sequence[Event], problems: Problems) -> None:
    fills = {
        event.occurred_at: _Filled(event.occurred_at, event.concentration_mcg_per_ml, event.emptying, None)
        for event in stored
        if event.kind == Event.Kind.REFILL and event.concentration_mcg_per_ml is not None
    }
    for at, row in ledger.refills.items():
        if row.concentration_mcg_per_ml is None or row.emptying is None:
            return  # said already, and without it nothing can be said of the others
        fills[at] = _Filled(at, row.concentration_mcg_per_ml, row.emptying, row)
    ordered = [fills[at] for at in sorted(fills)]
    for before, fill, after in zip([None, *ordered], ordered, [*ordered[1:], None], strict=False):
        if fill.row is not None:
            # What follows in the folder says itself what is wrong with it.
            behind = _fact(after) if after is not None and after.row is None else None
            for column, messages in impossible_mixture(_entry(fill), _fact(before), behind).items():
                problems.add(sheet.file, fill.row.line, column, messages[0])


def _fact(fill: _Filled | None) -> Fill | None:
    if fill is None:
        return None
    return Fill(fill.at, Decimal(0), None, fill.concentration, fill.concentration, emptying=Emptying(fill.emptying))


def _entry(fill: _Filled) -> RefillEntry:
    return RefillEntry(
        refilled_at=fill.at,
        filled_ml=Decimal(0),
        concentration_mcg_per_ml=fill.concentration,
        emptying=fill.emptying,
    )


def _check_confirmations(sheet: Sheet[OtherRow], ledger: Ledger, stored: Sequence[Event], problems: Problems) -> None:
    doses = {event.occurred_at for event in stored if event.kind == Event.Kind.DOSE_CHANGE} | set(ledger.doses)
    for row in ledger.others.values():
        if row.kind != Event.Kind.DOSE_CONFIRMED or row.confirms_at is None or row.occurred_at is None:
            continue
        if row.confirms_at not in doses:
            message = say("there is no dose change of this pump at this moment, neither in dose_changes.csv nor stored")
            problems.add(sheet.file, row.line, "confirms_at", message)
        elif row.confirms_at > row.occurred_at:
            problems.add(
                sheet.file, row.line, "confirms_at", say("lies after occurred_at; a plan is confirmed once made")
            )

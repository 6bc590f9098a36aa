"""The import: a folder of CSV files into clinics, patients, pumps, their ledgers and forecasts. All or nothing."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from django.db import connection, transaction

from clinical.saying import say
from clinical.units import utc_offset_seconds
from clinics.models import Clinic, ClosedDay, User
from interop import checking, checking_events, checking_order, reading
from interop.comparing import boluses_json, steps_json
from interop.problems import Problems
from interop.reading import Folder, Progress
from interop.registry import Ledger, Registry, look_up
from interop.tables import (
    CLINICS,
    CONTACTS,
    DOSE_CHANGES,
    EVENTS,
    PATIENTS,
    PRODUCTS,
    PUMPS,
    REFILLS,
    DoseRow,
    EventRow,
    OtherRow,
    RefillRow,
)
from patients.models import Contact, Patient
from pumps import forecasting
from pumps.models import DrugProduct, Event, Pump
from pumps.services import priors

BATCH = 1000
# The key of the lock that lets one import run at a time: any number that nothing else locks.
IMPORT_LOCK = 0x_B81A_1397
T = TypeVar("T")


@dataclass(frozen=True)
class Count:
    """Rows of a file: stored now, and known before."""

    new: int
    unchanged: int


@dataclass(frozen=True)
class Report:
    """What an import did, or with `dry_run` would have done. `counts` is by file, of the files that are there."""

    counts: dict[str, Count]
    forecasts: int
    warnings: list[str]
    dry_run: bool


@dataclass(frozen=True)
class _Plan:
    """What is to be stored. Ledgers hold only new events; `touched` are those whose forecast follows.

    `replaced` are new pumps with the ones they replace.
    """

    clinics: list[Clinic]
    closed_days: list[ClosedDay]
    products: list[DrugProduct]
    patients: list[Patient]
    contacts: list[Contact]
    pumps: list[Pump]
    replaced: list[tuple[Pump, Pump]]
    touched: list[Ledger]


def quiet(what: str, done: int, total: int) -> None:
    """No progress."""


def import_folder(
    *, folder: Path, user: User | None, now: datetime, dry_run: bool = False, progress: Progress = quiet
) -> Report:
    """Check a folder and store what is new in it.

    In steps, all but the first in one transaction: (1) read the files; (2) wait for any other import; (3) look up and
    lock what the rows refer to; (4) check every row, and stop if there is a problem; (5) store; (6) learn from the
    fleet and forecast the pumps touched. Alerts are opened by the next tick.

    Args:
        user: who imports, into clinics they administer; None on the command line, where everything is open.
        dry_run: stop before (5).

    Raises:
        ImportRefused: problems, all of them; nothing is stored.
        Impossible: there is no such folder, or nothing in it.
    """
    problems = Problems()
    content = reading.read(folder, problems, progress)
    with transaction.atomic():
        _wait_for_other_imports()
        plan = _plan(content, user, now, problems, progress)
        report = _report(content, plan, problems, dry_run=dry_run)
        if not dry_run:
            _store(plan, user, now, progress)
    return report


def _wait_for_other_imports() -> None:
    """Two imports of the same new rows would both find them new; the lock ends with the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [IMPORT_LOCK])


def _plan(content: Folder, user: User | None, now: datetime, problems: Problems, progress: Progress) -> _Plan:
    progress(say("checking"), 0, 0)
    registry = look_up(content, user)
    clinics = checking.check_clinics(content.clinics, registry, problems)
    closed = checking.new_closed_days(content.clinics, registry)
    products = checking.check_products(content.products, registry, problems)
    patients = checking.check_patients(content.patients, registry, now, problems)
    contacts = checking.check_contacts(content.contacts, registry, problems)
    pumps = checking.check_pumps(content.pumps, registry, now, problems)
    replaced = checking.check_replaced(content.pumps, registry, problems)
    checking_events.check_refills(content.refills, registry, now, problems)
    checking_events.check_doses(content.dose_changes, registry, problems)
    checking_events.check_others(content.events, registry, now, problems)
    checking_order.check_order(content.refills, content.events, registry, problems)
    checking_events.leave_out_stored(
        content.refills, content.dose_changes, content.events, registry, problems, progress
    )
    problems.raise_if_any()
    return _Plan(clinics, closed, products, patients, contacts, pumps, replaced, _touched(registry))


def _touched(registry: Registry) -> list[Ledger]:
    return [each for each in registry.ledgers() if each.pump.pk is None or not each.is_empty]


def _report(content: Folder, plan: _Plan, problems: Problems, *, dry_run: bool) -> Report:
    rows = {
        CLINICS.file: (len(plan.clinics), len(content.clinics.rows)),
        PRODUCTS.file: (len(plan.products), len(content.products.rows)),
        PATIENTS.file: (len(plan.patients), len(content.patients.rows)),
        CONTACTS.file: (len(plan.contacts), len(content.contacts.rows)),
        PUMPS.file: (len(plan.pumps), len(content.pumps.rows)),
        REFILLS.file: (sum(len(each.refills) for each in plan.touched), len(content.refills.rows)),
        DOSE_CHANGES.file: (sum(len(each.doses) for each in plan.touched), len(content.dose_changes.rows)),
        EVENTS.file: (sum(len(each.others) for each in plan.touched), len(content.events.rows)),
    }
    return Report(
        counts={file: Count(rows[file][0], rows[file][1] - rows[file][0]) for file in content.files},
        forecasts=len(plan.touched),
        warnings=problems.warnings,
        dry_run=dry_run,
    )


def _store(plan: _Plan, user: User | None, now: datetime, progress: Progress) -> None:
    Clinic.objects.bulk_create(plan.clinics)
    ClosedDay.objects.bulk_create(plan.closed_days, ignore_conflicts=True)
    DrugProduct.objects.bulk_create(plan.products)
    Patient.objects.bulk_create(plan.patients, batch_size=BATCH)
    Contact.objects.bulk_create(plan.contacts, batch_size=BATCH)
    Pump.objects.bulk_create(plan.pumps, batch_size=BATCH)
    for new, old in plan.replaced:
        new.replaces = old
    Pump.objects.bulk_update([new for new, _ in plan.replaced], ["replaces"], batch_size=BATCH)
    total = sum(len(each.refills) + len(each.doses) + len(each.others) for each in plan.touched)
    done = 0
    for batch in _batches(checking_events.new_events(plan.touched)):
        Event.objects.bulk_create(_event(pump, row, user, now) for pump, row in batch)
        done += len(batch)
        progress(say("storing events"), done, total)
    progress(say("learning"), 0, 0)
    priors.learn()
    ids = _to_forecast(plan)
    for start in range(0, len(ids), BATCH):
        forecasting.recompute(ids[start : start + BATCH], now=now)
        progress(say("forecasting"), min(start + BATCH, len(ids)), len(ids))


def _to_forecast(plan: _Plan) -> list[int]:
    """The pumps whose dates follow from what was stored; a product of a clinic counts for all of its pumps."""
    ids = {each.pump.pk for each in plan.touched}
    known = {product.clinic_id for product in plan.products}
    ids |= set(Pump.objects.filter(clinic__in=known).values_list("pk", flat=True))
    return sorted(ids)


def _batches(items: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(items)
    while batch := list(islice(rest, BATCH)):
        yield batch


def _event(pump: Pump, row: EventRow, user: User | None, now: datetime) -> Event:
    if isinstance(row, RefillRow):
        values = _refill_values(row)
    elif isinstance(row, DoseRow):
        values = _dose_values(row, pump, now)
    else:
        values = _other_values(row)
    return Event(pump=pump, recorded_at=now, recorded_by=user, source=Event.Source.IMPORT, **values)


def _refill_values(row: RefillRow) -> dict[str, Any]:
    values: dict[str, Any] = {column: getattr(row, column) for column in checking_events.REFILL_VALUES}
    return {
        **values,
        "kind": Event.Kind.REFILL,
        "occurred_at": row.at,
        "programmed_concentration_mcg_per_ml": (
            row.programmed_concentration_mcg_per_ml or row.concentration_mcg_per_ml
        ),
    }


def _other_values(row: OtherRow) -> dict[str, Any]:
    values: dict[str, Any] = {column: getattr(row, column) for column in checking_events.OTHER_VALUES}
    return {**values, "alarms": list(row.alarms or ()), "kind": row.kind, "occurred_at": row.at}


def _dose_values(row: DoseRow, pump: Pump, now: datetime) -> dict[str, Any]:
    if row.at is None:
        raise ValueError("a dose change without a moment was let through")
    return {
        "kind": Event.Kind.DOSE_CHANGE,
        "occurred_at": row.at,
        "mode": row.mode,
        "daily_dose_mcg": row.daily_dose_mcg,
        "steps": steps_json(row.steps or ()),
        "boluses": boluses_json(row.boluses or ()),
        "patient_bolus_mcg": row.patient_bolus_mcg,
        "patient_boluses_per_day": row.patient_boluses_per_day,
        "is_planned": row.is_planned if row.is_planned is not None else row.at > now,
        "reason": row.reason,
        "override_reason": row.override_reason,
        "clock_offset_s": (
            row.clock_offset_s if row.clock_offset_s is not None else utc_offset_seconds(row.at, pump.clinic.zone)
        ),
    }

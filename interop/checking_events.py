"""Refills, dose changes and other entries of a folder against their pumps and against what is stored.

What cannot have happened to a pump is what the ledger's own services refuse (`pumps.services.entries`).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db.models import Exists, OuterRef

from clinical.ledger import Emptying
from clinical.programs import Mode, ProgramError
from clinical.saying import say
from interop.cells import BadCell, in_utc, quoted, shortened
from interop.checking import READ_ONLY, is_read_only, stand_in_clinic, stand_in_model
from interop.comparing import boluses_json, check_same_as_stored, check_same_rows, differing, steps_json
from interop.problems import Problems
from interop.reading import Progress, Sheet
from interop.registry import Ledger, Registry
from interop.tables import PUMPS, DoseRow, EventRow, OtherRow, RefillRow
from patients.models import Patient
from pumps.models import Event, Pump
from pumps.programs_json import program_of
from pumps.services.entries import (
    EventEntry,
    RefillEntry,
    impossible_event,
    impossible_moment,
    impossible_refill,
)

REFILL_VALUES = (
    "aspirated_ml",
    "filled_ml",
    "concentration_mcg_per_ml",
    "formulation",
    "lot_number",
    "drug_expires_on",
    "stability_days",
    "programmed_concentration_mcg_per_ml",
    "emptying",
    "reason",
)
DOSE_VALUES = (
    "mode",
    "daily_dose_mcg",
    "steps",
    "boluses",
    "patient_bolus_mcg",
    "patient_boluses_per_day",
    "is_planned",
    "reason",
    "override_reason",
    "clock_offset_s",
)
OTHER_VALUES = (
    "aspirated_ml",
    "injected_ml",
    "volume_ml",
    "dose_mcg",
    "daily_dose_mcg",
    "duration_hours",
    "catheter_volume_ml",
    "clock_offset_s",
    "alarms",
    "tones",
    "reservoir_emptied",
    "patient_bolus_mcg",
    "confirms_at",
    "reason",
)
# A column of another name than the entry's field.
_ENTRY_FIELDS = {name: name for name in OTHER_VALUES if name not in ("clock_offset_s", "reason")}
# Pumps whose stored events are held in memory at once.
COMPARED = 500
# A volume, concentration or dose that breaks no rule, where a cell could not be read.
HARMLESS = Decimal(1)


def check_refills(sheet: Sheet[RefillRow], registry: Registry, now: datetime, problems: Problems) -> None:
    """Add the rows to their pumps' ledgers."""
    nobodys = _stand_in_pump()
    for row in sheet.rows:
        ledger = _ledger(sheet.file, row, registry, problems)
        pump = ledger.pump if ledger is not None else nobodys
        at = _in_utc(sheet.file, row, "refilled_at", pump, problems)
        errors = _impossible_refill(pump, row, at, now)
        _add(sheet.file, row, errors, problems)
        if ledger is not None and at is not None:
            moved = row._replace(refilled_at=at)
            first = ledger.refills.setdefault(at, moved)
            if first is not moved:
                check_same_rows(sheet, first, moved, say("pump and refilled_at"), problems)


def check_doses(sheet: Sheet[DoseRow], registry: Registry, problems: Problems) -> None:
    """Add the rows to their pumps' ledgers."""
    nobodys = _stand_in_pump()
    for row in sheet.rows:
        ledger = _ledger(sheet.file, row, registry, problems)
        pump = ledger.pump if ledger is not None else nobodys
        at = _in_utc(sheet.file, row, "effective_at", pump, problems)
        _add(sheet.file, row, {"effective_at": impossible_moment(pump, at)} if at is not None else {}, problems)
        row = _with_dose(sheet.file, row, problems)
        _add(sheet.file, row, _impossible_program(_without_bad_boluses(sheet.file, row, problems)), problems)
        if ledger is not None and at is not None:
            moved = row._replace(effective_at=at)
            first = ledger.doses.setdefault(at, moved)
            if first is not moved:
                check_same_rows(sheet, first, moved, say("pump and effective_at"), problems)


def check_others(sheet: Sheet[OtherRow], registry: Registry, now: datetime, problems: Problems) -> None:
    """Add the rows to their pumps' ledgers."""
    nobodys = _stand_in_pump()
    for row in sheet.rows:
        ledger = _ledger(sheet.file, row, registry, problems)
        pump = ledger.pump if ledger is not None else nobodys
        at = _in_utc(sheet.file, row, "occurred_at", pump, problems)
        confirms_at = _moment(sheet.file, row, "confirms_at", row.confirms_at, pump, problems)
        if row.kind is None or problems.is_bad(sheet.file, row.line):
            continue
        _add(sheet.file, row, _impossible_other(pump, row, at, now), problems)
        if ledger is not None and at is not None:
            moved = row._replace(occurred_at=at, confirms_at=confirms_at)
            first = ledger.others.setdefault((row.kind, at), moved)
            if first is not moved:
                check_same_rows(sheet, first, moved, say("pump, kind and occurred_at"), problems)


def _impossible_other(pump: Pump, row: OtherRow, at: datetime | None, now: datetime) -> Mapping[str, Sequence[str]]:
    if row.kind is None:
        return {}
    values = {field: getattr(row, column) for column, field in _ENTRY_FIELDS.items()}
    entry = EventEntry(kind=row.kind, occurred_at=at or now, **values)
    errors = dict(impossible_event(pump, entry, now=now))
    if row.clock_offset_s is not None and row.kind != Event.Kind.INTERROGATION:
        errors["clock_offset_s"] = [say("only an interrogation reads the pump's clock")]
    if at is None:
        errors.pop("occurred_at", None)
    return errors


def leave_out_stored(
    refills: Sheet[RefillRow],
    doses: Sheet[DoseRow],
    others: Sheet[OtherRow],
    registry: Registry,
    problems: Problems,
    progress: Progress,
) -> None:
    """Take the rows that are stored already out of the ledgers; those that contradict what stands are problems.

    A row that was imported and then entered in error is known too, and is not stored again.
    """
    refill_columns = [column for column in REFILL_VALUES if column in refills.columns]
    dose_columns = [column for column in DOSE_VALUES if column in doses.columns]
    other_columns = [column for column in OTHER_VALUES if column in others.columns]
    known = [each for each in registry.ledgers() if each.pump.pk is not None and not each.is_empty]
    for start in range(0, len(known), COMPARED):
        batch = known[start : start + COMPARED]
        stored = _stored_events([ledger.pump.pk for ledger in batch])
        for ledger in batch:
            for at, refill in list(ledger.refills.items()):
                events = stored.get((ledger.pump.pk, Event.Kind.REFILL.value, at), [])
                if _is_known(refills, refill, refill_columns, events, problems):
                    del ledger.refills[at]
            for at, dose in list(ledger.doses.items()):
                events = stored.get((ledger.pump.pk, Event.Kind.DOSE_CHANGE.value, at), [])
                if _is_known(doses, dose, dose_columns, events, problems):
                    del ledger.doses[at]
            for (kind, at), other in list(ledger.others.items()):
                events = stored.get((ledger.pump.pk, kind, at), [])
                if _is_known(others, other, other_columns, events, problems):
                    del ledger.others[kind, at]
            if is_read_only(ledger.pump.patient):
                for file, rows in (
                    (refills.file, ledger.refills),
                    (doses.file, ledger.doses),
                    (others.file, ledger.others),
                ):
                    for row in rows.values():
                        problems.add(file, row.line, "serial_number", READ_ONLY)
        progress(say("comparing with what is stored"), min(start + COMPARED, len(known)), len(known))


def new_events(ledgers: Iterable[Ledger]) -> Iterator[tuple[Pump, EventRow]]:
    for ledger in ledgers:
        for refill in ledger.refills.values():
            yield ledger.pump, refill
        for dose in ledger.doses.values():
            yield ledger.pump, dose
        for other in ledger.others.values():
            yield ledger.pump, other


def _stand_in_pump() -> Pump:
    """The pump of rows whose own is not known, so that their other cells are checked all the same."""
    return Pump(
        clinic=stand_in_clinic(),
        patient=Patient(date_of_birth=date.min),
        model=stand_in_model(),
        implanted_on=date.min,
    )


def _ledger(file: str, row: EventRow, registry: Registry, problems: Problems) -> Ledger | None:
    serial = row.serial_number
    if serial is None:
        return None
    if row.clinic is not None:
        ledger = registry.pumps.get(serial, {}).get(row.clinic)
        found = {row.clinic: ledger} if ledger is not None else {}
    else:
        found = registry.candidates(serial)
    if len(found) > 1:
        clinics = ", ".join(sorted(shortened(name) for name in found))
        message = say(
            "%(cell)s is a pump in more than one clinic (%(clinics)s); add a column clinic to say which",
            cell=quoted(serial),
            clinics=clinics,
        )
        problems.add(file, row.line, "serial_number", message)
        return None
    if not found and serial not in registry.unplaced and PUMPS.file not in problems.unfinished:
        values = {"cell": quoted(serial), "file": PUMPS.file}
        if row.clinic is None:
            message = say("there is no pump %(cell)s, neither in %(file)s nor stored", **values)
        else:
            message = say(
                "there is no pump %(cell)s in %(clinic)s, neither in %(file)s nor stored",
                clinic=shortened(row.clinic),
                **values,
            )
        problems.add(file, row.line, "serial_number", message)
    return next(iter(found.values()), None)


def _in_utc(file: str, row: EventRow, column: str, pump: Pump, problems: Problems) -> datetime | None:
    return _moment(file, row, column, row.at, pump, problems)


def _moment(
    file: str, row: EventRow, column: str, value: datetime | None, pump: Pump, problems: Problems
) -> datetime | None:
    if value is None:
        return None
    try:
        return in_utc(value, pump.clinic.zone)
    except BadCell as error:
        problems.add(file, row.line, column, str(error))
        return None


def _add(file: str, row: EventRow, errors: Mapping[str, Sequence[str]], problems: Problems) -> None:
    for column, messages in errors.items():
        for message in messages:
            problems.add(file, row.line, column, message)


def _impossible_refill(pump: Pump, row: RefillRow, at: datetime | None, now: datetime) -> Mapping[str, Sequence[str]]:
    entry = RefillEntry(
        refilled_at=at or now,
        filled_ml=row.filled_ml if row.filled_ml is not None else HARMLESS,
        concentration_mcg_per_ml=(
            row.concentration_mcg_per_ml if row.concentration_mcg_per_ml is not None else HARMLESS
        ),
        emptying=row.emptying or Emptying.EMPTIED.value,
        aspirated_ml=row.aspirated_ml,
        programmed_concentration_mcg_per_ml=row.programmed_concentration_mcg_per_ml,
    )
    # No last programmed concentration: an import takes the filled one as programmed.
    errors = impossible_refill(pump, entry, now=now, last_programmed=None)
    if at is None:
        errors.pop("refilled_at", None)
    return errors


def _with_dose(file: str, row: DoseRow, problems: Problems) -> DoseRow:
    """The row, with the 0 that a blank dose of a stopped pump means; a blank dose of another is a problem."""
    if row.daily_dose_mcg is not None or problems.is_bad_cell(file, row.line, "daily_dose_mcg"):
        return row
    if row.mode == Mode.STOPPED:
        return row._replace(daily_dose_mcg=Decimal(0))
    problems.add(file, row.line, "daily_dose_mcg", say("must not be blank, unless the mode is stopped"))
    return row


def _without_bad_boluses(file: str, row: DoseRow, problems: Problems) -> DoseRow:
    """The row without patient boluses if half of them could not be read: that has its own message."""
    columns = ("patient_bolus_mcg", "patient_boluses_per_day")
    if any(problems.is_bad_cell(file, row.line, column) for column in columns):
        return row._replace(patient_bolus_mcg=None, patient_boluses_per_day=None)
    return row


def _impossible_program(row: DoseRow) -> Mapping[str, Sequence[str]]:
    """What a pump cannot be programmed to. Cells that could not be read have their own messages and are left out."""
    if row.mode is None or row.daily_dose_mcg is None:
        return {}
    mode, steps, boluses = row.mode, row.steps, row.boluses
    if steps is None or boluses is None:
        # The dose alone can still be held against the mode.
        mode = Mode.STOPPED if mode == Mode.STOPPED else Mode.SIMPLE_CONTINUOUS
        steps, boluses = (), ()
    bolus, per_day = row.patient_bolus_mcg, row.patient_boluses_per_day
    try:
        program_of(mode, row.daily_dose_mcg, steps_json(steps), boluses_json(boluses), bolus, per_day)
    except ProgramError as error:
        return {error.field: [error.message]}
    return {}


_FOLLOWING = ("programmed_concentration_mcg_per_ml", "clock_offset_s", "is_planned")


def _is_known(
    sheet: Sheet[Any], row: EventRow, columns: Sequence[str], stored: Sequence[Event], problems: Problems
) -> bool:
    """Whether nothing of the row is to be stored: it is there, or it contradicts what is (a problem)."""
    # A blank that stands for what follows from the rest is not another value.
    asked = [column for column in columns if column not in _FOLLOWING or getattr(row, column) is not None]
    differences = [list(differing(asked, row, event)) for event in stored]
    if any(not found for found in differences):
        return True
    standing = [found for event, found in zip(stored, differences, strict=True) if not event.is_voided]  # type: ignore[attr-defined]  # annotated
    if standing:
        check_same_as_stored(sheet, row, standing[0], problems)
    return bool(standing)


def _stored_events(pump_ids: Sequence[int]) -> dict[tuple[int, str, datetime], list[Event]]:
    """Every entry of pumps, also those entered in error, by pump, kind and moment."""
    events = Event.objects.filter(pump__in=pump_ids, voids=None).annotate(
        is_voided=Exists(Event.objects.filter(voids=OuterRef("pk")))
    )
    found: dict[tuple[int, str, datetime], list[Event]] = defaultdict(list)
    for event in events.iterator():
        found[event.pump_id, event.kind, event.occurred_at].append(event)
    return found

"""What a person or program wants to record, and what is impossible about it. What is unlikely: `doubts`."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from clinical.ledger import Emptying, Fill, LedgerEvent, ProgramChange
from clinical.programs import ProgramError
from clinical.units import plain
from clinics.errors import Impossible
from clinics.saying import said
from pumps.models import Event, Pump
from pumps.programs_json import program_of
from pumps.services.kinds import ALL_FIELDS, KINDS

# A fill or measurement may be this far ahead of the server's clock.
CLOCK_TOLERANCE = timedelta(minutes=5)
# No bridge or bolus takes longer.
LONGEST_HOURS = 720

Errors = dict[str, list[str]]


@dataclass(frozen=True, kw_only=True)
class RefillEntry:
    refilled_at: datetime
    filled_ml: Decimal
    concentration_mcg_per_ml: Decimal
    emptying: str = Emptying.EMPTIED.value
    aspirated_ml: Decimal | None = None
    programmed_concentration_mcg_per_ml: Decimal | None = None
    formulation: str = ""
    lot_number: str = ""
    drug_expires_on: date | None = None
    stability_days: int | None = None
    reason: str = ""

    @property
    def at(self) -> datetime:
        return self.refilled_at


@dataclass(frozen=True, kw_only=True)
class DoseEntry:
    effective_at: datetime
    mode: str
    daily_dose_mcg: Decimal
    steps: Sequence[Mapping[str, Any]] = ()
    boluses: Sequence[Mapping[str, Any]] = ()
    patient_bolus_mcg: Decimal | None = None
    patient_boluses_per_day: int | None = None
    reason: str = ""
    override_reason: str = ""

    @property
    def at(self) -> datetime:
        return self.effective_at


@dataclass(frozen=True, kw_only=True)
class EventEntry:
    """An event of any other kind; `kinds` says which fields each has.

    `pump_clock` is what the pump's clock showed; `confirms_at` the moment of the planned dose change that is confirmed.
    """

    kind: str
    occurred_at: datetime
    aspirated_ml: Decimal | None = None
    injected_ml: Decimal | None = None
    volume_ml: Decimal | None = None
    dose_mcg: Decimal | None = None
    daily_dose_mcg: Decimal | None = None
    duration_hours: Decimal | None = None
    catheter_volume_ml: Decimal | None = None
    pump_clock: time | None = None
    alarms: Sequence[str] = ()
    tones: int | None = None
    reservoir_emptied: bool | None = None
    patient_bolus_mcg: Decimal | None = None
    confirms_at: datetime | None = None
    reason: str = ""

    @property
    def at(self) -> datetime:
        return self.occurred_at

    def given(self) -> dict[str, Any]:
        """The kind's own fields that say something."""
        values = {field: getattr(self, field) for field in ALL_FIELDS}
        return {field: value for field, value in values.items() if value is not None and value != () and value != []}


Entry = RefillEntry | DoseEntry | EventEntry


def kind_of(entry: Entry) -> str:
    if isinstance(entry, RefillEntry):
        return Event.Kind.REFILL.value
    return Event.Kind.DOSE_CHANGE.value if isinstance(entry, DoseEntry) else entry.kind


def impossible_refill(pump: Pump, entry: RefillEntry, *, now: datetime, last_programmed: Decimal | None) -> Errors:
    """Messages per field; empty if the refill can have happened.

    `last_programmed` is the concentration (mcg/mL) the pump was programmed for before it, None at the first fill.
    """
    errors: Errors = defaultdict(list)
    for field in ("filled_ml", "aspirated_ml"):
        errors[field] += impossible_volume(pump, getattr(entry, field))
    for field in ("concentration_mcg_per_ml", "programmed_concentration_mcg_per_ml"):
        value = getattr(entry, field)
        if value is not None and value <= 0:
            errors[field].append(_("A concentration must be above 0 mcg/mL."))
    if (
        pump.model.programmable
        and entry.programmed_concentration_mcg_per_ml is None
        and last_programmed is not None
        and last_programmed != entry.concentration_mcg_per_ml
    ):
        errors["programmed_concentration_mcg_per_ml"].append(
            _(
                "The pump was programmed for %(last_programmed)s mcg/mL and now holds "
                "%(concentration_mcg_per_ml)s: say which concentration is programmed."
            )
            % {
                "last_programmed": plain(last_programmed),
                "concentration_mcg_per_ml": plain(entry.concentration_mcg_per_ml),
            }
        )
    errors["refilled_at"] += impossible_moment(pump, entry.refilled_at)
    if entry.refilled_at > now + CLOCK_TOLERANCE:
        errors["refilled_at"].append(_("A refill cannot lie in the future; enter the time it was done."))
    if entry.emptying == Emptying.TOP_UP and entry.aspirated_ml:
        errors["aspirated_ml"].append(
            _("At a top-up nothing is taken out: leave this blank, or say that only part could be taken out.")
        )
    return _found(errors)


def impossible_mixture(entry: RefillEntry, before: Fill | None, after: Fill | None) -> Errors:
    """What cannot be between two fills: messages per field. `before` and `after` are the fills next to the entry's.

    What stays in a reservoir mixes with what is filled on top of it, and of a mixture nobody knows the concentration.
    """
    concentration = entry.concentration_mcg_per_ml
    if entry.emptying != Emptying.EMPTIED:
        if before is None:
            return {"emptying": [_("A first fill goes into an empty pump: record it as emptied.")]}
        if before.concentration_mcg_per_ml != concentration:
            return {"emptying": [_mixed(before.concentration_mcg_per_ml, concentration)]}
    if after is not None and after.emptying is not Emptying.EMPTIED and after.concentration_mcg_per_ml != concentration:
        return {
            "concentration_mcg_per_ml": [
                _(
                    "The fill after this one, of %(concentration_mcg_per_ml)s mcg/mL, went in on top of what "
                    "was there: %(concentration)s mcg/mL cannot have been in the pump. Correct that entry "
                    "first."
                )
                % {
                    "concentration_mcg_per_ml": plain(after.concentration_mcg_per_ml),
                    "concentration": plain(concentration),
                }
            ]
        }
    return {}


def _mixed(held: Decimal, filled: Decimal) -> str:
    return _(
        "The pump holds %(held)s mcg/mL: %(filled)s mcg/mL on top of it would mix the two, and "
        "nobody knows the concentration of a mixture. Empty the pump and fill it anew, or record "
        "it as emptied if it was."
    ) % {"held": plain(held), "filled": plain(filled)}


def impossible_dose(pump: Pump, entry: DoseEntry) -> Errors:
    """Messages per field; empty if a pump can be programmed so. A future change is a plan and allowed."""
    errors: Errors = defaultdict(list)
    try:
        program_of(
            entry.mode,
            entry.daily_dose_mcg,
            entry.steps,
            entry.boluses,
            entry.patient_bolus_mcg,
            entry.patient_boluses_per_day,
        )
    except ProgramError as error:
        told = said(error.message)
        errors[error.field].append(f"{told[:1].upper()}{told[1:]}.")
    if not pump.model.programmable:
        errors["mode"].append(_("This pump is not programmable: its dose follows from its flow and the concentration."))
    errors["effective_at"] += impossible_moment(pump, entry.effective_at)
    return _found(errors)


def impossible_event(pump: Pump, entry: EventEntry, *, now: datetime) -> Errors:
    """Messages per field; empty if the event can have happened."""
    kind = KINDS[entry.kind]
    errors: Errors = defaultdict(list)
    given = entry.given()
    called = str(kind.title).lower()
    if kind.programmable_only and not pump.model.programmable:
        errors["kind"].append(_("This pump is not programmable: it can have no %(called)s.") % {"called": called})
    for field in kind.required:
        if field not in given:
            errors[field].append(_("Needed for this kind of entry (%(called)s).") % {"called": called})
    for field in given:
        if field not in kind.fields:
            errors[field].append(
                _("This kind of entry (%(called)s) has no such field; leave it out.") % {"called": called}
            )
    for field in ("aspirated_ml", "injected_ml", "volume_ml"):
        errors[field] += impossible_volume(pump, getattr(entry, field))
    for field, unit in (("dose_mcg", "mcg"), ("catheter_volume_ml", "mL")):
        if field in given and given[field] <= 0:
            errors[field].append(_("Must be above 0 %(unit)s.") % {"unit": unit})
    for field in ("daily_dose_mcg", "patient_bolus_mcg"):
        if field in given and given[field] < 0:
            errors[field].append(_("A dose cannot be negative."))
    if kind.code != Event.Kind.INTERROGATION and entry.volume_ml is not None and entry.volume_ml == 0:
        errors["volume_ml"].append(_("Must be above 0 mL."))
    if entry.duration_hours is not None and not 0 < entry.duration_hours <= LONGEST_HOURS:
        errors["duration_hours"].append(
            _("Must be above 0 and at most %(longest_hours)s hours.") % {"longest_hours": LONGEST_HOURS}
        )
    errors["occurred_at"] += impossible_moment(pump, entry.occurred_at)
    if entry.occurred_at > now + CLOCK_TOLERANCE:
        errors["occurred_at"].append(_("This cannot lie in the future; enter the time it happened."))
    return _found(errors)


def impossible_confirmation(entry: EventEntry, ledger: Sequence[LedgerEvent]) -> Errors:
    """Why a planned dose change cannot be confirmed; messages per field. `ledger` is what stands."""
    change = next(
        (event for event in ledger if isinstance(event, ProgramChange) and event.at == entry.confirms_at), None
    )
    if change is None:
        return {"confirms_at": [_("No dose change stands for this moment; name the moment of the planned one.")]}
    if not change.is_planned:
        return {
            "confirms_at": [_("This dose change is no plan to confirm: it was confirmed, or entered once it was made.")]
        }
    if change.at > entry.occurred_at:
        return {"confirms_at": [_("Its moment has not come yet; confirm it once it has been programmed.")]}
    return {}


def impossible_volume(pump: Pump, value: Decimal | None) -> list[str]:
    """Why a volume cannot be in this pump's reservoir."""
    if value is None:
        return []
    size = pump.model.reservoir_ml
    messages = [_("A volume cannot be negative.")] if value < 0 else []
    if value > size:
        messages.append(
            _("The reservoir holds %(size)s mL; %(value)s mL does not fit.")
            % {"size": plain(size), "value": plain(value)}
        )
    return messages


def impossible_moment(pump: Pump, moment: datetime) -> list[str]:
    """Why nothing can have happened to this pump at a moment. Dates are the clinic's calendar days."""
    day = moment.astimezone(pump.clinic.zone).date()
    if day < pump.implanted_on:
        return [_("The pump was implanted on %(implanted_on)s; this is before.") % {"implanted_on": pump.implanted_on}]
    if pump.explanted_on is not None and day > pump.explanted_on:
        return [_("The pump was explanted on %(explanted_on)s; this is after.") % {"explanted_on": pump.explanted_on}]
    return []


def _found(errors: Errors) -> Errors:
    return {field: messages for field, messages in errors.items() if messages}


def raise_if(errors: Mapping[str, Sequence[str]]) -> None:
    if errors:
        raise Impossible(errors)


def is_drug_data_correction(event: Event, replacement: object) -> bool:
    """Whether a replacement leaves a refill as it happened and changes only which drug was in it."""
    return (
        event.kind == Event.Kind.REFILL
        and isinstance(replacement, RefillEntry)
        and replacement.refilled_at == event.occurred_at
        and replacement.filled_ml == event.filled_ml
        and replacement.aspirated_ml == event.aspirated_ml
        and replacement.emptying == event.emptying
        and _programs_the_same(event, replacement)
    )


def _programs_the_same(event: Event, replacement: RefillEntry) -> bool:
    """What the pump was told is not drug data; blank stands for the drug's own concentration."""
    programmed = replacement.programmed_concentration_mcg_per_ml
    if programmed is None:
        programmed = replacement.concentration_mcg_per_ml
    return programmed == event.programmed_concentration_mcg_per_ml

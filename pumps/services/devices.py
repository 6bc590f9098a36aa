"""Pumps themselves: implanted, corrected, explanted, replaced; and who does the next refill."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, cast

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinical.saying import say
from clinical.units import plain
from clinics.errors import Conflict, Impossible
from clinics.history import differences, kept, note, subject_of
from clinics.models import User
from clinics.words import calendar_day, in_english
from patients.models import Patient
from patients.services import READ_ONLY
from pumps import forecasting
from pumps.alerting import align
from pumps.models import Event, Handover, Pump, PumpModel, RefillOwner
from pumps.services import visit_ends

TAKEN = gettext_lazy("A pump with this serial number is in the clinic already.")
# What the history of a pump calls these changes; `pumps.known` reads it by this word.
CHANGED = say("Pump changed")
PARTICULARS = (
    "model",
    "serial_number",
    "implanted_on",
    "explanted_on",
    "explant_reason",
    "catheter_volume_ml",
    "low_reservoir_alarm_ml",
    "low_level_reason",
    "low_level_noticed_on",
    "flow_accuracy_pct",
    "factory_flow_ml_per_day",
)


@transaction.atomic
def implant(*, patient: Patient, model: PumpModel, now: datetime, by: User | None = None, **fields: Any) -> Pump:
    """Record an implanted pump with its first forecast (unknown until a fill). Blank low level: the catalogue's.

    Raises:
        Conflict: the patient's record has gone to another clinic.
        Impossible: serial number taken in the clinic, or a value the model cannot have; messages per field.
    """
    _check_writable(patient)
    pump = Pump(patient=patient, clinic=patient.clinic, model=model, **fields)
    _complete(pump)
    _check(pump, now)
    try:
        with transaction.atomic():
            pump.save()
    except IntegrityError as error:  # the same serial number entered twice at once
        raise Impossible({"serial_number": [TAKEN]}) from error
    note(clinic=pump.clinic, by=by, at=now, subject=subject_of(pump), summary=say("Pump entered: %(pump)s", pump=pump))
    _refresh(pump, now)
    return pump


@transaction.atomic
def correct(*, pump: Pump, changes: Mapping[str, Any], now: datetime, by: User | None = None) -> Pump:
    """Correct a pump's particulars; its forecast follows in the same transaction.

    A low level that is changed loses the reason of the one before, unless `changes` brings its own.

    Raises:
        Conflict, Impossible: as `implant`.
    """
    locked = _locked(pump)
    before = kept(locked, PARTICULARS)
    model = changes.get("model", locked.model)
    if model != locked.model and locked.events.exists():
        raise Impossible({"model": [_("The pump has entries: its model cannot be changed any more.")]})
    for field, value in changes.items():
        setattr(locked, field, value)
    _complete(locked)
    if locked.low_reservoir_alarm_ml != before["low_reservoir_alarm_ml"] and "low_level_reason" not in changes:
        locked.low_level_reason, locked.low_level_noticed_on = "", None
    _check(locked, now)
    _check_against_ledger(locked)
    locked.save()
    details = differences(before, kept(locked, PARTICULARS))
    if details:
        note(clinic=locked.clinic, by=by, at=now, subject=subject_of(locked), summary=CHANGED, details=details)
    _refresh(locked, now)
    return locked


@transaction.atomic
def explant(*, pump: Pump, on: date, reason: str, now: datetime, by: User) -> Pump:
    """The pump is out: its ledger closes, its reminders end.

    Raises:
        Conflict: it is out already, or the record has gone to another clinic.
        Impossible: no reason, a day that cannot be, or an entry after it; messages per field.
    """
    if not reason.strip():
        raise Impossible({"reason": [_("Say why it was explanted: it ends the reminders for this pump.")]})
    if pump.status == Pump.Status.EXPLANTED:
        raise Conflict(_("This pump is out already."))
    changes = {"explanted_on": on, "explant_reason": reason}
    try:
        return correct(pump=pump, changes=changes, now=now, by=by)
    except Impossible as error:
        raise Impossible(
            {"on" if field == "explanted_on" else field: told for field, told in error.errors.items()}
        ) from error


@transaction.atomic
def replace(*, pump: Pump, on: date, reason: str, model: PumpModel, now: datetime, by: User, **fields: Any) -> Pump:
    """A pump is taken out and another put in on the same day; returns the new one, whose ledger begins empty.

    Raises:
        Conflict, Impossible: as `explant` and `implant`; nothing is stored then.
    """
    out = explant(pump=pump, on=on, reason=reason, now=now, by=by)
    return implant(patient=out.patient, model=model, now=now, by=by, implanted_on=on, replaces=out, **fields)


@transaction.atomic
def hand_over(*, pump: Pump, owner: str, name: str, phone: str, reason: str, now: datetime, by: User) -> Pump:
    """Say who does the next refill. One outside the clinic has a name.

    Raises:
        Conflict: the pump is out, or the record has gone to another clinic.
        Impossible: an owner outside without a name, or a name for the clinic itself.
    """
    locked = _locked(pump)
    if locked.status == Pump.Status.EXPLANTED:
        raise Conflict(_("This pump is out; it needs no refill."))
    is_clinic = owner == RefillOwner.CLINIC
    if not is_clinic and not name.strip():
        raise Impossible({"name": [_("Write who does the next refill, so that they can be called.")]})
    if is_clinic and (name.strip() or phone.strip()):
        raise Impossible({"name": [_("The clinic itself needs no name; leave name and phone blank.")]})
    before = in_english(lambda: locked.owner_words)
    locked.refill_owner, locked.refill_owner_name, locked.refill_owner_phone = owner, name.strip(), phone.strip()
    locked.save(update_fields=["refill_owner", "refill_owner_name", "refill_owner_phone"])
    Handover.objects.create(
        pump=locked, at=now, by=by, owner=owner, name=name.strip(), phone=phone.strip(), reason=reason
    )
    details = {"next refill by": [before, in_english(lambda: locked.owner_words)]}
    note(
        clinic=locked.clinic,
        by=by,
        at=now,
        subject=subject_of(locked),
        summary=say("Next refill handed over"),
        details=details,
    )
    return locked


def _locked(pump: Pump) -> Pump:
    [locked] = forecasting.held([pump.pk])
    _check_writable(locked.patient)
    return locked


def _check_writable(patient: Patient) -> None:
    if patient.status == Patient.Status.TRANSFERRED:
        raise Conflict(READ_ONLY)


def _complete(pump: Pump) -> None:
    """Fill in what follows from the rest: a blank low level is the catalogue's; an explant date ends the use."""
    if cast("Decimal | None", pump.low_reservoir_alarm_ml) is None:  # as entered, before the database sees it
        pump.low_reservoir_alarm_ml = pump.model.low_reservoir_ml
    pump.status = Pump.Status.ACTIVE if pump.explanted_on is None else Pump.Status.EXPLANTED


def _check_against_ledger(pump: Pump) -> None:
    """A pump's dates cannot leave recorded events outside its life."""
    days = [at.astimezone(pump.clinic.zone).date() for at in Event.objects.life_of(pump)]
    if days and pump.implanted_on > days[0]:
        told = _("An entry of %(days)s stands in the pump's ledger, which is before.") % {"days": calendar_day(days[0])}
        raise Impossible({"implanted_on": [told]})
    if days and pump.explanted_on is not None and pump.explanted_on < days[-1]:
        told = _("An entry of %(days)s stands in the pump's ledger, which is after.") % {"days": calendar_day(days[-1])}
        raise Impossible({"explanted_on": [told]})


def _refresh(pump: Pump, now: datetime) -> None:
    [row] = forecasting.fresh([pump], [forecasting.current_prior()], now=now)
    visit_ends.out_of_use([row], now=now)
    align([row], {pump.pk: pump.patient.flags}, now=now)
    forecasting.store([row])


def _check(pump: Pump, now: datetime) -> None:
    errors: dict[str, list[str]] = defaultdict(list)
    for field, message in impossible(pump, now=now):
        errors[field].append(f"{message[:1].upper()}{message[1:]}.")
    same = Pump.objects.filter(clinic=pump.clinic_id, serial_number=pump.serial_number).exclude(pk=pump.pk)
    if same.exists():
        errors["serial_number"].append(str(TAKEN))
    if errors:
        raise Impossible(errors)


def impossible(pump: Pump, *, now: datetime) -> Iterator[tuple[str, str]]:
    """What cannot be about a pump: (field, message), from its own values, its model, clinic and patient. No query."""
    yield from _impossible_dates(pump, now.astimezone(pump.clinic.zone).date())
    for field in ("catheter_volume_ml", "low_reservoir_alarm_ml", "flow_accuracy_pct"):
        value = getattr(pump, field)
        if value is not None and value < 0:
            yield field, _("cannot be negative")
    if pump.low_reservoir_alarm_ml >= pump.model.reservoir_ml:
        yield (
            "low_reservoir_alarm_ml",
            _("the reservoir holds %(reservoir_ml)s mL") % {"reservoir_ml": plain(pump.model.reservoir_ml)},
        )
    flow = pump.factory_flow_ml_per_day
    if flow is not None and flow <= 0:
        yield "factory_flow_ml_per_day", _("must be above 0")
    elif flow is not None and pump.model.programmable:
        yield "factory_flow_ml_per_day", _("this model is programmable and has no factory flow; leave it blank")


def _impossible_dates(pump: Pump, today: date) -> Iterator[tuple[str, str]]:
    born = pump.patient.date_of_birth
    if pump.implanted_on > today:
        yield "implanted_on", _("lies in the future; enter the pump once it is implanted")
    if pump.implanted_on < born:
        yield "implanted_on", _("lies before the patient's birth on %(born)s") % {"born": born}
    if pump.explanted_on is not None and pump.explanted_on > today:
        yield "explanted_on", _("lies in the future; enter it once the pump is out")
    if pump.explanted_on is not None and pump.explanted_on < pump.implanted_on:
        yield "explanted_on", _("lies before the implant on %(implanted_on)s") % {"implanted_on": pump.implanted_on}

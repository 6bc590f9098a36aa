"""A patient who had withdrawal before the low date: their low level is raised, and why stays beside it."""

from datetime import date, datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from clinical.units import plain
from clinics.errors import Conflict, Impossible
from clinics.models import User
from pumps import forecasting
from pumps.models import Pump
from pumps.services.devices import correct

# 21 of 88 patients (24 %) had withdrawal before the low date; none again with the low level at 4 mL.
RAISED_ML = Decimal(4)
SOURCE = "Neurosurgery 2004;55:390"


@transaction.atomic
def raise_low_level(*, pump: Pump, reason: str, noticed_on: date, now: datetime, by: User) -> Pump:
    """Raise the low level to 4 mL, unless it is higher already; dates and alerts follow in the same transaction.

    Raises:
        Conflict: the pump is out, or the record has gone to another clinic.
        Impossible: no reason, a day that cannot be, or a reservoir of 4 mL or less; messages per field.
    """
    [locked] = forecasting.locked([pump.pk])
    if locked.status == Pump.Status.EXPLANTED:
        raise Conflict(_("This pump is out; its low level counts no more."))
    errors = _impossible(locked, reason, noticed_on, now)
    if errors:
        raise Impossible(errors)
    changes = {
        "low_reservoir_alarm_ml": max(locked.low_reservoir_alarm_ml, RAISED_ML),
        "low_level_reason": reason.strip(),
        "low_level_noticed_on": noticed_on,
    }
    return correct(pump=locked, changes=changes, now=now, by=by)


def can_be_raised(pump: Pump) -> bool:
    """Whether raising it would do anything, and is possible. `pump.model` is read."""
    return pump.low_reservoir_alarm_ml < RAISED_ML < pump.model.reservoir_ml


def _impossible(pump: Pump, reason: str, noticed_on: date, now: datetime) -> dict[str, list[str]]:
    errors: dict[str, list[str]] = {}
    if not reason.strip():
        errors["reason"] = [_("Say what was noticed: it is the reason for the higher level.")]
    if noticed_on > now.astimezone(pump.clinic.zone).date():
        errors["noticed_on"] = [_("This lies in the future; enter the day on which it was noticed.")]
    if noticed_on < pump.implanted_on:
        errors["noticed_on"] = [
            _("The pump was implanted on %(implanted_on)s; this is before.") % {"implanted_on": pump.implanted_on}
        ]
    if pump.model.reservoir_ml <= RAISED_ML:
        size = plain(pump.model.reservoir_ml)
        told = _(
            "The reservoir holds %(size)s mL: its low level cannot be %(raised_ml)s mL. Correct the pump's low level."
        ) % {"size": size, "raised_ml": RAISED_ML}
        errors["low_reservoir_alarm_ml"] = [told]
    return errors

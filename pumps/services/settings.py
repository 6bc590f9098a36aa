"""A clinic's settings, and the forecasts that follow from them."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from clinics.errors import Impossible
from clinics.models import Clinic
from pumps.forecasting import recompute_clinic
from pumps.models import Forecast

MARGIN_DAYS = (3, 14)
INTERVAL_DAYS = (14, 400)


@dataclass(frozen=True, kw_only=True)
class ClinicSettings:
    refill_margin_days: int
    max_refill_interval_days: int
    patient_facing_name: str


@transaction.atomic
def change(*, clinic: Clinic, settings: ClinicSettings, now: datetime) -> int:
    """Store settings and forecast the clinic's pumps anew; returns how many pumps' `refill_by` moved.

    Raises:
        Impossible: a number outside its range.
    """
    _check(settings)
    # Not a key lock: rows that point at the clinic are still written meanwhile.
    locked = Clinic.objects.select_for_update(no_key=True).get(pk=clinic.pk)
    before = _refill_dates(locked)
    locked.refill_margin_days = settings.refill_margin_days
    locked.max_refill_interval_days = settings.max_refill_interval_days
    locked.patient_facing_name = settings.patient_facing_name
    locked.save(update_fields=["refill_margin_days", "max_refill_interval_days", "patient_facing_name"])
    recompute_clinic(locked, now=now)
    after = _refill_dates(locked)
    return sum(before[pump_id] != moment for pump_id, moment in after.items() if pump_id in before)


def _check(settings: ClinicSettings) -> None:
    errors = {}
    for field, (lowest, highest) in (
        ("refill_margin_days", MARGIN_DAYS),
        ("max_refill_interval_days", INTERVAL_DAYS),
    ):
        if not lowest <= getattr(settings, field) <= highest:
            errors[field] = [f"From {lowest} to {highest} days."]
    if errors:
        raise Impossible(errors)


def _refill_dates(clinic: Clinic) -> dict[int, datetime | None]:
    return dict(Forecast.objects.filter(clinic=clinic, in_use=True).values_list("pump_id", "refill_by"))

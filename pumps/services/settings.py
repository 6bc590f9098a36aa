"""A clinic's settings, and the forecasts that follow from them."""

from dataclasses import asdict, dataclass
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
    """Settings to store; None leaves one as it is."""

    refill_margin_days: int | None = None
    max_refill_interval_days: int | None = None
    patient_facing_name: str | None = None
    name: str | None = None
    timezone: str | None = None
    label_set: str | None = None

    def given(self) -> dict[str, int | str]:
        return {field: value for field, value in asdict(self).items() if value is not None}


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
    for field, value in settings.given().items():
        setattr(locked, field, value)
    locked.save(update_fields=list(settings.given()))
    recompute_clinic(locked, now=now)
    after = _refill_dates(locked)
    return sum(before[pump_id] != moment for pump_id, moment in after.items() if pump_id in before)


def _check(settings: ClinicSettings) -> None:
    errors = {}
    for field, (lowest, highest) in (
        ("refill_margin_days", MARGIN_DAYS),
        ("max_refill_interval_days", INTERVAL_DAYS),
    ):
        value = getattr(settings, field)
        if value is not None and not lowest <= value <= highest:
            errors[field] = [f"From {lowest} to {highest} days."]
    if errors:
        raise Impossible(errors)


def _refill_dates(clinic: Clinic) -> dict[int, datetime | None]:
    return dict(Forecast.objects.filter(clinic=clinic, in_use=True).values_list("pump_id", "refill_by"))

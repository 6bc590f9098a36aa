"""The catalogue of pump models and the priors that follow from it."""

import csv
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.db import transaction

from clinical.saying import say
from pumps import forecasting
from pumps.models import Pump, PumpModel
from pumps.services import priors

CATALOGUE = Path(__file__).resolve().parent.parent / "data" / "catalogue.csv"
# Fields an administrator may mend: figures not read in a manual.
EDITABLE = (
    "reservoir_ml",
    "low_reservoir_ml",
    "min_flow_ml_per_day",
    "max_flow_ml_per_day",
    "flow_accuracy_pct",
    "internal_tubing_ml",
    "catheter_ml_per_cm",
    "catheter_length_cm",
    "flow_ratio_mean",
    "flow_ratio_sd",
    "max_steps_per_day",
    "service_life_years",
    "reservoir_confirmed",
    "flow_confirmed",
    "tubing_confirmed",
    "catheter_confirmed",
    "mri_behaviour",
    "note",
)
_FLAGS = {"programmable", "reservoir_confirmed", "flow_confirmed", "tubing_confirmed", "catheter_confirmed"}


@transaction.atomic
def sync(path: Path = CATALOGUE) -> int:
    """Bring the models up to date with the catalogue file, leaving fields an administrator edited; returns rows.

    A changed flow ratio becomes a new prior version; the nightly run applies it.
    """
    with path.open(newline="", encoding="utf-8") as file:
        rows = [_values(row) for row in csv.DictReader(file)]
    known = {model.slug: model for model in PumpModel.objects.all()}
    for values in rows:
        model = known.get(values["slug"]) or PumpModel()
        for field, value in values.items():
            if field not in model.edited_fields:
                setattr(model, field, value)
        model.save()
    priors.follow_catalogue("catalogue")
    return len(rows)


def _values(row: Mapping[str, str]) -> dict[str, Any]:
    """One line of the file as field values: yes/no are flags, blank is unknown."""
    text_fields = {"slug", "manufacturer", "model", "mri_behaviour", "note"}
    return {
        field: text == "yes" if field in _FLAGS else text if field in text_fields else _number(text)
        for field, text in row.items()
    }


def _number(text: str) -> Decimal | None:
    return Decimal(text) if text else None


@transaction.atomic
def edit(*, model: PumpModel, changes: Mapping[str, Any], now: datetime) -> int:
    """Store an administrator's changes to a catalogue row and forecast its pumps anew; returns forecasts changed."""
    locked = PumpModel.objects.select_for_update().get(pk=model.pk)
    changed = {
        field: value for field, value in changes.items() if field in EDITABLE and getattr(locked, field) != value
    }
    for field, value in changed.items():
        setattr(locked, field, value)
    locked.edited_fields = sorted({*locked.edited_fields, *changed})
    locked.save()
    priors.follow_catalogue(say("%(slug)s edited", slug=locked.slug))
    return _recompute_all(Pump.objects.filter(model=locked).values_list("pk", flat=True), now)


def _recompute_all(pump_ids: Iterable[int], now: datetime) -> int:
    ids = sorted(pump_ids)
    return sum(forecasting.recompute(ids[start : start + 1000], now=now) for start in range(0, len(ids), 1000))

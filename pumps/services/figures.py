"""The fleet's flow by model and clinic: stored at the end of each nightly run, read beside what is believed."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from clinical.ledger import Prior
from clinics.models import Clinic, User
from clinics.roles import Permission
from pumps import folding, forecasting
from pumps.models import FleetFigure, PriorVersion, PumpModel

_RENEW = """
INSERT INTO pumps_fleetfigure
    (clinic_id, model_id, pumps, measured, refills, ratio_mean, ratio_sd, unsettled, computed_at)
SELECT
    forecast.clinic_id,
    pump.model_id,
    count(*),
    count(*) FILTER (WHERE flow_ratio_refills > 0),
    sum(flow_ratio_refills),
    avg(flow_ratio_mean) FILTER (WHERE flow_ratio_refills > 0),
    stddev_samp(flow_ratio_mean) FILTER (WHERE flow_ratio_refills > 0),
    count(*) FILTER (WHERE findings @> '[{"code": "calibrated_deviation"}]'),
    %s
FROM pumps_forecast AS forecast JOIN pumps_pump AS pump ON pump.id = forecast.pump_id
WHERE forecast.in_use
GROUP BY forecast.clinic_id, pump.model_id
"""


@transaction.atomic
def renew(now: datetime) -> None:
    """Write the figures of every clinic anew from the stored forecasts: two statements, whatever the fleet's size."""
    FleetFigure.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute(_RENEW, [now])


@dataclass(frozen=True)
class Figure:
    """Flow ratios of pumps in use. `ratio_mean` and `ratio_sd` are over the `measured` ones; None where unknown."""

    pumps: int
    measured: int
    refills: int
    ratio_mean: float | None
    ratio_sd: float | None
    unsettled: int


@dataclass(frozen=True)
class ModelFigure:
    """A model in the clinics somebody may see, beside what the catalogue says and what the whole fleet has taught."""

    model: PumpModel
    figure: Figure
    learned: Prior | None


@dataclass(frozen=True)
class ClinicFigure:
    clinic: Clinic
    figure: Figure


@dataclass(frozen=True)
class FleetView:
    """`computed_at` is None before the first nightly run."""

    models: Sequence[ModelFigure]
    clinics: Sequence[ClinicFigure]
    version: PriorVersion
    computed_at: datetime | None


def clinics_of(user: User) -> list[Clinic]:
    """The clinics of which the user may see how pumps flow."""
    visible = Clinic.objects.visible_to(user).order_by("name", "pk")
    return [clinic for clinic in visible if user.access.can(Permission.SEE_CLINICAL, clinic.pk)]


def fleet_view(clinics: Sequence[Clinic]) -> FleetView:
    """The stored figures of some clinics, by model and by clinic."""
    rows = list(FleetFigure.objects.filter(clinic__in=clinics).select_related("model").order_by("pk"))
    by_model: dict[PumpModel, list[FleetFigure]] = defaultdict(list)
    by_clinic: dict[int, list[FleetFigure]] = defaultdict(list)
    for row in rows:
        by_model[row.model].append(row)
        by_clinic[row.clinic_id].append(row)
    version = forecasting.current_prior()
    return FleetView(
        models=[
            ModelFigure(model, together(by_model[model]), _learned(version, model))
            for model in sorted(by_model, key=lambda each: (each.manufacturer, each.model))
        ],
        clinics=[ClinicFigure(each, together(by_clinic[each.pk])) for each in clinics],
        version=version,
        computed_at=rows[0].computed_at if rows else None,
    )


def _learned(version: PriorVersion, model: PumpModel) -> Prior | None:
    return folding.prior_of(version, model) if model.slug in version.priors else None


def together(rows: Iterable[FleetFigure]) -> Figure:
    """Several figures as one: the mean over all their pumps, and the spread within and between them."""
    rows = list(rows)
    counts: dict[str, Any] = {
        name: sum(getattr(row, name) for row in rows) for name in ("pumps", "measured", "refills", "unsettled")
    }
    parts = [(row.measured, row.ratio_mean, row.ratio_sd or 0.0) for row in rows if row.ratio_mean is not None]
    size = sum(count for count, _, _ in parts)
    if size == 0:
        return Figure(**counts, ratio_mean=None, ratio_sd=None)
    mean = sum(count * part for count, part, _ in parts) / size
    squares = sum((count - 1) * sd**2 + count * (part - mean) ** 2 for count, part, sd in parts)
    return Figure(**counts, ratio_mean=mean, ratio_sd=(squares / (size - 1)) ** 0.5 if size > 1 else None)

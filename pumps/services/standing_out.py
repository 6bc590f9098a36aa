"""One clinic's fleet looked at when somebody asks: flow by drug lot, and the pumps that stand out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from django.db.models import Sum

from clinical.calibration import Expected, Intervals, Ratios, calibrate
from clinical.columns import Fleet, Ints
from clinical.depletion import calibration_intervals
from clinical.segments import Segments, cut
from clinical.standing_out import GROUP_PUMPS, GroupRatio, Standing, by_group, pumps_standing_out
from clinics.models import Clinic
from patients.models import Patient
from pumps import batches, forecasting
from pumps.models import Event, FleetFigure, Pump, PumpModel

# More pumps than this are not gone through while somebody waits.
MOST_PUMPS = 2000
# So many lots are told of, the furthest from 1 first.
MOST_LOTS = 500


@dataclass(frozen=True)
class LotRatio:
    """A drug's lot, and how its fills flowed relative to what each pump had shown before."""

    lot_number: str
    ratio: GroupRatio


@dataclass(frozen=True)
class PumpStanding:
    pump: Pump
    standing: Standing


@dataclass(frozen=True)
class ModelRatios:
    """What a model's pumps start from, and the flow ratios of those that a refill has measured."""

    model: PumpModel
    mean: float
    sd: float
    measured: Sequence[float]


@dataclass(frozen=True)
class ClinicView:
    """`of_pumps` pumps in use were gone through, of `all_pumps` (where those are more, as of last night).

    Lots that went into enough pumps to tell, the furthest from 1 in standard errors first; `other_lots` are those that
    did not.
    """

    clinic: Clinic
    lots: Sequence[LotRatio]
    other_lots: int
    standing: Sequence[PumpStanding]
    ratios: Sequence[ModelRatios]
    of_pumps: int
    all_pumps: int

    @property
    def is_cut(self) -> bool:
        return self.of_pumps < self.all_pumps


def clinic_view(clinic: Clinic) -> ClinicView:
    """The first `MOST_PUMPS` pumps in use of a clinic, with the current prior."""
    in_use = Pump.objects.filter(
        clinic=clinic, status=Pump.Status.ACTIVE, patient__status=Patient.Status.ACTIVE
    ).order_by("pk")
    ids = list(in_use.values_list("pk", flat=True)[: MOST_PUMPS + 1])
    batch = batches.read(ids[:MOST_PUMPS])
    version = np.zeros(len(batch.ids), dtype=np.int64)
    fleet = batch.believing([forecasting.current_prior()], version)
    segments = cut(fleet)
    intervals = calibration_intervals(fleet, segments)
    ratios, expected = calibrate(fleet, intervals)
    # Patients by their ids: joined, the database may read all there are.
    pumps = Pump.objects.select_related("model").prefetch_related("patient").in_bulk(batch.ids.tolist())
    ordered = [pumps[pk] for pk in batch.ids.tolist()]
    found = pumps_standing_out(fleet, segments, ratios, batch.accuracy_pct)
    lots = _lots(batch.ids, fleet, segments, intervals, expected)
    enough = [lot for lot in lots if lot.ratio.pumps >= GROUP_PUMPS]
    return ClinicView(
        clinic=clinic,
        lots=enough[:MOST_LOTS],
        other_lots=len(lots) - len(enough),
        standing=[PumpStanding(ordered[each.place], each) for each in found],
        ratios=_by_model(ordered, fleet, ratios),
        of_pumps=len(ordered),
        all_pumps=max(_as_of_last_night(clinic), len(ids)),
    )


def _by_model(pumps: Sequence[Pump], fleet: Fleet, ratios: Ratios) -> list[ModelRatios]:
    """In order of manufacturer and name."""
    places: dict[int, list[int]] = {}
    for place, pump in enumerate(pumps):
        places.setdefault(pump.model_id, []).append(place)
    found = [
        ModelRatios(
            model=pumps[of_model[0]].model,
            mean=float(fleet.prior_mean[of_model[0]]),
            sd=float(fleet.prior_sd[of_model[0]]),
            measured=[float(ratios.mean[place]) for place in of_model if ratios.refills[place] > 0],
        )
        for of_model in places.values()
    ]
    return sorted(found, key=lambda each: (each.model.manufacturer, each.model.model))


def _as_of_last_night(clinic: Clinic) -> int:
    """How many pumps in use the clinic had then: counting them now may read the whole fleet."""
    return FleetFigure.objects.filter(clinic=clinic).aggregate(pumps=Sum("pumps"))["pumps"] or 0


def _lots(ids: Ints, fleet: Fleet, segments: Segments, intervals: Intervals, expected: Expected) -> list[LotRatio]:
    """By the lot of the fill that began an interval; fills without a lot are left out."""
    of_fill = _lot_numbers(ids)
    begins = segments.fill[intervals.end - 1]
    names = [
        of_fill.get((int(ids[pump]), _moment(at)), "")
        for pump, at in zip(intervals.pump.tolist(), fleet.at[begins].tolist(), strict=True)
    ]
    known = sorted({name for name in names if name})
    places = {name: place for place, name in enumerate(known)}
    group = np.array([places.get(name, -1) for name in names], dtype=np.int64)
    found = [LotRatio(known[each.group], each) for each in by_group(fleet, intervals, expected, group)]
    return sorted(found, key=lambda lot: -abs(lot.ratio.relative - 1) / lot.ratio.error)


def _lot_numbers(ids: Ints) -> dict[tuple[int, int], str]:
    """Lots as written, but for case and blanks around them, by pump and moment of the fill."""
    fills = Event.objects.standing().filter(pump__in=ids.tolist(), kind=Event.Kind.REFILL).exclude(lot_number="")
    rows = fills.values_list("pump_id", "occurred_at", "lot_number")
    return {(pump, _moment(at.timestamp())): lot.strip().upper() for pump, at, lot in rows.iterator()}


def _moment(seconds: float) -> int:
    """To the millisecond, in which a pump is filled once."""
    return round(seconds * 1000)

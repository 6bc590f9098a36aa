"""The simulated fleet: plausible, repeatable, and known by the forecasts as it truly is."""

import itertools
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from interop.simulated_history import Wish
from interop.simulation import (
    ISOMED_35,
    MODELS,
    SYNCHROMED_20,
    SYNCHROMED_40,
    SimClinic,
    SimPump,
    fleet,
    simulate,
)
from interop.writing import write
from pumps.models import Forecast, PumpModel
from tests.interop.folders import run

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
CLINICS = (
    SimClinic("Oak", "America/New_York"),
    SimClinic("Elm", "Australia/Lord_Howe"),
    SimClinic("Ash", "Europe/London", label_set="uk"),
)


def a_fleet(pumps: int = 60, now: datetime = NOW) -> list[SimPump]:
    return list(fleet(seed=3, pumps=pumps, clinics=CLINICS, now=now))


def test_the_same_seed_gives_the_same_fleet() -> None:
    assert a_fleet() == a_fleet()
    assert a_fleet()[17] == simulate(seed=3, number=17, clinic=CLINICS[17 % 3], now=NOW)


def test_nothing_that_has_happened_lies_in_the_future() -> None:
    for pump in a_fleet():
        assert all(datetime.fromisoformat(row["refilled_at"]) < NOW for row in pump.refills)
        assert all(datetime.fromisoformat(row["effective_at"]) <= NOW for row in pump.dose_changes)
        first = datetime.fromisoformat(pump.refills[0]["refilled_at"])
        zone = next(ZoneInfo(clinic.timezone) for clinic in CLINICS if clinic.name == pump.pump["clinic"])
        assert pump.pump["implanted_on"] == first.astimezone(zone).date().isoformat()


def test_pumps_are_refilled_in_time() -> None:
    """In working hours, and hardly ever from an empty reservoir."""
    aspirated = [float(row["aspirated_ml"]) for pump in a_fleet(200) for row in pump.refills if row["aspirated_ml"]]
    assert sum(volume == 0 for volume in aspirated) / len(aspirated) < 0.03
    intervals = [
        datetime.fromisoformat(later["refilled_at"]) - datetime.fromisoformat(earlier["refilled_at"])
        for pump in a_fleet(200)
        for earlier, later in itertools.pairwise(pump.refills)
    ]
    assert min(intervals) >= timedelta(days=6)
    assert max(intervals) <= timedelta(days=171)


def test_a_wish_is_granted() -> None:
    wish = Wish(days_to_low=12, model=SYNCHROMED_20, fills=4, lot_days=5, last_aspirated_zero=True)
    pump = simulate(seed=3, number=1, clinic=CLINICS[0], now=NOW, wish=wish)
    assert len(pump.refills) == 4
    assert (pump.refills[-1]["aspirated_ml"], pump.refills[-1]["drug_expires_on"]) == ("0.0", "2026-11-27")
    assert pump.truth.programmed_low_at is not None
    assert abs(pump.truth.programmed_low_at - NOW - timedelta(days=12)) < timedelta(days=1.5)
    stopped = simulate(seed=3, number=1, clinic=CLINICS[0], now=NOW, wish=Wish(stopped=True, model=SYNCHROMED_40))
    assert stopped.dose_changes[-1]["mode"] == "stopped"


def test_constant_flow_pumps_have_a_factory_flow_and_no_dose_changes() -> None:
    pump = simulate(seed=3, number=1, clinic=CLINICS[0], now=NOW, wish=Wish(model=ISOMED_35))
    assert float(pump.pump["factory_flow_ml_per_day"]) in ISOMED_35.factory_flows
    assert pump.dose_changes == []


@pytest.mark.django_db
def test_the_models_figures_are_the_catalogues() -> None:
    for model in MODELS:
        row = PumpModel.objects.get(model=model.name)
        assert (model.reservoir_ml, model.low_ml) == (float(row.reservoir_ml), float(row.low_reservoir_ml))
        assert (model.ratio_mean, model.ratio_sd) == (float(row.flow_ratio_mean), float(row.flow_ratio_sd))
        assert row.programmable is not bool(model.factory_flows)


@pytest.mark.django_db
def test_forecasts_find_the_programmed_dates_and_most_of_the_true_ones(tmp_path: Path) -> None:
    pumps = {pump.pump["serial_number"]: pump.truth for pump in a_fleet(240)}
    write(tmp_path, CLINICS, a_fleet(240))
    run(tmp_path)
    surprised, close, named = 0, 0, 0
    for forecast in Forecast.objects.select_related("pump"):
        truth = pumps[forecast.pump.serial_number]
        if truth.programmed_low_at is None or truth.low_at is None:
            continue
        assert forecast.programmed_low_at is not None
        assert forecast.earliest_low_at is not None
        assert abs(forecast.programmed_low_at - truth.programmed_low_at) <= timedelta(seconds=2)
        named += 1
        surprised += truth.low_at < forecast.earliest_low_at
        off = abs(forecast.flow_ratio_mean - truth.flow_ratio)
        close += off < 3 * forecast.flow_ratio_sd
    assert named > 220
    # At most 1 % of pumps are low before `earliest_low_at`; 3 % is beyond any chance in 240.
    assert surprised / named < 0.03
    assert close / named > 0.97

"""Cases that were wrong once: plans and stops, emptying for a scan, boluses nobody allowed, a pump hardly flowing."""

from dataclasses import replace
from decimal import Decimal

import pytest

from clinical.forecast import Forecast, forecast
from clinical.ledger import (
    Emptying,
    Fill,
    Interrogation,
    LedgerEvent,
    Motor,
    MotorChange,
    MriScan,
    ProgramChange,
)
from tests.clinical.ledgers import RULES, a_device, after, dose, fill, stop


def planned(change: ProgramChange) -> ProgramChange:
    return replace(change, is_planned=True)


def codes(found: Forecast) -> set[str]:
    return {finding.code for finding in found.findings}


def forecast_of(*ledger: LedgerEvent) -> Forecast:
    return forecast(a_device(), ledger, RULES)


@pytest.mark.parametrize("halt", [MotorChange(after(10), Motor.STOPPED), stop(10)])
def test_a_plan_ends_no_stop(halt: LedgerEvent) -> None:
    found = forecast_of(fill(0), dose(0), halt, planned(dose(50)))
    assert found.stopped_at == after(10)
    assert "stopped" in codes(found)
    assert found.programmed_low_at == after(135)
    made = forecast_of(fill(0), dose(0), halt, dose(50))
    assert made.stopped_at is None
    assert "stopped" not in codes(made)


def test_a_planned_stop_is_a_stop_from_its_moment_on() -> None:
    assert forecast_of(fill(0), dose(0), planned(stop(30))).stopped_at == after(30)


def test_every_plan_is_asked_about_until_a_dose_that_was_made_follows() -> None:
    plans = [planned(dose(day, mcg)) for day, mcg in ((7, "160"), (14, "120"), (21, "80"))]
    asked = [
        found.since for found in forecast_of(fill(0), dose(0), *plans).findings if found.code == "plan_unconfirmed"
    ]
    assert asked == [after(7), after(14), after(21)]
    later = forecast_of(fill(0), dose(0), *plans, dose(15, "150"))
    assert [found.since for found in later.findings if found.code == "plan_unconfirmed"] == [after(21)]


def test_a_plan_silences_nothing_about_the_dose_that_runs() -> None:
    shown = Interrogation(after(20), daily_dose_mcg=Decimal(300))
    assert "dose_differs" in codes(forecast_of(fill(0), dose(0), shown, planned(dose(50))))
    assert "dose_out_of_range" in codes(forecast_of(fill(0), dose(0, "2500"), planned(dose(50, "400"))))


def test_a_reservoir_emptied_for_a_scan_is_empty_until_it_is_filled() -> None:
    scanned = forecast_of(fill(0), dose(0), MriScan(after(30), True), Interrogation(after(30.1)))
    assert scanned.programmed_empty_at == after(30)
    refilled = forecast_of(fill(0), dose(0), MriScan(after(30), True), fill(30.2, "40", "0"))
    assert refilled.programmed_low_at == after(125.2)
    assert refilled.flow_ratio.refills == 0
    assert refilled.ratio_high == pytest.approx(1 + 2.3263478740408408 * 0.05)


def test_what_patients_called_for_counts_though_nobody_allowed_it() -> None:
    read = Interrogation(after(30), patient_bolus_mcg=Decimal(2000))
    assert forecast_of(fill(0), dose(0), read).programmed_low_at == after(85)
    assert forecast_of(fill(0), dose(0), read, fill(60, "40", "10")).flow_ratio.refills == 0


@pytest.mark.parametrize("ratio", [0.05, 0.2, 0.35, 0.5])
def test_a_pump_that_hardly_flows_is_learned(ratio: float) -> None:
    ledger: list[LedgerEvent] = [fill(0), dose(0)]
    for number, true in enumerate([1.0, 1.0, ratio, ratio, ratio, ratio], start=1):
        ledger.append(fill(80 * number, "40", str(round(40 - 32 * true, 1))))
    assert forecast_of(*ledger).flow_ratio.mean == pytest.approx(ratio, abs=0.03)


def test_a_fill_on_top_of_what_nobody_measured_is_no_sample() -> None:
    partly = replace(fill(150, "24"), emptying=Emptying.PARTIAL)
    assert isinstance(partly, Fill)
    found = forecast_of(fill(0), dose(0), fill(90, "40", "4"), partly, fill(210, "40", "16"))
    assert found.flow_ratio.refills == 1
    assert "calibrated_deviation" not in codes(found)

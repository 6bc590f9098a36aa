"""What else happens to a pump, against sums done by hand: 38 mL above the low level at 0.4 mL/day is 95 days."""

from collections.abc import Sequence
from decimal import Decimal

import pytest

from clinical.findings import Severity
from clinical.forecast import forecast, volumes
from clinical.ledger import (
    AlarmReport,
    Bridge,
    Interrogation,
    LedgerEvent,
    Motor,
    MotorChange,
    MriScan,
    PumpBolus,
    ReservoirAccess,
)
from tests.clinical.ledgers import RULES, a_device, after, dose, facts, fill

RUNNING: tuple[LedgerEvent, ...] = (fill(0), dose(0))


def motor(days: float, what: Motor) -> MotorChange:
    return MotorChange(after(days), what)


@pytest.mark.parametrize(
    ("happened", "low_after_days"),
    [
        pytest.param([motor(10, Motor.STOPPED), motor(13.25, Motor.RESTARTED)], 98.25, id="stop and restart"),
        pytest.param([motor(10, Motor.STALLED), motor(12, Motor.RECOVERED)], 97, id="stall and recovery"),
        pytest.param([motor(10, Motor.STALLED)], 95, id="open stall: computed as if it ran"),
        pytest.param([PumpBolus(after(20), dose_mcg=Decimal(100))], 94.5, id="bolus of 0.2 mL"),
        pytest.param([PumpBolus(after(20), volume_ml=Decimal("0.4"))], 94, id="priming bolus"),
        pytest.param([Bridge(after(10), Decimal("0.4"), Decimal(48))], 96, id="bridge in place of 0.8 mL"),
        pytest.param([ReservoirAccess(after(10), Decimal(4), Decimal(0))], 85, id="taken out"),
        pytest.param([ReservoirAccess(after(10), Decimal(4), Decimal(2))], 90, id="taken out, some put back"),
        pytest.param([Interrogation(after(10), volume_ml=Decimal(20))], 95, id="a reading changes no volume"),
        pytest.param([MriScan(after(10)), AlarmReport(after(11), 1)], 95, id="scan and alarm change no volume"),
        pytest.param([motor(10, Motor.STOPPED), dose(12)], 97, id="a new program restarts"),
    ],
)
def test_the_low_date_follows(happened: Sequence[LedgerEvent], low_after_days: float) -> None:
    found = forecast(a_device(), [*RUNNING, *happened], RULES)
    assert found.programmed_low_at == after(low_after_days)


def test_a_stopped_pump_has_no_date() -> None:
    found = forecast(a_device(), [*RUNNING, motor(10, Motor.STOPPED)], RULES)
    assert (found.programmed_low_at, found.refill_by) == (None, None)


@pytest.mark.parametrize(
    "event",
    [
        motor(10, Motor.STALLED),
        AlarmReport(after(10), 1),
        AlarmReport(after(10), 2),
        AlarmReport(after(10), None),
        Interrogation(after(10), alarms=("motor_stall",)),
    ],
)
def test_what_needs_somebody_now_is_a_finding(event: LedgerEvent) -> None:
    found = forecast(a_device(), [*RUNNING, event], RULES)
    quiet = {finding.code for finding in forecast(a_device(), RUNNING, RULES).findings}
    fresh = [finding for finding in found.findings if finding.code not in quiet]
    assert fresh
    assert all(finding.severity != Severity.INFO for finding in fresh)


def test_a_bolus_leaves_at_once_and_a_bridge_in_its_time() -> None:
    bolus = [*RUNNING, PumpBolus(after(20), dose_mcg=Decimal(500))]
    around = [after(19.999), after(20.001)]
    before, behind = volumes(facts(), bolus, around).programmed
    assert before - behind == pytest.approx(1.0, abs=0.01)
    bridge = [*RUNNING, Bridge(after(10), Decimal("0.4"), Decimal(48))]
    assert volumes(facts(), bridge, [after(10), after(11), after(12), after(13)]).programmed == pytest.approx(
        [36.0, 35.8, 35.6, 35.2]
    )


def test_a_bridge_ends_with_a_new_program() -> None:
    ledger = [*RUNNING, Bridge(after(10), Decimal("0.4"), Decimal(48)), dose(11, "400")]
    assert volumes(facts(), ledger, [after(12)]).programmed == pytest.approx([36 - 0.2 - 0.8])

"""The kernel against the slow reference (`stepping`), over every kind of event that moves a volume."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinical.forecast import forecast, volumes
from clinical.ledger import Fill, Interrogation, LedgerEvent, ProgramChange
from tests.clinical.ledgers import RULES, START, a_device, after, dose, facts, fill, stop
from tests.clinical.stepping import begins, first_minute_at_or_below, sorted_ledger, volumes_at
from tests.clinical.strategies import accesses, boluses, bridges, changes, fills, ledgers_of, moments, motor_changes

readings = st.builds(
    Interrogation,
    moments,
    clock_offset_s=st.sampled_from([None, 0, -18_000, 19_800]),
    patient_bolus_mcg=st.sampled_from([None, Decimal(0), Decimal(700)]),
)
flowing = ledgers_of(st.one_of(changes(), changes(), fills(), readings, motor_changes, boluses, bridges, accesses), 8)
FEW = settings(max_examples=60, deadline=None)


def is_known(ledger: list[LedgerEvent]) -> bool:
    """Whether there is a fill and a dose: without them there is nothing to step through. What patients called for is
    not read at the moment of a fill, where the reference does not tell before from after."""
    kinds = {type(event) for event in ledger}
    filled = {event.at for event in ledger if isinstance(event, Fill)}
    read = {event.at for event in ledger if isinstance(event, Interrogation) and event.patient_bolus_mcg}
    return {Fill, ProgramChange} <= kinds and not filled & read


@FEW
@given(ledger=flowing.filter(is_known), hours=st.lists(st.integers(0, 24 * 330), min_size=5, max_size=30))
def test_volumes_agree_with_the_reference(ledger: list[LedgerEvent], hours: list[int]) -> None:
    start = begins(sorted_ledger(ledger)).at
    asked = sorted({start + timedelta(hours=hour, minutes=7) for hour in hours})
    assert volumes(facts(), ledger, asked).programmed == pytest.approx(volumes_at(ledger, asked), abs=1e-6)


@FEW
@given(ledger=flowing.filter(is_known), level=st.sampled_from(["0", "2", "3.7"]))
def test_low_dates_agree_with_the_reference(ledger: list[LedgerEvent], level: str) -> None:
    found = forecast(a_device(level), ledger, RULES).programmed_low_at
    # A level that is met exactly may be met by rounding one bolus later, or not: so the dates of a trace more and less.
    early, late = (
        first_minute_at_or_below(ledger, str(Decimal(level) + trace)) for trace in (Decimal("1e-7"), Decimal("-1e-7"))
    )
    if found is not None and early is not None:
        # Stepping says the end of the minute in which it happens.
        assert timedelta(seconds=-1) <= (late or early) - found
        assert early - found <= timedelta(seconds=61)
    if late is not None:
        assert found is not None
    if early is None:
        assert found is None or found >= begins(sorted_ledger(ledger)).at + timedelta(days=399)


@pytest.mark.parametrize("mcg", ["200", "123.4", "95", "333.3", "70.7", "1111"])
@pytest.mark.parametrize("filled", ["40", "18.3", "7.1"])
def test_a_level_met_at_the_very_moment_of_a_stop_is_met(mcg: str, filled: str) -> None:
    running: list[LedgerEvent] = [fill(0, filled), dose(0, mcg)]
    low_at = forecast(a_device(), running, RULES).programmed_low_at
    assert low_at is not None
    days = (low_at - START) / timedelta(days=1) + 1 / 86_400
    assert forecast(a_device(), [*running, stop(days)], RULES).programmed_low_at == low_at


def test_stopping_knows_the_days_of_the_week() -> None:
    """The reference against the calendar: 2026-03-02 is a Monday."""
    assert datetime(2026, 3, 2, tzinfo=UTC).weekday() == 0
    assert after(0).weekday() == 6

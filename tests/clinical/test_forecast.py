from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from clinical.dates import Limit
from clinical.forecast import forecast
from clinical.ledger import LedgerEvent
from clinical.terms import ClinicRules
from tests.clinical.ledgers import RULES, START, a_device, after, dose, facts, fill, shaped, stop

WEEK = timedelta(days=7)


def test_refill_by_is_the_earliest_bound_minus_the_margin() -> None:
    found = forecast(a_device(), [fill(0), dose(0)], RULES)
    assert found.earliest_low_at is not None
    assert found.refill_by == found.earliest_low_at - WEEK
    assert found.limiting_factor is Limit.VOLUME


def test_the_clinics_margin_counts() -> None:
    rules = ClinicRules(ZoneInfo("Europe/London"), 14, 180)
    found = forecast(a_device(), [fill(0), dose(0)], rules)
    assert found.earliest_low_at is not None
    assert found.refill_by == found.earliest_low_at - 2 * WEEK


def test_stability_limits() -> None:
    found = forecast(a_device(), [fill(0, stability_days=60), dose(0)], RULES)
    assert found.drug_expires_at == after(60)
    assert (found.refill_by, found.limiting_factor) == (after(53), Limit.STABILITY)


def test_the_lots_expiry_limits_from_the_first_moment_of_its_day_at_the_clinic() -> None:
    found = forecast(a_device(), [fill(0, stability_days=90, expires_on=date(2026, 4, 1)), dose(0)], RULES)
    assert found.drug_expires_at == datetime(2026, 4, 1, 4, 0, tzinfo=UTC)
    assert found.limiting_factor is Limit.LOT_EXPIRY


def test_the_longest_interval_limits_a_slow_pump() -> None:
    found = forecast(a_device(), [fill(0), dose(0, "50")], RULES)
    assert found.max_interval_at == after(180)
    assert (found.refill_by, found.limiting_factor) == (after(173), Limit.MAX_INTERVAL)


def test_unknown_drug_dates_are_said() -> None:
    found = forecast(a_device(), [fill(0), dose(0)], RULES)
    assert found.drug_expires_at is None
    assert "drug_expiry_unknown" in {finding.code for finding in found.findings}


@pytest.mark.parametrize(
    ("ledger", "reason", "refill_by"),
    [
        ([], "no_fill", None),
        ([dose(0)], "no_fill", None),
        ([fill(0)], "no_dose", after(173)),
        ([fill(0), dose(0), stop(5)], "stopped", None),
    ],
)
def test_unknown_has_a_reason_and_keeps_the_dates_it_can(
    ledger: list[LedgerEvent], reason: str, refill_by: datetime | None
) -> None:
    found = forecast(a_device(), ledger, RULES)
    assert found.unknown_reason == reason
    assert found.refill_by == refill_by
    assert found.limiting_factor is Limit.UNKNOWN
    assert reason in {finding.code for finding in found.findings if finding.severity == "high"}


def test_what_falls_due_before_a_planned_stop_still_counts() -> None:
    found = forecast(a_device(), [fill(0, stability_days=40), dose(0), stop(60)], RULES)
    assert (found.refill_by, found.limiting_factor) == (after(33), Limit.UNKNOWN)
    assert found.stopped_at == after(60)


def test_a_constant_flow_pump_without_its_factory_flow_is_unknown() -> None:
    device = a_device(facts=facts("0", programmable=False))
    assert forecast(device, [fill(0)], RULES).unknown_reason == "no_factory_flow"


def test_the_devices_life_ends_years_after_the_implant() -> None:
    found = forecast(a_device(implanted_on=date(2024, 2, 29)), [], RULES)
    assert found.service_ends_at == datetime(2031, 2, 28, 5, 0, tzinfo=UTC)
    assert forecast(a_device(service_life_years=None), [], RULES).service_ends_at is None


@pytest.mark.parametrize(
    ("ledger", "code"),
    [
        ([fill(0), dose(0, "11.9")], "dose_out_of_range"),
        ([fill(0), dose(0, "2003.1")], "dose_out_of_range"),
        ([fill(0), dose(0, "1000.1")], "dose_above_1000"),
        ([fill(0, concentration="750"), dose(0)], "concentration_off_market"),
        ([fill(0, concentration="2000", programmed="500"), dose(0)], "concentration_not_programmed"),
        ([fill(0), dose(0), fill(90, aspirated="0")], "aspirated_zero"),
        ([fill(0), dose(0, "12.5")], "flow_out_of_range"),
    ],
)
def test_findings(ledger: list[LedgerEvent], code: str) -> None:
    codes = {finding.code for finding in forecast(a_device(), ledger, RULES).findings}
    assert code in codes


@pytest.mark.parametrize("mcg", ["12", "1000"])
def test_doses_at_the_bounds_are_inside(mcg: str) -> None:
    codes = {finding.code for finding in forecast(a_device(), [fill(0), dose(0, mcg)], RULES).findings}
    assert not codes & {"dose_out_of_range", "dose_above_1000"}


def test_an_earlier_zero_aspirate_is_history_once_another_refill_followed() -> None:
    found = forecast(a_device(), [fill(0), dose(0), fill(90, aspirated="0"), fill(120, aspirated="28")], RULES)
    assert "aspirated_zero" not in {finding.code for finding in found.findings}


def test_the_pump_clock_keeps_the_offset_of_its_programming() -> None:
    """A step at 06:00 on a clock set in winter runs at 07:00 summer time: the date follows the pump, not the wall."""
    steps = [(0, "1"), (360, "31")]

    def low(offset_s: int) -> datetime:
        found = forecast(
            a_device(), [fill(0, "3", concentration="500"), shaped(0, "564", steps, offset_s=offset_s)], RULES
        )
        assert found.programmed_low_at is not None
        return found.programmed_low_at

    assert low(-5 * 3600) != low(-4 * 3600)


def test_the_same_facts_give_the_same_forecast() -> None:
    ledger: list[LedgerEvent] = [fill(0), dose(0), fill(80, aspirated="7.1")]
    assert forecast(a_device(), ledger, RULES) == forecast(a_device(), list(reversed(ledger)), RULES)


def test_dates_are_whole_seconds() -> None:
    found = forecast(a_device(), [fill(0, "37.7"), dose(0, "123.4")], RULES)
    dates = [found.programmed_low_at, found.low_at, found.empty_at, found.earliest_low_at, found.refill_by]
    assert all(moment is not None and moment.microsecond == 0 for moment in dates)


def test_low_level_is_the_pumps_own() -> None:
    assert forecast(a_device("4"), [fill(0), dose(0)], RULES).programmed_low_at == START + timedelta(days=90)
    assert Decimal(4) == a_device("4").facts.low_reservoir_ml

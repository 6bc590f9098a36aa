"""What holds for every ledger, however odd: nothing raises or warns (warnings are errors), and dates make sense."""

import random
from dataclasses import replace
from datetime import datetime, timedelta
from math import isfinite

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from clinical.forecast import Forecast, forecast, forecast_fleet, volumes
from clinical.ledger import (
    Fill,
    Interrogation,
    LedgerEvent,
    MriScan,
    Prior,
    ProgramChange,
    ReservoirAccess,
)
from clinical.programs import checked
from clinical.terms import Device
from tests.clinical.ledgers import RULES, START, a_device, facts
from tests.clinical.strategies import distinct, events, ledgers, moments

CONSTANT = a_device(facts=facts("0", factory_flow="0.5", programmable=False))
LEARNED = a_device(facts=replace(facts(), prior=Prior(1.02, 0.04, 0.6, 0.3, 0.02)))
devices = st.sampled_from(
    [a_device(), a_device("0"), a_device("40"), CONSTANT, a_device(facts=facts(programmable=False)), LEARNED]
)
DATES = ("programmed_low_at", "programmed_empty_at", "low_at", "empty_at", "earliest_low_at", "drug_expires_at",
         "max_interval_at", "refill_by", "service_ends_at", "filled_at", "stopped_at", "stalled_at")  # fmt: skip
FEW = settings(max_examples=50, deadline=None)
MANY = settings(max_examples=100, deadline=None)


def dates(found: Forecast) -> dict[str, datetime | None]:
    return {name: getattr(found, name) for name in DATES}


@MANY
@given(device=devices, ledger=ledgers())
def test_a_forecast_is_always_whole_and_in_order(device: Device, ledger: list[LedgerEvent]) -> None:
    found = forecast(device, ledger, RULES)
    assert all(moment is None or moment.year < 2200 for moment in dates(found).values())
    assert all(isfinite(x) for x in (found.flow_ratio.mean, found.flow_ratio.sd, found.ratio_high, found.ratio_low))
    assert found.flow_ratio.sd > 0
    assert 0 <= found.ratio_low <= found.flow_ratio.mean <= found.ratio_high
    assert found.flow_ml_per_day is None or (isfinite(found.flow_ml_per_day) and found.flow_ml_per_day >= 0)
    in_order = [("programmed_low_at", "programmed_empty_at"), ("low_at", "empty_at"), ("earliest_low_at", "low_at")]
    for early, late in in_order:
        first, second = getattr(found, early), getattr(found, late)
        assert second is None or (first is not None and first <= second), (early, late)
    bounds = [found.programmed_low_at, found.earliest_low_at, found.drug_expires_at, found.max_interval_at]
    if found.refill_by is not None:
        assert found.refill_by == min(bound for bound in bounds if bound is not None) - timedelta(days=7)


@FEW
@given(device=devices, ledger=ledgers(8))
def test_the_volume_never_rises_without_a_fill_or_an_access(device: Device, ledger: list[LedgerEvent]) -> None:
    rises = [event.at for event in ledger if isinstance(event, Fill | ReservoirAccess)]
    asked = sorted({*(START + timedelta(hours=31.01 * step) for step in range(260)), *(event.at for event in ledger)})
    curve = volumes(device.facts, ledger, asked)
    assert all(volume >= 0 for volume in curve.programmed if volume == volume)
    for place in range(1, len(asked)):
        before, behind = curve.programmed[place - 1], curve.programmed[place]
        if before == before and not any(asked[place - 1] < at <= asked[place] for at in rises):
            assert behind <= before + 1e-9


def scaled(event: LedgerEvent, times: int) -> LedgerEvent:
    if not isinstance(event, ProgramChange):
        return event
    program = event.program
    more = replace(
        program,
        daily_dose_mcg=program.daily_dose_mcg * times,
        steps=tuple(replace(step, rate_mcg_per_h=step.rate_mcg_per_h * times) for step in program.steps),
        boluses=tuple(replace(bolus, dose_mcg=bolus.dose_mcg * times) for bolus in program.boluses),
        patient_bolus_mcg=program.patient_bolus_mcg * times,
    )
    return replace(event, program=checked(more))


@MANY
@given(ledger=ledgers(), times=st.integers(2, 5))
def test_more_dose_is_never_low_later(ledger: list[LedgerEvent], times: int) -> None:
    less = forecast(a_device(), ledger, RULES).programmed_low_at
    more = forecast(a_device(), [scaled(event, times) for event in ledger], RULES).programmed_low_at
    assert less is None or (more is not None and more <= less + timedelta(seconds=1))


@FEW
@given(device=devices, ledger=ledgers(), wrong=events, right=events)
def test_a_void_gives_back_the_forecast_and_a_correction_that_of_what_stands(
    device: Device, ledger: list[LedgerEvent], wrong: LedgerEvent, right: LedgerEvent
) -> None:
    before = forecast(device, ledger, RULES)
    with_wrong = [*ledger, wrong]
    forecast(device, with_wrong, RULES)
    with_wrong.remove(wrong)
    assert forecast(device, with_wrong, RULES) == before
    assume(distinct(right) not in {distinct(event) for event in ledger})
    corrected = forecast(device, [*ledger, right], RULES)
    assert forecast(device, [right, *ledger], RULES) == corrected


@MANY
@given(device=devices, ledger=ledgers(), seed=st.integers(0, 10_000))
def test_the_order_of_entry_does_not_matter(device: Device, ledger: list[LedgerEvent], seed: int) -> None:
    shuffled = list(ledger)
    random.Random(seed).shuffle(shuffled)  # noqa: S311  an order, not a secret
    assert forecast(device, shuffled, RULES) == forecast(device, ledger, RULES)


@FEW
@given(pumps=st.lists(st.tuples(devices, ledgers()), min_size=1, max_size=6))
def test_one_pump_and_a_fleet_give_the_same_forecast(pumps: list[tuple[Device, list[LedgerEvent]]]) -> None:
    together = forecast_fleet([device for device, _ in pumps], [ledger for _, ledger in pumps], [RULES] * len(pumps))
    assert together == [forecast(device, ledger, RULES) for device, ledger in pumps]


def near(one: datetime | None, other: datetime | None) -> bool:
    """The same moment but for rounding to whole seconds."""
    if one is None or other is None:
        return one is other
    return abs(one - other) <= timedelta(seconds=1)


@MANY
@given(device=devices, ledger=ledgers(), at=st.lists(moments, min_size=1, max_size=3, unique=True))
def test_an_entry_that_tells_nothing_changes_no_date(
    device: Device, ledger: list[LedgerEvent], at: list[datetime]
) -> None:
    """It only cuts a stretch of the ledger in two."""
    told = [*ledger, *(Interrogation(moment) for moment in at), *(MriScan(moment) for moment in at)]
    before, behind = dates(forecast(device, ledger, RULES)), dates(forecast(device, told, RULES))
    for name in DATES:
        assert near(before[name], behind[name]), name


@MANY
@given(ledger=ledgers(), weeks=st.integers(1, 300))
def test_all_of_it_some_weeks_later_is_the_same_some_weeks_later(ledger: list[LedgerEvent], weeks: int) -> None:
    shift = timedelta(weeks=weeks)
    plain = [replace(event, drug_expires_on=None) if isinstance(event, Fill) else event for event in ledger]
    before = dates(forecast(a_device(), plain, RULES))
    behind = dates(forecast(a_device(), [replace(event, at=event.at + shift) for event in plain], RULES))
    for name in set(DATES) - {"service_ends_at"}:
        early = before[name]
        assert near(early + shift if early is not None else None, behind[name]), name

"""A forecast as it was known at an earlier moment is the one that was stored then, field by field."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal as D
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clinical.forecast import FlowRatio
from clinics.errors import NeedsConfirmation
from clinics.models import Clinic
from pumps import forecasting
from pumps.models import Event, Forecast, PriorVersion, Pump, PumpModel
from pumps.services import devices, ledger, plans
from pumps.services.entries import RefillEntry
from pumps.services.settings import ClinicSettings, ProductSettings, change, remove_product, set_product
from pumps.snapshots import DATES, Snapshot, snapshot
from tests.builders import NOW, a_clinic, a_dose, a_pump, a_refill, a_running_pump, a_user

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
START = NOW - 300 * DAY
Stored = dict[str, Any]


def stored(pump: Pump) -> Stored:
    """What the stored forecast says, as a snapshot names it."""
    row = Forecast.objects.get(pump=pump)
    return {
        "dates": {name: getattr(row, name) for name in DATES},
        "limiting_factor": row.limiting_factor,
        "unknown_reason": row.unknown_reason,
        "flow_ratio": FlowRatio(row.flow_ratio_mean, row.flow_ratio_sd, row.flow_ratio_refills),
        "findings": row.findings,
        "prior_version_id": row.prior_version_id,
    }


def read(pump: Pump, **when: Any) -> Snapshot:
    found = Pump.objects.select_related("model", "clinic", "forecast__prior_version").get(pk=pump.pk)
    return snapshot(found, **{"at": when.get("known_at"), "now": NOW + 400 * DAY, **when})


def said(found: Snapshot) -> Stored:
    names = ("dates", "limiting_factor", "unknown_reason", "flow_ratio", "findings", "prior_version_id")
    return {name: getattr(found, name) for name in names}


def a_pump_of(clinic: Clinic) -> Pump:
    """Entered at START, with a prior version of the day before."""
    newest = forecasting.current_prior()
    PriorVersion.objects.create(priors=newest.priors, believed=newest.believed, reason="test", created_at=START - DAY)
    return a_pump(clinic, implanted_on=date(2022, 1, 7), now=START)


def a_version(at: datetime, mean: float) -> PriorVersion:
    """A newer belief of every model's flow."""
    newest = forecasting.current_prior()
    priors = {slug: {**fields, "mean": mean} for slug, fields in newest.priors.items()}
    return PriorVersion.objects.create(priors=priors, believed=newest.believed, reason="test", created_at=at)


def void(event: Event, now: datetime, replacement: RefillEntry | None = None) -> Event:
    """An entry in error, with whatever is unlikely about its replacement confirmed."""
    wrong = partial(
        ledger.void,
        pump_id=event.pump_id,
        event_id=event.pk,
        reason="slip",
        user=a_user(),
        source="page",
        now=now,
        replacement=replacement,
    )
    try:
        return wrong()
    except NeedsConfirmation as asked:
        return wrong(confirmed={doubt.code for doubt in asked.doubts})


def a_corrected_refill(at: datetime, aspirated: str) -> RefillEntry:
    return RefillEntry(refilled_at=at, filled_ml=D(40), concentration_mcg_per_ml=D(500), aspirated_ml=D(aspirated))


def test_each_earlier_forecast_is_made_again_whatever_was_entered_later() -> None:
    pump = a_pump_of(a_clinic())
    kept: dict[datetime, Stored] = {}

    def step(day: int, do: Callable[[datetime], object]) -> Any:
        moment = START + day * DAY
        made = do(moment)
        kept[moment] = stored(pump)
        return made

    step(0, lambda now: a_refill(pump, now, now=now))
    step(1, lambda now: a_dose(pump, now - DAY, now=now))
    step(80, lambda now: a_refill(pump, now, aspirated_ml=D("9.5"), now=now))
    wrong = step(160, lambda now: a_refill(pump, now, aspirated_ml=D("5.1"), now=now))
    plan = step(161, lambda now: a_dose(pump, now + 20 * DAY, daily_dose_mcg=D(260), now=now))
    step(185, lambda now: plans.confirm(pump_id=pump.pk, event=plan, user=a_user(), source="page", now=now))
    step(190, lambda now: a_refill(pump, START + 40 * DAY, aspirated_ml=D("23.7"), now=now))
    step(200, lambda now: void(wrong, now, a_corrected_refill(wrong.occurred_at, "8.3")))
    step(210, lambda now: a_dose(pump, now + 200 * DAY, daily_dose_mcg=D(240), now=now))
    step(220, lambda now: (a_version(now, 1.1), forecasting.recompute([pump.pk], now=now)))
    step(230, lambda now: a_refill(pump, now, aspirated_ml=D("8.0"), now=now))

    assert len({str(one) for one in kept.values()}) == len(kept), "each step moves the forecast"
    for moment, then in kept.items():
        for known_at in (moment, moment + timedelta(hours=5)):
            found = read(pump, known_at=known_at)
            assert said(found) == then, known_at
            assert (found.at, found.known_at) == (known_at, known_at)
    before = read(pump, known_at=START - timedelta(hours=1))
    assert (before.unknown_reason, before.volume.programmed) == ("no_fill", None)


STEPS = ("refill", "late refill", "dose", "plan", "void", "correct", "version", "low level", "margin")


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(STEPS), min_size=4, max_size=8))
def test_in_whatever_order_things_are_entered(db: None, steps: list[str]) -> None:
    pump = a_pump_of(a_clinic())
    a_refill(pump, START, now=START)
    a_dose(pump, START, now=START)
    kept = {START: stored(pump)}
    for number, what in enumerate(steps, start=1):
        now = START + number * 25 * DAY
        enter(pump, what, number, now)
        kept[now] = stored(pump)
    assert {moment: said(read(pump, known_at=moment)) for moment in kept} == kept


def enter(pump: Pump, what: str, number: int, now: datetime) -> None:
    standing = Event.objects.standing().filter(pump=pump, kind="refill", occurred_at__gt=START)
    match what:
        case "refill" | "late refill":
            at = now if what == "refill" else now - 9 * DAY
            a_refill(pump, at, aspirated_ml=D(28 + number % 3), now=now)
        case "dose" | "plan":
            at = now if what == "dose" else now + 30 * DAY + number * timedelta(hours=1)
            a_dose(pump, at, daily_dose_mcg=D(200 + 5 * number), now=now)
        case "void" | "correct" if (event := standing.last()) is not None:
            right = a_corrected_refill(event.occurred_at, "27.5") if what == "correct" else None
            void(event, now, right)
        case "version":
            a_version(now, 1 + number / 100)
            forecasting.recompute([pump.pk], now=now)
        case "low level":
            devices.correct(pump=pump, changes={"low_reservoir_alarm_ml": D(2 + number % 3)}, now=now)
        case "margin":
            change(clinic=pump.clinic, settings=ClinicSettings(refill_margin_days=3 + number), now=now)


def test_the_volume_is_as_it_was_known() -> None:
    pump = a_pump_of(a_clinic())
    a_refill(pump, START, now=START)
    a_dose(pump, START, now=START)
    at = START + 50 * DAY
    then = read(pump, at=at, now=at)
    a_refill(pump, START + 45 * DAY, aspirated_ml=D(22), now=at + DAY)
    assert read(pump, known_at=at).volume == then.volume
    hindsight = read(pump, at=at)
    assert hindsight.volume.programmed == pytest.approx(38)
    assert then.volume.programmed == pytest.approx(20)


def test_a_plan_counts_from_when_it_was_recorded_and_hindsight_does_not_know_it_before_its_moment() -> None:
    pump = a_pump_of(a_clinic())
    a_refill(pump, START, now=START)
    a_dose(pump, START, now=START)
    before = stored(pump)
    a_dose(pump, START + 60 * DAY, daily_dose_mcg=D(400), now=START + 30 * DAY)
    planned = stored(pump)
    between = START + 40 * DAY
    assert planned["dates"]["programmed_low_at"] < before["dates"]["programmed_low_at"]
    assert read(pump, known_at=between).dates == planned["dates"]
    assert read(pump, known_at=START + 20 * DAY).dates == before["dates"]
    assert read(pump, at=between).dates == before["dates"]
    # What was known then of a moment that was past then already.
    assert read(pump, at=START + 10 * DAY, known_at=between).dates == before["dates"]


def test_hindsight_keeps_todays_version_and_settings() -> None:
    clinic = a_clinic()
    pump = a_pump_of(clinic)
    a_refill(pump, START, now=START)
    a_dose(pump, START, now=START)
    then = stored(pump)
    newest = a_version(START + 10 * DAY, 1.1)
    change(clinic=clinic, settings=ClinicSettings(refill_margin_days=12), now=START + 10 * DAY)
    moment = START + 5 * DAY
    hindsight = read(pump, at=moment)
    assert hindsight.prior_version_id == newest.pk
    assert hindsight.dates["refill_by"] == stored(pump)["dates"]["refill_by"] != then["dates"]["refill_by"]
    assert said(read(pump, known_at=moment)) == then


def test_a_forecast_that_still_stands_names_its_own_version() -> None:
    """A version that is newer, but was not handed to the pump yet."""
    pump = a_pump_of(a_clinic())
    a_refill(pump, START, now=START)
    a_version(START + DAY, 1.1)
    assert read(pump, known_at=START + 2 * DAY).prior_version_id == stored(pump)["prior_version_id"]


def test_before_any_version_it_is_the_oldest() -> None:
    pump = a_pump_of(a_clinic())
    oldest = PriorVersion.objects.earliest("pk")
    a_version(START, 1.1)
    forecasting.recompute([pump.pk], now=START + DAY)
    assert read(pump, known_at=NOW - 3000 * DAY).prior_version_id == oldest.pk


def test_settings_and_products_are_those_in_force_then() -> None:
    clinic, user = a_clinic(), a_user()
    pump = a_pump_of(clinic)
    a_refill(pump, START, formulation="Gablofen", drug_expires_on=date(2026, 6, 1), now=START)
    a_dose(pump, START, now=START)
    kept = {START: stored(pump)}

    def after(day: int, do: Callable[[datetime], object]) -> None:
        now = START + day * DAY
        do(now)
        kept[now] = stored(pump)

    def product(now: datetime, stability_days: int | None = None, max_refill_interval_days: int | None = None) -> None:
        values = ProductSettings(
            name="Gablofen", stability_days=stability_days, max_refill_interval_days=max_refill_interval_days
        )
        set_product(clinic=clinic, product=values, now=now, by=user)

    after(1, lambda now: product(now, stability_days=60))
    after(2, lambda now: product(now, stability_days=50, max_refill_interval_days=40))
    after(3, lambda now: change(clinic=clinic, settings=ClinicSettings(max_refill_interval_days=70), now=now))
    after(4, lambda now: remove_product(product=clinic.products.get(), now=now, by=user))
    after(5, lambda now: product(now, max_refill_interval_days=33))
    after(6, lambda now: change(clinic=clinic, settings=ClinicSettings(timezone="Europe/London"), now=now))
    after(7, lambda now: remove_product(product=clinic.products.get(), now=now, by=user))
    assert len({str(one) for one in kept.values()}) >= 7
    assert {moment: said(read(pump, known_at=moment)) for moment in kept} == kept


def test_a_pumps_particulars_are_those_of_then() -> None:
    pump = a_pump_of(a_clinic())
    kept = {START: stored(pump)}
    edits: list[dict[str, Any]] = [
        {"model": PumpModel.objects.get(slug="prometra-20"), "low_reservoir_alarm_ml": D("1.5")},
        {"implanted_on": date(2023, 2, 3)},
        {"low_reservoir_alarm_ml": D(4)},
    ]
    for day, changes in enumerate(edits, start=1):
        now = START + day * DAY
        devices.correct(pump=pump, changes=changes, now=now)
        kept[now] = stored(pump)
    now = START + 9 * DAY
    a_refill(pump, now, filled_ml=D(20), now=now)
    a_dose(pump, now, now=now)
    kept[now] = stored(pump)
    devices.correct(pump=pump, changes={"low_reservoir_alarm_ml": D(3)}, now=now + DAY)
    assert kept[now] != stored(pump)
    assert {moment: said(read(pump, known_at=moment)) for moment in kept} == kept


def test_reading_the_past_leaves_the_present_alone() -> None:
    pump = a_running_pump()
    devices.correct(pump=pump, changes={"low_reservoir_alarm_ml": D(4)}, now=NOW + DAY)
    now = stored(pump)
    read(pump, known_at=NOW)
    pump.refresh_from_db()
    assert (stored(pump), pump.low_reservoir_alarm_ml) == (now, D(4))

"""A fleet read as columns is the fleet that is read pump by pump: same numbers, to the last bit."""

from dataclasses import fields, replace
from datetime import date, timedelta
from decimal import Decimal as D
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clinical import columns, terms
from clinical.columns import Fleet
from clinical.ledger import in_order
from interop.importing import import_folder
from interop.simulation import SimClinic
from interop.simulation import fleet as simulated
from interop.writing import write
from pumps import batches, folding, forecasting
from pumps.looking import next_looks
from pumps.models import DrugProduct, Event, Forecast, Pump, PumpModel
from pumps.services import ledger, priors, renewal
from pumps.services.entries import EventEntry
from tests.builders import NOW, a_clinic, a_dose, a_pump, a_refill, a_running_pump, a_user, recorded

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
FLEX = [{"start": "06:00", "rate_mcg_per_h": "7"}, {"start": "22:00", "rate_mcg_per_h": "11"}]


def assert_same_curves(together: Fleet, one_by_one: Fleet) -> None:
    """Rows of the tables may be ordered differently; what each event's curve is may not."""
    for name in ("days", "second", "before", "after", "slope_per_s"):
        mine, theirs = (getattr(each.curves, name)[each.curve] for each in (together, one_by_one))
        np.testing.assert_array_equal(mine, theirs, name)


def the_same_both_ways() -> None:
    pumps = list(Pump.objects.order_by("pk").select_related("model", "clinic", "patient"))
    version = forecasting.current_prior()
    facts = folding.ledgers([pump.pk for pump in pumps])
    rules = folding.rules({pump.clinic for pump in pumps})
    ordered = [in_order(facts.get(pump.pk, [])) for pump in pumps]
    devices = [folding.device(pump, version) for pump in pumps]
    one_by_one = columns.fleet([device.facts for device in devices], ordered)
    batch = batches.read([pump.pk for pump in pumps])
    together = batch.believing([version], np.zeros(len(pumps), dtype=np.int64))
    for field in fields(one_by_one):
        if field.name not in ("curve", "curves"):
            np.testing.assert_array_equal(getattr(together, field.name), getattr(one_by_one, field.name), field.name)
    assert_same_curves(together, one_by_one)
    both = terms.terms(devices, ordered, [rules[pump.clinic_id] for pump in pumps])
    for field in fields(both):
        np.testing.assert_array_equal(getattr(batch.terms, field.name), getattr(both, field.name), field.name)
    assert renewal.compare([pump.pk for pump in pumps], now=NOW) == []
    assert renewal.check_and_renew([pump.pk for pump in pumps], now=NOW) == (0, [])


def test_plain_ledgers() -> None:
    clinic = a_clinic()
    DrugProduct.objects.create(clinic=clinic, name="Lioresal", key="lioresal", stability_days=90)
    pump = a_pump(clinic)
    a_refill(pump, NOW - 200 * DAY, formulation=" LIORESAL ", drug_expires_on=date(2027, 3, 14))
    a_dose(pump, NOW - 200 * DAY)
    a_refill(pump, NOW - 120 * DAY, aspirated_ml=D("9.5"), stability_days=77)
    a_dose(pump, NOW - 120 * DAY, mode="flex", daily_dose_mcg=D(200), steps=FLEX)
    a_refill(pump, NOW - 30 * DAY, aspirated_ml=D("6.1"), formulation="Lioresal")
    a_pump(model="codman-3000-30", factory_flow_ml_per_day=D("0.5"))
    a_running_pump()
    the_same_both_ways()


def test_ledgers_with_all_sorts_of_events() -> None:
    user = a_user()
    pump = a_running_pump()
    for kind, days, given in (
        ("interrogation", 20, {"volume_ml": D(36), "alarms": ["low_reservoir"]}),
        ("bolus", 19, {"dose_mcg": D(25)}),
        ("bridge_bolus", 18, {"volume_ml": D("0.4"), "duration_hours": D(20)}),
        ("stop", 5, {}),
    ):
        recorded(pump, EventEntry(kind=kind, occurred_at=NOW - days * DAY, **given))
    other = a_running_pump()
    wrong = a_dose(other, NOW - 10 * DAY, daily_dose_mcg=D(210))
    ledger.void(pump_id=other.pk, event_id=wrong.pk, reason="slip", user=user, source="page", now=NOW)
    a_dose(other, NOW + 3 * DAY, daily_dose_mcg=D(205))
    topped = a_running_pump(filled_days_ago=60)
    a_refill(topped, NOW - 20 * DAY, filled_ml=D(10), emptying="top_up")
    a_dose(topped, NOW - 10 * DAY, patient_bolus_mcg=D(10), patient_boluses_per_day=3)
    a_running_pump()
    the_same_both_ways()


def test_a_simulated_fleet_and_a_new_prior(tmp_path: Path) -> None:
    clinics = (SimClinic("North", "America/New_York"), SimClinic("South", "Europe/London"))
    write(tmp_path, clinics, simulated(seed=5, pumps=120, clinics=clinics, now=NOW))
    import_folder(folder=tmp_path, user=None, now=NOW)
    assert Event.objects.exclude(steps=[]).exists()
    the_same_both_ways()
    PumpModel.objects.update(flow_ratio_sd=D("0.08"))
    priors.follow_catalogue("test")
    ids = list(Pump.objects.order_by("pk").values_list("pk", flat=True))
    renewed, differing = renewal.check_and_renew(ids, now=NOW + DAY)
    assert renewed > 100
    assert differing == []
    assert renewal.compare(ids, now=NOW + DAY) == []


def test_columns_that_disagree_with_the_ledger_are_reported_and_never_written(monkeypatch: pytest.MonkeyPatch) -> None:
    pump, other = a_running_pump(), a_running_pump()
    before = Forecast.objects.get(pump=pump).programmed_low_at
    read = batches.read

    def wrong(pump_ids: list[int]) -> batches.Batch:
        batch = read(pump_ids)
        low = np.where(batch.ids == pump.pk, batch.fleet.low_ml + 1, batch.fleet.low_ml)
        return replace(batch, fleet=replace(batch.fleet, low_ml=low))

    monkeypatch.setattr(batches, "read", wrong)
    renewed, differing = renewal.check_and_renew([pump.pk, other.pk], now=NOW + DAY)
    assert (renewed, differing) == (0, [{"pump": pump.pk, "fields": ["columns"]}])
    assert Forecast.objects.get(pump=pump).programmed_low_at == before


def test_what_is_recorded_while_a_batch_is_computed_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    pump = a_running_pump()
    PumpModel.objects.update(flow_ratio_sd=D("0.09"))
    priors.follow_catalogue("test")

    def recorded_meanwhile(*args: Any, **options: Any) -> Any:
        a_dose(pump, NOW, daily_dose_mcg=D(210), now=NOW + timedelta(seconds=1))
        return next_looks(*args, **options)

    monkeypatch.setattr("pumps.services.renewal.next_looks", recorded_meanwhile)
    renewal.check_and_renew([pump.pk], now=NOW + DAY)
    monkeypatch.undo()
    assert renewal.compare([pump.pk], now=NOW) == []
    assert Forecast.objects.get(pump=pump).computed_at == NOW + timedelta(seconds=1)

from datetime import timedelta
from decimal import Decimal as D

import pytest

from alerts.models import Alert, Heartbeat
from clinics.roles import Role
from pumps import batches, forecasting
from pumps.models import FleetCheck, FleetPart, Forecast, PriorVersion, PumpModel
from pumps.services import catalogue, devices, fleet, nightly, priors, settings
from tests.builders import NOW, a_clinic, a_dose, a_pump, a_refill, a_running_pump, a_user

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def test_the_nightly_check_finds_nothing_wrong_in_an_honest_fleet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nightly, "BATCH", 2)
    for _ in range(5):
        a_running_pump()
    check = nightly.run_if_due(NOW)
    assert check is not None
    assert (check.pumps, check.differing, check.finished_at) == (5, 0, NOW)


def test_the_nightly_check_reports_and_mends_a_row_that_differs() -> None:
    pump = a_running_pump()
    before = Forecast.objects.get(pump=pump).low_at
    Forecast.objects.filter(pump=pump).update(low_at=NOW, refill_by=NOW + 300 * DAY)
    check = nightly.run_if_due(NOW)
    assert check is not None
    assert check.differing_pumps == [{"pump": pump.pk, "fields": ["low_at", "refill_by"]}]
    assert Forecast.objects.get(pump=pump).low_at == before


def test_a_missing_forecast_is_reported_and_made() -> None:
    pump = a_running_pump()
    Forecast.objects.filter(pump=pump).delete()
    check = nightly.run_if_due(NOW)
    assert check is not None
    assert check.differing == 1
    assert Forecast.objects.filter(pump=pump).exists()


def test_the_check_runs_once_a_night() -> None:
    a_running_pump()
    assert nightly.run_if_due(NOW) is not None
    assert nightly.run_if_due(NOW + timedelta(hours=1)) is None
    assert nightly.run_if_due(NOW + timedelta(hours=24)) is not None


def test_an_interrupted_check_goes_on_where_it_stopped() -> None:
    first, second = a_running_pump(), a_running_pump()
    begun = FleetCheck.objects.create(started_at=NOW, prior_version=forecasting.current_prior())
    FleetPart.objects.create(check_run=begun, done_pump_id=first.pk, last_pump_id=second.pk, pumps=1)
    check = nightly.run_if_due(NOW + timedelta(minutes=10))
    assert check is not None
    assert check.pumps == 2
    assert FleetCheck.objects.count() == 1


def test_a_new_prior_is_compared_with_the_old_and_then_applied() -> None:
    pump = a_running_pump()
    model = PumpModel.objects.get(pk=pump.model_id)
    PumpModel.objects.filter(pk=model.pk).update(flow_ratio_mean=D("1.02"))
    new = priors.follow_catalogue("test")
    check = nightly.run_if_due(NOW)
    assert check is not None
    assert check.differing == 0
    row = Forecast.objects.get(pump=pump)
    assert row.prior_version_id == new.pk
    assert row.flow_ratio_mean == pytest.approx(1.02)


def test_an_edited_catalogue_row_moves_its_pumps_and_survives_a_sync() -> None:
    pump = a_running_pump()
    before = Forecast.objects.get(pump=pump).earliest_low_at
    model = PumpModel.objects.get(pk=pump.model_id)
    assert catalogue.edit(model=model, changes={"flow_ratio_sd": D("0.1")}, now=NOW) == 1
    after = Forecast.objects.get(pump=pump).earliest_low_at
    assert before is not None
    assert after is not None
    assert after < before
    versions = PriorVersion.objects.count()
    catalogue.sync()
    assert PumpModel.objects.get(pk=model.pk).flow_ratio_sd == D("0.1")
    assert PriorVersion.objects.count() == versions


def test_a_settings_change_moves_the_clinics_pumps_only() -> None:
    clinic = a_clinic()
    mine, other = a_running_pump(clinic), a_running_pump()
    before = {row.pump_id: row.refill_by for row in Forecast.objects.all()}
    wanted = settings.ClinicSettings(refill_margin_days=14, max_refill_interval_days=180, patient_facing_name="")
    assert settings.change(clinic=clinic, settings=wanted, now=NOW) == 1
    after = {row.pump_id: row.refill_by for row in Forecast.objects.all()}
    assert before[mine.pk] == after[mine.pk] + 7 * DAY  # type: ignore[operator]  # both are known
    assert before[other.pk] == after[other.pk]


def test_a_tick_opens_what_is_due_and_leaves_the_rest() -> None:
    due, later = a_running_pump(filled_days_ago=80), a_running_pump(filled_days_ago=1)
    Alert.objects.all().delete()
    Forecast.objects.update(next_alert_at=NOW)
    fleet.tick(NOW)
    assert [alert.pump_id for alert in Alert.objects.all()] == [due.pk]
    waiting = Forecast.objects.get(pump=later)
    assert waiting.refill_by is not None
    assert waiting.next_alert_at == waiting.refill_by - 28 * DAY
    assert Heartbeat.objects.get(name="tick").at == NOW


def test_a_pump_out_of_use_is_off_the_worklist_and_its_alerts_close() -> None:
    pump = a_running_pump(filled_days_ago=80)
    fleet.tick(NOW)
    devices.correct(pump=pump, changes={"explanted_on": NOW.date()}, now=NOW)
    assert not Forecast.objects.on_worklist().exists()
    assert not Alert.objects.open().exists()


def test_serial_and_patient_search() -> None:
    pump = a_running_pump(serial_number="NGP0001")
    a_refill(a_pump(serial_number="PRO0001"), NOW)
    nurse = a_user(Role.NURSE)
    objects = type(pump).objects
    assert list(objects.matching("ngp", nurse)) == [pump]
    assert list(objects.matching(f"ada {pump.patient.family_name}", nurse)) == [pump]
    assert objects.matching("ada ros", nurse).count() == 2
    assert list(objects.matching(pump.patient.mrn, nurse)) == [pump]
    assert list(objects.matching("'; drop", nurse)) == []
    assert list(objects.matching("   ", nurse)) == []


def test_a_pump_that_cannot_be_computed_is_reported_and_hides_none_behind_it(monkeypatch: pytest.MonkeyPatch) -> None:
    broken, other = a_running_pump(), a_running_pump()
    Forecast.objects.filter(pump=other).update(low_at=NOW)
    read = batches.read

    def breaking(pump_ids: list[int]) -> object:
        if broken.pk in pump_ids:
            raise ValueError("this one")
        return read(pump_ids)

    monkeypatch.setattr(batches, "read", breaking)
    check = nightly.run_if_due(NOW)
    assert check is not None
    assert {found["pump"] for found in check.differing_pumps} == {broken.pk, other.pk}
    assert check.finished_at == NOW


def test_the_night_begins_at_two() -> None:
    a_running_pump()
    evening = NOW.replace(hour=22)
    assert nightly.run_if_due(evening) is not None
    assert nightly.run_if_due(evening + timedelta(hours=3, minutes=59)) is None
    assert nightly.run_if_due(evening + timedelta(hours=4)) is not None
    assert nightly.run_if_due(evening + timedelta(hours=20)) is None


def test_a_stopped_pump_that_is_filled_is_due_no_more() -> None:
    pump = a_running_pump(filled_days_ago=90)
    fleet.tick(NOW)
    a_dose(pump, NOW, mode="stopped", daily_dose_mcg=D(0))
    assert Alert.objects.get(pump=pump, kind="refill_due").closed_at is None
    a_refill(pump, NOW)
    assert Alert.objects.get(pump=pump, kind="refill_due").closed_at == NOW
    assert Alert.objects.get(pump=pump, kind="pump_stopped").closed_at is None

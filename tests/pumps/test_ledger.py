from datetime import date, timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.db import connection, transaction

from alerts.models import Alert
from clinics.errors import Conflict, Impossible, NeedsConfirmation
from pumps import forecasting
from pumps.models import Event, Forecast, Pump
from pumps.services import devices, fleet, ledger, renewal
from pumps.services.entries import DoseEntry, RefillEntry
from tests.builders import NOW, a_dose, a_pump, a_refill, a_running_pump, a_user

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def forecast(pump: Pump) -> Forecast:
    return Forecast.objects.get(pump=pump)


def test_a_new_pump_is_unknown_and_sorts_first() -> None:
    known, new = a_running_pump(), a_pump()
    assert forecast(new).unknown_reason == "no_fill"
    assert [row.pump_id for row in Forecast.objects.on_worklist()] == [new.pk, known.pk]


def test_a_pump_left_unknown_is_told_after_an_hour_until_it_is_completed() -> None:
    pump = a_pump()
    fleet.tick(NOW + timedelta(minutes=59))
    assert not Alert.objects.exists()
    fleet.tick(NOW + timedelta(minutes=60))
    alert = Alert.objects.get(pump=pump, kind="forecast_unknown")
    a_refill(pump, NOW - DAY)
    alert.refresh_from_db()
    assert alert.closed_at is None  # the dose is still missing
    a_dose(pump, NOW - DAY)
    alert.refresh_from_db()
    assert alert.closed_reason == "put right"


def test_a_refill_and_a_dose_give_dates_in_the_same_write() -> None:
    pump = a_pump()
    a_refill(pump, NOW - 30 * DAY)
    assert forecast(pump).unknown_reason == "no_dose"
    a_dose(pump, NOW - 30 * DAY)
    assert forecast(pump).programmed_low_at == NOW + 65 * DAY


def test_order_of_entry_does_not_matter() -> None:
    one, other = a_pump(), a_pump()
    a_refill(one, NOW - 60 * DAY)
    a_dose(one, NOW - 60 * DAY)
    a_refill(one, NOW - 5 * DAY, aspirated_ml=D(18))
    a_refill(other, NOW - 5 * DAY, aspirated_ml=D(18))
    a_dose(other, NOW - 60 * DAY)
    a_refill(other, NOW - 60 * DAY)
    assert renewal.compare([one.pk, other.pk], now=NOW) == []
    rows = [forecast(pump) for pump in (one, other)]
    assert rows[0].low_at == rows[1].low_at
    assert rows[0].flow_ratio_refills == rows[1].flow_ratio_refills == 1


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"filled_ml": D("40.001")}, "filled_ml"),
        ({"filled_ml": D(-1)}, "filled_ml"),
        ({"aspirated_ml": D(-1)}, "aspirated_ml"),
        ({"aspirated_ml": D(41)}, "aspirated_ml"),
        ({"concentration_mcg_per_ml": D(0)}, "concentration_mcg_per_ml"),
        ({"at": NOW + timedelta(minutes=6)}, "refilled_at"),
        ({"at": NOW - 3000 * DAY}, "refilled_at"),
    ],
)
def test_an_impossible_refill_names_its_field_and_stores_nothing(fields: dict[str, Any], field: str) -> None:
    pump = a_pump()
    at = fields.pop("at", NOW)
    with pytest.raises(Impossible) as error:
        a_refill(pump, at, **fields)
    assert list(error.value.errors) == [field]
    assert not Event.objects.filter(pump=pump).exists()


def test_five_minutes_ahead_is_a_clock_not_a_mistake() -> None:
    a_refill(a_pump(), NOW + timedelta(minutes=5))


def test_another_concentration_must_say_what_was_programmed() -> None:
    pump = a_running_pump()
    with pytest.raises(Impossible) as error:
        a_refill(pump, NOW, concentration_mcg_per_ml=D(2000))
    assert list(error.value.errors) == ["programmed_concentration_mcg_per_ml"]


def test_a_constant_flow_pump_is_never_programmed() -> None:
    pump = a_pump(model="codman-3000-30", factory_flow_ml_per_day=D("0.5"))
    a_refill(pump, NOW - 30 * DAY, filled_ml=D(30))
    event = a_refill(pump, NOW, filled_ml=D(30), concentration_mcg_per_ml=D(2000))
    assert event.programmed_concentration_mcg_per_ml == D(2000)
    row = forecast(pump)
    assert row.programmed_empty_at == NOW + 60 * DAY
    assert "concentration_not_programmed" not in {finding["code"] for finding in row.findings}


def test_a_pump_not_reprogrammed_keeps_its_flow_and_raises_an_alert() -> None:
    pump = a_running_pump()
    a_refill(pump, NOW, concentration_mcg_per_ml=D(2000), programmed_concentration_mcg_per_ml=D(500))
    row = forecast(pump)
    assert row.programmed_low_at == NOW + 95 * DAY
    assert "concentration_not_programmed" in {finding["code"] for finding in row.findings}
    assert Alert.objects.open().filter(pump=pump, kind="concentration_not_programmed").exists()


def test_the_same_moment_twice_is_a_conflict() -> None:
    pump = a_running_pump()
    with pytest.raises(Conflict):
        a_refill(pump, NOW - 30 * DAY)


@pytest.mark.parametrize("dose", ["4800", "8.3", "800", "50", "200000", "0.2", "4600", "210000"])
def test_a_slip_of_unit_asks_and_is_stored_once_confirmed(dose: str) -> None:
    pump, user = a_running_pump(), a_user()
    entry = DoseEntry(effective_at=NOW, mode="simple_continuous", daily_dose_mcg=D(dose))

    def record(*confirmed: str) -> Event:
        return ledger.record(pump_id=pump.pk, entry=entry, user=user, source="api", now=NOW, confirmed=confirmed)

    with pytest.raises(NeedsConfirmation) as error:
        record()
    assert Event.objects.filter(pump=pump, occurred_at=NOW).count() == 0
    codes = [doubt.code for doubt in error.value.doubts]
    assert codes[0].startswith("factor_")
    assert record(*codes).daily_dose_mcg == D(dose)


def test_an_odd_dose_is_recorded_and_flagged_never_refused() -> None:
    pump = a_running_pump()
    a_dose(pump, NOW, daily_dose_mcg=D(2500))
    codes = {finding["code"] for finding in forecast(pump).findings}
    assert {"dose_out_of_range", "dose_above_1000"} <= codes


def test_a_stopped_pump_alarms_at_once_and_a_restart_puts_it_right() -> None:
    pump = a_running_pump()
    a_dose(pump, NOW - DAY, mode="stopped", daily_dose_mcg=D(0))
    assert forecast(pump).refill_by is None
    assert Alert.objects.open().filter(pump=pump, kind="pump_stopped").exists()
    a_dose(pump, NOW)
    assert not Alert.objects.open().filter(pump=pump, kind="pump_stopped").exists()


def test_a_planned_stop_alarms_when_it_comes() -> None:
    pump = a_running_pump()
    a_dose(pump, NOW + DAY, mode="stopped", daily_dose_mcg=D(0))
    assert not Alert.objects.open().filter(pump=pump).exists()
    fleet.tick(NOW + DAY)
    assert Alert.objects.open().filter(pump=pump, kind="pump_stopped").exists()


def test_a_void_restores_the_exact_earlier_forecast() -> None:
    pump = a_running_pump()
    before = forecast(pump)
    event = a_refill(pump, NOW, aspirated_ml=D(25))
    assert forecasting.differs(before, forecast(pump))
    ledger.void(pump_id=pump.pk, event_id=event.pk, reason="wrong pump", user=a_user(), source="page", now=NOW)
    assert forecasting.differs(before, forecast(pump)) == []
    assert Event.objects.filter(pump=pump).count() == 4  # both stay


def test_a_void_needs_a_reason_and_happens_once() -> None:
    pump, user = a_running_pump(), a_user()
    event = a_refill(pump, NOW)

    def void(event_id: int, reason: str) -> Event:
        return ledger.void(pump_id=pump.pk, event_id=event_id, reason=reason, user=user, source="page", now=NOW)

    with pytest.raises(Impossible):
        void(event.pk, "  ")
    error = void(event.pk, "wrong day")
    with pytest.raises(Conflict):
        void(event.pk, "again")
    with pytest.raises(Conflict):
        void(error.pk, "void the void")


def test_a_replacement_takes_the_voided_entrys_place_or_nothing_is_stored() -> None:
    pump, user = a_running_pump(), a_user()
    event = a_refill(pump, NOW, filled_ml=D(4))

    def replace(**fields: Any) -> Event:
        entry = RefillEntry(refilled_at=NOW, concentration_mcg_per_ml=D(500), **fields)
        return ledger.void(
            pump_id=pump.pk, event_id=event.pk, reason="slip", user=user, source="page", now=NOW, replacement=entry
        )

    with pytest.raises(Impossible):
        replace(filled_ml=D(400))
    assert Event.objects.filter(voids=event).count() == 0
    error = replace(filled_ml=D(40))
    assert error.replacement is not None
    assert error.replacement.filled_ml == D(40)
    assert forecast(pump).programmed_low_at == NOW + 95 * DAY


def test_one_event_to_stored_forecast_takes_a_constant_number_of_queries(
    django_assert_max_num_queries: Any,
) -> None:
    pump, user = a_running_pump(filled_days_ago=90), a_user()
    for days in range(60, 10, -2):
        a_dose(pump, NOW - days * DAY, by=user, daily_dose_mcg=D(200 + days))
    # Seven to the stored forecast: the pump (2), what is believed, the ledger, what the clinic set, event and forecast.
    # Four for alerts: ladder, visits, the open ones, and the one that moves. A savepoint of the test is two,
    # and a dose that nobody signed asks for a signature, and whether it ends a taper.
    change = DoseEntry(effective_at=NOW - DAY, mode="simple_continuous", daily_dose_mcg=D(210))
    with django_assert_max_num_queries(7 + 4 + 2 + 2):
        ledger.record(pump_id=pump.pk, entry=change, user=user, source="page", now=NOW)
    # A refill looks for the visit it was given at, and closes an alert, which is written and logged.
    entry = RefillEntry(refilled_at=NOW, filled_ml=D(40), concentration_mcg_per_ml=D(500), aspirated_ml=D(2))
    with django_assert_max_num_queries(7 + 4 + 2 + 2):
        ledger.record(
            pump_id=pump.pk, entry=entry, user=user, source="page", now=NOW, confirmed=["aspirated_unexpected"]
        )


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        (
            {"concentration_mcg_per_ml": D(5000), "programmed_concentration_mcg_per_ml": D(5000)},
            "concentration_off_market",
        ),
        ({"filled_ml": D(0)}, "filled_nothing"),
        ({"drug_expires_on": date(2026, 11, 1)}, "drug_expired"),
    ],
)
def test_an_unlikely_refill_asks_and_is_stored_once_confirmed(fields: dict[str, Any], code: str) -> None:
    pump, user = a_running_pump(), a_user()
    values: dict[str, Any] = {"filled_ml": D(40), "concentration_mcg_per_ml": D(500), **fields}
    entry = RefillEntry(refilled_at=NOW, **values)
    with pytest.raises(NeedsConfirmation) as error:
        ledger.record(pump_id=pump.pk, entry=entry, user=user, source="page", now=NOW)
    assert [doubt.code for doubt in error.value.doubts] == [code]
    ledger.record(pump_id=pump.pk, entry=entry, user=user, source="page", now=NOW, confirmed=[code])


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"implanted_on": date(2026, 11, 10)}, "implanted_on"),
        ({"explanted_on": date(2026, 10, 1)}, "explanted_on"),
        ({"low_reservoir_alarm_ml": D(40)}, "low_reservoir_alarm_ml"),
    ],
)
def test_a_pumps_particulars_cannot_contradict_its_ledger(changes: dict[str, Any], field: str) -> None:
    pump = a_running_pump()
    with pytest.raises(Impossible) as error:
        devices.correct(pump=pump, changes=changes, now=NOW)
    assert list(error.value.errors) == [field]


def test_a_blank_low_level_is_the_catalogues_again() -> None:
    pump = a_running_pump(low_reservoir_alarm_ml=D(4))
    assert devices.correct(pump=pump, changes={"low_reservoir_alarm_ml": None}, now=NOW).low_reservoir_alarm_ml == 2


def test_a_pump_entered_with_its_explant_is_out_of_use() -> None:
    pump = a_pump(explanted_on=date(2026, 1, 1))
    assert pump.status == "explanted"
    assert not forecast(pump).in_use


@pytest.mark.django_db(transaction=True)
def test_a_pump_that_is_held_holds_its_forecast_too() -> None:
    pump, other = a_running_pump(), a_running_pump()
    second = connection.copy()
    try:
        with transaction.atomic():
            assert [each.pk for each in forecasting.held([pump.pk])] == [pump.pk]
            with second.cursor() as cursor:
                for table, key in (("pumps_pump", "id"), ("pumps_forecast", "pump_id")):
                    cursor.execute(f"SELECT {key} FROM {table} ORDER BY {key} FOR NO KEY UPDATE SKIP LOCKED")  # noqa: S608
                    assert cursor.fetchall() == [(other.pk,)], table
    finally:
        second.close()

"""A pump's low level, its catheter, and its end."""

from datetime import date, timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.utils import timezone

from alerts.models import Alert
from clinics.errors import Conflict, Impossible
from clinics.models import Change
from clinics.roles import Role
from pumps.catheter import Catheter, catheter_of
from pumps.models import Forecast, Pump, PumpModel
from pumps.services import devices, fleet, ledger, low_level, renewal
from pumps.services.entries import EventEntry
from tests.api.clients import client_of, results
from tests.builders import NOW, a_dose, a_pump, a_refill, a_running_pump, a_user, recorded

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def raised(pump: Pump, **fields: Any) -> Pump:
    values = {"reason": "itching two days before", "noticed_on": NOW.date(), "now": NOW, "by": a_user(), **fields}
    return low_level.raise_low_level(pump=pump, **values)


def test_a_raised_low_level_moves_the_date_and_the_alerts_in_the_same_write() -> None:
    pump = a_running_pump(
        filled_days_ago=48
    )  # refill by in 30 days; 4 to 5 days earlier at 4 mL, within the first tier
    assert not Alert.objects.exists()
    before = Forecast.objects.get(pump=pump)
    raised(pump, noticed_on=NOW.date() - DAY)
    pump.refresh_from_db()
    assert (pump.low_reservoir_alarm_ml, pump.low_level_noticed_on) == (D(4), NOW.date() - DAY)
    after = Forecast.objects.get(pump=pump)
    assert before.programmed_low_at is not None
    assert after.programmed_low_at == before.programmed_low_at - 5 * DAY
    assert Alert.objects.open().get(pump=pump).kind == "refill_due"
    assert renewal.compare([pump.pk], now=NOW) == []
    details = Change.objects.get(subject=f"pump:{pump.pk}", summary="Pump changed").details
    assert details["low_reservoir_alarm_ml"] == ["2", "4"]
    assert details["low_level_reason"] == ["blank", "itching two days before"]


def test_a_higher_level_stays_and_another_level_loses_the_reason() -> None:
    pump = a_pump(low_reservoir_alarm_ml=D(5))
    assert raised(pump).low_reservoir_alarm_ml == 5
    changed = devices.correct(pump=pump, changes={"low_reservoir_alarm_ml": D(3)}, now=NOW)
    assert (changed.low_level_reason, changed.low_level_noticed_on) == ("", None)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"reason": "  "}, "reason"),
        ({"noticed_on": NOW.date() + DAY}, "noticed_on"),
        ({"noticed_on": date(2025, 1, 6)}, "noticed_on"),
    ],
)
def test_a_low_level_needs_a_reason_and_a_day_that_can_be(fields: dict[str, Any], field: str) -> None:
    pump = a_running_pump()
    with pytest.raises(Impossible) as error:
        raised(pump, **fields)
    assert list(error.value.errors) == [field]
    pump.refresh_from_db()
    assert (pump.low_reservoir_alarm_ml, pump.low_level_reason) == (D(2), "")


def test_a_small_reservoir_and_a_pump_that_is_out_keep_their_level() -> None:
    small = PumpModel.objects.get(slug="synchromed-ii-20")
    small.pk, small.slug, small.model, small.reservoir_ml = None, "tiny", "Tiny", D(4)
    small.save()
    pump = a_pump()
    Pump.objects.filter(pk=pump.pk).update(model=small)
    with pytest.raises(Impossible, match="low_reservoir_alarm_ml"):
        raised(pump)
    out = a_pump(explanted_on=NOW.date())
    with pytest.raises(Conflict):
        raised(out)


def revision(pump: Pump, days_ago: float, volume: str | None) -> Any:
    volume_ml = D(volume) if volume is not None else None
    at = NOW - days_ago * DAY
    return recorded(pump, EventEntry(kind="catheter_revision", occurred_at=at, catheter_volume_ml=volume_ml))


def test_the_catheter_is_as_its_last_standing_revision_left_it() -> None:
    pump = a_running_pump(catheter_volume_ml=D("0.2"))
    assert catheter_of(pump) == Catheter(D("0.2"))
    revision(pump, 20, "0.15")
    last = revision(pump, 10, "0.11")
    revision(pump, 15, "0.13")  # entered late
    assert catheter_of(pump) == Catheter(D("0.1100"), last.occurred_at)
    ledger.void(pump_id=pump.pk, event_id=last.pk, reason="slip", user=a_user(), source="page", now=NOW)
    assert catheter_of(pump).volume_ml == D("0.1300")
    revision(pump, 1, None)
    assert catheter_of(pump).volume_ml is None


def test_the_catheter_and_the_low_level_over_the_api() -> None:
    now = timezone.now()
    pump = a_running_pump(catheter_volume_ml=D("0.2"), now=now)
    nurse = client_of(a_user(Role.NURSE, pump.clinic))
    revised = {"kind": "catheter_revision", "occurred_at": now.isoformat(), "catheter_volume_ml": "0.15"}
    assert nurse.post(f"/api/v1/pumps/{pump.pk}/events/", revised).status_code == 201
    [row] = results(nurse.get("/api/v1/pumps/"))
    assert (row["catheter_volume_ml"], row["catheter_now"]["volume_ml"]) == ("0.2000", "0.1500")
    today = now.astimezone(pump.clinic.zone).date()
    body = {"noticed_on": today.isoformat(), "reason": "fever"}
    scheduler = client_of(a_user(Role.SCHEDULER, pump.clinic))
    url = f"/api/v1/pumps/{pump.pk}/low-level/"
    assert scheduler.post(url, body).status_code == 403
    assert nurse.post(url, {**body, "reason": ""}).json().keys() == {"reason"}
    answer = nurse.post(url, body)
    assert answer.status_code == 200, answer.content
    assert (answer.json()["low_reservoir_alarm_ml"], answer.json()["low_level_reason"]) == ("4.00", "fever")
    seen = scheduler.get(f"/api/v1/pumps/{pump.pk}/").json()
    shown = (seen["low_reservoir_alarm_ml"], seen["low_level_reason"], seen["low_level_noticed_on"])
    assert shown == ("4.00", "", None)


def test_a_replacement_closes_the_old_ledger_and_begins_a_new_one() -> None:
    now = timezone.now()
    pump = a_running_pump(filled_days_ago=95, now=now)
    fleet.tick(now)
    nurse = client_of(a_user(Role.NURSE, pump.clinic))
    today = now.astimezone(pump.clinic.zone).date()
    body = {"on": (today - DAY).isoformat(), "reason": "end of service", "model": "prometra-20", "serial_number": "N1"}
    answer = nurse.post(f"/api/v1/pumps/{pump.pk}/replace/", body)
    assert answer.status_code == 201, answer.content
    new = Pump.objects.get(pk=answer.json()["id"])
    assert (new.replaces_id, new.implanted_on, new.events.count()) == (pump.pk, today - DAY, 0)
    assert Forecast.objects.get(pump=new).unknown_reason == "no_fill"
    assert not Forecast.objects.get(pump=pump).in_use
    assert not Alert.objects.open().filter(pump=pump).exists()
    with pytest.raises(Impossible) as error:
        a_dose(pump, now, now=now, daily_dose_mcg=D(210))
    assert list(error.value.errors) == ["effective_at"]
    a_refill(new, now, filled_ml=D(20), now=now)


def test_an_explant_by_api_wants_a_reason_and_happens_once() -> None:
    pump = a_running_pump(now=timezone.now())
    nurse = client_of(a_user(Role.NURSE, pump.clinic))
    url, today = f"/api/v1/pumps/{pump.pk}/explant/", timezone.now().astimezone(pump.clinic.zone).date()
    assert nurse.post(url, {"on": today.isoformat(), "reason": ""}).status_code == 400
    assert nurse.post(url, {"on": "2025-06-01", "reason": "infection"}).json().keys() == {"on"}
    assert nurse.post(url, {"on": today.isoformat(), "reason": "infection"}).json()["status"] == "explanted"
    assert nurse.post(url, {"on": today.isoformat(), "reason": "again"}).status_code == 409

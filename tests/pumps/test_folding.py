from datetime import timedelta
from decimal import Decimal as D

import pytest

from pumps import folding
from pumps.models import Event
from pumps.services import ledger
from pumps.services.entries import EventEntry
from tests.builders import NOW, a_dose, a_refill, a_running_pump, a_user, recorded

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
FLEX = [{"start": "06:00", "rate_mcg_per_h": "7"}, {"start": "22:00", "rate_mcg_per_h": "11"}]


def test_one_pump_is_read_as_a_fleet_is() -> None:
    pump, other = a_running_pump(), a_running_pump()
    a_dose(pump, NOW - 2 * DAY, mode="flex", daily_dose_mcg=D(200), steps=FLEX)
    recorded(pump, EventEntry(kind="interrogation", occurred_at=NOW - DAY, volume_ml=D(28), alarms=["low_reservoir"]))
    wrong = a_refill(pump, NOW - 3 * DAY)
    ledger.void(pump_id=pump.pk, event_id=wrong.pk, reason="twice", user=a_user(), source="page", now=NOW)

    def of_fleet(**chosen: object) -> list[folding.Row]:
        found = folding.rows([pump.pk, other.pk], **chosen)  # type: ignore[arg-type]
        return [row for row in found if row.pump_id == pump.pk]

    first = Event.objects.filter(pump=pump).order_by("pk")[0]
    assert list(folding.rows([pump.pk])) == of_fleet()
    assert len(of_fleet()) == 4
    assert list(folding.rows([pump.pk], until=NOW - 2 * DAY)) == of_fleet(until=NOW - 2 * DAY)
    assert list(folding.rows([pump.pk], without=[first.pk])) == of_fleet(without=[first.pk])

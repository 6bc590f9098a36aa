"""What no refill cures: the end of a pump's life, and a plan that nobody has confirmed."""

from datetime import date, timedelta
from decimal import Decimal as D

import pytest

from alerts.messages import compose
from alerts.models import Alert, Notification
from clinics.roles import Role
from pumps.models import Forecast, Pump
from pumps.services import fleet, plans
from pumps.services.entries import EventEntry
from tests.builders import NOW, a_clinic, a_dose, a_refill, a_running_pump, a_user, recorded

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def alert_of(pump: Pump, kind: str) -> Alert | None:
    return Alert.objects.open().filter(pump=pump, kind=kind).first()


def ending_in(days: int) -> Pump:
    """A running pump whose seven years end so many days from NOW."""
    ends_on = (NOW + days * DAY).date()
    return a_running_pump(implanted_on=date(ends_on.year - 7, ends_on.month, min(ends_on.day, 28)))


@pytest.mark.parametrize(("days", "tier"), [(300, None), (150, "half_year"), (60, "quarter"), (-10, "ended")])
def test_the_end_of_a_pumps_life_is_told_six_and_three_months_ahead(days: int, tier: str | None) -> None:
    pump = ending_in(days)
    fleet.tick(NOW)
    alert = alert_of(pump, "service_ending")
    assert (alert.tier if alert is not None else None) == tier


def test_it_opens_when_the_time_has_come_and_grows_more_severe() -> None:
    clinic = a_clinic()
    prescriber = a_user(Role.PRESCRIBER, clinic)
    ends_on = (NOW + 200 * DAY).date()
    pump = a_running_pump(clinic, implanted_on=date(ends_on.year - 7, ends_on.month, ends_on.day))
    fleet.tick(NOW)
    assert alert_of(pump, "service_ending") is None
    fleet.tick(NOW + 20 * DAY)
    assert Notification.objects.filter(user=prescriber, alert__kind="service_ending").exists()
    fleet.tick(NOW + 112 * DAY)
    alert = alert_of(pump, "service_ending")
    assert alert is not None
    assert alert.tier == "quarter"


def test_a_refill_leaves_it_open_and_an_indicator_moves_it() -> None:
    pump = ending_in(150)
    fleet.tick(NOW)
    a_refill(pump, NOW, aspirated_ml=D(28))
    alert = alert_of(pump, "service_ending")
    assert alert is not None
    assert alert.tier == "half_year"
    recorded(pump, EventEntry(kind="interrogation", occurred_at=NOW, alarms=["replacement_due"]))
    alert.refresh_from_db()
    assert alert.closed_at is None
    assert alert.service_ends_at == NOW + 90 * DAY == Forecast.objects.get(pump=pump).service_ends_at
    assert alert.tier == "quarter"


def test_a_plan_asks_from_its_moment_on_until_it_is_confirmed() -> None:
    pump, user = a_running_pump(), a_user()
    plan = a_dose(pump, NOW + 2 * DAY, daily_dose_mcg=D(210))
    fleet.tick(NOW + DAY)
    assert alert_of(pump, "plan_unconfirmed") is None
    fleet.tick(NOW + 2 * DAY)
    assert alert_of(pump, "plan_unconfirmed") is not None
    plans.confirm(pump_id=pump.pk, event=plan, user=user, source="page", now=NOW + 3 * DAY)
    assert alert_of(pump, "plan_unconfirmed") is None


def test_the_message_says_that_no_refill_helps() -> None:
    clinic = a_clinic()
    a_user(Role.PRESCRIBER, clinic)
    ends_on = (NOW + 150 * DAY).date()
    a_running_pump(clinic, implanted_on=date(ends_on.year - 7, ends_on.month, ends_on.day))
    fleet.tick(NOW)
    row = Notification.objects.filter(alert__kind="service_ending", user__isnull=False).first()
    assert row is not None
    body = str(compose(row).body)
    assert f"service ends on {ends_on:%A} {ends_on.day} {ends_on:%B %Y}" in body
    assert "no refill helps" in body
    assert "until the pump is replaced or explanted" in body


def test_several_plans_that_nobody_confirmed_are_one_alert() -> None:
    pump = a_running_pump()
    for days in (2, 4, 6):
        a_dose(pump, NOW + days * DAY, daily_dose_mcg=D(200 - days))
    fleet.tick(NOW + 5 * DAY)
    assert Alert.objects.open().filter(pump=pump, kind="plan_unconfirmed").count() == 1

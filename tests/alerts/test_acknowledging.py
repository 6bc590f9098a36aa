"""Acknowledged is not forgotten: for how long, by whom, what ends it."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from alerts.models import Alert, AlertStep, Notification
from alerts.services.acknowledging import acknowledge, resolve
from clinics.errors import Conflict, Impossible
from clinics.models import Clinic, User
from clinics.roles import Role
from pumps.models import Pump
from pumps.services import fleet
from tests.alerts.test_telling import a_due_pump
from tests.builders import NOW, a_clinic, a_dose, a_refill, a_user

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture
def clinic() -> Clinic:
    found = a_clinic()
    for role in (Role.SCHEDULER, Role.NURSE, Role.PRESCRIBER):
        a_user(role, found)
    return found


def opened(clinic: Clinic, days: float) -> tuple[Pump, Alert]:
    pump = a_due_pump(clinic, days)
    fleet.tick(NOW)
    return pump, Alert.objects.get(pump=pump)


def quieted(alert: Alert, until: datetime | None = None, *, now: datetime = NOW) -> datetime:
    by = User.objects.filter(memberships__clinic=alert.clinic_id).earliest("pk")
    found = acknowledge(alert_id=alert.pk, until=until, note="called", spoken_with="Ada", by=by, now=now)
    assert found.acknowledged_until is not None
    return found.acknowledged_until


def mails(alert: Alert) -> int:
    return Notification.objects.filter(alert=alert, channel="email").values("repeat_number").distinct().count()


@pytest.mark.parametrize(
    ("days", "hours"),
    [(20, 72), (6, 72), (3.1, 72), (2, 48), (0.5, 12), (-1, 4), (-8, 1), (-25, 1)],
)
def test_it_lasts_as_long_as_its_tier_allows(clinic: Clinic, days: float, hours: float) -> None:
    """72 hours and never beyond refill-by; past it 4 hours; low and empty 1 hour."""
    _, alert = opened(clinic, days)
    exactly = quieted(alert, NOW + 365 * DAY)
    expected = min(NOW + hours * HOUR, alert.refill_by) if days > 0 and alert.refill_by else NOW + hours * HOUR
    assert abs(exactly - expected) < timedelta(minutes=2)
    if days == 2:
        assert exactly == alert.refill_by


def test_a_shorter_wish_is_kept_and_a_longer_one_is_cut(clinic: Clinic) -> None:
    _, alert = opened(clinic, -1)
    assert quieted(alert, NOW + 3 * HOUR) == NOW + 3 * HOUR
    _, other = opened(clinic, -1)
    assert quieted(other, NOW + 4 * HOUR + timedelta(seconds=1)) == NOW + 4 * HOUR


def test_nobody_is_told_until_it_ends_and_then_it_ends_by_itself(clinic: Clinic) -> None:
    _, alert = opened(clinic, -1)
    until = quieted(alert)
    fleet.tick(until - timedelta(seconds=1))
    assert mails(alert) == 1
    fleet.tick(until)
    alert.refresh_from_db()
    assert mails(alert) == 2
    assert (alert.acknowledged_until, alert.acknowledged_by_id, alert.acknowledged_note) == (None, None, "")
    assert alert.next_due_at == until + 12 * HOUR
    assert [step.what for step in alert.steps.all()] == [
        "opened",
        "told",
        "acknowledged",
        "acknowledgement ended",
        "told",
    ]
    fleet.tick(until + 12 * HOUR)
    assert mails(alert) == 3


def test_what_makes_it_due_meanwhile_does_not_break_the_quiet(clinic: Clinic) -> None:
    _, alert = opened(clinic, -1)
    until = quieted(alert)
    Alert.objects.update(next_due_at=NOW)
    fleet.tick(NOW + HOUR)
    alert.refresh_from_db()
    assert mails(alert) == 1
    assert alert.next_due_at == until


def test_it_is_cut_short_but_not_prolonged(clinic: Clinic) -> None:
    _, alert = opened(clinic, -1)
    first = quieted(alert)
    assert quieted(alert, now=NOW + 3 * HOUR) == first
    assert quieted(alert, NOW + 3.5 * HOUR, now=NOW + 3 * HOUR) == NOW + 3.5 * HOUR


def test_a_pump_that_gets_worse_is_told_at_once(clinic: Clinic) -> None:
    pump, alert = opened(clinic, 13)
    quieted(alert)
    a_dose(pump, NOW, daily_dose_mcg=Decimal(900))
    alert.refresh_from_db()
    assert alert.acknowledged_until is None
    fleet.tick(NOW)
    assert mails(alert) == 2
    assert AlertStep.objects.filter(alert=alert, what="acknowledgement ended").count() == 1


def test_dates_that_move_earlier_shorten_it(clinic: Clinic) -> None:
    pump, alert = opened(clinic, 6.5)
    quieted(alert)
    a_dose(pump, NOW, daily_dose_mcg=Decimal(340))
    alert.refresh_from_db()
    assert alert.refill_by is not None
    assert alert.tier == "urgent"
    assert NOW < alert.refill_by < NOW + 72 * HOUR
    assert alert.acknowledged_until == alert.refill_by
    fleet.tick(alert.refill_by)
    alert.refresh_from_db()
    assert alert.tier == "past"
    assert mails(alert) == 2


@pytest.mark.parametrize(
    ("days", "note", "spoken_with", "fields"),
    [
        (6, "", "", set()),
        (-1, " ", "", {"note"}),
        (-1, "called", "", set()),
        (-8, "", "", {"note"}),
        (-25, "", "", {"note", "spoken_with"}),
        (-25, "called", "", {"spoken_with"}),
        (-25, "called", "Ada", set()),
        (6, "x" * 351, "y" * 101, {"note", "spoken_with"}),
    ],
)
def test_it_holds_what_the_tier_asks_for(
    clinic: Clinic, days: float, note: str, spoken_with: str, fields: set[str]
) -> None:
    _, alert = opened(clinic, days)
    by = a_user(Role.NURSE, clinic)
    if not fields:
        acknowledge(alert_id=alert.pk, until=None, note=note, spoken_with=spoken_with, by=by, now=NOW)
        return
    with pytest.raises(Impossible) as refused:
        acknowledge(alert_id=alert.pk, until=None, note=note, spoken_with=spoken_with, by=by, now=NOW)
    assert set(refused.value.errors) == fields
    alert.refresh_from_db()
    assert alert.acknowledged_until is None


@pytest.mark.parametrize("seconds", [-1, 0, 1])
def test_until_lies_ahead(clinic: Clinic, seconds: int) -> None:
    _, alert = opened(clinic, 6)
    until = NOW + timedelta(seconds=seconds)
    if seconds > 0:
        assert quieted(alert, until) == until
    else:
        with pytest.raises(Impossible, match="has passed"):
            quieted(alert, until)


def test_it_never_closes_and_nothing_closed_is_acknowledged(clinic: Clinic) -> None:
    pump, alert = opened(clinic, -1)
    quieted(alert)
    alert.refresh_from_db()
    assert alert.closed_at is None
    a_refill(pump, NOW + timedelta(seconds=1), now=NOW + timedelta(seconds=1))
    with pytest.raises(Conflict, match="closed: refilled"):
        quieted(alert, now=NOW + HOUR)


def test_a_refill_alert_is_closed_by_a_refill_alone(clinic: Clinic) -> None:
    _, alert = opened(clinic, -1)
    with pytest.raises(Conflict, match="Record the refill"):
        resolve(alert_id=alert.pk, note="done", by=a_user(Role.NURSE, clinic), now=NOW)

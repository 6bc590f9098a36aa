from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from alerts.models import Alert, Notification
from alerts.services import engine, telling
from clinics.models import Clinic, Membership, User
from clinics.roles import Role
from clinics.services.tenants import go_live
from patients.models import Patient
from pumps import alerting
from pumps.models import Forecast, Pump
from pumps.services import fleet, ledger
from tests.builders import NOW, a_clinic, a_dose, a_patient, a_refill, a_running_pump, a_user

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
# With 40 mL at 0.4 mL/day and no refill behind it, refill-by lies 78.1 days after the fill:
# 95 days / 1.1163 (99th percentile of the prior) - 7.
REFILL_BY_DAYS = 95 / 1.1163173937 - 7


def a_due_pump(clinic: Clinic, days_to_refill_by: float, **fields: object) -> Pump:
    return a_running_pump(clinic, filled_days_ago=REFILL_BY_DAYS - days_to_refill_by, **fields)  # type: ignore[arg-type]  # passed on


def recipients(pump: Pump) -> set[str]:
    return set(Notification.objects.filter(alert__pump=pump).values_list("recipient", flat=True))


def who(*users: User) -> set[str]:
    return {f"user:{user.pk}" for user in users} | {"screen"}


@pytest.mark.parametrize(
    ("days", "tier", "roles"),
    [
        (27, "book", [Role.SCHEDULER]),
        (20, "patient", [Role.SCHEDULER]),  # no consent: a scheduler phones
        (13, "unbooked", [Role.SCHEDULER]),
        (6, "urgent", [Role.SCHEDULER, Role.NURSE]),
        (-1, "past", [Role.SCHEDULER, Role.NURSE]),
        (-8, "low", [Role.SCHEDULER, Role.NURSE, Role.PRESCRIBER]),
        (-25, "empty", [Role.SCHEDULER, Role.NURSE, Role.PRESCRIBER, Role.ADMINISTRATOR]),
    ],
)
def test_each_tier_tells_its_roles_at_that_clinic(days: int, tier: str, roles: list[Role]) -> None:
    clinic = a_clinic()
    staff = {role: a_user(role, clinic) for role in Role}
    a_user(Role.NURSE, a_clinic())
    pump = a_due_pump(clinic, days)
    fleet.tick(NOW)
    assert Alert.objects.get(pump=pump).tier == tier
    assert recipients(pump) == who(*(staff[role] for role in roles))


def test_before_the_first_tier_nobody_is_told() -> None:
    pump = a_due_pump(a_clinic(), 29)
    fleet.tick(NOW)
    assert not Alert.objects.filter(pump=pump).exists()


def test_a_member_of_all_clinics_is_told() -> None:
    clinic = a_clinic()
    scheduler = a_user(Role.SCHEDULER)
    pump = a_due_pump(clinic, 20)
    fleet.tick(NOW)
    assert recipients(pump) == who(scheduler)


def test_a_second_tick_tells_nobody_twice_and_the_repeat_comes_in_its_time() -> None:
    clinic = a_clinic()
    a_user(Role.SCHEDULER, clinic)
    pump = a_due_pump(clinic, -1)
    fleet.tick(NOW)
    fleet.tick(NOW + timedelta(seconds=30))
    told = Notification.objects.filter(alert__pump=pump, channel="email")
    assert told.count() == 1
    fleet.tick(NOW + timedelta(hours=12))
    assert sorted(told.values_list("repeat_number", flat=True)) == [1, 2]


def test_three_days_asleep_is_one_message_not_six() -> None:
    clinic = a_clinic()
    a_user(Role.SCHEDULER, clinic)
    pump = a_due_pump(clinic, -1)
    fleet.tick(NOW)
    fleet.tick(NOW + 3 * DAY)
    assert Notification.objects.filter(alert__pump=pump, channel="email").count() == 2


def test_with_nobody_in_the_role_administrators_are_told_and_it_stays_due() -> None:
    clinic = a_clinic()
    administrator = a_user(Role.ADMINISTRATOR, clinic)
    pump = a_due_pump(clinic, 20)
    fleet.tick(NOW)
    alert = Alert.objects.get(pump=pump)
    assert recipients(pump) == who(administrator)
    assert alert.nobody_since == NOW
    later = NOW + telling.LOOK_AGAIN
    fleet.tick(later)
    assert Notification.objects.filter(alert=alert, channel="email").count() == 1
    scheduler = a_user(Role.SCHEDULER, clinic)
    fleet.tick(later + telling.LOOK_AGAIN)
    alert.refresh_from_db()
    assert recipients(pump) == who(administrator, scheduler)
    assert alert.nobody_since is None


def test_with_nobody_at_all_the_alert_is_still_on_screen() -> None:
    pump = a_due_pump(a_clinic(), -1)
    fleet.tick(NOW)
    assert recipients(pump) == {"screen"}


def consenting(clinic: Clinic) -> Patient:
    return a_patient(clinic, email="ada@example.org", email_reminders=True)


def test_patients_are_written_to_only_after_go_live() -> None:
    clinic = a_clinic()
    before = a_due_pump(clinic, 20, patient=consenting(clinic))
    fleet.tick(NOW)
    assert recipients(before) == {"screen"}
    go_live(clinic=clinic, now=NOW)
    after = a_due_pump(clinic, 20, patient=consenting(clinic))
    fleet.tick(NOW)
    assert recipients(after) == {f"patient:{after.patient_id}", "screen"}


@pytest.mark.parametrize("fields", [{"email_reminders": False}, {"email": ""}])
def test_without_consent_or_address_a_patient_is_not_written_to(fields: dict[str, object]) -> None:
    clinic = a_clinic()
    go_live(clinic=clinic, now=NOW)
    patient = a_patient(clinic, **{"email": "ada@example.org", "email_reminders": True, **fields})
    pump = a_due_pump(clinic, 20, patient=patient)
    fleet.tick(NOW)
    assert f"patient:{patient.pk}" not in recipients(pump)


def test_quiet_hours_hold_mail_until_morning_but_not_from_past_on() -> None:
    night = NOW.replace(hour=3)  # 22:00 in New York
    clinic = a_clinic()
    a_user(Role.SCHEDULER, clinic)
    early = a_running_pump(clinic, filled_days_ago=REFILL_BY_DAYS - 6, now=night)
    late = a_running_pump(clinic, filled_days_ago=REFILL_BY_DAYS + 1, now=night)
    fleet.tick(night)
    mail = Notification.objects.filter(channel="email")
    assert mail.get(alert__pump=early).due_at == night.replace(hour=13)
    assert mail.get(alert__pump=late).due_at == night


def test_a_refill_closes_the_alert_and_a_void_of_it_reopens() -> None:
    clinic, nurse = a_clinic(), a_user()
    pump = a_due_pump(clinic, -1)
    fleet.tick(NOW)
    refill = a_refill(pump, NOW, by=nurse)
    alert = Alert.objects.get(pump=pump)
    assert (alert.closed_at, alert.closed_by_event_id) == (NOW, refill.pk)
    ledger.void(pump_id=pump.pk, event_id=refill.pk, reason="wrong pump", user=nurse, source="page", now=NOW + DAY)
    alert.refresh_from_db()
    assert alert.closed_at is None
    assert [step.what for step in alert.steps.all()][-1] == "reopened"
    fleet.tick(NOW + DAY)
    assert Notification.objects.filter(alert=alert).order_by("-pk")[0].repeat_number == 2


def test_a_dose_change_moves_the_tier_but_never_closes() -> None:
    pump = a_due_pump(a_clinic(), 6)
    fleet.tick(NOW)
    a_dose(pump, NOW, daily_dose_mcg=Decimal(100))
    alert = Alert.objects.get(pump=pump)
    assert alert.closed_at is None
    assert alert.tier != "urgent"
    a_dose(pump, NOW + timedelta(minutes=1), daily_dose_mcg=Decimal(900))
    alert.refresh_from_db()
    assert alert.tier in {"urgent", "past"}
    assert alert.next_due_at == NOW


def test_a_late_entry_of_an_older_refill_does_not_close() -> None:
    pump = a_due_pump(a_clinic(), -1)
    fleet.tick(NOW)
    a_refill(pump, NOW - 200 * DAY)
    assert Alert.objects.get(pump=pump).closed_at is None


def test_a_death_closes_at_the_next_turn() -> None:
    pump = a_due_pump(a_clinic(), -1)
    fleet.tick(NOW)
    Patient.objects.filter(pk=pump.patient_id).update(status="deceased", status_on=NOW.date())
    fleet.tick(NOW + DAY)
    alert = Alert.objects.get(pump=pump)
    assert (alert.closed_at, alert.closed_reason) == (NOW + DAY, "patient: deceased")


def test_one_alert_that_breaks_does_not_hold_up_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    clinic = a_clinic()
    a_user(Role.SCHEDULER, clinic)
    broken, healthy = a_due_pump(clinic, -1), a_due_pump(clinic, -1)
    rows = telling._rows

    def breaking(alert: Alert, *arguments: Any) -> list[Notification]:
        if alert.pump_id == broken.pk:
            raise RuntimeError("this one")
        return rows(alert, *arguments)

    monkeypatch.setattr(telling, "_rows", breaking)
    fleet.tick(NOW)
    assert recipients(broken) == set()
    assert len(recipients(healthy)) == 2
    assert Alert.objects.due(NOW).get().pump_id == broken.pk
    assert engine.last_tick() == NOW


def test_one_pump_that_breaks_does_not_hold_up_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    clinic = a_clinic()
    broken, healthy = a_due_pump(clinic, -1), a_due_pump(clinic, -1)
    conditions = alerting.conditions

    def breaking(row: Forecast, ladder: Any) -> list[alerting.Condition]:
        if row.pump_id == broken.pk:
            raise RuntimeError("this one")
        return conditions(row, ladder)

    Alert.objects.all().delete()
    Forecast.objects.update(next_alert_at=NOW)
    monkeypatch.setattr(alerting, "conditions", breaking)
    fleet.tick(NOW)
    assert [alert.pump_id for alert in Alert.objects.all()] == [healthy.pk]
    assert fleet.late_pumps(NOW + engine.patience()) == 1


def test_inactive_accounts_are_nobody() -> None:
    clinic = a_clinic()
    user = a_user(Role.SCHEDULER, clinic)
    User.objects.filter(pk=user.pk).update(is_active=False)
    pump = a_due_pump(clinic, 20)
    fleet.tick(NOW)
    assert recipients(pump) == {"screen"}
    assert Membership.objects.filter(user=user).exists()


def test_an_administrator_who_joins_is_told_soon_and_the_engine_says_so_until_then() -> None:
    clinic = a_clinic()
    pump = a_due_pump(clinic, -8)
    fleet.tick(NOW)
    later = NOW + engine.patience()
    fleet.tick(later)
    assert engine.state(now=later, late_pumps=0).alerts_unheard == 1
    assert not engine.state(now=later, late_pumps=0).ok
    administrator = a_user(Role.ADMINISTRATOR, clinic)
    soon = NOW + 2 * telling.LOOK_AGAIN
    fleet.tick(soon)
    assert recipients(pump) == who(administrator)
    assert engine.state(now=soon, late_pumps=0).alerts_unheard == 0


def test_a_patient_who_is_told_does_not_stand_in_for_missing_staff() -> None:
    clinic = a_clinic()
    go_live(clinic=clinic, now=NOW)
    administrator = a_user(Role.ADMINISTRATOR, clinic)
    pump = a_due_pump(clinic, -1, patient=consenting(clinic))
    fleet.tick(NOW)
    assert recipients(pump) == {*who(administrator), f"patient:{pump.patient_id}"}
    assert Alert.objects.get(pump=pump).nobody_since == NOW

"""Whom a tier tells, by which channel; what quiets it, and what begins it earlier."""

from collections.abc import Collection
from dataclasses import replace
from datetime import time, timedelta
from typing import Any

import pytest

from alerts.models import Alert, AlertStep, Notification
from alerts.services import lifecycle, oncall, telling
from alerts.services.lifecycle import Opening
from clinical.escalation import CLINIC_LADDER, REFILL_LADDER, Deadlines
from clinics.errors import Impossible
from clinics.models import Clinic, User
from clinics.roles import Role
from clinics.services.tenants import go_live
from patients.models import Contact, Patient
from pumps.models import Forecast, Pump
from pumps.services import care, fleet, settings
from tests.alerts.test_telling import REFILL_BY_DAYS, a_due_pump, who
from tests.builders import NOW, a_clinic, a_patient, a_running_pump, a_user

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def told(pump: Pump) -> set[tuple[str, str]]:
    return set(Notification.objects.filter(alert__pump=pump).values_list("recipient", "channel"))


def with_tier(clinic: Clinic, code: str, by: User, *, risk_days: int = 7, **changes: Any) -> None:
    """The usual ladder, one tier changed, as the clinic's own."""
    ladder = [replace(tier, **changes) if tier.code == code else tier for tier in REFILL_LADDER]
    settings.set_ladder(clinic=clinic, ladder=ladder, risk_days=risk_days, now=NOW, by=by)


def test_people_by_name_are_told_while_they_are_of_the_clinic() -> None:
    clinic = a_clinic()
    administrator, pharmacist = a_user(Role.ADMINISTRATOR, clinic), a_user(Role.PHARMACIST, clinic)
    with_tier(clinic, "book", administrator, roles=(), people=(pharmacist.pk,))
    first = a_due_pump(clinic, 27)
    fleet.tick(NOW)
    assert {recipient for recipient, _ in told(first)} == who(pharmacist)
    pharmacist.memberships.all().delete()
    second = a_due_pump(clinic, 27)
    fleet.tick(NOW)
    assert {recipient for recipient, _ in told(second)} == who(administrator)


def test_a_tier_names_nobody_of_another_clinic() -> None:
    clinic, stranger = a_clinic(), a_user(Role.NURSE, a_clinic())
    administrator = a_user(Role.ADMINISTRATOR, clinic)
    with pytest.raises(Impossible, match="people of this clinic"):
        with_tier(clinic, "book", administrator, people=(stranger.pk,))


def test_each_recipient_is_told_by_each_channel_they_can_be_reached_by() -> None:
    clinic = a_clinic()
    go_live(clinic=clinic, now=NOW)
    administrator = a_user(Role.ADMINISTRATOR, clinic)
    scheduler, nurse = a_user(Role.SCHEDULER, clinic), a_user(Role.NURSE, clinic)
    User.objects.filter(pk=nurse.pk).update(phone="+1 555 0123")
    with_tier(clinic, "urgent", administrator, channels=("email", "sms", "voice"))
    both = {"email": "ada@example.org", "email_reminders": True, "phone": "+1 555 0100", "phone_reminders": True}
    patient = a_patient(clinic, **both)
    caregiver = Contact.objects.create(patient=patient, kind="caregiver", name="Bea", phone="+1 555 0101")
    home = Contact.objects.create(
        patient=patient, kind="care_home", name="Elm", email="e@example.org", email_reminders=True
    )
    pump = a_due_pump(clinic, 6, patient=patient)
    fleet.tick(NOW)
    everything = {"email", "sms", "voice"}
    assert told(pump) == {
        ("screen", "screen"),
        (f"user:{scheduler.pk}", "email"),
        *((f"user:{nurse.pk}", channel) for channel in everything),
        *((f"patient:{patient.pk}", channel) for channel in everything),
        (f"contact:{home.pk}", "email"),
    }
    assert caregiver.phone_reminders is False


@pytest.mark.parametrize(
    ("changes", "reached"),
    [
        ({"to_patient": False}, {"caregiver", "care_home"}),
        ({"to_caregivers": False}, {"patient", "care_home"}),
        ({"to_care_home": False}, {"patient", "caregiver"}),
        ({}, {"patient", "caregiver", "care_home"}),
    ],
)
def test_the_patient_caregivers_and_the_care_home_are_chosen_apart(changes: dict[str, bool], reached: set[str]) -> None:
    clinic = a_clinic()
    go_live(clinic=clinic, now=NOW)
    a_user(Role.SCHEDULER, clinic)
    with_tier(clinic, "urgent", a_user(Role.ADMINISTRATOR, clinic), **changes)
    consents = {"email": "a@example.org", "email_reminders": True}
    patient = a_patient(clinic, **consents)
    for kind in ("caregiver", "care_home"):
        Contact.objects.create(patient=patient, kind=kind, name=kind, **consents)
    pump = a_due_pump(clinic, 6, patient=patient)
    fleet.tick(NOW)
    rows = Notification.objects.filter(alert__pump=pump)
    found = {"patient"} if rows.filter(patient=patient).exists() else set()
    assert found | set(rows.exclude(contact=None).values_list("contact__kind", flat=True)) == reached


@pytest.mark.parametrize("wrong", [{"phone": ""}, {"phone_reminders": False}])
def test_who_cannot_be_reached_by_the_tiers_channel_is_phoned_by_a_scheduler(wrong: dict[str, Any]) -> None:
    clinic = a_clinic()
    go_live(clinic=clinic, now=NOW)
    scheduler = a_user(Role.SCHEDULER, clinic)
    with_tier(clinic, "patient", a_user(Role.ADMINISTRATOR, clinic), channels=("sms",))
    reachable = {"phone": "+1 555 0100", "phone_reminders": True, "email": "a@example.org", "email_reminders": True}
    reached, unreached = a_patient(clinic, **reachable), a_patient(clinic, **{**reachable, **wrong})
    pumps = [a_due_pump(clinic, 20, patient=patient) for patient in (reached, unreached)]
    fleet.tick(NOW)
    assert told(pumps[0]) == {("screen", "screen"), (f"patient:{reached.pk}", "sms")}
    # Staff without a phone number are reached by mail all the same.
    assert told(pumps[1]) == {("screen", "screen"), (f"user:{scheduler.pk}", "email")}


def test_a_webhook_is_one_row_for_the_clinic() -> None:
    clinic = a_clinic()
    scheduler = a_user(Role.SCHEDULER, clinic)
    with_tier(clinic, "book", a_user(Role.ADMINISTRATOR, clinic), channels=("email", "webhook"))
    pump = a_due_pump(clinic, 27)
    fleet.tick(NOW)
    assert told(pump) == {("screen", "screen"), (f"user:{scheduler.pk}", "email"), ("webhook", "webhook")}


# --- on call ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def rota(monkeypatch: pytest.MonkeyPatch) -> dict[int, int]:
    """Who is on call by clinic, to be changed by a test."""
    present: dict[int, int] = {}

    def on_call(clinic_ids: Collection[int], now: object) -> dict[int, int]:
        return {pk: user for pk, user in present.items() if pk in clinic_ids}

    monkeypatch.setattr(oncall, "on_call", on_call)
    return present


def test_whoever_is_on_call_is_told(rota: dict[int, int]) -> None:
    clinic = a_clinic()
    pharmacist = a_user(Role.PHARMACIST, clinic)
    with_tier(clinic, "past", a_user(Role.ADMINISTRATOR, clinic), roles=(), on_call=True)
    rota[clinic.pk] = pharmacist.pk
    pump = a_due_pump(clinic, -1)
    fleet.tick(NOW)
    assert {recipient for recipient, _ in told(pump)} == who(pharmacist)
    assert not Alert.objects.filter(kind=Alert.Kind.NOBODY_ON_CALL).exists()


def test_nobody_on_call_is_an_alert_to_administrators_until_somebody_is(rota: dict[int, int]) -> None:
    clinic, other = a_clinic(), a_clinic()
    administrator, nurse = a_user(Role.ADMINISTRATOR, clinic), a_user(Role.NURSE, clinic)
    with_tier(clinic, "past", administrator, on_call=True)
    for place in (clinic, clinic, other):
        a_due_pump(place, -1)
    fleet.tick(NOW)
    fleet.tick(NOW)
    alert = Alert.objects.get(kind=Alert.Kind.NOBODY_ON_CALL)
    assert (alert.clinic_id, alert.pump_id, alert.patient_id) == (clinic.pk, None, None)
    rows = Notification.objects.filter(alert=alert)
    assert set(rows.values_list("recipient", flat=True)) == who(administrator)
    fleet.tick(NOW + 12 * timedelta(hours=1))
    assert rows.filter(channel="email").count() == 1
    rota[clinic.pk] = nurse.pk
    fleet.tick(NOW + DAY)
    alert.refresh_from_db()
    assert alert.closed_reason == "somebody is on call again"
    assert rows.filter(channel="email").count() == 1


def test_nobody_on_call_ends_with_the_last_alert_that_asks_for_one(rota: dict[int, int]) -> None:
    clinic = a_clinic()
    with_tier(clinic, "past", a_user(Role.ADMINISTRATOR, clinic), on_call=True)
    a_user(Role.NURSE, clinic)
    pump = a_due_pump(clinic, -1)
    fleet.tick(NOW)
    care.change_status(patient=pump.patient, status="deceased", on=NOW.date(), reason="died", now=NOW)
    fleet.tick(NOW + timedelta(minutes=1))
    assert "no open alert" in Alert.objects.get(kind=Alert.Kind.NOBODY_ON_CALL).closed_reason


def test_one_on_call_who_left_the_clinic_is_nobody(rota: dict[int, int]) -> None:
    clinic = a_clinic()
    administrator, gone = a_user(Role.ADMINISTRATOR, clinic), a_user()
    with_tier(clinic, "past", administrator, roles=(), on_call=True)
    rota[clinic.pk] = gone.pk
    pump = a_due_pump(clinic, -1)
    fleet.tick(NOW)
    assert {recipient for recipient, _ in told(pump)} == who(administrator)
    assert Alert.objects.get(pump=pump).nobody_since == NOW


def test_at_most_one_alert_of_a_clinic_and_kind() -> None:
    clinic = a_clinic()
    opening = Opening(clinic.pk, None, None, Alert.Kind.NOBODY_ON_CALL, Deadlines(opened_at=NOW), CLINIC_LADDER)
    first, is_new = lifecycle.open_or_get(opening, now=NOW)
    again, is_new_again = lifecycle.open_or_get(opening, now=NOW)
    assert (is_new, is_new_again) == (True, False)
    assert first.pk == again.pk


# --- what quiets, what begins earlier ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("days", "is_quiet"), [(27, True), (20, True), (13, True), (6, False), (-1, False)])
def test_a_visit_in_time_quiets_the_first_three_tiers_only(days: int, is_quiet: bool) -> None:
    clinic = a_clinic()
    a_user(Role.SCHEDULER, clinic)
    a_user(Role.NURSE, clinic)
    pump = a_due_pump(clinic, days)
    fleet.tick(NOW)
    alert = Alert.objects.get(pump=pump)
    assert alert.refill_by is not None
    Notification.objects.all().delete()
    Alert.objects.update(booked_at=alert.refill_by, next_due_at=NOW, tier="")
    telling.advance(NOW)
    alert.refresh_from_db()
    by_mail = Notification.objects.filter(alert=alert, channel="email")
    assert by_mail.exists() is not is_quiet
    assert Notification.objects.filter(alert=alert, channel="screen").count() == 1
    if is_quiet:
        assert AlertStep.objects.filter(alert=alert, what="quiet").count() == 1
        following = {27: 21, 20: 14, 13: 7}[days]
        assert alert.next_due_at == alert.refill_by - following * DAY


def test_a_visit_after_refill_by_quiets_nothing() -> None:
    clinic = a_clinic()
    a_user(Role.SCHEDULER, clinic)
    pump = a_due_pump(clinic, 13)
    fleet.tick(NOW)
    alert = Alert.objects.get(pump=pump)
    assert alert.refill_by is not None
    Alert.objects.update(booked_at=alert.refill_by + timedelta(seconds=1), next_due_at=NOW)
    telling.advance(NOW)
    assert Notification.objects.filter(alert=alert, channel="email").count() == 2


@pytest.mark.parametrize("flag", ["t6_or_above", "communication_difficulty", "earlier_withdrawal"])
def test_a_flag_that_raises_the_risk_begins_the_ladder_a_week_earlier(flag: str) -> None:
    clinic = a_clinic()
    patient = a_patient(clinic, flags=[flag])
    soon, later = (
        a_due_pump(clinic, 34.9, patient=patient),
        a_due_pump(clinic, 35.1, patient=a_patient(clinic, flags=[flag])),
    )
    usual = a_due_pump(clinic, 34.9, patient=a_patient(clinic, flags=["pregnant"]))
    fleet.tick(NOW)
    assert Alert.objects.get().pump_id == soon.pk
    assert [tier["lead_days"] for tier in Alert.objects.get().tiers] == [-35, -28, -21, -14, 0, 0, 0]
    assert Forecast.objects.get(pump=later).next_alert_at == refill_by(later) - 35 * DAY
    assert Forecast.objects.get(pump=usual).next_alert_at == refill_by(usual) - 28 * DAY


def refill_by(pump: Pump) -> Any:
    return Forecast.objects.get(pump=pump).refill_by


def test_a_flag_that_is_entered_later_counts_at_the_next_tick() -> None:
    clinic = a_clinic()
    nurse = a_user(Role.NURSE, clinic)
    pump = a_due_pump(clinic, 30)
    fleet.tick(NOW)
    assert not Alert.objects.exists()
    care.change_patient(patient=pump.patient, changes={"flags": ["earlier_withdrawal"]}, by=nurse, now=NOW)
    fleet.tick(NOW)
    assert Alert.objects.get().pump_id == pump.pk


def test_a_clinic_sets_by_how_much_risk_begins_it_earlier() -> None:
    clinic = a_clinic()
    administrator = a_user(Role.ADMINISTRATOR, clinic)
    with_tier(clinic, "book", administrator, risk_days=0)
    a_due_pump(clinic, 30, patient=a_patient(clinic, flags=["t6_or_above"]))
    fleet.tick(NOW)
    assert not Alert.objects.exists()
    with pytest.raises(Impossible, match="From 0 to 28"):
        with_tier(clinic, "book", administrator, risk_days=29)
    with_tier(clinic, "book", administrator, risk_days=28)
    fleet.tick(NOW)
    assert Alert.objects.get().tiers[0]["lead_days"] == -56


def test_an_open_alert_keeps_the_ladder_it_began_with() -> None:
    clinic = a_clinic()
    administrator, scheduler, nurse = (
        a_user(role, clinic) for role in (Role.ADMINISTRATOR, Role.SCHEDULER, Role.NURSE)
    )
    pump = a_due_pump(clinic, 27)
    fleet.tick(NOW)
    with_tier(clinic, "book", administrator, roles=("nurse",))
    other = a_due_pump(clinic, 27)
    Alert.objects.filter(pump=pump).update(next_due_at=NOW)
    fleet.tick(NOW)
    assert {recipient for recipient, _ in told(pump)} == who(scheduler)
    assert Notification.objects.filter(alert__pump=pump, user=scheduler).count() == 2
    assert {recipient for recipient, _ in told(other)} == who(nurse)


def test_own_quiet_hours_are_the_clinics_wall_clock() -> None:
    night = NOW.replace(hour=23)  # 18:00 in New York
    clinic = a_clinic()
    a_user(Role.SCHEDULER, clinic)
    administrator = a_user(Role.ADMINISTRATOR, clinic)
    with_tier(clinic, "book", administrator, quiet_from=time(17, 30), quiet_to=time(9, 15))
    pump = a_running_pump(clinic, filled_days_ago=REFILL_BY_DAYS - 27, now=night)
    fleet.tick(night)
    row = Notification.objects.get(alert__pump=pump, channel="email")
    assert row.due_at == (night + DAY).replace(hour=14, minute=15)
    assert "held until quiet hours end at 09:15" in AlertStep.objects.get(alert__pump=pump, what="told").detail


def test_an_alert_of_a_clinic_has_no_patient_to_ask_about() -> None:
    """Its ladder is told like any other; a patient's status cannot close it."""
    clinic = a_clinic()
    administrator = a_user(Role.ADMINISTRATOR, clinic)
    opening = Opening(clinic.pk, None, None, Alert.Kind.ENGINE_LATE, Deadlines(opened_at=NOW), CLINIC_LADDER)
    lifecycle.open_all([opening], now=NOW)
    telling.advance(NOW)
    rows = Notification.objects.filter(alert__kind=Alert.Kind.ENGINE_LATE)
    assert set(rows.values_list("recipient", flat=True)) == who(administrator)
    assert Patient.objects.count() == 0

import smtplib
import threading
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core import mail
from django.core.mail import EmailMessage
from django.db import IntegrityError, connection, transaction
from django.test import Client

from alerts import tasks
from alerts.models import Alert, AlertStep, Digest, DigestTurn, Notification
from alerts.services import delivery, digests
from clinics.models import Clinic, User
from clinics.roles import Role
from pumps.services import fleet
from scheduling.models import Appointment
from tests.builders import PASSWORD, a_clinic, a_running_pump, a_user

pytestmark = pytest.mark.django_db
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
ZONES = ["America/New_York", "Europe/London", "Australia/Sydney"]


def morning(zone: str, day: date = date(2026, 11, 24)) -> datetime:
    """07:00 on a Tuesday."""
    return datetime(day.year, day.month, day.day, 7, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def known(clinic: Clinic, before: datetime) -> None:
    """The clinic has been there since the evening before."""
    digests.write_due(before - 12 * HOUR)


def send(now: datetime) -> None:
    for pk in digests.claim(now):
        digests.deliver(pk, now=now)


@pytest.mark.parametrize("zone", ZONES)
def test_it_is_written_at_seven_on_the_clinics_wall_and_not_a_minute_before(zone: str) -> None:
    clinic, at = a_clinic(timezone=zone), morning(zone)
    nurse = a_user(Role.NURSE, clinic)
    known(clinic, at)
    assert digests.write_due(at - MINUTE) == 0
    assert not Digest.objects.exists()
    assert digests.write_due(at) == 1
    row = Digest.objects.get()
    assert (row.user, row.day, row.due_at, row.state) == (nurse, date(2026, 11, 24), at, "queued")


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("America/New_York", date(2026, 3, 8)),
        ("America/New_York", date(2026, 11, 1)),
        ("Europe/London", date(2026, 3, 29)),
        ("Europe/London", date(2026, 10, 25)),
        ("Australia/Sydney", date(2026, 10, 4)),
        ("Australia/Sydney", date(2026, 4, 5)),
    ],
)
def test_seven_is_seven_on_the_day_the_clocks_change_and_after(zone: str, day: date) -> None:
    clinic, at = a_clinic(timezone=zone, opening_days=list(range(7))), morning(zone, day)
    a_user(Role.NURSE, clinic)
    known(clinic, at)
    for each in (day, day + DAY):
        assert digests.write_due(morning(zone, each) - MINUTE) == 0
        assert digests.write_due(morning(zone, each)) == 1


def test_on_days_on_which_the_clinic_is_closed_there_is_none() -> None:
    clinic = a_clinic()
    a_user(Role.NURSE, clinic)
    sunday = morning("America/New_York", date(2026, 11, 22))
    known(clinic, sunday)
    assert digests.write_due(sunday) == 0
    clinic.closed_days.create(day=date(2026, 11, 23), name="Staff day")
    assert digests.write_due(sunday + DAY) == 0
    assert digests.write_due(sunday + 2 * DAY) == 1


def test_schedulers_and_nurses_get_it_unless_they_said_otherwise_and_others_if_they_did() -> None:
    clinic = a_clinic()
    users = {role: a_user(role, clinic) for role in Role}
    everywhere = a_user(Role.NURSE)
    a_user(Role.NURSE, a_clinic())
    usual = {users[Role.SCHEDULER].pk, users[Role.NURSE].pk, everywhere.pk}
    assert digests.wanted_by(clinic.pk) == usual
    digests.choose(user=users[Role.NURSE], wanted=[])
    digests.choose(user=users[Role.PRESCRIBER], wanted=[clinic.pk])
    assert digests.wanted_by(clinic.pk) == usual - {users[Role.NURSE].pk} | {users[Role.PRESCRIBER].pk}
    users[Role.PRESCRIBER].memberships.all().delete()
    assert users[Role.PRESCRIBER].pk not in digests.wanted_by(clinic.pk)


def test_several_ticks_write_it_once_and_the_database_holds_them_to_it() -> None:
    clinic, at = a_clinic(), morning("America/New_York")
    nurse = a_user(Role.NURSE, clinic)
    known(clinic, at)
    fleet.tick(at)
    fleet.tick(at + timedelta(seconds=30))
    DigestTurn.objects.update(next_at=at)
    fleet.tick(at + MINUTE)
    assert Digest.objects.count() == 1
    with pytest.raises(IntegrityError), transaction.atomic():
        Digest.objects.create(clinic=clinic, user=nurse, day=date(2026, 11, 24), due_at=at)


def test_three_days_asleep_is_one_digest_of_today() -> None:
    clinic, at = a_clinic(), morning("America/New_York")
    a_user(Role.NURSE, clinic)
    known(clinic, at)
    digests.write_due(at + 3 * DAY + 5 * HOUR)
    assert Digest.objects.get().day == date(2026, 11, 27)
    digests.write_due(at + 3 * DAY + 6 * HOUR)
    assert Digest.objects.count() == 1


def test_waking_before_seven_brings_nothing_of_yesterday() -> None:
    clinic, at = a_clinic(), morning("America/New_York")
    a_user(Role.NURSE, clinic)
    known(clinic, at)
    assert digests.write_due(at + DAY - 3 * HOUR) == 0
    assert digests.write_due(at + DAY) == 1


def test_one_clinic_that_breaks_does_not_hold_up_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    broken, healthy = a_clinic(), a_clinic()
    at = morning("America/New_York")
    for clinic in (broken, healthy):
        a_user(Role.NURSE, clinic)
    known(broken, at)
    wanted_by = digests.wanted_by

    def breaking(clinic_id: int) -> set[int]:
        if clinic_id == broken.pk:
            raise RuntimeError("this one")
        return wanted_by(clinic_id)

    monkeypatch.setattr(digests, "wanted_by", breaking)
    assert digests.write_due(at) == 1
    assert Digest.objects.get().clinic == healthy
    monkeypatch.setattr(digests, "wanted_by", wanted_by)
    assert digests.write_due(at + MINUTE) == 1


def a_day(clinic: Clinic, at: datetime) -> Alert:
    """A clinic with a scheduler, a pump past its refill-by date, and its digests written."""
    a_user(Role.SCHEDULER, clinic)
    pump = a_running_pump(clinic, filled_days_ago=80, now=at - HOUR)
    known(clinic, at)
    fleet.tick(at)
    return Alert.objects.get(pump=pump)


def test_it_says_what_is_open_what_is_due_and_who_comes_by_record_number() -> None:
    clinic, at = a_clinic("Harbor"), morning("America/New_York")
    alert = a_day(clinic, at)
    assert alert.patient is not None
    for hours, state in ((2, "booked"), (20, "booked")):
        pump = a_running_pump(clinic, filled_days_ago=10, now=at - HOUR)
        Appointment.objects.create(
            clinic=clinic, patient=pump.patient, pump=pump, starts_at=at + hours * HOUR, state=state
        )
    send(at)
    [message] = mail.outbox
    first, second = Appointment.objects.order_by("starts_at")
    assert message.subject == "Harbor, Tue 24 Nov 2026: 1 open, 1 visits today"
    assert f"- {alert.patient.mrn}, Refill due, past refill-by, refill by" in message.body
    assert "1 x Refill due" in message.body
    assert "Refills due within 14 days: 1" in message.body
    assert f"- 09:00, {first.patient.mrn}" in message.body
    assert second.patient.mrn not in message.body
    assert alert.patient.family_name not in message.body
    assert f"/clinics/{clinic.pk}/call-list/" in message.body


def test_each_alert_named_has_it_in_its_log_once_a_day_and_its_telling_is_not_moved() -> None:
    clinic, at = a_clinic(), morning("America/New_York")
    a_user(Role.NURSE, clinic)
    alert = a_day(clinic, at)
    before = (alert.next_due_at, alert.repeat_number)
    send(at)
    assert len(mail.outbox) == 2
    steps = AlertStep.objects.filter(alert=alert, what="digest")
    assert [step.detail for step in steps] == ["named in the daily digest of 2026-11-24"]
    assert {tuple(row.alerts) for row in Digest.objects.all()} == {(alert.pk,)}
    alert.refresh_from_db()
    assert (alert.next_due_at, alert.repeat_number) == before
    assert not Notification.objects.filter(tier="digest").exists()
    fleet.tick(at + DAY)
    send(at + DAY)
    assert steps.all().count() == 2


def test_a_crash_between_the_writing_and_the_sending_loses_nothing() -> None:
    clinic, at = a_clinic(), morning("America/New_York")
    a_day(clinic, at)
    [pk] = digests.claim(at)
    assert digests.claim(at + delivery.LEASE - timedelta(seconds=1)) == []
    assert digests.claim(at + delivery.LEASE) == [pk]
    digests.deliver(pk, now=at + delivery.LEASE)
    assert len(mail.outbox) == 1
    assert Digest.objects.get().state == "sent"
    assert digests.claim(at + 2 * delivery.LEASE) == []


def test_a_crash_between_the_sending_and_the_storing_sends_it_again_under_the_same_id(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clinic, at = a_clinic(), morning("America/New_York")
    a_day(clinic, at)
    [pk] = digests.claim(at)
    with monkeypatch.context() as patched:
        patched.setattr(digests, "_sent", _killed)
        with pytest.raises(SystemExit):
            digests.deliver(pk, now=at)
    send(at + delivery.LEASE)
    assert len({message.extra_headers["Message-ID"] for message in mail.outbox}) == 1
    assert len(mail.outbox) == 2
    assert Digest.objects.get().state == "sent"


def _killed(*_: Any) -> None:
    raise SystemExit


def test_a_sender_whose_lease_lapsed_does_not_overwrite_the_one_that_took_over() -> None:
    clinic, at = a_clinic(), morning("America/New_York")
    a_day(clinic, at)
    [pk] = digests.claim(at)
    stale = Digest.objects.get(pk=pk)
    send(at + delivery.LEASE)
    assert not digests._store(stale, state=Digest.State.QUEUED)
    assert Digest.objects.get().state == "sent"


def test_nobody_gets_it_who_left_or_turned_it_off_meanwhile() -> None:
    clinic, at = a_clinic(), morning("America/New_York")
    leaver, quiet, other = (a_user(Role.NURSE, clinic) for _ in range(3))
    known(clinic, at)
    digests.write_due(at)
    leaver.memberships.all().delete()
    digests.choose(user=quiet, wanted=[])
    send(at)
    assert [message.to for message in mail.outbox] == [[other.email]]
    assert Digest.objects.filter(state="cancelled").count() == 2


def test_a_server_that_fails_is_asked_again_until_a_newer_one_takes_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    clinic, at = a_clinic(), morning("America/New_York")
    a_day(clinic, at)
    with monkeypatch.context() as patched:
        patched.setattr(EmailMessage, "send", _refusing(ConnectionRefusedError("down")))
        send(at)
        assert Digest.objects.get().state == "queued"
        send(at + HOUR)
    assert Digest.objects.get().attempts == 2
    fleet.tick(at + DAY)
    send(at + DAY)
    assert list(Digest.objects.order_by("day").values_list("state", flat=True)) == ["cancelled", "sent"]
    assert len(mail.outbox) == 1


@pytest.mark.parametrize(("code", "state"), [(550, "failed"), (450, "queued")])
def test_a_refusal_for_good_is_kept_as_one(code: int, state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    clinic, at = a_clinic(), morning("America/New_York")
    a_day(clinic, at)
    refusal = smtplib.SMTPRecipientsRefused({"x@example.org": (code, b"no")})
    monkeypatch.setattr(EmailMessage, "send", _refusing(refusal))
    send(at)
    assert Digest.objects.get().state == state
    found = Alert.objects.open().filter(kind=Alert.Kind.DELIVERY_FAILED, clinic=clinic, pump=None)
    assert found.exists() is (state == "failed")


def test_whoever_got_no_digest_is_an_alert_until_one_reaches_them(monkeypatch: pytest.MonkeyPatch) -> None:
    clinic, at = a_clinic(), morning("America/New_York")
    a_day(clinic, at)
    with monkeypatch.context() as patched:
        patched.setattr(EmailMessage, "send", _refusing(smtplib.SMTPRecipientsRefused({"x@example.org": (550, b"no")})))
        send(at)
    alert = Alert.objects.get(kind=Alert.Kind.DELIVERY_FAILED)
    assert alert.detail == f"the daily digest to {Digest.objects.get().user.email} was refused"
    fleet.tick(at + DAY)
    send(at + DAY)
    alert.refresh_from_db()
    assert alert.closed_reason == "the recipient was reached"


def _refusing(error: Exception) -> Any:
    def send(*_: Any, **__: Any) -> None:
        raise error

    return send


def test_the_task_sends_digests_after_the_alerts() -> None:
    clinic = a_clinic()
    scheduler = a_user(Role.SCHEDULER, clinic)
    now = datetime.now(UTC)
    Digest.objects.create(clinic=clinic, user=scheduler, day=now.date(), due_at=now - MINUTE)
    tasks.deliver()
    assert [message.to for message in mail.outbox] == [[scheduler.email]]
    tasks.deliver()
    assert len(mail.outbox) == 1


@pytest.mark.usefixtures("committed")
def test_two_ticks_at_the_same_time_write_one_each() -> None:
    at = morning("America/New_York")
    clinics = [a_clinic() for _ in range(6)]
    for clinic in clinics:
        a_user(Role.NURSE, clinic)
    known(clinics[0], at)
    barrier, errors = threading.Barrier(3), []

    def run() -> None:
        try:
            barrier.wait()
            digests.write_due(at)
        except Exception as error:  # noqa: BLE001  told below
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert Digest.objects.count() == len(clinics)
    assert claimed_at_once(at) == sorted(Digest.objects.values_list("pk", flat=True))


def claimed_at_once(at: datetime) -> Sequence[int]:
    """What three senders at the same time take, together: nothing twice."""
    taken: list[int] = []

    def run() -> None:
        taken.extend(digests.claim(at))
        connection.close()

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(taken)


def test_one_turns_it_off_on_a_page_for_ones_own_clinics_only() -> None:
    clinic, other = a_clinic(), a_clinic()
    user = a_user(Role.NURSE, clinic)
    client = Client()
    assert client.login(username=user.email, password=PASSWORD)
    assert client.get("/account/digest/").context["form"].initial == {"clinics": [clinic.pk]}
    assert client.post("/account/digest/", {}).status_code == 302
    assert digests.wanted_by(clinic.pk) == set()
    assert client.post("/account/digest/", {"clinics": [other.pk]}).status_code == 200
    assert client.post("/account/digest/", {"clinics": [clinic.pk]}).status_code == 302
    assert digests.wanted_by(clinic.pk) == {user.pk}
    assert User.objects.get(pk=user.pk).digest_choices.count() == 1

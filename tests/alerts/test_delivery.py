import smtplib
import time
from datetime import timedelta
from typing import Any
from zlib import crc32

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.db import connection
from django.utils import timezone

from alerts import messages, tasks
from alerts.models import Alert, Notification
from alerts.services import delivery
from alerts.services.alone import alone
from clinics.models import Clinic, User
from clinics.roles import Role
from clinics.services.tenants import go_live
from patients.models import Patient
from pumps.models import Pump
from pumps.services import fleet
from tests.alerts.test_telling import a_due_pump, consenting
from tests.builders import NOW, a_clinic, a_refill, a_user

pytestmark = pytest.mark.django_db
LEASE = delivery.LEASE


def send(now: Any = NOW) -> list[int]:
    ids = delivery.claim(now)
    for notification_id in ids:
        delivery.deliver(notification_id, now=now)
    return ids


def queued(days: int = -1) -> tuple[Pump, Notification]:
    clinic = a_clinic(patient_facing_name="Harbor")
    a_user(Role.SCHEDULER, clinic, email="book@example.org")
    pump = a_due_pump(clinic, days)
    fleet.tick(NOW)
    return pump, Notification.objects.get(channel="email")


class Failing(EmailBackend):
    error: Exception = ConnectionRefusedError("no mail server")

    def send_messages(self, messages: Any) -> int:
        raise self.error


@pytest.fixture
def mail_server_down(settings: Any) -> type[Failing]:
    settings.EMAIL_BACKEND = "tests.alerts.test_delivery.Failing"
    Failing.error = ConnectionRefusedError("no mail server")
    return Failing


def test_a_row_is_sent_once_and_says_so() -> None:
    pump, row = queued()
    assert send() == [row.pk]
    assert send() == []
    row.refresh_from_db()
    assert (row.state, row.sent_at, row.attempts) == ("sent", NOW, 1)
    [message] = mail.outbox
    assert message.to == ["book@example.org"]
    assert pump.patient.mrn in message.subject
    assert pump.patient.family_name not in message.subject + str(message.body)


def test_a_mail_server_that_is_down_loses_nothing(mail_server_down: type[Failing], settings: Any) -> None:
    _, row = queued()
    now = NOW
    for _ in range(30):
        send(now)
        row.refresh_from_db()
        assert row.state == "queued"
        assert now < row.due_at <= now + delivery.LONGEST_WAIT
        now = row.due_at
    assert "no mail server" in row.error
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    send(now)
    row.refresh_from_db()
    assert row.state == "sent"
    assert len(mail.outbox) == 1


def test_killed_between_claim_and_send_it_is_sent_when_the_lease_lapses() -> None:
    _, row = queued()
    delivery.claim(NOW)
    assert delivery.claim(NOW + LEASE / 2) == []
    assert send(NOW + LEASE) == [row.pk]
    assert len(mail.outbox) == 1


def test_killed_between_send_and_store_it_goes_twice_under_one_message_id(monkeypatch: pytest.MonkeyPatch) -> None:
    _, row = queued()
    with monkeypatch.context() as crash:
        crash.setattr(delivery, "_finish", _killed)
        with pytest.raises(KeyboardInterrupt):
            send()
    send(NOW + LEASE)
    first, second = (message.extra_headers["Message-ID"] for message in mail.outbox)
    assert first == second
    row.refresh_from_db()
    assert row.state == "sent"


def _killed(*_: Any, **__: Any) -> None:
    raise KeyboardInterrupt


def test_killed_between_telling_and_commit_nothing_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    a_due_pump(a_clinic(), -1)
    with monkeypatch.context() as crash:
        crash.setattr(Alert.objects, "bulk_update", _killed)
        with pytest.raises(KeyboardInterrupt):
            fleet.tick(NOW)
    assert Notification.objects.count() == 0
    fleet.tick(NOW)
    assert Notification.objects.count() == 1


@pytest.mark.parametrize("change", ["refilled", "deceased", "consent", "account"])
def test_what_became_moot_is_not_sent(change: str) -> None:
    clinic = a_clinic()
    go_live(clinic=clinic, now=NOW)
    user = a_user(Role.SCHEDULER, clinic)
    pump = a_due_pump(clinic, -1, patient=consenting(clinic))
    fleet.tick(NOW)
    cancelled = _make_moot(change, pump, user, clinic)
    send()
    states = dict(Notification.objects.filter(channel="email").values_list("recipient", "state"))
    assert {recipient for recipient, state in states.items() if state == "cancelled"} == cancelled


def _make_moot(change: str, pump: Pump, user: User, clinic: Clinic) -> set[str]:
    """Make the change; the recipients who need not be told any more."""
    patients = Patient.objects.filter(pk=pump.patient_id)
    match change:
        case "refilled":
            a_refill(pump, NOW)
        case "deceased":
            patients.update(status="deceased", status_on=NOW.date())
        case "consent":
            patients.update(email_reminders=False)
            return {f"patient:{pump.patient_id}"}
        case "account":
            User.objects.filter(pk=user.pk).update(is_active=False)
            return {f"user:{user.pk}"}
    return {f"patient:{pump.patient_id}", f"user:{user.pk}"}


def test_after_a_long_outage_each_person_gets_the_newest_message_only() -> None:
    pump, _ = queued()
    for turn in range(1, 6):
        fleet.tick(NOW + turn * timedelta(hours=12))
    send(NOW + timedelta(days=3))
    states = (
        Notification.objects.filter(alert__pump=pump, channel="email").order_by("pk").values_list("state", flat=True)
    )
    assert list(states) == ["cancelled"] * 5 + ["sent"]
    assert len(mail.outbox) == 1


def test_a_refused_recipient_is_final_and_raises_an_alert(mail_server_down: type[Failing]) -> None:
    mail_server_down.error = smtplib.SMTPRecipientsRefused({"book@example.org": (550, b"no such user")})
    pump, row = queued()
    send()
    row.refresh_from_db()
    assert (row.state, row.attempts) == ("failed", 1)
    assert Alert.objects.open().filter(pump=pump, kind="delivery_failed").exists()


def test_an_undeliverable_alert_ends_when_the_recipient_is_reached(
    mail_server_down: type[Failing], settings: Any
) -> None:
    mail_server_down.error = smtplib.SMTPRecipientsRefused({"book@example.org": (550, b"no such user")})
    pump, _ = queued()
    send()
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    fleet.tick(NOW + timedelta(hours=12))
    send(NOW + timedelta(hours=12))
    failure = Alert.objects.get(pump=pump, kind="delivery_failed")
    assert failure.closed_reason == "the recipient was reached"


def test_a_recipient_refused_for_now_is_tried_again(mail_server_down: type[Failing]) -> None:
    mail_server_down.error = smtplib.SMTPRecipientsRefused({"book@example.org": (451, b"greylisted")})
    _, row = queued()
    send()
    row.refresh_from_db()
    assert row.state == "queued"


def test_a_message_to_a_patient_names_no_drug_device_or_diagnosis() -> None:
    clinic = a_clinic("Harbor Neurology", patient_facing_name="Harbor")
    go_live(clinic=clinic, now=NOW)
    a_due_pump(clinic, -1, patient=consenting(clinic))
    fleet.tick(NOW)
    send()
    [message] = mail.outbox
    text = f"{message.subject} {message.body}".lower()
    assert "ada" in text
    assert "harbor" in text
    for word in ("baclofen", "pump", "refill", "dose", "reservoir", "neurology", "spastic", "rossi", "intrathecal"):
        assert word not in text


def test_one_row_that_cannot_be_composed_does_not_hold_up_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    clinic = a_clinic()
    a_user(Role.SCHEDULER, clinic)
    a_due_pump(clinic, -1)
    a_due_pump(clinic, -2)
    fleet.tick(NOW)
    compose = messages.compose
    broken = Notification.objects.filter(channel="email").order_by("due_at", "pk")[0].pk

    def breaking(row: Notification) -> Any:
        if row.pk == broken:
            raise RuntimeError("template")
        return compose(row)

    monkeypatch.setattr(messages, "compose", breaking)
    monkeypatch.setattr(timezone, "now", lambda: NOW)
    tasks.deliver()
    states = dict(Notification.objects.filter(channel="email").values_list("pk", "state"))
    assert states.pop(broken) == "queued"
    assert list(states.values()) == ["sent"]


def test_a_sender_whose_lease_was_taken_over_has_no_say(monkeypatch: pytest.MonkeyPatch) -> None:
    _, row = queued()
    [pk] = delivery.claim(NOW)
    slow = Notification.objects.select_related("alert__clinic", "alert__patient", "user", "patient").get(pk=pk)
    assert send(NOW + LEASE) == [pk]
    slow.attempts += 1
    delivery._try_again(slow, "timed out", NOW + 2 * LEASE)
    row.refresh_from_db()
    assert (row.state, row.error) == ("sent", "")


def test_a_message_refused_for_its_content_is_final(mail_server_down: type[Failing]) -> None:
    mail_server_down.error = smtplib.SMTPDataError(554, b"rejected")
    pump, row = queued()
    send()
    row.refresh_from_db()
    assert row.state == "failed"
    assert Alert.objects.open().filter(pump=pump, kind="delivery_failed").exists()


def test_a_refused_log_in_is_the_servers_fault_and_tried_again(mail_server_down: type[Failing]) -> None:
    mail_server_down.error = smtplib.SMTPAuthenticationError(535, b"bad password")
    _, row = queued()
    send()
    row.refresh_from_db()
    assert row.state == "queued"


def test_two_deliveries_run_at_a_time_and_the_end_of_one_frees_the_next() -> None:
    _, row = queued()
    other = connection.get_new_connection(connection.get_connection_params())
    for name in tasks.SENDERS:
        other.execute("SELECT pg_advisory_lock(%s)", [crc32(name.encode())])
    assert tasks.deliver() == 0
    other.close()
    assert _frees_up("deliver")
    row.refresh_from_db()
    assert row.state == "queued"


def _frees_up(name: str) -> bool:
    """PostgreSQL notices the end of a session a moment later."""
    for _ in range(50):
        with alone(name) as is_alone:
            if is_alone:
                return True
        time.sleep(0.1)
    return False

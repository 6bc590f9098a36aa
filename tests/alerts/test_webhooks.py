"""Webhooks: signed, without names, only to where calls may go."""

import hashlib
import hmac
import json
import socket
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from alerts.channels import outside
from alerts.channels.webhooks import secret_of, signature
from alerts.models import Alert, Notification, WebhookAddress
from alerts.services import delivery, webhooks
from clinics.errors import Conflict, Impossible
from clinics.models import Change, Clinic, User
from clinics.roles import Role
from pumps.services import fleet
from tests.alerts.servers import HttpServer, http_server
from tests.alerts.test_telling import a_due_pump
from tests.builders import NOW, a_clinic, a_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def receiver(settings: Any) -> Iterator[HttpServer]:
    settings.PRIVATE_WEBHOOKS = True
    with http_server() as told:
        yield told


def queued(*urls: str) -> tuple[Clinic, User, Notification]:
    """A row for every webhook of a clinic that has these addresses."""
    clinic = a_clinic()
    by = a_user(Role.ADMINISTRATOR, clinic)
    for url in urls:
        webhooks.add(clinic=clinic, url=url, by=by, now=NOW)
    pump = a_due_pump(clinic, -1)
    fleet.tick(NOW)
    alert = Alert.objects.get(pump=pump)
    Notification.objects.filter(channel="email").delete()
    row = Notification.objects.create(
        clinic=clinic, alert=alert, tier="urgent", repeat_number=9, recipient="webhook", channel="webhook", due_at=NOW
    )
    return clinic, by, row


def send(now: Any = NOW) -> None:
    while ids := delivery.claim(now):
        delivery.deliver_all(ids, clock=lambda: now)


def rows() -> list[tuple[str, str]]:
    found = Notification.objects.filter(channel="webhook").order_by("pk")
    return [(row.recipient.partition(":")[0], row.state) for row in found]


def test_every_address_is_called_once_and_signed(receiver: HttpServer) -> None:
    queued(receiver.address + "/a", receiver.address + "/b?x=1")
    send()
    assert rows() == [("webhook", "sent")] * 3
    assert sorted(asked.path for asked in receiver.asked) == ["/a", "/b?x=1"]
    for asked in receiver.asked:
        address = WebhookAddress.objects.get(url=receiver.address + asked.path)
        time, mark = asked.headers["Brim-Signature"].split(",")
        signed = time.removeprefix("t=").encode() + b"." + asked.body
        secret = secret_of(address, 1)
        assert mark == "v1=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def test_a_call_names_nobody(receiver: HttpServer) -> None:
    _, _, row = queued(receiver.address)
    send()
    [asked] = receiver.asked
    said = json.loads(asked.body)
    assert row.alert is not None
    assert (said["alert"], said["kind"], said["tier"], said["priority"]) == (
        str(row.alert_id), "refill_due", "urgent", "medium",
    )  # fmt: skip
    assert row.alert.patient is not None
    assert row.alert.pump is not None
    text = asked.body.decode()
    for secret in (row.alert.patient.mrn, row.alert.patient.family_name, "Ada", row.alert.pump.serial_number):
        assert secret not in text


@pytest.mark.parametrize(("status", "state"), [(500, "queued"), (302, "queued"), (404, "queued"), (410, "failed")])
def test_what_is_not_taken_is_tried_again_and_shown(receiver: HttpServer, status: int, state: str) -> None:
    receiver.status = status
    queued(receiver.address)
    send()
    assert rows()[1] == ("webhook", state)
    address = WebhookAddress.objects.get()
    assert address.failing_since == NOW
    assert str(status) in address.error
    assert address.ended_at is None
    assert len(receiver.asked) == 1


def test_an_address_that_is_well_again_says_so(receiver: HttpServer) -> None:
    receiver.status = 500
    queued(receiver.address)
    send()
    receiver.status = 200
    send(NOW + timedelta(minutes=1))
    address = WebhookAddress.objects.get()
    assert (address.failing_since, address.error) == (None, "")
    assert rows()[1] == ("webhook", "sent")
    first, second = (json.loads(asked.body)["id"] for asked in receiver.asked)
    assert first == second


def test_a_renewed_secret_and_the_one_before_both_sign_for_a_day() -> None:
    clinic = a_clinic()
    by = a_user(Role.ADMINISTRATOR, clinic)
    address, first = webhooks.add(clinic=clinic, url="https://hooks.example.org/x", by=by, now=NOW)
    second = webhooks.renew(address=address, by=by, now=NOW)
    address.refresh_from_db()
    assert first != second
    assert signature(address, b"{}", now=NOW).count("v1=") == 2
    assert signature(address, b"{}", now=NOW + timedelta(days=1)).count("v1=") == 1


def test_a_removed_address_is_called_no_more(receiver: HttpServer) -> None:
    clinic, by, _ = queued(receiver.address)
    address = WebhookAddress.objects.get()
    ids = delivery.claim(NOW)
    delivery.deliver_all(ids, clock=lambda: NOW)
    webhooks.remove(address=address, by=by, now=NOW)
    send()
    assert rows()[1] == ("webhook", "cancelled")
    assert receiver.asked == []
    with pytest.raises(Conflict):
        webhooks.renew(address=address, by=by, now=NOW)
    said = list(Change.objects.filter(clinic=clinic, summary__startswith="Webhook").values_list("summary", flat=True))
    assert [line.partition(":")[0] for line in said] == ["Webhook removed", "Webhook added"]


INSIDE = [
    "http://hooks.example.org/", "https://127.0.0.1/", "https://10.0.0.8/", "https://[::1]/", "https://169.254.169.254/",
    "https://localhost/", "https://db/", "https://user:word@hooks.example.org/", "ftp://hooks.example.org", "https://",
    "https://hooks.example.org:0/", "https://hooks.example.org:99999/", "https://hooks.example.org/\r\nX: y", "x",
]  # fmt: skip


@pytest.mark.parametrize("url", INSIDE)
def test_an_address_inside_or_without_encryption_is_refused(url: str) -> None:
    clinic = a_clinic()
    with pytest.raises(Impossible) as refused:
        webhooks.add(clinic=clinic, url=url + " ", by=a_user(), now=NOW)
    assert set(refused.value.errors) == {"url"}
    assert not WebhookAddress.objects.exists()


@pytest.mark.parametrize("inside", ["127.0.0.1", "10.1.2.3", "::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "fe80::1"])
def test_a_name_that_leads_inside_is_not_called(monkeypatch: pytest.MonkeyPatch, inside: str) -> None:
    def resolved(*_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (inside, 443))]

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    with pytest.raises(outside.NotAllowed):
        outside.post("https://hooks.example.org/", body=b"{}", headers={})


def test_a_test_says_how_it_went(receiver: HttpServer) -> None:
    clinic, by, _ = queued(receiver.address)
    address = WebhookAddress.objects.select_related("clinic").get()
    assert webhooks.send_test(address=address, by=by, now=NOW) == ""
    assert json.loads(receiver.asked[0].body)["event"] == "test"
    receiver.status = 403
    assert webhooks.send_test(address=address, by=by, now=NOW) == "the address answered 403"
    assert clinic.webhooks.get().failing_since == NOW


def test_the_page_and_the_api_do_the_same(receiver: HttpServer) -> None:
    clinic = a_clinic()
    client = Client()
    client.force_login(a_user(Role.ADMINISTRATOR, clinic), backend="clinics.backends.EmailBackend")
    page = client.post(f"/clinics/{clinic.pk}/webhooks/", {"url": receiver.address})
    address = WebhookAddress.objects.get()
    assert secret_of(address, 1) in page.text
    assert secret_of(address, 1) not in client.get(f"/clinics/{clinic.pk}/webhooks/").text
    here = f"/clinics/{clinic.pk}/webhooks/{address.pk}"
    assert secret_of(address, 2) in client.post(f"{here}/renew/").text
    assert "took the test" in client.post(f"{here}/test/", follow=True).text
    answered = client.post(f"/api/v1{here}/renew/").json()
    assert answered["secret"] == secret_of(address, 3)
    assert client.get(f"/api/v1/clinics/{clinic.pk}/webhooks/").json()["results"][0]["url"] == receiver.address
    assert client.delete(f"/api/v1{here}/").status_code == 204
    assert client.post(f"{here}/test/").status_code == 404
    assert address.created_at <= timezone.now()

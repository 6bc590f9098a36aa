import re
import time
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail, signing
from django.test import Client

from alerts.models import Alert, AlertStep, Notification
from alerts.patient_links import SALT, link_of
from clinics.services.tenants import go_live
from pumps.services import fleet
from tests.alerts.test_delivery import send
from tests.alerts.test_telling import a_due_pump, consenting
from tests.builders import NOW, a_clinic

pytestmark = pytest.mark.django_db


@pytest.fixture
def link() -> str:
    """The address in a message that really left."""
    clinic = a_clinic("Harbor Neurology", patient_facing_name="Harbor")
    go_live(clinic=clinic, now=NOW)
    a_due_pump(clinic, -1, patient=consenting(clinic))
    fleet.tick(NOW)
    send()
    [message] = mail.outbox
    found = re.search(r"http://[^/\s]+(/v/\S+/)", str(message.body))
    assert found is not None
    return found[1]


def answers() -> list[str]:
    return list(AlertStep.objects.filter(what="answered").values_list("detail", flat=True))


def test_looking_behind_the_link_answers_nothing_and_names_nothing(client: Client, link: str) -> None:
    page = client.get(link).content.decode().lower()
    assert "hello ada" in page
    for word in ("baclofen", "pump", "refill", "dose", "reservoir", "neurology", "spastic", "rossi"):
        assert word not in page
    assert answers() == []


def test_an_answer_stands_in_the_alerts_log_once_and_quiets_nothing(client: Client, link: str) -> None:
    due = Alert.objects.get().next_due_at
    for _ in range(2):
        assert "would like a call" in client.post(link, {"answer": "call_me"}).content.decode()
    client.post(link, {"answer": "booked"})
    assert answers() == ["the patient asks to be called", "the patient says a visit is booked"]
    assert Alert.objects.get().next_due_at == due


def test_rubbish_answers_nothing(client: Client, link: str) -> None:
    assert client.post(link, {"answer": "<script>"}).status_code == 200
    assert answers() == []


def test_a_link_that_is_wrong_old_or_a_staff_messages_is_gone(client: Client, link: str, monkeypatch: Any) -> None:
    staff_row = Notification.objects.filter(patient=None).earliest("pk")
    for address in (link[:-3] + "xx/", "/v/rubbish/", "/" + link_of(staff_row).split("/", 3)[3]):
        assert client.get(address).status_code == 404
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + timedelta(days=61).total_seconds())
    assert client.get(link).status_code == 404
    assert signing.loads(link.split("/")[2], salt=SALT) is not None

"""A pump as it was known at an earlier moment."""

from datetime import datetime, timedelta
from decimal import Decimal as D

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clinics.models import Clinic
from pumps.models import Pump
from pumps.services import ledger
from tests.builders import a_refill, a_running_pump, a_user

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def page(client: Client, pump: Pump, at: datetime) -> str:
    wall = at.astimezone(pump.clinic.zone)
    return client.get(reverse("known", args=[pump.pk]), {"known_at": f"{wall:%Y-%m-%dT%H:%M}"}).text


def test_it_shows_what_stood_then(clinic: Clinic, nurse: Client) -> None:
    now = timezone.now()
    pump = a_running_pump(clinic, now=now - 20 * DAY)
    late = a_refill(pump, now - 30 * DAY, aspirated_ml=D(32), filled_ml=D(39), now=now - 5 * DAY)
    ledger.void(pump_id=pump.pk, event_id=late.pk, reason="slip", user=a_user(), source="page", now=now - 2 * DAY)
    assert reverse("known", args=[pump.pk]) in nurse.get(reverse("pump", args=[pump.pk])).text
    before, between, after = (page(nurse, pump, now - days * DAY) for days in (10, 3, 1))
    assert "20.0 mL as programmed" not in between
    assert ("Refill: 39 mL" in before, "Refill: 39 mL" in between, "Refill: 39 mL" in after) == (False, True, False)
    assert all("Refill: 40 mL" in text for text in (before, between, after))
    assert "24.0 mL as programmed" in before
    assert "28.2 mL as programmed" in between


def test_the_future_is_refused_at_its_field(clinic: Clinic, nurse: Client) -> None:
    pump = a_running_pump(clinic, now=timezone.now())
    text = page(nurse, pump, timezone.now() + 2 * DAY)
    assert "This lies in the future" in text
    assert "Known on" not in text

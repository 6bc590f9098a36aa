"""What has to be mended is named at the top of a form, and leads to its field."""

import re

import pytest
from django.test import Client

from clinics.roles import Role
from pumps.models import Pump
from tests.builders import a_clinic, a_running_pump, a_user
from tests.pages.conftest import logged_in

pytestmark = pytest.mark.django_db
SUMMARY = re.compile(r"<div [^>]*data-wrong>(.*?)</div>", re.DOTALL)


@pytest.fixture
def pump() -> Pump:
    return a_running_pump(a_clinic("Harbor"), filled_days_ago=60)


@pytest.fixture
def client(pump: Pump) -> Client:
    return logged_in(a_user(Role.NURSE, pump.clinic))


@pytest.mark.parametrize(
    ("address", "named"),
    [
        ("/patients/new/", "Family name"),
        ("/patients/{patient}/pumps/new/", "Serial number"),
        ("/patients/{patient}/adverse-event/", "Severity"),
        ("/pumps/{pump}/refill/", "Filled"),
        ("/pumps/{pump}/explant/", "Why"),
    ],
)
def test_each_field_named_at_the_top_is_on_the_page(client: Client, pump: Pump, address: str, named: str) -> None:
    page = client.post(address.format(pump=pump.pk, patient=pump.patient_id), {"step": "review"}).text
    [summary] = SUMMARY.findall(page)
    links = re.findall(r'<a href="#([^"]+)">([^<]+)</a>', summary)
    assert any(named in label for _, label in links), links
    assert [field for field, _ in links if f'id="{field}"' not in page] == []

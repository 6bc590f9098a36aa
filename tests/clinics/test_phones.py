"""What patients are told to call is set on the clinic's settings page, and over the API."""

import pytest
from django.test import Client
from django.urls import reverse

from clinics.models import Change
from clinics.roles import Role
from clinics.services.keys import issue_api_key
from pumps.forms.settings import ClinicForm
from tests.builders import a_clinic, a_user

pytestmark = pytest.mark.django_db


def test_an_administrator_sets_both_numbers_and_the_history_keeps_it(client: Client) -> None:
    clinic = a_clinic("Harbor")
    client.force_login(a_user(Role.ADMINISTRATOR, clinic), backend="clinics.backends.EmailBackend")
    url = reverse("clinic_settings", args=[clinic.pk])
    sent = {name: getattr(clinic, name) or "" for name in ClinicForm.base_fields}
    client.post(url, {**sent, "phone": "+1 555 0100", "emergency_number": "112", "step": "save"})
    clinic.refresh_from_db()
    assert (clinic.phone, clinic.number_in_emergency) == ("+1 555 0100", "112")
    assert Change.objects.get(summary="Settings changed").details["phone"] == ["blank", "+1 555 0100"]
    refused = client.post(url, {**sent, "phone": "ask at the desk", "step": "save"})
    assert "a number that a telephone can dial" in refused.text
    clinic.refresh_from_db()
    assert clinic.phone == "+1 555 0100"


def test_the_api_reads_and_sets_them() -> None:
    clinic = a_clinic("Harbor", label_set="uk")
    key = issue_api_key(user=a_user(Role.ADMINISTRATOR, clinic))
    client = Client(headers={"Authorization": f"Bearer {key}"})
    url = f"/api/v1/clinics/{clinic.pk}/"
    assert (client.get(url).json()["phone"], client.get(url).json()["emergency_number"]) == ("", "")
    assert clinic.number_in_emergency == "999"
    client.patch(url, {"phone": "020 7946 0100"}, content_type="application/json")
    assert client.get(url).json()["phone"] == "020 7946 0100"

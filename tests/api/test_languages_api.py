"""Programs are answered in English, whatever their user or their library asks for; pages are not."""

from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from clinics.models import Clinic
from clinics.roles import Role
from clinics.services.keys import issue_api_key
from tests.builders import PASSWORD, a_clinic, a_user

pytestmark = pytest.mark.django_db
IN_SPANISH = {"accept-language": "es"}


def spanish(clinic: Clinic) -> Any:
    user = a_user(Role.ADMINISTRATOR, clinic)
    user.language = "es"
    user.save()
    return user


def test_a_program_is_answered_in_english() -> None:
    user = spanish(a_clinic())
    client = APIClient(headers={"Authorization": f"Bearer {issue_api_key(user=user)}", **IN_SPANISH})
    answer = client.post("/api/v1/patients/", {}, format="json")
    assert answer.status_code == 400
    assert answer.headers["Content-Language"] == "en"
    assert answer.json()["mrn"] == ["This field is required."]
    assert client.get("/api/v1/patients/9999/").json()["detail"].startswith("No ")


def test_a_page_speaks_its_readers_language_before_its_browsers() -> None:
    user = spanish(a_clinic())
    browser = Client(headers=IN_SPANISH)
    assert browser.get("/login/").headers["Content-Language"] == "es"
    assert browser.login(username=user.email, password=PASSWORD)
    answer = Client(headers={"accept-language": "en"})
    answer.force_login(user, backend="clinics.backends.EmailBackend")
    assert answer.get("/account/").headers["Content-Language"] == "es"

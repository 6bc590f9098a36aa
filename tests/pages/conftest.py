from typing import Any

import pytest
from django.test import Client

from clinics.models import Clinic, User
from clinics.roles import Role
from tests.builders import a_clinic, a_user


@pytest.fixture(autouse=True)
def _plain_static_files(settings: Any) -> None:
    """Pages name their style sheets without a manifest, which only `collectstatic` writes."""
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "whitenoise" not in name]


@pytest.fixture
def clinic(db: None) -> Clinic:
    return a_clinic("Harbor")


def logged_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def nurse(clinic: Clinic) -> Client:
    return logged_in(a_user(Role.NURSE, clinic))


@pytest.fixture
def stranger(clinic: Clinic) -> Client:
    """A nurse of another clinic."""
    return logged_in(a_user(Role.NURSE, a_clinic("Elsewhere")))


@pytest.fixture
def administrator(clinic: Clinic) -> Client:
    return logged_in(a_user(Role.ADMINISTRATOR, clinic))

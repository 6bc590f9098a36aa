import pytest
from django.test import Client

from clinics.models import Clinic, User
from clinics.roles import Role
from tests.builders import a_clinic, a_user


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

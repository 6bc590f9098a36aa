"""A new clinic's first steps: each is done when what it is about is there, and undone when it is not."""

from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clinics.models import AccountMail, Clinic, User
from clinics.roles import Role
from clinics.services import account_mail
from clinics.services.invitations import invite
from frame import guide
from tests.builders import a_clinic, a_patient, a_pump, a_running_pump, a_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def clinic() -> Clinic:
    return a_clinic("Harbor")


@pytest.fixture
def administrator(clinic: Clinic) -> User:
    return a_user(Role.ADMINISTRATOR, clinic)


def in_browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def done(clinic: Clinic, user: User) -> set[str]:
    return {step.code for step in guide.steps(clinic, user) if step.is_done}


def step(clinic: Clinic, user: User, code: str) -> guide.Step:
    [found] = [step for step in guide.steps(clinic, user) if step.code == code]
    return found


def test_nothing_is_done_in_an_empty_clinic(clinic: Clinic, administrator: User) -> None:
    assert done(clinic, administrator) == set()
    page = in_browser(administrator).get(reverse("guide", args=[clinic.pk]))
    assert "0 of 5 done" in page.text


def test_settings(clinic: Clinic, administrator: User) -> None:
    clinic.phone = "+1 555 0100"
    assert done(clinic, administrator) == {"settings"}


def test_people_are_there_or_invited(clinic: Clinic, administrator: User) -> None:
    a_user(Role.ADMINISTRATOR, clinic)
    a_user(Role.NURSE, a_clinic("Elsewhere"))
    assert done(clinic, administrator) == set()
    invite(email="n@example.org", roles=[Role.NURSE], clinic=clinic, by=administrator, now=timezone.now())
    assert done(clinic, administrator) == {"people"}
    assert "0 in care, 1 invited" in step(clinic, administrator, "people").said


def test_the_way_to_a_forecast(clinic: Clinic, administrator: User) -> None:
    assert step(clinic, administrator, "forecast").address == ""
    patient = a_patient(clinic)
    assert step(clinic, administrator, "forecast").address == reverse("enter_pump", args=[patient.pk])
    pump = a_pump(patient=patient)
    assert step(clinic, administrator, "forecast").address == reverse("log_refill", args=[pump.pk])
    assert done(clinic, administrator) == {"patients"}
    a_running_pump(clinic, now=timezone.now())
    assert done(clinic, administrator) == {"patients", "forecast"}


def test_another_clinics_pumps_do_not_count(clinic: Clinic, administrator: User) -> None:
    a_running_pump(a_clinic("Elsewhere"), now=timezone.now())
    assert done(clinic, administrator) == set()


def test_a_test_message_really_leaves(clinic: Clinic, administrator: User) -> None:
    client = in_browser(administrator)
    address = reverse("guide", args=[clinic.pk])
    client.post(reverse("guide_message", args=[clinic.pk]))
    client.post(reverse("guide_message", args=[clinic.pk]))
    row = AccountMail.objects.get()
    assert row.to == administrator.email
    assert "It is on its way" in client.get(address).text
    assert account_mail.send_due(for_at_most=timedelta(seconds=5)) == 1
    [sent] = mail.outbox
    assert sent.subject == "Test message from Brim"
    assert sent.to == [administrator.email]
    assert done(clinic, administrator) == {"message"}
    assert "It is on its way" not in client.get(address).text


def test_a_message_that_is_refused_says_why(clinic: Clinic, administrator: User) -> None:
    guide.send_test(to=administrator, now=timezone.now())
    AccountMail.objects.update(error="connection refused", attempts=1)
    assert "connection refused" in step(clinic, administrator, "message").said
    assert done(clinic, administrator) == set()


def test_the_way_back_is_on_every_page_until_it_is_left_or_done(clinic: Clinic, administrator: User) -> None:
    client = in_browser(administrator)
    assert "Back to the guide" not in client.get(reverse("help")).text
    client.get(reverse("guide", args=[clinic.pk]))
    assert "Back to the guide for Harbor" in client.get(reverse("help")).text
    client.post(reverse("leave_guide", args=[clinic.pk]))
    assert "Back to the guide" not in client.get(reverse("help")).text


def test_only_administrators_walk_it_and_strangers_do_not_know_it(clinic: Clinic) -> None:
    nurse = in_browser(a_user(Role.NURSE, clinic))
    stranger = in_browser(a_user(Role.ADMINISTRATOR, a_clinic("Elsewhere")))
    for client, status in ((nurse, 403), (stranger, 404)):
        assert client.get(reverse("guide", args=[clinic.pk])).status_code == status
        assert client.post(reverse("guide_message", args=[clinic.pk])).status_code == status
        assert client.post(reverse("leave_guide", args=[clinic.pk])).status_code == status
    assert not AccountMail.objects.exists()


def test_a_clinic_that_is_opened_begins_with_it() -> None:
    client = in_browser(a_user(Role.ADMINISTRATOR))
    sent = {"name": "New", "timezone": "Europe/Madrid", "label_set": "uk"}
    page = client.post(reverse("open_clinic"), sent, follow=True)
    assert page.redirect_chain[-1][0] == reverse("guide", args=[Clinic.objects.get(name="New").pk])
    assert "0 of 5 done" in page.text

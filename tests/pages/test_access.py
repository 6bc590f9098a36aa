"""Who reaches which page."""

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from alerts.models import Notification
from alerts.tasks import deliver
from clinics.models import Clinic
from clinics.roles import Role
from clinics.services.members import add_member, password_link
from pumps.models import Pump
from pumps.services import fleet
from tests.builders import PASSWORD, a_clinic, a_pump, a_running_pump, a_user
from tests.pages.conftest import logged_in


@pytest.fixture
def pump(clinic: Clinic) -> Pump:
    return a_running_pump(clinic, now=timezone.now())


def paths(pump: Pump) -> list[str]:
    event = pump.events.earliest("pk")
    return [
        reverse("pump", args=[pump.pk]),
        reverse("log_refill", args=[pump.pk]),
        reverse("log_dose_change", args=[pump.pk]),
        reverse("void_event", args=[pump.pk, event.pk]),
        reverse("clinic", args=[pump.clinic_id]),
    ]


def test_nobody_sees_a_page_without_logging_in(pump: Pump) -> None:
    for path in [*paths(pump), reverse("worklist"), reverse("alerts"), reverse("messages"), reverse("catalogue")]:
        answer = Client().get(path)
        assert answer.status_code == 302
        assert answer["Location"].startswith(reverse("account_login"))


def test_a_stranger_is_told_nothing_is_there(pump: Pump, stranger: Client) -> None:
    for path in paths(pump):
        assert stranger.get(path).status_code == 404
        assert stranger.post(path).status_code == 404
    assert pump.patient.mrn not in stranger.get(reverse("worklist")).text


def test_a_strangers_messages_are_not_there(clinic: Clinic, stranger: Client, nurse: Client) -> None:
    a_running_pump(clinic, filled_days_ago=94, now=timezone.now())
    fleet.tick(timezone.now())
    row = Notification.objects.exclude(user=None).latest("pk")
    assert stranger.get(reverse("message", args=[row.pk])).status_code == 404
    assert nurse.get(reverse("message", args=[row.pk])).status_code == 200


@pytest.mark.parametrize(
    ("role", "sees_clinical", "logs"),
    [
        (Role.SCHEDULER, False, False),
        (Role.NURSE, True, True),
        (Role.PRESCRIBER, True, True),
        (Role.PHARMACIST, True, False),
        (Role.ADMINISTRATOR, True, True),
        (Role.AUDITOR, True, False),
    ],
)
def test_each_role_sees_and_does_what_is_its_own(pump: Pump, role: Role, sees_clinical: bool, logs: bool) -> None:
    client = logged_in(a_user(role, pump.clinic))
    page = client.get(reverse("pump", args=[pump.pk])).text
    assert pump.patient.family_name in page
    assert "Refill by" in page
    assert ("mcg/day" in page) is sees_clinical
    assert ("What happened" in page) is sees_clinical
    assert ("data-picture" in page) is sees_clinical
    assert ("Log refill" in page) is logs
    for name in ("log_refill", "log_dose_change"):
        assert client.get(reverse(name, args=[pump.pk])).status_code == (200 if logs else 403)


def test_a_scheduler_reads_no_volume_and_no_dose(pump: Pump) -> None:
    page = logged_in(a_user(Role.SCHEDULER, pump.clinic)).get(reverse("pump", args=[pump.pk])).text
    assert " mL" not in page
    assert "mcg" not in page


def test_log_in_says_the_same_of_every_failure(db: None) -> None:
    user = a_user()
    said = set()
    for email, password in ((user.email, "wrong"), ("nobody@example.org", PASSWORD)):
        page = Client().post(reverse("account_login"), {"login": email, "password": password})
        assert page.status_code == 200
        said.add(str(page.context["form"].non_field_errors()))
    assert len(said) == 1


def test_log_in_in_any_case_leads_home(db: None) -> None:
    user = a_user(Role.NURSE, a_clinic())
    answer = Client().post(reverse("account_login"), {"login": user.email.upper(), "password": PASSWORD}, follow=True)
    assert answer.redirect_chain[0] == (reverse("home"), 302)


def test_log_out_is_a_post(nurse: Client) -> None:
    nurse.get(reverse("account_logout"))
    assert nurse.get(reverse("worklist")).status_code == 200
    assert nurse.post(reverse("account_logout")).status_code == 302
    assert nurse.get(reverse("worklist")).status_code == 302


def test_a_one_time_link_sets_the_password_once(clinic: Clinic) -> None:
    user = add_member(email="new@example.org", role=Role.NURSE, clinic=clinic)
    link = password_link(user).removeprefix(settings.BASE_URL)
    client = Client()
    form = client.get(link, follow=True)
    address = form.redirect_chain[-1][0]
    passwords = {"password1": "a calm green pump", "password2": "a calm green pump"}
    answer = client.post(address, passwords)
    assert answer["Location"] == reverse("home")
    assert client.get(reverse("worklist")).status_code == 200
    assert "no longer works" in Client().get(link, follow=True).text


def test_pages_for_what_goes_wrong_look_like_the_rest(nurse: Client, clinic: Clinic) -> None:
    missing = nurse.get("/pumps/999999/")
    assert missing.status_code == 404
    assert "There is nothing here" in missing.text
    scheduler = logged_in(a_user(Role.SCHEDULER, clinic))
    refused = scheduler.get(reverse("log_refill", args=[a_pump(clinic).pk]))
    assert refused.status_code == 403
    assert "does not include: entering refills" in refused.text


def test_silence_of_the_engine_is_said_on_every_page(nurse: Client, pump: Pump) -> None:
    for path in (reverse("worklist"), reverse("pump", args=[pump.pk]), reverse("clinic_list")):
        assert "Reminders have stopped" in nurse.get(path).text
    fleet.tick(timezone.now())
    assert "Silent: sending messages, from the start" in nurse.get(reverse("worklist")).text
    deliver()
    assert "Reminders have stopped" not in nurse.get(reverse("worklist")).text

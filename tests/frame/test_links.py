"""What the navigation offers to each role, what it marks, and what it counts."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from alerts.models import Alert
from clinics.models import Clinic, User
from clinics.roles import Role
from frame.links import links_for
from pumps.services import fleet
from tests.builders import a_clinic, a_running_pump, a_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def clinic() -> Clinic:
    return a_clinic("Harbor")


def in_browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def names(user: User) -> set[str]:
    links = links_for(user)
    return {link.name for link in (*links.main, *links.more)}


def test_each_role_is_offered_what_it_may_see(clinic: Clinic) -> None:
    scheduler, prescriber = a_user(Role.SCHEDULER, clinic), a_user(Role.PRESCRIBER, clinic)
    administrator = a_user(Role.ADMINISTRATOR, clinic)
    assert {"worklist", "patient_list", "alerts", "call_list"} <= names(scheduler)
    assert not {"to_sign", "fleet", "imports"} & names(scheduler)
    assert {"to_sign", "fleet"} <= names(prescriber)
    assert "imports" in names(administrator)
    assert "to_sign" not in names(administrator)


@pytest.mark.parametrize("role", list(Role))
def test_whatever_is_offered_is_there(clinic: Clinic, role: Role) -> None:
    user = a_user(role, clinic)
    client = in_browser(user)
    for link in (*links_for(user).main, *links_for(user).more):
        assert client.get(link.address, follow=True).status_code == 200, link.name


@pytest.mark.parametrize("role", list(Role))
def test_a_phone_has_room_for_four(clinic: Clinic, role: Role) -> None:
    links = links_for(a_user(role, clinic))
    assert len([link for link in links.main if link.is_thumb]) <= 4
    assert "alerts" in {link.name for link in links.main if link.is_thumb}


def test_keys_lead_to_one_place_each(clinic: Clinic) -> None:
    keys = [link.keys for link in links_for(a_user(Role.PRESCRIBER, clinic)).with_keys]
    assert len(keys) == len(set(keys))
    assert all(key.startswith("g ") for key in keys)


def test_the_page_one_is_on_is_marked(clinic: Clinic) -> None:
    client = in_browser(a_user(Role.NURSE, clinic))
    pump = a_running_pump(clinic, now=timezone.now())
    assert f'<a href="{reverse("worklist")}" class="thumb" aria-current="page">' in client.get(reverse("worklist")).text
    patients = f'<a href="{reverse("patient_list")}" class="thumb" aria-current="true">'
    assert patients in client.get(reverse("pump", args=[pump.pk])).text


def test_open_alerts_are_counted_until_somebody_acknowledges(clinic: Clinic) -> None:
    user, now = a_user(Role.NURSE, clinic), timezone.now()
    stranger = a_user(Role.NURSE, a_clinic("Elsewhere"))
    a_running_pump(clinic, filled_days_ago=90, now=now)
    fleet.tick(now)
    assert '<span class="count">1</span>' in in_browser(user).get(reverse("patient_list")).text
    assert 'class="count"' not in in_browser(stranger).get(reverse("patient_list")).text
    Alert.objects.update(acknowledged_until=now + timedelta(days=1), acknowledged_by=user)
    assert 'class="count"' not in in_browser(user).get(reverse("patient_list")).text


def test_a_person_without_a_role_still_has_a_way(client: Client) -> None:
    client.force_login(a_user())
    page = client.get(reverse("help"))
    assert reverse("account") in page.text


@pytest.mark.parametrize(
    ("look", "linked", "not_linked"),
    [
        ("", ["(prefers-color-scheme: dark)", "(prefers-contrast: more)"], []),
        ("light", [], ["look-dark", "look-contrast"]),
        ("dark", ['look-dark.css" media="screen"'], ["look-contrast"]),
        ("contrast", ['look-contrast.css" media="screen"'], ["look-dark"]),
    ],
)
def test_a_look_is_chosen(clinic: Clinic, look: str, linked: list[str], not_linked: list[str]) -> None:
    user = a_user(Role.NURSE, clinic)
    client = in_browser(user)
    sent = {"name": "Nora", "phone": "", "language": "", "look": look}
    assert client.post(reverse("account"), sent).status_code == 302
    page = client.get(reverse("account"))
    assert [part for part in linked if part not in page.text] == []
    assert [part for part in not_linked if part in page.text] == []


def test_a_language_is_chosen_and_rubbish_refused(clinic: Clinic) -> None:
    user = a_user(Role.NURSE, clinic)
    client = in_browser(user)
    client.post(reverse("account"), {"name": "Nora", "phone": "", "language": "es", "look": ""})
    assert '<html lang="es" dir="ltr"' in client.get(reverse("account")).text
    user.refresh_from_db()
    assert user.language == "es"
    for field in ("language", "look"):
        page = client.post(reverse("account"), {"name": "Nora", "phone": "", "language": "", "look": "", field: "xx"})
        assert page.status_code == 200
    user.refresh_from_db()
    assert (user.language, user.look) == ("es", "")

"""Who comes in and who goes: invitations, lock-out, an idle log-in, the second factor, keys."""

from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clinics.errors import Conflict, Impossible
from clinics.middleware import SEEN
from clinics.models import AccountMail, ApiKey, Clinic, Invitation, User
from clinics.roles import Role
from clinics.services import invitations, members
from tests.builders import PASSWORD, a_clinic, a_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def clinic() -> Clinic:
    return a_clinic("Harbor")


@pytest.fixture
def administrator(clinic: Clinic) -> User:
    return a_user(Role.ADMINISTRATOR, clinic)


def browser_of(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="clinics.backends.EmailBackend")
    return client


def log_in(email: str, password: str, client: Client | None = None) -> Any:
    return (client or Client()).post(reverse("account_login"), {"login": email, "password": password})


def invited(clinic: Clinic, administrator: User, email: str = "new@example.org") -> Invitation:
    return invitations.invite(email=email, roles=[Role.NURSE], clinic=clinic, by=administrator, now=timezone.now())


def path_of(invitation: Invitation) -> str:
    return "/" + invitations.link_of(invitation).split("/", 3)[3]


def test_an_invitation_makes_an_account_once(clinic: Clinic, administrator: User) -> None:
    path = path_of(invited(clinic, administrator))
    assert AccountMail.objects.get().to == "new@example.org"
    client = Client()
    values = {"name": "Nora", "password": "a calm green pump", "password_again": "a calm green pump"}
    form = client.get(path).context["form"]
    answer = client.post(path, {name: values.get(name, "a calm green pump") for name in form.fields})
    assert answer.status_code == 302
    user = User.objects.get(email="new@example.org")
    assert user.access.roles_in(clinic.pk) == {Role.NURSE}
    assert client.get(reverse("worklist")).status_code == 200
    assert "ended" in Client().get(path).text


@pytest.mark.parametrize("how", ["withdrawn", "too old", "sent again"])
def test_an_invitation_ends(clinic: Clinic, administrator: User, how: str) -> None:
    invitation, now = invited(clinic, administrator), timezone.now()
    path = path_of(invitation)
    if how == "withdrawn":
        invitations.withdraw(invitation=invitation, by=administrator, now=now)
    elif how == "too old":
        Invitation.objects.update(created_at=now - timedelta(days=30), expires_at=now - timedelta(days=1))
    else:
        invitations.resend(invitation=invitation, by=administrator, now=now)
    assert "ended" in Client().get(path).text
    assert not User.objects.filter(email="new@example.org").exists()


def test_inviting_says_the_same_of_an_address_with_an_account(clinic: Clinic, administrator: User) -> None:
    known = a_user(Role.NURSE, a_clinic("Elsewhere"))
    client, path = browser_of(administrator), reverse("people", args=[clinic.pk])
    said = set()
    for email in (known.email, "nobody@example.org"):
        page = client.post(path, {"email": email, "roles": ["nurse"]}, follow=True)
        said.add(page.text.count("Invited:"))
        assert not known.access.roles_in(clinic.pk)
    assert said == {1}


def test_a_forgotten_password_says_the_same_of_everybody() -> None:
    known = a_user()
    pages = set()
    for email in (known.email, "nobody@example.org"):
        cache.clear()
        page = Client().post(reverse("account_reset_password"), {"email": email}, follow=True)
        pages.add((page.status_code, tuple(page.redirect_chain), page.text.replace(email, "")))
    assert len(pages) == 1


def test_five_wrong_passwords_lock_an_address_and_say_so_of_any_address() -> None:
    known = a_user()
    said = set()
    for email in (known.email, "nobody@example.org"):
        cache.clear()
        for _ in range(5):
            assert log_in(email, "wrong").status_code == 200
        page = log_in(email, PASSWORD)
        said.add((page.status_code, " ".join(page.context["form"].non_field_errors()) if page.context else ""))
        assert not Session.objects.exists() or "_auth_user_id" not in page.client.session
    assert len(said) == 1


def test_an_idle_log_in_ends_and_a_look_at_the_clock_does_not_prolong_it(settings: Any) -> None:
    client = browser_of(a_user(Role.NURSE, a_clinic()))
    assert client.get(reverse("worklist")).status_code == 200
    session = client.session
    session[SEEN] -= settings.SESSION_IDLE_SECONDS - 60
    session.save()
    before = client.session[SEEN]
    assert client.get(reverse("session")).json()["seconds_left"] <= 60
    assert client.get(reverse("job_progress", args=[1])).status_code == 404
    assert client.session[SEEN] == before, "nor does a page that asks how far work is"
    session = client.session
    session[SEEN] -= 120
    session.save()
    assert client.get(reverse("worklist")).status_code == 302


def test_a_clinic_may_ask_for_a_second_factor(clinic: Clinic) -> None:
    user = a_user(Role.NURSE, clinic)
    client = browser_of(user)
    assert client.get(reverse("worklist")).status_code == 200
    Clinic.objects.update(second_factor_required=True)
    answer = client.get(reverse("worklist"))
    assert (answer.status_code, answer["Location"]) == (302, reverse("mfa_index"))
    assert client.get(reverse("mfa_index")).status_code == 200
    assert client.get("/api/v1/worklist/").status_code == 403
    assert client.get(reverse("api_keys"))["Location"] == reverse("mfa_index")
    Authenticator.objects.create(user=user, type="totp", data={"secret": "x"})
    assert client.get(reverse("worklist")).status_code == 200


def test_a_key_is_named_shown_once_and_revoked(clinic: Clinic) -> None:
    client = browser_of(a_user(Role.ADMINISTRATOR, clinic))
    assert browser_of(a_user(Role.NURSE, clinic)).get(reverse("api_keys")).status_code == 403
    page = client.post(reverse("api_keys"), {"name": "ward tablet"}, follow=True)
    [key] = ApiKey.objects.all()
    [shown] = [word for word in page.text.replace("<", " ").replace(">", " ").split() if word.startswith("brim_")][:1]
    assert shown not in client.get(reverse("api_keys")).text
    program = Client(headers={"Authorization": f"Bearer {shown}"})
    assert program.get("/api/v1/worklist/").status_code == 200
    client.post(reverse("revoke_key", args=[key.pk]))
    assert program.get("/api/v1/worklist/").status_code in {401, 403}


def test_the_last_administrator_stays(clinic: Clinic, administrator: User) -> None:
    now = timezone.now()
    with pytest.raises((Conflict, Impossible)):
        members.leave(user=administrator, clinic=clinic, now=now)
    with pytest.raises((Conflict, Impossible)):
        members.set_roles(user=administrator, clinic=clinic, roles=[Role.NURSE], by=administrator, now=now)
    a_user(Role.ADMINISTRATOR, clinic)
    members.leave(user=administrator, clinic=clinic, now=now)
    assert not administrator.access.roles_in(clinic.pk)


def test_an_invitation_does_not_open_an_account_with_roles_elsewhere(clinic: Clinic, administrator: User) -> None:
    other = members.add_member(email="over@example.org", role=Role.ADMINISTRATOR, clinic=None)
    invitation = invited(clinic, administrator, other.email)
    with pytest.raises(Conflict):
        invitations.accept_as_new(invitation=invitation, name="X", password="a calm green pump", now=timezone.now())
    other.refresh_from_db()
    assert not other.has_usable_password()


@pytest.mark.parametrize("path", ["/password/%00/x/", "/password/x/%00/", "/password/" + "z" * 500 + "/x-y/"])
def test_an_odd_link_to_a_password_is_no_error(path: str) -> None:
    assert Client(raise_request_exception=False).get(path, follow=True).status_code in {200, 404}

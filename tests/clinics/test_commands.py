import re
from io import StringIO
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from clinics.models import ApiKey, User
from clinics.roles import Role
from tests.builders import PASSWORD, a_clinic, a_user

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def test_add_member_prints_a_link_that_sets_the_password_once(client: Client) -> None:
    clinic = a_clinic("Harbor")
    link = run("add_member", "Ann@Example.org", "--role", "nurse", "--clinic", "Harbor").strip()
    path = urlsplit(link).path
    response = client.get(path, follow=True)
    form_path = response.request["PATH_INFO"]
    passwords = {"password1": "a long enough secret", "password2": "a long enough secret"}
    assert client.post(form_path, passwords).status_code == 302
    assert Client().login(username="ANN@example.org", password="a long enough secret")
    assert User.objects.get().access.roles_in(clinic.pk) == {Role.NURSE}
    assert "password1" not in Client().get(path, follow=True).content.decode()


def test_add_member_twice_adds_roles_not_accounts() -> None:
    a_clinic("Harbor")
    run("add_member", "ann@example.org", "--role", "nurse", "--clinic", "Harbor")
    run("add_member", "ANN@example.org", "--role", "nurse", "--clinic", "Harbor")
    run("add_member", "ann@example.org", "--role", "auditor", "--all-clinics")
    user = User.objects.get()
    assert user.memberships.count() == 2
    assert user.access.roles_in(a_clinic().pk) == {Role.AUDITOR}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nobody", "--role", "nurse", "--all-clinics"], "not an e-mail address"),
        (["ann@example.org", "--role", "nurse", "--clinic", "Nowhere"], "no clinic 'Nowhere'"),
        (["ann@example.org", "--role", "wizard", "--all-clinics"], "invalid choice"),
        (["ann@example.org", "--role", "nurse"], "required"),
    ],
)
def test_add_member_says_what_is_wrong(arguments: list[str], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        run("add_member", *arguments)
    assert not User.objects.exists()


def test_issue_token_prints_the_key_and_nothing_else() -> None:
    user = a_user(Role.NURSE, a_clinic())
    printed = run("issue_token", user.email.upper())
    assert re.fullmatch(r"brim_[\w-]{43}\n", printed)
    key = printed.strip()
    response = Client(headers={"Authorization": f"Bearer {key}"}).get("/api/v1/clinics/")
    assert response.status_code == 200
    assert key not in str(list(ApiKey.objects.values()))
    with pytest.raises(CommandError, match="no account"):
        run("issue_token", "nobody@example.org")


@pytest.mark.parametrize("demo", [True, False])
def test_demo_accounts_exist_for_nobody_outside_the_demo(settings: Any, demo: bool) -> None:
    settings.DEMO = demo
    user = a_user(Role.NURSE, a_clinic())
    key = run("issue_token", user.email).strip()
    User.objects.update(is_demo=True)
    assert Client().login(username=user.email, password=PASSWORD) is demo
    response = Client(headers={"Authorization": f"Bearer {key}"}).get("/api/v1/clinics/")
    assert response.status_code == (200 if demo else 401)

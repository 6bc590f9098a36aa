"""Commands that take access away."""

import pytest
from django.core.management import CommandError
from django.test import Client

from clinics.models import ApiKey, Membership
from clinics.roles import Role
from clinics.services.keys import issue_api_key
from tests.builders import a_clinic, a_user
from tests.clinics.test_commands import run

pytestmark = pytest.mark.django_db


def test_revoke_tokens_ends_every_key_of_one_account() -> None:
    clinic = a_clinic()
    user, colleague = a_user(Role.NURSE, clinic), a_user(Role.NURSE, clinic)
    keys = [issue_api_key(user=user), issue_api_key(user=user), issue_api_key(user=colleague)]
    assert run("revoke_tokens", user.email.upper()) == "2\n"
    answers = [Client(headers={"Authorization": f"Bearer {key}"}).get("/api/v1/clinics/").status_code for key in keys]
    assert answers == [401, 401, 200]
    assert run("revoke_tokens", user.email) == "0\n"
    assert ApiKey.objects.filter(revoked_at=None).count() == 1
    with pytest.raises(CommandError, match="no account"):
        run("revoke_tokens", "nobody@example.org")


def test_remove_member_takes_one_role_and_leaves_the_others() -> None:
    clinic = a_clinic("Harbor")
    user = a_user(Role.NURSE, clinic)
    for other in (None, a_clinic()):
        Membership.objects.create(user=user, clinic=other, role="nurse")
    said = run("remove_member", user.email.upper(), "--role", "nurse", "--clinic", "Harbor")
    assert "no longer nurse of Harbor" in said
    assert user.memberships.count() == 2
    run("remove_member", user.email, "--role", "nurse", "--all-clinics")
    assert [membership.clinic_id is None for membership in user.memberships.all()] == [False]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["ann@example.org", "--role", "auditor", "--clinic", "Harbor"], "is not auditor of Harbor. Held: .*nurse"),
        (["ann@example.org", "--role", "nurse", "--all-clinics"], "is not nurse of all clinics"),
        (["nobody@example.org", "--role", "nurse", "--clinic", "Harbor"], "no account"),
        (["ann@example.org", "--role", "nurse", "--clinic", "Nowhere"], "no clinic 'Nowhere'"),
        (["ann@example.org", "--role", "nurse"], "required"),
    ],
)
def test_remove_member_says_what_is_wrong(arguments: list[str], message: str) -> None:
    a_user(Role.NURSE, a_clinic("Harbor"), email="ann@example.org")
    with pytest.raises(CommandError, match=message):
        run("remove_member", *arguments)
    assert Membership.objects.count() == 1

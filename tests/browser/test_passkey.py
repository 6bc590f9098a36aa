"""A passkey is made and then opens a log-in alone, with an authenticator that Chromium pretends to have."""

import re

import pytest
from allauth.mfa.models import Authenticator
from playwright.sync_api import Page, expect

from clinics.roles import Role
from tests.browser.test_new_clinic import log_out
from tests.builders import PASSWORD, a_clinic, a_user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
VIRTUAL = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def test_a_passkey_is_made_and_logs_in(page: Page, committed: None) -> None:
    page.set_default_timeout(10_000)
    user = a_user(Role.NURSE, a_clinic("Harbor"))
    devices = page.context.new_cdp_session(page)
    devices.send("WebAuthn.enable")
    devices.send("WebAuthn.addVirtualAuthenticator", {"options": VIRTUAL})
    page.goto("/")
    page.get_by_label("E-mail").fill(user.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in", exact=True).click()
    page.wait_for_url(lambda address: "/login/" not in address)
    page.goto("/account/second-factor/webauthn/add/")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Add the passkey").click()
    expect(page).not_to_have_url(re.compile("/webauthn/add/"))
    assert Authenticator.objects.filter(user=user, type="webauthn").count() == 1
    log_out(page)
    page.goto("/login/")
    page.get_by_role("button", name="Log in with a passkey").click()
    page.wait_for_url(lambda address: "/login/" not in address)

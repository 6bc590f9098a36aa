"""Somebody at the browser, without the page that asks for a password: test_homes.py goes through that one."""

from django.conf import settings
from django.test import Client
from playwright.sync_api import Page

from clinics.models import User


def enter(page: Page, user: User) -> None:
    """Log in, whoever was before."""
    client = Client()
    client.force_login(user, backend="clinics.backends.EmailBackend")
    name = settings.SESSION_COOKIE_NAME
    page.context.add_cookies([{"name": name, "value": client.cookies[name].value, "domain": "localhost", "path": "/"}])

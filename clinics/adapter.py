"""How allauth behaves in Brim: closed to strangers, silent about which accounts there are, mail through the outbox."""

import base64
import hashlib
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.stagekit import clear_login
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from cryptography.fernet import Fernet
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy

from clinics.backends import may_log_in
from clinics.models import User
from clinics.services import account_mail

WRONG = gettext_lazy("This e-mail and password do not match an account. Check both and try again.")
LOCKED = gettext_lazy("Too many failed tries. Wait five minutes, then try again, or choose a new password by e-mail.")


def _is_in_use(user: AbstractBaseUser) -> bool:
    return isinstance(user, User) and may_log_in(user)


class AccountAdapter(DefaultAccountAdapter):
    error_messages: dict[Any, Any] = {  # noqa: RUF012  # as in the class it extends
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": WRONG,
        "invalid_login": WRONG,
        "too_many_login_attempts": LOCKED,
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def pre_login(self, request: HttpRequest, user: AbstractBaseUser, **kwargs: Any) -> HttpResponse | None:
        if not _is_in_use(user):
            clear_login(request)
            return redirect("account_login")
        response: HttpResponse | None = super().pre_login(request, user, **kwargs)
        return response

    def login(self, request: HttpRequest, user: AbstractBaseUser) -> None:
        """The end of every way in; an account may have ended between the password and the second factor."""
        if not _is_in_use(user):
            clear_login(request)
            raise ImmediateHttpResponse(redirect("account_login"))
        super().login(request, user)

    def respond_user_inactive(self, request: HttpRequest, user: AbstractBaseUser) -> HttpResponse:
        return redirect("account_login")

    def send_password_reset_mail(self, user: AbstractBaseUser, email: str, context: dict[str, Any]) -> None:
        if _is_in_use(user):
            super().send_password_reset_mail(user, email, context)
        else:
            self.send_mail("account/email/unknown_account", email, {})

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Into the outbox: the page takes as long for an address without an account as for one with it."""
        message = self.render_mail(template_prefix, email, {"base_url": settings.BASE_URL, **context})
        account_mail.queue(to=email, subject=str(message.subject), body=str(message.body), now=timezone.now())

    def get_reset_password_from_key_url(self, key: str) -> str:
        """Made from our own address, not from the host a request claims."""
        uid, _, token = key.partition("-")
        return settings.BASE_URL + reverse("account_reset_password_from_key", kwargs={"uidb36": uid, "key": token})

    def get_client_ip(self, request: HttpRequest) -> str:
        """The address a proxy of ours saw, where there is one; failed tries are counted by it."""
        forwarded = request.headers.get("X-Forwarded-For", "") if settings.BEHIND_PROXY else ""
        return forwarded.rpartition(",")[2].strip() or request.META.get("REMOTE_ADDR") or "0.0.0.0"  # noqa: S104

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        # Not by host, which whoever tries passwords could vary.
        return f"login:{str(credentials.get('email', '')).strip().lower()}"


class MFAAdapter(DefaultMFAAdapter):
    def get_totp_issuer(self) -> str:
        return "Brim"

    def encrypt(self, text: str) -> str:
        return _cipher().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return _cipher().decrypt(encrypted_text.encode()).decode()

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        return {**super().get_public_key_credential_rp_entity(), "name": "Brim"}


def _cipher() -> Fernet:
    """Second factors are kept encrypted, with a key made from the secret key: a stolen dump alone opens none."""
    digest = hashlib.sha256(b"brim second factor " + settings.SECRET_KEY.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(digest))

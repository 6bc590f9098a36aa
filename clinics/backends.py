from allauth.account.auth_backends import AuthenticationBackend
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser

from clinics.models import User


def may_log_in(user: User) -> bool:
    """Whether an account is in use. Demo accounts are in use nowhere but in the demo."""
    return user.is_active and (settings.DEMO or not user.is_demo)


class EmailBackend(AuthenticationBackend):
    """Log-in by e-mail in any case. Accounts that are not in use exist for nobody, nor do their sessions."""

    def user_can_authenticate(self, user: AbstractBaseUser | AnonymousUser | None) -> bool:
        return isinstance(user, User) and may_log_in(user)

    @classmethod
    def _stash_user(cls, user: AbstractBaseUser | None) -> AbstractBaseUser | None:
        # allauth would remember a person who knows the password of an account that is not in use, and say so.
        return super()._stash_user(None)

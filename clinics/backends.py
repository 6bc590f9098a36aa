from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import AnonymousUser

from clinics.models import User


def may_log_in(user: User) -> bool:
    """Whether an account is in use. Demo accounts are in use nowhere but in the demo."""
    return user.is_active and (settings.DEMO or not user.is_demo)


class EmailBackend(ModelBackend):
    """Log-in by e-mail in any case. Demo accounts exist for nobody outside the demo."""

    def user_can_authenticate(self, user: User | AnonymousUser | None) -> bool:
        return isinstance(user, User) and may_log_in(user)

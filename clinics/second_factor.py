"""Second factors: who must have one, and who has."""

from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled

from clinics.models import Clinic, User


def is_required_of(user: User) -> bool:
    """Whether a clinic in which the user has a role requires a second factor. One query."""
    clinic_ids = user.access.clinic_ids
    asking = Clinic.objects.filter(second_factor_required=True)
    return (asking if clinic_ids is None else asking.filter(pk__in=clinic_ids)).exists()


def has_one(user: User) -> bool:
    """Whether the user has an app or a passkey; recovery codes alone are none."""
    return bool(is_mfa_enabled(user, [Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]))


def who_has_one(user_ids: list[int]) -> set[int]:
    """Those of some users that have a second factor. One query."""
    factors = Authenticator.objects.filter(
        user__in=user_ids, type__in=[Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]
    )
    return set(factors.values_list("user_id", flat=True))

"""Writes to tenants and staff, called alike by pages, API and commands."""

import hashlib
import secrets
from datetime import datetime

from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.db import transaction
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from clinics.models import ApiKey, Clinic, Membership, User
from clinics.roles import Permission, Role


@transaction.atomic
def add_member(*, email: str, role: Role, clinic: Clinic | None) -> User:
    """Give a role in a clinic, or in all clinics (None), to the account with this e-mail, made if there is none."""
    user = User.objects.filter(email__iexact=email).first() or User.objects.create_user(email)
    Membership.objects.get_or_create(user=user, clinic=clinic, role=role.value)
    return user


def remove_member(*, user: User, role: Role, clinic: Clinic | None) -> bool:
    """Take a role in a clinic, or the one in all clinics (None); returns whether it was held."""
    removed, _ = Membership.objects.filter(user=user, clinic=clinic, role=role.value).delete()
    return removed > 0


def password_link(user: User) -> str:
    """A one-time address to set a password; it ends with its use or after PASSWORD_RESET_TIMEOUT."""
    path = reverse(
        "password_reset_confirm",
        kwargs={
            "uidb64": urlsafe_base64_encode(force_bytes(user.pk)),
            "token": default_token_generator.make_token(user),
        },
    )
    return settings.BASE_URL + path


def issue_api_key(*, user: User) -> str:
    """A new API key of the user. It is returned once and stored as a digest."""
    key = "brim_" + secrets.token_urlsafe(32)
    ApiKey.objects.create(user=user, digest=digest_of(key))
    return key


def revoke_api_keys(*, user: User, now: datetime) -> int:
    """Every API key of the user stops working; returns how many did."""
    return ApiKey.objects.filter(user=user, revoked_at=None).update(revoked_at=now)


def digest_of(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


@transaction.atomic
def go_live(*, clinic: Clinic, now: datetime) -> Clinic:
    """Let messages to patients leave from now on. Pressing twice keeps the first moment."""
    locked = Clinic.objects.select_for_update().get(pk=clinic.pk)
    if locked.patient_messages_since is None:
        locked.patient_messages_since = now
        locked.save(update_fields=["patient_messages_since"])
    return locked


def administers_every_clinic(user: User) -> bool:
    """Whether the user may change what all clinics share: administrator everywhere, or of each clinic there is."""
    if user.access.can_everywhere(Permission.ADMINISTER):
        return True
    clinic_ids = list(Clinic.objects.values_list("pk", flat=True))
    return bool(clinic_ids) and all(user.access.can(Permission.ADMINISTER, pk) for pk in clinic_ids)

"""Keys for the API. A key acts as its owner; only a digest of it is kept."""

import hashlib
import secrets
from datetime import datetime

from django.db import transaction

from clinical.saying import say
from clinics.history import note, subject_of
from clinics.models import ApiKey, User


@transaction.atomic
def issue_api_key(*, user: User, name: str = "unnamed") -> str:
    """A new API key of the user. It is returned once and stored as a digest."""
    key = "brim_" + secrets.token_urlsafe(32)
    ApiKey.objects.create(user=user, name=name, digest=digest_of(key))
    return key


@transaction.atomic
def make_named_key(*, user: User, name: str, now: datetime) -> tuple[ApiKey, str]:
    """A key made by its owner on a page or over the API, with the key itself, which is not seen again."""
    key = issue_api_key(user=user, name=name)
    row = ApiKey.objects.get(digest=digest_of(key))
    note(clinic=None, by=user, at=now, subject=subject_of(user), summary=say("API key made: %(name)s", name=name))
    return row, key


@transaction.atomic
def revoke_key(*, key: ApiKey, by: User, now: datetime) -> bool:
    """End one key; returns whether it was still good."""
    is_revoked = ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=now) == 1
    if is_revoked:
        note(
            clinic=None,
            by=by,
            at=now,
            subject=subject_of(key.user),
            summary=say("API key revoked: %(name)s", name=key.name),
        )
    return is_revoked


def revoke_api_keys(*, user: User, now: datetime) -> int:
    """Every API key of the user stops working; returns how many did."""
    return ApiKey.objects.filter(user=user, revoked_at=None).update(revoked_at=now)


def mark_used(key: ApiKey, now: datetime) -> None:
    """Keep the day of a key's latest call, with one write a day."""
    if key.last_used_on != now.date():
        ApiKey.objects.filter(pk=key.pk).update(last_used_on=now.date())


def digest_of(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()

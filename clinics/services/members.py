"""Accounts and their roles."""

from collections.abc import Collection
from datetime import datetime

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy

from clinical.saying import say
from clinics.errors import Impossible
from clinics.history import Details, note, subject_of
from clinics.models import Clinic, Membership, User
from clinics.roles import Permission, Role

LAST_ADMINISTRATOR = gettext_lazy("The clinic needs an administrator: give somebody else that role first.")


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


@transaction.atomic
def set_roles(*, user: User, clinic: Clinic, roles: Collection[Role], by: User, now: datetime) -> None:
    """Make these the person's roles in a clinic; none at all ends their membership. Roles in all clinics stay.

    Raises:
        Impossible: nobody would administer the clinic any more.
    """
    # One at a time a clinic, so that two administrators cannot take each other's role at once.
    Clinic.objects.select_for_update(no_key=True).get(pk=clinic.pk)
    held = Membership.objects.filter(user=user, clinic=clinic)
    before = sorted(held.values_list("role", flat=True))
    wanted = sorted(role.value for role in roles)
    if before == wanted:
        return
    held.exclude(role__in=wanted).delete()
    for role in wanted:
        Membership.objects.get_or_create(user=user, clinic=clinic, role=role)
    if Role.ADMINISTRATOR.value in before and not has_administrator(clinic):
        raise Impossible({"roles": [LAST_ADMINISTRATOR]})
    details: Details = {"roles": [", ".join(before) or "none", ", ".join(wanted) or "none"]}
    summary = say("Roles of %(user)s", user=user) if user != by else say("Own roles of %(user)s", user=user)
    note(clinic=clinic, by=by, at=now, subject=subject_of(user), summary=summary, details=details)


def leave(*, user: User, clinic: Clinic, now: datetime) -> None:
    """Give up every role of one's own in a clinic.

    Raises:
        Impossible: nobody would administer the clinic any more.
    """
    set_roles(user=user, clinic=clinic, roles=(), by=user, now=now)


def has_administrator(clinic: Clinic) -> bool:
    """Whether somebody who may log in administers the clinic."""
    administrators = Membership.objects.of_clinic(clinic.pk).filter(role=Role.ADMINISTRATOR.value)
    return administrators.filter(user__in=User.objects.in_use()).exists()


@transaction.atomic
def rename(*, user: User, name: str) -> User:
    user.name = name
    user.save(update_fields=["name"])
    return user


@transaction.atomic
def set_phone(*, user: User, phone: str) -> User:
    """Where alerts reach a person by text message and call; blank ends that."""
    user.phone = phone
    user.save(update_fields=["phone"])
    return user


@transaction.atomic
def set_screen(*, user: User, language: str, look: str) -> User:
    """What pages speak to a person, and how they look; blank leaves it to their browser."""
    user.language, user.look = language, look
    user.save(update_fields=["language", "look"])
    return user


def password_link(user: User) -> str:
    """A one-time address to set a password; it ends with its use or after PASSWORD_RESET_TIMEOUT."""
    key = default_token_generator.make_token(user)
    path = reverse("account_reset_password_from_key", kwargs={"uidb36": user_pk_to_url_str(user), "key": key})
    return settings.BASE_URL + path


def administers_every_clinic(user: User) -> bool:
    """Whether the user may change what all clinics share: administrator everywhere, or of each clinic there is."""
    if user.access.can_everywhere(Permission.ADMINISTER):
        return True
    clinic_ids = list(Clinic.objects.values_list("pk", flat=True))
    return bool(clinic_ids) and all(user.access.can(Permission.ADMINISTER, pk) for pk in clinic_ids)


def administers_all_of(administrator: User, user: User) -> bool:
    """Whether every role of a person lies in clinics this administrator administers."""
    places = user.memberships.values_list("clinic_id", flat=True).distinct()
    access = administrator.access
    return all(
        access.can_everywhere(Permission.ADMINISTER) if place is None else access.can(Permission.ADMINISTER, place)
        for place in places
    )


def members_of(clinic: Clinic) -> list[User]:
    """Everybody with a role that counts in the clinic, by name."""
    counts = Q(memberships__clinic=clinic) | Q(memberships__clinic=None, memberships__isnull=False)
    return list(User.objects.filter(counts).distinct().order_by("name", "email").prefetch_related("memberships"))

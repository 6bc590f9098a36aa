"""Roles offered by e-mail, and their acceptance."""

import secrets
from collections.abc import Collection
from datetime import datetime, timedelta

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core import signing
from django.db import IntegrityError, transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinical.saying import say
from clinics.errors import Conflict, Impossible
from clinics.history import note, subject_of
from clinics.models import Clinic, Invitation, Membership, User
from clinics.roles import Role, in_words
from clinics.services import account_mail

SALT = "clinics.invitation"
VALID_FOR = timedelta(days=14)
GONE = gettext_lazy("This invitation has ended: it was accepted, withdrawn, or is too old. Ask for a new one.")


@transaction.atomic
def invite(*, email: str, roles: Collection[Role], clinic: Clinic | None, by: User, now: datetime) -> Invitation:
    """Offer roles to an address, in a clinic or in all clinics (None). An open offer to it is replaced.

    Raises:
        Impossible: no role.
    """
    if not roles:
        raise Impossible({"roles": [_("Choose at least one role.")]})
    email = email.lower()
    Invitation.objects.filter(email__iexact=email, clinic=clinic, accepted_at=None, withdrawn_at=None).update(
        withdrawn_at=now
    )
    invitation = Invitation(
        clinic=clinic,
        email=email,
        roles=sorted(role.value for role in roles),
        nonce=secrets.token_urlsafe(9),
        invited_by=by,
        created_at=now,
        expires_at=now + VALID_FOR,
    )
    try:
        with transaction.atomic():
            invitation.save()
    except IntegrityError as error:
        raise Conflict(_("Somebody has just invited this address; look at the list again.")) from error
    _mail(invitation, now)
    summary = say("%(email)s invited as %(roles)s", email=email, roles=", ".join(invitation.roles))
    note(clinic=clinic, by=by, at=now, subject=subject_of(invitation), summary=summary)
    return invitation


@transaction.atomic
def resend(*, invitation: Invitation, by: User, now: datetime) -> Invitation:
    """Send a new link; the old one ends.

    Raises:
        Conflict: accepted or withdrawn.
    """
    locked = _locked(invitation)
    locked.nonce, locked.expires_at = secrets.token_urlsafe(9), now + VALID_FOR
    locked.save(update_fields=["nonce", "expires_at"])
    _mail(locked, now)
    summary = say("Invitation of %(email)s sent again", email=locked.email)
    note(clinic=locked.clinic, by=by, at=now, subject=subject_of(locked), summary=summary)
    return locked


@transaction.atomic
def withdraw(*, invitation: Invitation, by: User, now: datetime) -> None:
    """
    Raises:
        Conflict: accepted or withdrawn.
    """
    locked = _locked(invitation)
    locked.withdrawn_at = now
    locked.save(update_fields=["withdrawn_at"])
    summary = say("Invitation of %(email)s withdrawn", email=locked.email)
    note(clinic=locked.clinic, by=by, at=now, subject=subject_of(locked), summary=summary)


def _locked(invitation: Invitation) -> Invitation:
    locked = Invitation.objects.select_for_update(of=("self",)).select_related("clinic").get(pk=invitation.pk)
    if locked.accepted_at is not None or locked.withdrawn_at is not None:
        raise Conflict(GONE)
    return locked


def _mail(invitation: Invitation, now: datetime) -> None:
    context = {
        "invitation": invitation,
        "place": place_of(invitation),
        "roles": in_words(invitation.roles),
        "link": link_of(invitation),
        "days": VALID_FOR.days,
    }
    invitation.mail = account_mail.queue(
        to=invitation.email,
        subject=_("Invitation to %(place_of)s on Brim") % {"place_of": place_of(invitation)},
        body=render_to_string("emails/invitation.txt", context),
        now=now,
    )
    invitation.save(update_fields=["mail"])


def place_of(invitation: Invitation) -> str:
    return invitation.clinic.name if invitation.clinic is not None else _("all clinics")


def link_of(invitation: Invitation) -> str:
    token = signing.dumps([invitation.pk, invitation.nonce], salt=SALT)
    return settings.BASE_URL + reverse("invitation", args=[token])


def behind(token: str, *, now: datetime) -> Invitation | None:
    """The open invitation a link belongs to; None if the link is wrong or has ended."""
    try:
        pk, nonce = signing.loads(token, salt=SALT)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    open_ones = Invitation.objects.open(now).select_related("clinic", "invited_by")
    return open_ones.filter(pk=pk, nonce=nonce).first()


def account_of(invitation: Invitation) -> User | None:
    """The account of the invited address, shown only to whoever holds the link sent to it."""
    return User.objects.filter(email__iexact=invitation.email).first()


@transaction.atomic
def accept(*, invitation: Invitation, user: User, now: datetime) -> User:
    """Take the offered roles.

    Raises:
        Conflict: the invitation has ended, or is another account's.
    """
    locked = _locked(invitation)
    if locked.expires_at <= now:
        raise Conflict(GONE)
    if user.email.lower() != locked.email.lower():
        raise Conflict(
            _("This invitation is for %(email)s. Log out, and log in with that address.") % {"email": locked.email}
        )
    for role in locked.roles:
        Membership.objects.get_or_create(user=user, clinic=locked.clinic, role=role)
    # The link was sent to the address, so whoever follows it has it.
    EmailAddress.objects.update_or_create(
        user=user, email=user.email.lower(), defaults={"verified": True, "primary": True}
    )
    locked.accepted_at, locked.accepted_by = now, user
    locked.save(update_fields=["accepted_at", "accepted_by"])
    summary = say("%(user)s accepted the invitation as %(roles)s", user=user, roles=", ".join(locked.roles))
    note(clinic=locked.clinic, by=user, at=now, subject=subject_of(user), summary=summary)
    return user


@transaction.atomic
def accept_as_new(*, invitation: Invitation, name: str, password: str, now: datetime) -> User:
    """Make the account of the invited address, with a password that has been validated, and take the roles.

    An account that never had a password (made by an administrator's command) gets it here.

    Raises:
        Conflict: the invitation has ended, or the account has a password or a role: log in to accept.
    """
    user = account_of(invitation)
    if user is not None and user.has_usable_password():
        raise Conflict(_("There is a password for this address already. Log in with it to accept."))
    if user is not None and user.memberships.exists():
        # The link may have been read by whoever invited; it must not open what the account may do elsewhere.
        raise Conflict(_("This address has roles already. Set its password by the link it was given, then accept."))
    if user is None:
        user = User.objects.create_user(invitation.email, password, name=name)
    else:
        user.name = name
        user.set_password(password)
        user.save(update_fields=["name", "password"])
    return accept(invitation=invitation, user=user, now=now)

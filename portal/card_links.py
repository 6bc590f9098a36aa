"""The link on an emergency card: signed over the card's row and its nonce, good until staff end it or care ends."""

from dataclasses import dataclass

from django.conf import settings
from django.core import signing
from django.urls import reverse

from patients.models import Patient
from portal.models import CardLink

# Short, since each sign more makes the code's squares smaller.
_SIGNER = signing.Signer(salt="portal.card")


@dataclass(frozen=True)
class FollowedCard:
    """A link of ours that somebody followed. One that is not valid still says whose clinic to call."""

    link: CardLink
    is_valid: bool


def token_of(link: CardLink) -> str:
    return _SIGNER.sign(f"{link.pk}.{link.nonce}")


def address_of(link: CardLink) -> str:
    """What the card's code holds."""
    return settings.BASE_URL + reverse("card_page", args=[token_of(link)])


def followed(token: str) -> FollowedCard | None:
    """The card a link was printed on; None if nobody here made it."""
    try:
        pk, _, nonce = _SIGNER.unsign(token).partition(".")
    except signing.BadSignature:
        return None
    link = CardLink.objects.select_related("patient__clinic").filter(pk=pk).first()
    if link is None:
        return None
    is_valid = link.is_on and link.nonce == nonce and link.patient.status == Patient.Status.ACTIVE
    return FollowedCard(link, is_valid)

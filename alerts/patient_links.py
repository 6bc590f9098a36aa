"""The neutral link in a patient's message: signed, expiring, no log-in, nothing in it to read but the message's id."""

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.core import signing
from django.urls import reverse

from alerts.models import Notification

SALT = "alerts.patient-link"
VALID_FOR = timedelta(days=60)


@dataclass(frozen=True)
class Followed:
    """A link of ours that somebody followed. One too old still says whose message it was sent with."""

    row: Notification
    is_too_old: bool


def token_of(row: Notification) -> str:
    return signing.dumps(row.pk, salt=SALT)


def link_of(row: Notification) -> str:
    """The address behind which the patient of a message, or a contact, answers."""
    return settings.BASE_URL + reverse("patient_link", args=[token_of(row)])


def unsubscribe_link(row: Notification) -> str:
    """The address for the `List-Unsubscribe` header: people see a page there, and a mail program's own button ends the
    e-mails by one POST (RFC 8058, `List-Unsubscribe-Post: List-Unsubscribe=One-Click`)."""
    return settings.BASE_URL + reverse("patient_unsubscribe", args=[token_of(row)])


def followed(token: str, *, grace: timedelta = timedelta(0)) -> Followed | None:
    """The message a link was sent with; None if nobody here made the link, or it was for no patient or contact.

    `grace` keeps a link good a little longer, for somebody who is filling in a page as it ends.
    """
    try:
        pk = signing.loads(token, salt=SALT)
    except signing.BadSignature:
        return None
    rows = Notification.objects.select_related(
        "clinic", "patient__clinic", "contact__patient__clinic", "alert__pump", "appointment__pump"
    )
    row = rows.filter(pk=pk).exclude(patient=None, contact=None).first()
    return Followed(row, _is_too_old(token, VALID_FOR + grace)) if row is not None else None


def _is_too_old(token: str, max_age: timedelta) -> bool:
    try:
        signing.loads(token, salt=SALT, max_age=max_age)
    except signing.SignatureExpired:
        return True
    return False

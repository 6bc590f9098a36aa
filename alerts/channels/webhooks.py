"""Webhooks: JSON without names, signed, to an address the clinic has chosen."""

import base64
import hashlib
import hmac
from datetime import datetime, timedelta
from http.client import HTTPException

from django.conf import settings
from django.utils import timezone

from alerts import webhook_messages
from alerts.channels import outside
from alerts.channels.outcome import Lineless, Refused, Sent, Trouble, Unreachable
from alerts.models import Notification, WebhookAddress
from clinical.saying import say

# So long the secret before a renewal signs as well.
BOTH_SIGN = timedelta(days=1)
# A receiver that says this has gone for good (RFC 9110).
GONE = 410


class WebhookLine(Lineless):
    def send(self, row: Notification) -> Sent:
        address = WebhookAddress.objects.standing().filter(pk=id_of(row), clinic=row.clinic_id).first()
        if address is None:
            raise Refused(say("the address is not the clinic's any more"))
        call(address, webhook_messages.body(row), now=timezone.now())
        return Sent()


def id_of(row: Notification) -> int:
    """The id of the address a row is for; 0 of one for every address."""
    number = row.recipient.removeprefix("webhook:")
    return int(number) if number.isascii() and number.isdecimal() else 0


def call(address: WebhookAddress, body: bytes, *, now: datetime) -> None:
    """
    Raises:
        Refused: it says that it has gone, or leads where nothing may be called.
        Trouble: it did not say that it took it.
        Unreachable: it does not answer.
    """
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Brim",
        "Brim-Signature": signature(address, body, now=now),
    }
    try:
        status = outside.post(address.url, body=body, headers=headers)
    except outside.NotAllowed as error:
        raise Refused(str(error)) from None
    except (OSError, HTTPException) as error:
        raise Unreachable(say("the address cannot be reached: %(name)s", name=type(error).__name__)) from None
    if status == GONE:
        raise Refused(say("the address answered %(status)s: it has gone for good", status=status))
    if not 200 <= status < 300:
        raise Trouble(say("the address answered %(status)s", status=status))


def signature(address: WebhookAddress, body: bytes, *, now: datetime) -> str:
    """``t=SECONDS,v1=HEX``: HMAC-SHA256, by the address's secret, of the seconds since 1970, a full stop and the body.

    For a day after a renewal there are two `v1`, of the new and of the old secret; a receiver takes either.
    """
    seconds = str(int(now.timestamp()))
    generations = [address.generation]
    if address.renewed_at is not None and now < address.renewed_at + BOTH_SIGN:
        generations.append(address.generation - 1)
    signed = seconds.encode() + b"." + body
    marks = [hmac.new(secret_of(address, one).encode(), signed, hashlib.sha256).hexdigest() for one in generations]
    return ",".join([f"t={seconds}", *(f"v1={mark}" for mark in marks)])


def secret_of(address: WebhookAddress, generation: int) -> str:
    """Made anew each time, of the service's key: whoever reads the database alone can sign nothing."""
    seed = f"webhook {address.pk} {generation} {address.created_at.timestamp():.6f}"
    made = hmac.new(settings.SECRET_KEY.encode(), seed.encode(), hashlib.sha256).digest()
    return "whsec_" + base64.urlsafe_b64encode(made).decode().rstrip("=")

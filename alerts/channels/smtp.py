"""Django's SMTP backend, quicker for what Brim sends: one plain text to one address, thousands of times."""

from email.message import Message
from functools import lru_cache

from django.core.mail import EmailMessage
from django.core.mail.backends import smtp
from django.core.mail.message import sanitize_address

LONGEST_HEADER = 900


class EmailBackend(smtp.EmailBackend):
    def _send(self, email_message: EmailMessage) -> bool:
        """As Django's, which works out the sender's address and folds each short header anew for each message."""
        recipients = [_envelope(address) for address in email_message.recipients()]
        if not recipients or self.connection is None:
            return False
        self.connection.sendmail(_envelope(email_message.from_email), recipients, on_wire(email_message.message()))
        return True


@lru_cache(maxsize=4096)
def _envelope(address: str) -> str:
    return sanitize_address(address, "utf-8")


def on_wire(message: Message) -> bytes:
    """A message as it is sent. Where every header is short ASCII there is nothing to encode or fold."""
    payload = message.get_payload()
    headers = list(message.items())
    if not isinstance(payload, str) or not payload.isascii() or not all(_is_plain(value) for _, value in headers):
        return bytes(message.as_bytes(linesep="\r\n"))  # type: ignore[call-arg]  # Django's own messages take it
    lines = [f"{name}: {value}" for name, value in headers]
    return "\r\n".join([*lines, "", *payload.splitlines(), ""]).encode("ascii")


def _is_plain(value: object) -> bool:
    return isinstance(value, str) and value.isascii() and value.isprintable() and len(value) < LONGEST_HEADER

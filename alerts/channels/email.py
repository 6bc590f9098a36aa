"""E-mail, by SMTP or through a provider (django-anymail): one connection for all the messages of a batch."""

import hashlib
import hmac
import re
import smtplib
from email.utils import parseaddr
from functools import cache
from types import TracebackType
from typing import Any, Self

from anymail.exceptions import AnymailAPIError, AnymailInvalidAddress, AnymailRecipientsRefused
from django.conf import settings
from django.core.mail import EmailMessage, get_connection

from alerts import messages
from alerts.channels.outcome import Refused, Sent, Trouble, Unreachable
from alerts.models import Notification
from clinical.saying import say

# RFC 3463: the address, its domain or its mailbox does not exist. Other refusals may be of the sender or the text.
BAD_ADDRESS = re.compile(r"\b5\.1\.(1|2|3|6|10)\b")
LONGEST_WORDS = 200
# "Service not available, closing transmission channel" (RFC 5321).
CLOSING = 421


class EmailLine:
    """A connection is opened by the first message and dropped, without a farewell, once anything went wrong on it."""

    def __init__(self) -> None:
        self.backend: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.backend is None:
            return
        try:
            self.backend.close()
        except (OSError, smtplib.SMTPException):
            self._drop()  # everything on it was taken; the server hung up first

    def send(self, row: Notification) -> Sent:
        message = messages.compose(row)
        message.extra_headers["Message-ID"] = message_id(row)
        if settings.EMAIL_PROVIDER:
            # anymail hands it to the provider, which says it again when it tells of a bounce
            message.metadata = {"notification": str(row.pk)}  # type: ignore[attr-defined]
        try:
            self._hand_over(message)
        except (smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError) as error:
            raise _after_refusal(error) from None  # the connection is as good as before
        except (AnymailRecipientsRefused, AnymailInvalidAddress):
            raise Refused(say("the mail provider refuses the address"), is_address_bad=True) from None
        except AnymailAPIError as error:  # some of these are OSErrors too
            raise _after_provider(error) from None
        except (OSError, smtplib.SMTPException) as error:
            self._drop()
            raise Trouble(words_of(error)) from None
        return Sent(_provider_id(message))

    def _hand_over(self, message: EmailMessage) -> None:
        """A server may hang up after so many messages or so long: that is no trouble of the next one."""
        is_fresh = self._open()
        message.connection = self.backend
        try:
            count = message.send()
        except (smtplib.SMTPServerDisconnected, smtplib.SMTPSenderRefused, ConnectionError) as error:
            hung_up = not isinstance(error, smtplib.SMTPSenderRefused) or error.smtp_code == CLOSING
            if is_fresh or not hung_up:
                raise
            self._drop()
            self._open()
            message.connection = self.backend
            count = message.send()
        if not count:
            raise Refused(say("there is no address to write to"))

    def _open(self) -> bool:
        """Whether the connection is a new one."""
        if self.backend is not None:
            return False
        self.backend = get_connection()
        try:
            self.backend.open()
        except (OSError, smtplib.SMTPException) as error:
            self._drop()
            raise Unreachable(words_of(error)) from None
        return True

    def _drop(self) -> None:
        """Close without QUIT, which a stalled server would keep waiting for."""
        connection = getattr(self.backend, "connection", None)
        if isinstance(connection, smtplib.SMTP):
            connection.close()
        self.backend = None


def message_id(row: Notification) -> str:
    """The same on every retry of a row, and of no other row of any installation."""
    mark = hmac.new(settings.SECRET_KEY.encode(), f"notification {row.pk}".encode(), hashlib.sha256).hexdigest()
    return f"<brim.{row.pk}.{mark[:16]}@{_domain(settings.DEFAULT_FROM_EMAIL)}>"


@cache
def _domain(sender: str) -> str:
    return parseaddr(sender)[1].rpartition("@")[2]


def words_of(error: Exception) -> str:
    """What a mail server said. `OSError`s of other libraries may hold an address with a key in it: these are named."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return "; ".join(f"{code} {_text(said)}" for code, said in error.recipients.values())
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {_text(error.smtp_error)}"
    if isinstance(error, smtplib.SMTPException) or type(error).__module__ == "builtins":
        return str(error)[:LONGEST_WORDS] or type(error).__name__
    return type(error).__name__


def _text(said: bytes | str) -> str:
    return (said.decode(errors="replace") if isinstance(said, bytes) else str(said))[:LONGEST_WORDS]


def _after_refusal(error: smtplib.SMTPRecipientsRefused | smtplib.SMTPDataError) -> Exception:
    """For good (5xx) or for now. A refused log-in or sender is the server's fault, not the message's: see `send`."""
    words = words_of(error)
    if isinstance(error, smtplib.SMTPDataError):
        return Refused(words) if error.smtp_code >= 500 else Trouble(words)
    if all(code >= 500 for code, _ in error.recipients.values()):
        return Refused(words, is_address_bad=BAD_ADDRESS.search(words) is not None)
    return Trouble(words)


def _after_provider(error: AnymailAPIError) -> Exception:
    """A provider's answer to one message. Its words may repeat the message, so its status alone is kept."""
    status = getattr(error, "status_code", None)
    if status is None:
        return Unreachable(say("the mail provider cannot be reached"))
    words = say("the mail provider answered %(status)s", status=status)
    # 400 and 422 are of this message; log-in, limits and breakdowns are not.
    return Refused(words) if status in (400, 422) else Trouble(words)


def _provider_id(message: EmailMessage) -> str:
    status = getattr(message, "anymail_status", None)
    found = getattr(status, "message_id", None)
    return str(found)[:255] if isinstance(found, str) else ""

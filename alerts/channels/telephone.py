"""Text messages and calls by a voice, through Twilio and its own client library."""

from abc import ABC, abstractmethod
from typing import Any, Protocol

from django.conf import settings
from django.urls import reverse
from requests import RequestException
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client
from twilio.twiml.voice_response import VoiceResponse

from alerts import short_messages
from alerts.channels.outcome import Lineless, Refused, Sent, Trouble, Unreachable
from alerts.models import Notification
from clinical.saying import say

TIMEOUT_S = 10
TWILIO = "https://api.twilio.com"
# Twilio's error codes that are of the number and not of the account: no such number, cannot be reached, not a mobile,
# not able to receive. Source: Twilio's error and warning dictionary.
BAD_NUMBER = {13223, 13224, 21211, 21214, 21217, 21401, 21612, 21614, 21635}
OPTED_OUT = 21610
# Of an account that may not write or call there, in which case somebody has to allow it at Twilio: the number is right.
NOT_ALLOWED = {21215, 21408}


class Account(Protocol):
    """What SMS_URL and VOICE_URL say."""

    @property
    def account(self) -> str: ...

    @property
    def token(self) -> str: ...

    @property
    def sender(self) -> str: ...


class Http(TwilioHttpClient):
    """Twilio's own client, which speaks to another address where a trial on one machine wants it so."""

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Response:  # type: ignore[override]  # what follows is handed on as it is
        if settings.TWILIO_API_URL:
            url = url.replace(TWILIO, settings.TWILIO_API_URL.rstrip("/"), 1)
        return super().request(method, url, *args, **kwargs)


class TwilioLine(Lineless, ABC):
    def __init__(self) -> None:
        account = self.account()
        http = Http(timeout=TIMEOUT_S)
        self.client = Client(account.account, account.token, http_client=http) if account is not None else None
        self.sender = account.sender if account is not None else ""

    @abstractmethod
    def account(self) -> Account | None:
        """Whose account is used; None where none is set up."""

    @abstractmethod
    def hand_over(self, client: Client, row: Notification, number: str) -> str:
        """Give the message to Twilio; returns what it calls it."""

    def send(self, row: Notification) -> Sent:
        number = short_messages.number_of(row)
        if self.client is None:
            raise Refused(
                say("text messages are not set up here")
                if row.channel == Notification.Channel.SMS
                else say("voice calls are not set up here")
            )
        if not number:
            raise Refused(say("the phone number has no country code such as +1, or is no number"), is_address_bad=True)
        try:
            return Sent(self.hand_over(self.client, row, number))
        except TwilioRestException as error:
            raise _after(error) from None
        except (RequestException, TwilioException) as error:
            # Their words hold the address, and with it the account.
            raise Unreachable(say("Twilio cannot be reached: %(name)s", name=type(error).__name__)) from None


class SmsLine(TwilioLine):
    def account(self) -> Account | None:
        return settings.SMS

    def hand_over(self, client: Client, row: Notification, number: str) -> str:
        message = client.messages.create(
            to=number, from_=self.sender, body=short_messages.text(row), status_callback=callback_of(row)
        )
        return message.sid or ""


class VoiceLine(TwilioLine):
    def account(self) -> Account | None:
        return settings.VOICE

    def hand_over(self, client: Client, row: Notification, number: str) -> str:
        call = client.calls.create(
            to=number, from_=self.sender, twiml=spoken(row), status_callback=callback_of(row), timeout=40
        )
        return call.sid or ""


def spoken(row: Notification) -> str:
    """The text twice, with a pause before each, for whoever is still lifting the receiver to an ear."""
    words, language = short_messages.spoken(row)
    answer = VoiceResponse()
    for _ in range(2):
        answer.pause(length=1)
        answer.say(words, language=language)
    return str(answer)


def callback_of(row: Notification) -> str:
    """Where Twilio says what became of it."""
    return settings.BASE_URL + reverse("twilio_callback", args=[row.pk])


def _after(error: TwilioRestException) -> Exception:
    words = say("Twilio answered %(status)s, code %(code)s", status=error.status, code=error.code)
    if error.code == OPTED_OUT:
        return Refused(say("the number has opted out of text messages"))
    if error.code in BAD_NUMBER:
        return Refused(say("%(words)s: the number cannot be reached so", words=words), is_address_bad=True)
    if error.code in NOT_ALLOWED:
        return Refused(say("%(words)s: the account may not reach numbers of this country", words=words))
    return Trouble(words)

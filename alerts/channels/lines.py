"""Which line a row of the outbox leaves by."""

from contextlib import ExitStack
from types import TracebackType
from typing import Self

from alerts.channels.email import EmailLine
from alerts.channels.outcome import Line, Refused
from alerts.channels.telephone import SmsLine, VoiceLine
from alerts.channels.webhooks import WebhookLine
from alerts.models import Notification
from clinical.saying import say

Channel = Notification.Channel
KINDS: dict[str, type[Line]] = {
    Channel.EMAIL: EmailLine,
    Channel.SMS: SmsLine,
    Channel.VOICE: VoiceLine,
    Channel.WEBHOOK: WebhookLine,
}


def name_of(row: Notification) -> str:
    """Rows of one name share a server. Each webhook is a server of its own."""
    return row.recipient if row.channel == Channel.WEBHOOK else row.channel


class Lines:
    """The lines of some rows: each is opened by the first row that needs it, and closed at the end of the block."""

    def __init__(self) -> None:
        self.stack = ExitStack()
        self.open: dict[str, Line] = {}

    def of(self, row: Notification) -> Line:
        """
        Raises:
            Refused: there is no such channel.
        """
        name = name_of(row)
        if name not in self.open:
            if row.channel not in KINDS:
                raise Refused(say("nothing is sent by %(channel)s", channel=row.channel))
            self.open[name] = self.stack.enter_context(KINDS[row.channel]())
        return self.open[name]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stack.close()

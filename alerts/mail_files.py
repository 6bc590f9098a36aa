"""Mail without a mail server: each message a file under MAIL_DIR, named by its Message-ID (the demo reads them)."""

import re
from collections.abc import Sequence
from pathlib import Path

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend


class EmailBackend(BaseEmailBackend):
    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        for message in email_messages:
            path = path_of(message.extra_headers["Message-ID"])
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(message.message().as_bytes())
        return len(email_messages)


def path_of(message_id: str) -> Path:
    return Path(settings.MAIL_DIR) / (re.sub(r"[^\w.@-]", "", message_id) + ".eml")

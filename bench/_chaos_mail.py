"""Mail that says which process sent it, so that a message that came twice can be laid at somebody's door."""

import os
from collections.abc import Sequence

from django.core.mail import EmailMessage
from django.core.mail.backends.smtp import EmailBackend

from bench._post_office import SENDER


class Backend(EmailBackend):
    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        for message in email_messages:
            message.extra_headers[SENDER] = str(os.getpid())
        return super().send_messages(email_messages) or 0

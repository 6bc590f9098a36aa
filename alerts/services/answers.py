"""What a patient answers by the link in a message."""

from datetime import datetime
from enum import StrEnum

from django.db import transaction

from alerts.models import Alert, AlertStep, Notification
from alerts.services.lifecycle import log


class Answer(StrEnum):
    BOOKED = "booked"
    CALL_ME = "call_me"


WORDS = {Answer.BOOKED: "the patient says a visit is booked", Answer.CALL_ME: "the patient asks to be called"}
CONTACT_WORDS = {Answer.BOOKED: "says a visit is booked", Answer.CALL_ME: "asks to be called"}
ANSWERED = "answered"


@transaction.atomic
def answer(*, row: Notification, choice: Answer, now: datetime) -> None:
    """Keep an answer, of the patient or a contact, in the alert's log, where staff see it.

    It quiets nothing; the same answer twice is one.
    """
    alert = Alert.objects.select_for_update().get(pk=row.alert_id)
    detail = WORDS[choice] if row.contact is None else f"{row.contact}: {CONTACT_WORDS[choice]}"
    last = AlertStep.objects.filter(alert=alert, what=ANSWERED).last()
    if last is None or last.detail != detail:
        log([alert], ANSWERED, now, detail=detail)

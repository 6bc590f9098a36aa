"""What a patient or contact answers to a reminder that asks for nothing more to be done."""

from datetime import datetime

from django.db import transaction

from alerts.models import Alert, AlertStep
from alerts.services.lifecycle import log
from clinical.saying import say
from portal.visitor import Visitor

ANSWERED = "answered"


@transaction.atomic
def say_booked(*, visitor: Visitor, now: datetime) -> None:
    """They say that a visit is booked: kept in the log of the alert they were told of, where staff see it.

    It quiets nothing, since only a time in the calendar does; the same answer twice is one.
    """
    if visitor.row.alert_id is None:
        return
    alert = Alert.objects.select_for_update().get(pk=visitor.row.alert_id)
    detail = (
        say("the patient says a visit is booked")
        if visitor.contact is None
        else say("%(contact)s: a visit is booked", contact=visitor.contact)
    )
    last = AlertStep.objects.filter(alert=alert, what=ANSWERED).last()
    if last is None or last.detail != detail:
        log([alert], ANSWERED, now, detail=detail)
